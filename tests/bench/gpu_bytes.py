#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes that the kernels of a decoded token read from GPU memory, by the card's own counters, beside
what engine/forecast counts.

usage: gpu_bytes.py build/bin/dossier-engine [--layers 4]

Needs ncu (Nsight Compute) and a GPU. The first layers of DeepSeek-V4-Flash with everything in GPU
memory, kernels one by one; the counters of all kernels of the timed steps are added up.
"""
import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile

METRIC = "dram__bytes_read.sum"
UNITS = {"byte": 1, "Kbyte": 1e3, "Mbyte": 1e6, "Gbyte": 1e9}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine")
    parser.add_argument("--layers", type=int, default=4)
    arguments = parser.parse_args()
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as out:
        run = subprocess.run(
            ["ncu", "--csv", "--metrics", METRIC, "--profile-from-start", "off", "--clock-control", "none",
             "--cache-control", "none",
             arguments.engine, "bench", "--part", "bytes", "--layers", str(arguments.layers), "--out", out.name],
            capture_output=True, text=True)
        figures = [json.loads(line) for line in out]
    counted = [f for f in figures if f.get("what") == "bytes of a step, counted"]
    table = run.stdout[run.stdout.find('"ID"'):]
    moved = 0.0
    launches = 0
    for row in csv.DictReader(io.StringIO(table)):
        if row.get("Metric Name") == METRIC:
            moved += float(row["Metric Value"].replace(",", "")) * UNITS[row["Metric Unit"]]
            launches += 1
    if not counted or not launches:
        sys.exit("nothing was measured:\n" + run.stdout[-2000:] + run.stderr[-2000:])
    expected = sum(f["megabytes"] * f["steps"] for f in counted) * 1e6
    steps = sum(f["steps"] for f in counted)
    print(json.dumps({"layers": arguments.layers, "steps": steps, "kernels": launches,
                      "counted_mb_a_step": round(expected / steps / 1e6, 2),
                      "read_mb_a_step": round(moved / steps / 1e6, 2), "ratio": round(moved / expected, 4)}))


if __name__ == "__main__":
    main()
