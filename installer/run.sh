#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what Dossier needs, builds it, and opens it. For Debian 12; can be repeated at any time.
set -euo pipefail
{ # read whole before it runs: an update of the sources meanwhile does no harm
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat << 'END'
usage: installer/run.sh [options] [files or folders...]

Installs the Debian packages that Dossier needs (as root or through sudo), builds it in build/, and opens
the window: on the sample dossier, or on a new dossier with the files and folders given. Without a display
it does the same job in the terminal: reads, asks, prints the cited answer, writes the report.

  --cpu-only        no CUDA engine: nothing of CUDA is looked for or fetched
  --headless        in the terminal even where there is a display
  --ask QUESTION    the question asked in the terminal (with the sample: its own question)
  --build-only      stop when everything is built
  --help            this text

Without a CUDA toolkit on the machine, a pinned one is fetched once into ~/.cache/dossier (0.5 GB).
END
}

headless=no build_only=no question='' files=()
while [ $# -gt 0 ]; do
    case $1 in
        --cpu-only) cpu_only=yes ;;
        --headless) headless=yes ;;
        --build-only) build_only=yes ;;
        --ask) question=${2:?--ask wants a question}; shift ;;
        --help | -h) usage; exit 0 ;;
        --) shift; files+=("$@"); break ;;
        -*) die "unknown option $1" "installer/run.sh --help lists the options" ;;
        *) files+=("$1") ;;
    esac
    shift
done
for index in "${!files[@]}"; do
    [ -e "${files[index]}" ] || die "${files[index]} does not exist"
    files[index]=$(realpath -- "${files[index]}")
done

program=$build/bin/dossier
state=$(source_state)
if [ -x "$program" ] && [ "$(cat "$stamp" 2> /dev/null)" = "$state" ]; then
    say "Nothing has changed since the last build (checked in $(elapsed "$script_start"))."
else
    check_system
    step "Debian packages"
    install_packages run build
    step "CUDA toolkit"
    find_toolkit
    choose_architectures
    if [ -n "${CUDACXX:-}" ]; then
        gpu_seen || say "    no NVIDIA GPU is visible here: the CUDA engine is built for $cuda_arch alone, and the CPU will be used"
    fi
    step "Build: configure"
    # A folder in which the tests are built too stays so; a new one builds the programs alone.
    tests=OFF
    grep -qs '^DOSSIER_TESTS:BOOL=ON' "$build/CMakeCache.txt" && tests=ON
    mapfile -t cuda < <(cuda_options)
    configure release -DDOSSIER_TESTS=$tests "${cuda[@]}"
    step "Build: compile with $(jobs) jobs (several minutes the first time)"
    if [ $tests = ON ]; then compile release dossier dossier-engine dossier-reader; else compile release; fi
    step_end
    [ -x "$program" ] || die "the build made no ${program#"$root"/}" "its words are in ${logs#"$root"/}/build-release.log"
    echo "$state" > "$stamp"
    say "Built in $(elapsed "$script_start"): build/bin/dossier, dossier-engine, dossier-reader"
fi
[ $build_only = no ] || exit 0

if [ $headless = no ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    say "Opening the window after $(elapsed "$script_start")."
    exec "$program" "${files[@]}"
fi
. "$root/installer/headless.sh"
exit
}
