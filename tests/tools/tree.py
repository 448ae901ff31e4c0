# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the source tree, for the checks beside this file. Python 3.11, no packages."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CXX = {".h", ".cpp", ".cu", ".cuh"}
SCRIPTS = {".py", ".sh", ".cmake"}


def files(root: Path) -> list[str]:
    """Paths relative to `root` of all tracked files and of new ones that are not ignored; where there is no git
    repository (an unpacked archive) all files outside build folders and hidden folders."""
    if (root / ".git").exists():
        listing = subprocess.run(
            ["git", "-c", f"safe.directory={root}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root, capture_output=True, text=True)
        if listing.returncode == 0:
            found = sorted(set(listing.stdout.split("\0")) - {""})
            return [path for path in found if (root / path).is_file()]
    found = []
    for path in root.rglob("*"):
        relative = path.relative_to(root)
        top = relative.parts[0]
        if path.is_file() and not top.startswith("build") and (not top.startswith(".") or top == ".ci"):
            found.append(str(relative))
    return sorted(found)


def is_cxx(path: str) -> bool:
    """Our own C++ and CUDA, not the code of the sample dossier, which is data."""
    return Path(path).suffix in CXX and not path.startswith("resources/")


def read(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8", errors="replace")


def finish(name: str, problems: list[str]) -> None:
    """Prints the problems and ends the program with 1 if there are any."""
    for problem in problems:
        print(problem)
    print(f"{name}: {len(problems)} problem(s)" if problems else f"{name}: nothing wrong")
    sys.exit(1 if problems else 0)
