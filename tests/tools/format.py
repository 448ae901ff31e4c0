# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks (or with --fix makes) the layout of all C++ and CUDA files with clang-format and the .clang-format of the tree."""

import re
import subprocess
import sys

import tree


def main() -> None:
    paths = [path for path in tree.files(tree.ROOT) if tree.is_cxx(path)]
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True).stdout.strip()
    if "version 14." not in version:
        print(f"clang-format 14 is wanted (Debian 12's); this is: {version or 'none'}")
        sys.exit(1)
    if "--fix" in sys.argv:
        subprocess.run(["clang-format", "-i", *paths], cwd=tree.ROOT, check=True)
        return
    result = subprocess.run(["clang-format", "--dry-run", *paths], cwd=tree.ROOT, capture_output=True, text=True)
    places = re.findall(r"^(.+?:\d+):\d+: warning:", result.stderr, re.M)
    by_file: dict[str, list[str]] = {}
    for place in places:
        path, line = place.rsplit(":", 1)
        by_file.setdefault(path, []).append(line)
    problems = [f"{path}: line {', '.join(dict.fromkeys(lines[:8]))}{' ...' if len(lines) > 8 else ''}" for path, lines in by_file.items()]
    if result.returncode != 0:
        problems.append(result.stderr.strip())
    if problems:
        print("to put it right: python3 tests/tools/format.py --fix")
    tree.finish(f"clang-format of {len(paths)} files", problems)


if __name__ == "__main__":
    main()
