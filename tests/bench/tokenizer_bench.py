#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs our tokenizer and the Hugging Face tokenizers library side by side, each on one core, compares
every id and prints the medians, in seconds of processor time.

    tokenizer_bench.py BENCH_PROGRAM TOKENIZER_JSON CORPUS [REPEAT]

Exit status 0 equal, 1 different, 77 when the library is not there (pip install tokenizers==0.23.3).
"""
import array
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"


def read_ids(path):
    values = array.array("i")
    values.frombytes(pathlib.Path(path).read_bytes())
    at = 0
    while at < len(values):
        count = values[at]
        yield values[at + 1:at + 1 + count]
        at += 1 + count


def first_difference(ours, theirs):
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if a != b:
            return i
    return min(len(ours), len(theirs))


def main():
    try:
        import tokenizers
    except ImportError:
        print("the Python package tokenizers is not installed", file=sys.stderr)
        return 77
    bench, model, corpus = sys.argv[1:4]
    repeat = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    with tempfile.TemporaryDirectory() as folder:
        ids_path = os.path.join(folder, "ids")
        ours = json.loads(subprocess.run([bench, model, corpus, "--repeat", str(repeat), "--ids",
                                          ids_path], check=True, capture_output=True, text=True).stdout)
        start = time.process_time()
        reference = tokenizers.Tokenizer.from_file(model)
        load = time.process_time() - start
        documents = [d.decode() for d in pathlib.Path(corpus).read_bytes().split(b"\xff")]
        seconds = []
        for _ in range(repeat):
            start = time.process_time()
            encodings = reference.encode_batch_fast(documents, add_special_tokens=False)
            seconds.append(time.process_time() - start)
        different = 0
        for i, (mine, theirs) in enumerate(zip(read_ids(ids_path), encodings)):
            if list(mine) != theirs.ids:
                different += 1
                at = first_difference(mine, theirs.ids)
                text = reference.decode(theirs.ids[max(0, at - 3):at + 5], skip_special_tokens=False)
                print(f"document {i} differs at token {at}, near {text!r}")
    theirs = statistics.median(seconds)
    print(json.dumps({"ours": ours, "tokenizers": {
        "version": tokenizers.__version__, "load_seconds": load, "encode_seconds": theirs,
        "encode_mb_per_s": ours["bytes"] / 1e6 / theirs}, "documents_that_differ": different,
        "times_faster": theirs / ours["encode_seconds"]}, indent=1))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
