#!/usr/bin/env bash
# Whether a fast stream slows the keys: the tests' small random model, with its context made longer and its ends of
# a turn taken away, writes thousands of tokens a second while keys are typed as in `kaizen bench --dashboard`.
#
#     benches/streaming.sh [KAIZEN]
#
# What it prints is in docs/benchmarks.md.
set -euo pipefail
kaizen=${1:-target/release/kaizen}
home=$(mktemp -d)
trap 'rm -r "$home"' EXIT
python3 - tests/tiny_models/llama "$home/model.gguf" <<'PY'
import json, struct, sys
source, target = sys.argv[1:]
model = open(f"{source}/model.gguf", "rb").read()
# In the file a number follows its name and four bytes for its type.
context = b"llama.context_length" + struct.pack("<I", 4)
assert model.count(context) == 1
at = model.index(context) + len(context)
model = model[:at] + struct.pack("<I", 131072) + model[at + 4 :]
# What the head has for the special tokens, the last eight: zeros are never the most likely.
weights = open(f"{source}/model.safetensors", "rb").read()
size = struct.unpack_from("<Q", weights)[0]
head = json.loads(weights[8 : 8 + size])["lm_head.weight"]
rows, columns = head["shape"]
begin = 8 + size + head["data_offsets"][0]
special = weights[begin + (rows - 8) * columns * 4 : begin + rows * columns * 4]
assert model.count(special) == 1
open(target, "wb").write(model.replace(special, bytes(len(special))))
PY
# Greedy, and more than comes while the keys are typed.
printf 'kaizen = 1\n[generate]\nmax_tokens = 120000\ntemperature = 0.0\n' >"$home/config.toml"
"$kaizen" --home "$home" --model "$home/model.gguf" bench --dashboard
