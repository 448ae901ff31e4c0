# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs clang-tidy (the .clang-tidy of the tree) over the program's .cpp files, those changed last first, until --minutes
are over (tests are left out: they look at moved-from objects on purpose, and cost most of the time). A file that passed is remembered with everything that can change the verdict, so that the next run goes on with
the others. Says how many files were not reached."""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import tree

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "dossier" / "clang-tidy"
# gcc's flags that clang does not know, and what would only cost time.
DROP = re.compile(r"^-(fno-canonical-system-headers|fpch-preprocess|mno-direct-extern-access|Winvalid-pch)$")


def last_changed(root: Path) -> dict[str, int]:
    """Commit time per path, newest only; empty without git."""
    log = subprocess.run(["git", "-c", f"safe.directory={root}", "log", "--format=@%ct", "--name-only", "-n", "400"],
                         cwd=root, capture_output=True, text=True)
    times: dict[str, int] = {}
    now = 0
    for line in log.stdout.splitlines():
        if line.startswith("@"):
            now = int(line[1:])
        elif line:
            times.setdefault(line, now)
    return times


def own_includes(root: Path, path: str, seen: set[str]) -> None:
    if path in seen or not (root / path).is_file():
        return
    seen.add(path)
    for own in re.findall(r'^\s*#\s*include\s*"([^"]+)"', tree.read(root, path), re.M):
        own_includes(root, own, seen)


def verdict_key(root: Path, path: str, command: str) -> str:
    """A hash of the file, all own headers it reaches, the checks, and the compiler's command."""
    seen: set[str] = set()
    own_includes(root, path, seen)
    digest = hashlib.sha256()
    for name in sorted(seen) + [".clang-tidy"]:
        digest.update(name.encode() + b"\0" + (root / name).read_bytes())
    digest.update(command.replace(str(root), "").encode())
    return digest.hexdigest()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--build", default=str(tree.ROOT / "build"), help="folder with compile_commands.json")
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    options.add_argument("paths", nargs="*", help="only these files")
    chosen = options.parse_args()

    entries = json.loads((Path(chosen.build) / "compile_commands.json").read_text())
    commands = {}
    for entry in entries:
        path = os.path.relpath(entry["file"], tree.ROOT)
        # The vector kernels hold gcc's inline assembly, which clang reads differently.
        if path.endswith(".cpp") and path.startswith(("engine/", "ingest/", "app/", "ui/")) and "_avx" not in path:
            commands[path] = entry.get("command") or " ".join(entry["arguments"])
    if chosen.paths:
        commands = {path: command for path, command in commands.items() if path in chosen.paths}
    times = last_changed(tree.ROOT)
    order = sorted(commands, key=lambda path: (-times.get(path, 2**62), path))

    CACHE.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + chosen.minutes * 60
    passed, known, unreached, problems = 0, 0, 0, []

    def run(path: str) -> tuple[str, str]:
        key = CACHE / verdict_key(tree.ROOT, path, commands[path])
        if key.exists():
            return "known", ""
        if time.monotonic() > deadline:
            return "unreached", ""
        # A precompiled header of gcc means nothing to clang: its text is included instead.
        result = subprocess.run(["nice", "clang-tidy", "--quiet", "-p", chosen.build,
                                 "--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-ignored-optimization-argument",
                                 "--extra-arg=-Wno-unused-command-line-argument", "--extra-arg=-Wno-error", path],
                                cwd=tree.ROOT, capture_output=True, text=True)
        if result.returncode == 0:
            key.touch()
            return "passed", ""
        return "problem", result.stdout + result.stderr

    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        for path, (outcome, text) in zip(order, pool.map(run, order)):
            passed += outcome == "passed"
            known += outcome == "known"
            unreached += outcome == "unreached"
            if outcome == "problem":
                problems.append(f"{path}:\n{text.strip()}")
    print(f"clang-tidy: {passed} files checked now, {known} known to pass from an earlier run, {unreached} not reached in "
          f"{chosen.minutes:g} minutes, {len(problems)} with problems")
    tree.finish("clang-tidy", problems)


if __name__ == "__main__":
    main()
