#!/usr/bin/env bash
# What an actor learns from corrections: base tries the tasks to learn from that come with Kaizen, with one action
# each, so that all that take more fail and give their corrections; an adapter is trained on those; base and
# adapter carry out the tasks of the test, of kinds that are in no correction; and the gate's guards say whether
# anything else was lost.
#
#     benches/acting.sh HOME [KAIZEN]
#
# What it prints is in docs/benchmarks.md; the results are left in HOME/acting/.
set -euo pipefail
home=$1 kaizen=${2:-target/release/kaizen}
out=$home/acting
mkdir -p "$out"
run() { "$kaizen" --home "$home" "$@"; }
run tasks run learn --adapter base --max-steps 1 --corrections "$out/corrections.jsonl" --json >/dev/null
run train --from "$out/corrections.jsonl" --replay 0 --max-seq 1024 --accumulate 1 --epochs 2 --lr 4e-4
run tasks run test --adapter base --corrections "$out/unseen.jsonl" --json >"$out/test-base.json"
run tasks run test --adapter lora-v1 --json >"$out/test-adapter.json"
run compare base lora-v1 --set "$out/unseen.jsonl" --no-split --json >"$out/compare.json" || true
python3 - "$out" <<'PY'
import json, sys
out = sys.argv[1]
load = lambda name: json.load(open(f"{out}/{name}.json"))
for arm in ("base", "adapter"):
    found = load(f"test-{arm}")
    done = sum(task["success"] for task in found["tasks"])
    print(arm, f"{done} of {len(found['tasks'])}", "95 %:", *(f"{x:.3f}" for x in found["ci95"]))
    for area in found["areas"]:
        print("   ", area["area"], f"{area['success_rate'] * area['n']:.0f} of {area['n']}")
compared = load("compare")
print("gate:", compared["verdict"], "-", compared["reason"])
for guard in compared["sentinels"]:
    print("   ", guard)
PY
