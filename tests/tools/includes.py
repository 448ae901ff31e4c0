# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the arrows of docs/architecture.md from the #include lines: ui -> app -> engine's and ingest's public
headers; engine and ingest know nobody but engine/base; Qt and third-party headers only where they belong."""

import re
import sys
from pathlib import Path

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.M)

ENGINE_PUBLIC = re.compile(r"engine/(engine\.h|base/[^/]+\.h|tokenizer/[^/]+\.h|client/[^/]+\.h|forecast/[^/]+\.h)$")
INGEST_PUBLIC = re.compile(r"ingest/(ingest\.h|document/[^/]+\.h)$")
PUBLIC_HEADER = re.compile(rf"(?:{ENGINE_PUBLIC.pattern})|(?:{INGEST_PUBLIC.pattern})")

# What a header may name in <>: the language, the C library, POSIX. Anything else is a third party.
STANDARD = set("""
algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes climits clocale
cmath codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib
cstring ctime cuchar cwchar cwctype deque exception execution filesystem forward_list fstream functional future
initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory memory_resource mutex new
numbers numeric optional ostream queue random ranges ratio regex scoped_allocator semaphore set shared_mutex
source_location span sstream stack stdexcept stop_token streambuf string string_view strstream syncstream system_error
thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector version
""".split())
POSIX = re.compile(r"^(sys|linux|netinet|arpa|asm)/[\w/]+\.h$|^(unistd|fcntl|poll|pthread|sched|signal|dlfcn|errno|time|"
                   r"dirent|pwd|grp|spawn|termios|limits|stdint|stddef|stdio|stdlib|string|math|malloc|features|seccomp)\.h$")
INTRINSICS = re.compile(r"^([a-z]+intrin|cpuid)\.h$")
CUDA = re.compile(r"^(cuda[\w]*|cublas\w*|mma|nv/\w+|cub/.*|cooperative_groups.*|device_types|vector_types)(\.h|\.hpp|\.cuh)?$")
QT = re.compile(r"^(Qt?[A-Z]\w*|q[a-z]+\.h|poppler-qt6\.h)(/|$)|^Q[A-Z]\w*$")
# Headers that only declare names, made for use in other headers.
FORWARD_ONLY = {"nlohmann/json_fwd.hpp"}
# The public header whose subject is the library's own type.
JSON_TEXT = "engine/base/json_text.h"
# Not a file of the tree: made by the build.
GENERATED = re.compile(r"^(moc_\w+\.cpp|\w+\.moc|ui_\w+\.h|build_info\.h|engine/base/build_info\.h)$")

# Widget and drawing headers, for folders that may use QtCore alone. Listed by what they begin with.
WIDGETS = re.compile(
    r"^(QtWidgets|QtGui|QtSvg|QtSvgWidgets|QtPrintSupport|QtTest|QtConcurrent)(/|$)|"
    r"^Q(Application|GuiApplication|Widget|.*Widget|.*Dialog|.*View|.*Layout|.*Button|.*Box|.*Edit|.*Bar|.*Menu|Menu\w*|Action\w*|"
    r"Label|Splitter|Style\w*|Proxy\w*Style|Painter\w*|Pen|Brush|Color|Font\w*|Image\w*|Pixmap\w*|Icon\w*|Palette|Cursor|"
    r"Key(Event|Sequence)|.*Event|Window|Screen|Clipboard|Drag|Text(Document|Cursor|Block|Layout|CharFormat|Option)\w*|"
    r"Syntax\w*|Standard(Item\w*)|Graphics\w*|Svg\w*|Shortcut|ToolTip|Completer|Undo\w*|Desktop\w*|Validator|"
    r"Transform|Polygon\w*|Region|Pdf\w*|Paint\w*|Open\w*GL\w*|Surface\w*|Raster\w*)$")
CORE_AFTER_ALL = {"QEvent", "QTimerEvent", "QChildEvent", "QDynamicPropertyChangeEvent", "QStringView", "QByteArrayView", "QAnyStringView",
                  "QUtf8StringView", "QLatin1StringView", "QBitArrayView", "QStringTokenizer"}


def is_qt(header: str) -> bool:
    return bool(QT.match(header))


def is_widget(header: str) -> bool:
    return bool(WIDGETS.match(header)) and header not in CORE_AFTER_ALL


def layer(path: str) -> str:
    return path.split("/", 1)[0]


def own_include_problem(path: str, header: str) -> str | None:
    """Whether the file `path` may include our own header `header`."""
    source, target = layer(path), layer(header)
    test_of = path.split("/")[1] if source == "tests" else None
    if target == "tests":
        return None if source == "tests" else "the program may not include tests"
    if source == "engine" or test_of == "engine":
        if target != "engine":
            return "engine knows no other module"
        if path.startswith("engine/base/") and not header.startswith("engine/base/"):
            return "engine/base knows no other part of the engine"
        return None
    if source == "ingest" or test_of == "ingest":
        if target == "ingest" or header.startswith("engine/base/"):
            return None
        return "ingest may use engine/base and nothing else"
    if test_of is not None:  # tests of app and ui, and their support, may look behind the public headers of their own layer only
        pass
    if target == "engine" and not ENGINE_PUBLIC.match(header):
        return "not a public header of the engine (engine.h, base/, tokenizer/, client/, forecast/)"
    if target == "ingest" and not INGEST_PUBLIC.match(header):
        return "not a public header of ingest (ingest.h, document/)"
    if target == "ui" and source == "app" and path != "app/main.cpp":
        return "app may not know ui (only app/main.cpp, the wiring)"
    if target == "ui" and test_of == "app":
        return "tests of app may not know ui"
    return None


def outside_include_problem(path: str, header: str) -> str | None:
    """Whether the file `path` may include the foreign header `header`."""
    source = layer(path)
    if source == "tests":
        if path.startswith("tests/engine/") and is_qt(header):
            return "engine and its tests see no Qt"
        return None
    if is_qt(header):
        if source == "engine":
            return "engine sees no Qt"
        if source == "ingest" and not path.startswith(("ingest/readers/pdf", "ingest/reader/")):
            return "ingest uses Qt in readers/pdf and reader/ only"
        if source == "app" and path != "app/main.cpp" and is_widget(header):
            return "app uses QtCore, no widgets and no drawing (only app/main.cpp)"
        if PUBLIC_HEADER.match(path):
            return "no Qt in a public header"
        return None
    if header in STANDARD or POSIX.match(header):
        return None
    if path.endswith((".cpp", ".cu")):
        return None
    if PUBLIC_HEADER.match(path):
        if path == JSON_TEXT and header in FORWARD_ONLY:
            return None
        return "no third-party header in a public header"
    if INTRINSICS.match(header) and path.startswith("engine/kernels/cpu/"):
        return None
    if CUDA.match(header) and (path.endswith(".cuh") or path.startswith("engine/kernels/cuda/")):
        return None
    if header in FORWARD_ONLY:
        return None
    return "third-party headers belong in .cpp and .cu files"


def check(root: Path) -> list[str]:
    paths = [path for path in tree.files(root) if tree.is_cxx(path)]
    known = set(paths)
    problems = []
    for path in paths:
        text = tree.read(root, path)
        if path.endswith((".h", ".cuh")) and "#pragma once" not in text:
            problems.append(f"{path}:1: no #pragma once")
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            own, outside = match.groups()
            header = own or outside
            if own and GENERATED.match(own):
                continue
            if own and own not in known:
                why = "no such file from the top of the tree (our own headers are named from there)"
            elif own:
                why = own_include_problem(path, own)
            elif header in known:
                why = "our own headers go in quotation marks"
            else:
                why = outside_include_problem(path, outside)
            if why:
                problems.append(f"{path}:{line}: {header}: {why}")
    return problems


if __name__ == "__main__":
    tree.finish("include rules", check(Path(sys.argv[1]) if len(sys.argv) > 1 else tree.ROOT))
