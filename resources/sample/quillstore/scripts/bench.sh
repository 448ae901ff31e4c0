#!/bin/sh
# Writes 10,000 small records one by one and prints how long it took. Usage: scripts/bench.sh build/quill
set -eu
quill=$1
store=$(mktemp -d)
trap 'rm -rf "$store"' EXIT
start=$(date +%s)
i=0
while [ "$i" -lt 10000 ]; do
    "$quill" put "$store" "key:$i" "value $i"
    i=$((i + 1))
done
echo "10000 puts, one process each: $(($(date +%s) - start)) s"
