# SPDX-License-Identifier: GPL-3.0-or-later
"""The set-up scripts without running apt or the compiler: their package list, their options, what they say when
something is missing, and when they think that a build is up to date."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import tree

INSTALLER = tree.ROOT / "installer"


def bash(script: str, root: Path = tree.ROOT, **environment: str) -> subprocess.CompletedProcess:
    """Runs `script` with installer/lib.sh read in."""
    clean = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C"} | environment
    return subprocess.run(["bash", "-c", f"set -euo pipefail; . '{root}/installer/lib.sh'; {script}"],
                          env=clean, capture_output=True, text=True, timeout=60)


class Packages(unittest.TestCase):
    def test_every_package_stands_once_in_its_section(self):
        text = (INSTALLER / "packages-debian.txt").read_text()
        sections = re.findall(r"^\[(\w+)\]", text, re.M)
        self.assertEqual(sections, ["run", "build", "test", "clang", "cuda", "package"])
        for wanted in (sections[:4], ["cuda"], ["package"]):
            names = [name for section in wanted for name in bash(f"packages {section}").stdout.split()]
            self.assertEqual(sorted(names), sorted(set(names)), "a package is listed twice")
            for name in names:
                self.assertRegex(name, r"^[a-z0-9][a-z0-9.+-]+$")
        self.assertIn("ninja-build", bash("packages build").stdout.split())
        self.assertNotIn("ninja-build", bash("packages run").stdout.split())

    def test_missing_packages_are_named_and_installed(self):
        done = bash("as_root() { echo \"would run: $*\"; }; packages() { printf '%s\\n' bash no-such-package; }; "
                    "command() { return 0; }; logs=$(mktemp -d); install_packages run; cat \"$logs\"/*")
        self.assertIn("missing: no-such-package", done.stdout)
        self.assertRegex(done.stdout, r"would run: .*install --no-install-recommends no-such-package\n")

    def test_nothing_is_asked_of_apt_when_nothing_is_missing(self):
        done = bash("as_root() { echo called; }; packages() { echo bash; }; command() { return 0; }; install_packages run")
        self.assertEqual(done.stdout.strip(), "all 1 are installed")

    def test_neither_root_nor_sudo(self):
        done = bash("id() { echo 1000; }; command() { return 1; }; missing=(qpdf); as_root apt-get install qpdf")
        self.assertEqual(done.returncode, 2)
        self.assertIn("needs root", done.stderr)
        self.assertIn("qpdf", done.stderr)


class Toolkit(unittest.TestCase):
    def test_missing_nvcc_is_said_and_the_cpu_engine_built(self):
        done = bash("installed_nvcc() { :; }; fetch_toolkit() { return 1; }; find_toolkit; cuda_options")
        self.assertEqual(done.returncode, 0)
        self.assertIn("nvcc is missing: building the CPU engine only", done.stderr)
        self.assertIn("-DDOSSIER_CUDA=OFF", done.stdout)

    def test_an_old_nvcc_is_not_used(self):
        done = bash("installed_nvcc() { echo /opt/old/nvcc; }; nvcc_version() { echo 11.8; }; "
                    "fetch_toolkit() { return 1; }; find_toolkit; cuda_options")
        self.assertIn("version 11.8, and at least 12.8 is needed", done.stderr)
        self.assertIn("-DDOSSIER_CUDA=OFF", done.stdout)

    def test_an_installed_nvcc_is_used(self):
        done = bash("installed_nvcc() { echo /opt/new/nvcc; }; nvcc_version() { echo 13.0; }; "
                    "fetch_toolkit() { echo fetched; }; find_toolkit; choose_architectures; cuda_options; echo $CUDACXX")
        self.assertNotIn("fetched", done.stdout)
        self.assertIn("-DDOSSIER_CUDA=ON", done.stdout)
        self.assertTrue(done.stdout.endswith("/opt/new/nvcc\n"))

    def test_cpu_only_looks_for_nothing(self):
        done = bash("installed_nvcc() { echo called >&2; }; cpu_only=yes; find_toolkit; cuda_options")
        self.assertEqual(done.stderr, "")
        self.assertIn("-DDOSSIER_CUDA=OFF", done.stdout)

    def test_every_pin_has_version_and_hash_and_no_address(self):
        lines = [line for line in (INSTALLER / "cuda-requirements.txt").read_text().splitlines() if line and not line.startswith("#")]
        self.assertGreaterEqual(len(lines), 6)
        for line in lines:
            self.assertRegex(line, r"^nvidia-[\w-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}$")

    def test_architecture_of_the_card(self):
        for capability, wanted in (("8.0", "80-real"), ("8.9", "89-real"), ("9.0", "90a-real"), ("12.0", "120a-real")):
            done = bash(f"gpu_seen() {{ :; }}; command() {{ :; }}; nvidia-smi() {{ echo {capability}; }}; choose_architectures; echo $cuda_arch")
            self.assertEqual(done.stdout.strip(), wanted)


class UpToDate(unittest.TestCase):
    def test_a_change_anywhere_in_the_sources_changes_the_state(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            shutil.copytree(INSTALLER, root / "installer")
            (root / "app").mkdir()
            source = root / "app" / "a.cpp"
            source.write_text("int a;\n")
            first = bash("source_state", root).stdout
            self.assertRegex(first, r"^[0-9a-f]{64}\n$")
            self.assertEqual(bash("source_state", root).stdout, first)
            os.utime(source, (1, 1))
            touched = bash("source_state", root).stdout
            self.assertNotEqual(touched, first)
            (root / "app" / "b.cpp").write_text("")
            self.assertNotEqual(bash("source_state", root).stdout, touched)
            self.assertNotEqual(bash("cpu_only=yes; source_state", root).stdout, bash("source_state", root).stdout)


class Options(unittest.TestCase):
    def run_script(self, name: str, *options: str) -> subprocess.CompletedProcess:
        return subprocess.run([INSTALLER / name, *options], capture_output=True, text=True, timeout=60)

    def test_help(self):
        for script in ("run.sh", "test.sh"):
            done = self.run_script(script, "--help")
            self.assertEqual((done.returncode, done.stdout[:6]), (0, "usage:"))

    def test_mistakes_are_told_before_anything_is_done(self):
        for script, option, word in (("run.sh", "--colour", "unknown option"), ("test.sh", "--fast", "unknown option"),
                                     ("run.sh", "/no/such/file.pdf", "does not exist")):
            done = self.run_script(script, option)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    unittest.main()
