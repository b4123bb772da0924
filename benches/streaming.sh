#!/usr/bin/env bash
# Whether a fast stream slows the keys: the tests' small random model, with its context made longer, writes
# about a thousand tokens a second while keys are typed as in `kaizen bench --dashboard`.
#
#     benches/streaming.sh [KAIZEN]
#
# What it prints is in docs/benchmarks.md.
set -euo pipefail
kaizen=${1:-target/release/kaizen}
home=$(mktemp -d)
trap 'rm -r "$home"' EXIT
cp tests/tiny_models/qwen3/model.gguf "$home/model.gguf"
# In the file a number follows its name and four bytes for its type: 16,384 in the place of 256.
key=qwen3.context_length
place=$(grep -abo "$key" "$home/model.gguf" | head -n 1 | cut -d : -f 1)
printf '\x00\x40\x00\x00' |
    dd of="$home/model.gguf" bs=1 seek=$((place + ${#key} + 4)) conv=notrunc status=none
# Greedy: it goes round in circles and never ends its turn.
printf 'kaizen = 1\n[generate]\nmax_tokens = 15000\ntemperature = 0.0\n' >"$home/config.toml"
"$kaizen" --home "$home" --model "$home/model.gguf" bench --dashboard
