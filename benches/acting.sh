#!/usr/bin/env bash
# What an actor learns from corrections: base carries out the learn half of the tasks that come with Kaizen; an
# adapter is trained on the corrections of those that failed; base and adapter carry out the test half, whose
# kinds of task nobody has seen; and the gate's guards say whether anything else was lost.
#
#     benches/acting.sh HOME [KAIZEN]
#
# What it prints is in docs/benchmarks.md; the results are left in HOME/acting/.
set -euo pipefail
home=$1 kaizen=${2:-target/release/kaizen}
out=$home/acting
mkdir -p "$out"
run() { "$kaizen" --home "$home" "$@"; }
run tasks run learn --adapter base --corrections "$out/corrections.jsonl" --json >"$out/learn-base.json"
run train --from "$out/corrections.jsonl" --replay 0 --max-seq 1024
run tasks run learn --adapter lora-v1 --json >"$out/learn-adapter.json"
run tasks run test --adapter base --corrections "$out/unseen.jsonl" --json >"$out/test-base.json"
run tasks run test --adapter lora-v1 --json >"$out/test-adapter.json"
run compare base lora-v1 --set "$out/unseen.jsonl" --no-split --json >"$out/compare.json" || true
python3 - "$out" <<'PY'
import json, sys
out = sys.argv[1]
load = lambda name: json.load(open(f"{out}/{name}.json"))
for half in ("learn", "test"):
    for arm in ("base", "adapter"):
        found = load(f"{half}-{arm}")
        done = sum(task["success"] for task in found["tasks"])
        print(half, arm, f"{done} of {len(found['tasks'])}", "95 %:", *(f"{x:.3f}" for x in found["ci95"]))
        for area in found["areas"]:
            print("   ", area["area"], f"{area['success_rate'] * area['n']:.0f} of {area['n']}")
compared = load("compare")
print("gate:", compared["verdict"], "-", compared["reason"])
for guard in compared["sentinels"]:
    print("   ", guard)
PY
