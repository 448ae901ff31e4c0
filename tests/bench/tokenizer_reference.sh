#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tokenizer_reference.sh BENCH_PROGRAM FOLDER: makes a private Python environment with the Hugging
# Face tokenizers library and a 50 MB corpus in FOLDER, then compares every id with ours, for the
# embedded model's tokenizer and, where it is there, the full-size one.
set -euo pipefail
bench=$1 folder=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$folder"
if [ ! -x "$folder/venv/bin/python" ] || ! "$folder/venv/bin/python" -c 'import tokenizers' 2>/dev/null; then
  if ! { python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" -q install tokenizers==0.23.3; }; then
    echo "skipped: no Python environment with the tokenizers library (needs python3-venv and network)"
    exit 77
  fi
fi
[ -s "$folder/corpus" ] || "$folder/venv/bin/python" "$here/tokenizer_corpus.py" "$folder/corpus" 50
compared=0
for model in "$root/resources/model/tokenizer.json" "$root/../shared/embedded-model/checkpoint/tokenizer.json"; do
  if [ -f "$model" ]; then
    echo "embedded model:"
    "$folder/venv/bin/python" "$here/tokenizer_bench.py" "$bench" "$model" "$folder/corpus" 3
    compared=1
    break
  fi
done
packed="$root/../shared/tokenizer/tokenizer.json.xz"
if [ -f "$packed" ]; then
  echo "full-size model:"
  xz -dkc "$packed" > "$folder/tokenizer.json"
  "$folder/venv/bin/python" "$here/tokenizer_bench.py" "$bench" "$folder/tokenizer.json" "$folder/corpus" 3
  compared=1
fi
[ $compared = 1 ] || { echo "skipped: no tokenizer.json"; exit 77; }
