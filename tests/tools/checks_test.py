# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows that the checks of the tree find what they are for: each is given a small tree with the fault in it."""

import tempfile
import unittest
from pathlib import Path

import form
import includes

GPL = "// SPDX-License-Identifier: GPL-3.0-or-later\n"
APACHE = "// SPDX-License-Identifier: Apache-2.0\n"


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for header in ("engine/engine.h", "engine/base/error.h", "engine/model/config.h", "engine/tokenizer/tokenizer.h",
                       "ingest/ingest.h", "ingest/document/document.h", "ingest/readers/pdf.h", "app/store/store.h", "ui/window.h"):
            self.write(header, "#pragma once\n")

    def write(self, path: str, text: str, licence: bool = True):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        first = (APACHE if path.startswith(form.APACHE) else GPL) if licence else ""
        target.write_text(first + text)


class Includes(Tree):
    def assert_allowed(self, path: str, line: str):
        self.write(path, ("#pragma once\n" if path.endswith((".h", ".cuh")) else "") + line + "\n")
        self.assertEqual(includes.check(self.root), [], f"{line} in {path}")
        (self.root / path).unlink()

    def assert_refused(self, path: str, line: str, word: str):
        self.write(path, ("#pragma once\n" if path.endswith((".h", ".cuh")) else "") + line + "\n")
        problems = includes.check(self.root)
        self.assertEqual(len(problems), 1, f"{line} in {path}: {problems}")
        self.assertIn(word, problems[0])
        (self.root / path).unlink()

    def test_arrows_that_point_down(self):
        self.assert_allowed("ui/a.cpp", '#include "app/store/store.h"')
        self.assert_allowed("ui/a.cpp", '#include "engine/engine.h"')
        self.assert_allowed("app/a.cpp", '#include "engine/tokenizer/tokenizer.h"')
        self.assert_allowed("app/a.cpp", '#include "ingest/document/document.h"')
        self.assert_allowed("app/main.cpp", '#include "ui/window.h"')
        self.assert_allowed("ingest/a.cpp", '#include "engine/base/error.h"')
        self.assert_allowed("engine/host/a.cpp", '#include "engine/model/config.h"')
        self.assert_allowed("tests/engine/a.cpp", '#include "engine/model/config.h"')

    def test_arrows_that_point_up_or_aside(self):
        self.assert_refused("engine/a.cpp", '#include "ingest/ingest.h"', "no other module")
        self.assert_refused("engine/base/a.cpp", '#include "engine/model/config.h"', "no other part")
        self.assert_refused("ingest/a.cpp", '#include "engine/engine.h"', "engine/base")
        self.assert_refused("ingest/a.cpp", '#include "app/store/store.h"', "engine/base")
        self.assert_refused("app/a.cpp", '#include "ui/window.h"', "may not know ui")
        self.assert_refused("app/a.cpp", '#include "engine/model/config.h"', "not a public header")
        self.assert_refused("ui/a.cpp", '#include "ingest/readers/pdf.h"', "not a public header")
        self.assert_refused("tests/app/a.cpp", '#include "engine/model/config.h"', "not a public header")
        self.assert_refused("tests/engine/a.cpp", '#include "app/store/store.h"', "no other module")

    def test_qt(self):
        self.assert_refused("engine/a.cpp", "#include <QString>", "no Qt")
        self.assert_refused("ingest/walk/a.cpp", "#include <QImage>", "readers/pdf")
        self.assert_allowed("ingest/readers/pdf/a.cpp", "#include <QImage>")
        self.assert_allowed("app/a.cpp", "#include <QCoreApplication>")
        self.assert_refused("app/a.cpp", "#include <QWidget>", "no widgets")
        self.assert_refused("app/a.cpp", "#include <QTreeView>", "no widgets")
        self.assert_refused("app/a.cpp", "#include <QtWidgets/QLabel>", "no widgets")
        self.assert_allowed("app/main.cpp", "#include <QApplication>")
        self.assert_allowed("ui/a.h", "#include <QWidget>")

    def test_third_parties(self):
        self.assert_refused("app/a.h", "#include <sqlite3.h>", "third-party")
        self.assert_refused("engine/base/a.h", "#include <nlohmann/json_fwd.hpp>", "public header")
        self.assert_refused("engine/model/a.h", "#include <immintrin.h>", "third-party")
        self.assert_allowed("app/a.cpp", "#include <sqlite3.h>")
        self.assert_allowed("app/a.h", "#include <vector>")
        self.assert_allowed("engine/kernels/cpu/a.h", "#include <immintrin.h>")
        self.assert_allowed("engine/kernels/cuda/a.cuh", "#include <cuda_bf16.h>")

    def test_names(self):
        self.assert_refused("app/a.cpp", '#include "store.h"', "no such file")
        self.assert_refused("app/a.cpp", "#include <app/store/store.h>", "quotation marks")
        self.write("ui/b.h", "")
        self.assertIn("no #pragma once", includes.check(self.root)[0])


class Form(Tree):
    def problems(self):
        return form.check(self.root)

    def test_a_clean_tree(self):
        self.assertEqual(self.problems(), [])

    def test_licences(self):
        self.write("engine/a.cpp", GPL, licence=False)
        self.write("app/a.cpp", "int a;\n", licence=False)
        self.write("installer/a.sh", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n", licence=False)
        self.assertEqual(len(self.problems()), 3)

    def test_long_files(self):
        self.write("app/a.cpp", "int a();\n" * form.MAX_LINES)
        self.assertIn("split it", "".join(self.problems()))

    def test_tree_size(self):
        self.write("resources/big.json", "x" * 5000)
        self.write("resources/model/big.bin", "x" * 50000)
        self.assertEqual(form.check_tree_size(self.root, form.tree.files(self.root), 10000), [])
        self.assertIn("big.json", "".join(form.check_tree_size(self.root, form.tree.files(self.root), 4000)))

    def test_words(self):
        for text in ("// TO" "DO later\n", "// see /wo" "rk/tools\n", "int a; \n", "<<<<<<" "< HEAD\n", "// no newline"):
            self.write("ui/a.cpp", text)
            self.assertEqual(len(self.problems()), 1, text)

    def test_function_lengths(self):
        body = "int f(int a) {\n" + "    a += 1;\n" * 70 + "    return a;\n}\n"
        self.assertEqual(form.longest_functions("namespace x {\n" + body + "}\n"), [(73, 2)])


if __name__ == "__main__":
    unittest.main()
