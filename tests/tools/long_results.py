# SPDX-License-Identifier: GPL-3.0-or-later
"""long_results.py JUNIT.xml OUTPUT.md: the outcome of the long tests as a page of docs/."""

import platform
import re
import subprocess
import sys
import xml.etree.ElementTree as xml
from datetime import date
from pathlib import Path

import tree


def processor() -> str:
    text = Path("/proc/cpuinfo").read_text()
    name = re.search(r"model name\s*: (.*)", text)
    return f"{name.group(1) if name else platform.machine()}, {text.count('processor')} threads"


def main() -> None:
    suite = xml.parse(sys.argv[1]).getroot()
    commit = subprocess.run(["git", "-c", f"safe.directory={tree.ROOT}", "rev-parse", "--short", "HEAD"],
                            cwd=tree.ROOT, capture_output=True, text=True).stdout.strip()
    lines = ["# Long tests", "",
             f"Written by `installer/test.sh --long` on {date.today()}, commit {commit or 'unknown'}, {processor()}.", "",
             "| test | outcome | seconds |", "|---|---|---|"]
    cases = suite.findall("testcase")
    for case in sorted(cases, key=lambda case: case.get("name")):
        outcome = {"run": "passed", "fail": "FAILED", "notrun": "not run", "disabled": "off"}.get(case.get("status"), case.get("status"))
        output = case.findtext("system-out") or ""
        skipped = re.findall(r"^(?:.*: )?Skipped\n?\s*(.*)$", output, re.M) if "[  SKIPPED ]" in output else []
        if skipped:
            outcome += f", {len(skipped)} part(s) skipped"
        lines.append(f"| {case.get('name')} | {outcome} | {float(case.get('time') or 0):.1f} |")
    lines += ["", "Tests that measure something write their own pages beside this one.", ""]
    Path(sys.argv[2]).write_text("\n".join(lines))
    sys.exit(0 if cases else 1)


if __name__ == "__main__":
    main()
