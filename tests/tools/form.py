# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the form of the tree: SPDX lines with the right licence, file sizes, words that do not belong in a product,
the size of what is tracked. With --report it prints the figures of each folder instead of judging."""

import re
import statistics
import sys
from pathlib import Path

import tree

APACHE = ("engine/", "tests/engine/")
MAX_LINES = 800
MEDIAN_LINES, P90_LINES = 150, 500  # of C++ and CUDA files outside tests
MAX_COLUMNS = 100
MAX_TREE_BYTES = 12 * 2**20  # without resources/model, which a working copy may leave out

# Words are built from pieces here, so that this file does not find itself.
FORBIDDEN = [
    (re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b"), "unfinished work"),
    (re.compile(r"/wo" + r"rk/|/ro" + r"ot/|/home/(?!user\b|a\b|me\b|x\b|you\b|person\b)\w+"), "a path of one machine"),
    (re.compile(r"--(extra-)?index-u" + r"rl|pythonhos" + r"ted|py" + r"pi\.org|registry\.np" + r"mjs"), "the address of a package registry"),
    (re.compile(r"^(<{7} |>{7} |={7}$)", re.M), "an unresolved merge"),
    (re.compile(r"[ \t]+$", re.M), "blanks at the end of a line"),
]
CODE = tree.CXX | tree.SCRIPTS | {".md", ".txt", ".qss", ".in"}
# Text that is not ours to change: licences, documents that are read as data, golden data.
FOREIGN = re.compile(r"^LICENSES/|^LICENSE|^resources/(sample|model|licenses|fonts)/|/(data|golden|fixtures?|corpus)/|\.LICENSE$|LICENSE\.")
COMMENT = re.compile(r"^\s*(//|/\*|\*|#(?!include|pragma|if|else|endif|define|undef|error))")


def needs_spdx(path: str) -> bool:
    name = Path(path).name
    return not FOREIGN.search(path) and (Path(path).suffix in tree.CXX | tree.SCRIPTS or name == "CMakeLists.txt" or path == ".ci/run")


def licence_problem(path: str, text: str) -> str | None:
    wanted = "Apache-2.0" if path.startswith(APACHE) else "GPL-3.0-or-later"
    lines = text.split("\n", 2)
    line = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    if not re.fullmatch(rf"(//|#) SPDX-License-Identifier: {re.escape(wanted)}", line):
        return f"the first line must be: SPDX-License-Identifier: {wanted}"
    return None


def percentile(values: list[int], share: float) -> int:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


def line_counts(root: Path, paths: list[str]) -> dict[str, int]:
    return {path: tree.read(root, path).count("\n") for path in paths}


def check_sizes(root: Path, paths: list[str]) -> list[str]:
    counts = line_counts(root, [path for path in paths if Path(path).suffix in tree.CXX | tree.SCRIPTS and not FOREIGN.search(path)])
    problems = [f"{path}: {count} lines, the limit is {MAX_LINES}: split it" for path, count in counts.items() if count > MAX_LINES]
    program = [count for path, count in counts.items() if tree.is_cxx(path) and not path.startswith("tests/")]
    if program:
        if statistics.median(program) > MEDIAN_LINES:
            problems.append(f"the median C++ file has {statistics.median(program):.0f} lines, the goal is {MEDIAN_LINES}")
        if percentile(program, 0.9) > P90_LINES:
            problems.append(f"one C++ file in ten has over {percentile(program, 0.9)} lines, the goal is {P90_LINES}")
    return problems


def check_tree_size(root: Path, paths: list[str], limit: int = MAX_TREE_BYTES) -> list[str]:
    sizes = {path: (root / path).stat().st_size for path in paths if not path.startswith("resources/model/")}
    total = sum(sizes.values())
    if total <= limit:
        return []
    largest = sorted(sizes, key=sizes.get, reverse=True)[:10]
    return [f"tracked files take {total / 2**20:.1f} MiB, the limit without resources/model is {limit / 2**20:.0f} MiB; the largest:"] + [
        f"  {sizes[path] / 2**10:.0f} KiB {path}" for path in largest]


def check_words(path: str, text: str) -> list[str]:
    problems = []
    for pattern, meaning in FORBIDDEN:
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            problems.append(f"{path}:{line}: {meaning}: {match.group(0).strip() or 'blanks'}")
    if text and not text.endswith("\n"):
        problems.append(f"{path}: no newline at the end")
    if "\r" in text:
        problems.append(f"{path}: carriage returns")
    return problems


def check(root: Path) -> list[str]:
    paths = tree.files(root)
    problems = check_sizes(root, paths) + check_tree_size(root, paths)
    for path in paths:
        if FOREIGN.search(path):
            continue
        if needs_spdx(path):
            why = licence_problem(path, tree.read(root, path))
            if why:
                problems.append(f"{path}:1: {why}")
        if Path(path).suffix in CODE or needs_spdx(path):
            problems += check_words(path, tree.read(root, path))
    return problems


def longest_functions(text: str) -> list[tuple[int, int]]:
    """(lines, first line) of blocks that look like function bodies: those that begin in a line ending with ") {" or
    similar at the outermost level or inside a namespace or class. An estimate for the report, not a judgement."""
    found, stack = [], []
    for number, line in enumerate(text.split("\n"), 1):
        code = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])\'|//.*', "", line)
        for char in code:
            if char == "{":
                opens_function = bool(re.search(r"\)\s*(const|noexcept|override|final|mutable|\s|->[\w:<>&* ]+)*\{", code))
                stack.append((number, opens_function and not any(inside for _, inside in stack)))
            elif char == "}" and stack:
                start, is_function = stack.pop()
                if is_function:
                    found.append((number - start + 1, start))
    return found


def report(root: Path) -> None:
    paths = [path for path in tree.files(root) if tree.is_cxx(path)]
    print(f"{'folder':<10} {'files':>5} {'lines':>6} {'median':>6} {'p90':>5} {'max':>5} {'comment %':>9} {'over 100 columns':>16}")
    long_functions = []
    for folder in ("engine", "ingest", "app", "ui", "tests", "all but tests"):
        chosen = [p for p in paths if (not p.startswith("tests/") if folder.startswith("all") else p.startswith(folder + "/"))]
        counts, comments, code, wide = [], 0, 0, 0
        for path in chosen:
            text = tree.read(root, path)
            lines = text.split("\n")
            counts.append(len(lines) - 1)
            wide += sum(len(line) > MAX_COLUMNS for line in lines)
            for line in lines:
                if line.strip():
                    is_comment = bool(COMMENT.match(line)) or "///<" in line
                    comments += is_comment
                    code += not is_comment
            if folder not in ("tests", "all but tests"):
                long_functions += [(size, f"{path}:{start}") for size, start in longest_functions(text) if size > 60]
        if counts:
            print(f"{folder:<10} {len(counts):>5} {sum(counts):>6} {statistics.median(counts):>6.0f} {percentile(counts, 0.9):>5}"
                  f" {max(counts):>5} {100 * comments / max(1, comments + code):>9.1f} {wide:>16}"[:120])
    for size, place in sorted(long_functions, reverse=True)[:15]:
        print(f"function of {size} lines: {place}")
    sizes = sum((root / path).stat().st_size for path in tree.files(root) if not path.startswith("resources/model/"))
    print(f"tracked without resources/model: {sizes / 2**20:.2f} MiB")


if __name__ == "__main__":
    if "--report" in sys.argv:
        report(tree.ROOT)
    else:
        tree.finish("form", check(Path(sys.argv[1]) if len(sys.argv) > 1 else tree.ROOT))
