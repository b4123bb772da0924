#!/usr/bin/env bash
# Do corrections of one kind teach that kind? Asks the base model the first 40 tasks of a set (JSONL with
# prompt and answer), rates each answer with one star and corrects it with the set's answer, trains on
# these failed sessions, and compares base and adapter on the last 100 tasks of the set, which nobody has
# seen.
#
#     benches/own_work.sh SET.jsonl HOME [KAIZEN]
set -euo pipefail
set=$1 home=$2 kaizen=${3:-target/release/kaizen}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]], end="")' "$1"; }
head -n 40 "$set" | while read -r line; do
    session=$(field prompt <<<"$line" | "$kaizen" --home "$home" --json run - --greedy --max-tokens 64 | field session)
    field answer <<<"$line" >"$work/answer"
    "$kaizen" --home "$home" rate "$session" 1 --answer "$work/answer"
done
"$kaizen" --home "$home" train --from failed
tail -n 100 "$set" >"$work/unseen.jsonl"
"$kaizen" --home "$home" compare base lora-v1 --set "$work/unseen.jsonl" --no-split
"$kaizen" --home "$home" --json adapters show lora-v1 | python3 -c '
import json, sys
print("right answers:", json.load(sys.stdin)["metadata"]["evaluation"]["accuracy"])'
python3 -c '
import json, sys
for line in map(json.loads, sys.stdin):
    turns = [{"role": "user", "content": line["prompt"]}, {"role": "assistant", "content": line["answer"]}]
    print(json.dumps({"id": line["id"], "messages": turns}))' <"$work/unseen.jsonl" >"$work/unseen-turns.jsonl"
for arm in base lora-v1; do
    "$kaizen" --home "$home" --adapter "$arm" --json score "$work/unseen-turns.jsonl" | python3 -c '
import json, math, sys
rows = [json.loads(line) for line in sys.stdin]
tokens = sum(row["scored"] for row in rows)
nats = sum(row["nll"] * row["scored"] for row in rows)
print(sys.argv[1], "pooled over", tokens, "tokens:", math.exp(nats / tokens))' "$arm"
done
