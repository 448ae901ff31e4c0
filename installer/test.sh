#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what Dossier and its tests need, builds it, and runs the tests. For Debian 12; can be repeated.
set -euo pipefail
{ # read whole before it runs: an update of the sources meanwhile does no harm
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat << 'END'
usage: installer/test.sh [options]

Installs the Debian packages (as root or through sudo), makes the release build in build/ and runs all tests
but the long ones.

  --long            also the long tests; their results are written to docs/
  --asan            also the tests of engine, ingest and app under AddressSanitizer and UBSan (build-asan/)
  --lint            also clang-tidy over the sources, those changed last first, as far as its time goes
  --cpu-only        no CUDA engine: nothing of CUDA is looked for or fetched
  --help            this text

DOSSIER_CUDA_ARCHITECTURES chooses the GPU architectures; the default is that of the card here, else 90a-real.
END
}

long=no asan=no lint=no
for option in "$@"; do
    case $option in
        --long) long=yes ;;
        --asan) asan=yes ;;
        --lint) lint=yes ;;
        --cpu-only) cpu_only=yes ;;
        --help | -h) usage; exit 0 ;;
        *) die "unknown option $option" "installer/test.sh --help lists the options" ;;
    esac
done

failed=()
# Everything is run even when something before it failed, so that one run shows all there is to mend.
part() {
    local name=$1
    shift
    "$@" || failed+=("$name")
}

state=$(source_state)
check_system
step "Debian packages"
sections=(run build test)
[ $asan$long = nono ] || sections+=(clang)
install_packages "${sections[@]}"
step "CUDA toolkit"
find_toolkit
choose_architectures
step "Release build: configure"
mapfile -t cuda < <(cuda_options)
configure release -DDOSSIER_TESTS=ON "${cuda[@]}"
step "Release build: compile with $(jobs) jobs"
compile release
echo "$state" > "$stamp"

# Tests that draw want a private folder for their sockets, and never the person's own settings.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 700 "$scratch"
mkdir -m 700 "$scratch/runtime" "$scratch/config" "$scratch/data" "$scratch/cache"
test_environment=(env XDG_RUNTIME_DIR="$scratch/runtime" XDG_CONFIG_HOME="$scratch/config"
    XDG_DATA_HOME="$scratch/data" XDG_CACHE_HOME="$scratch/cache" QT_QPA_PLATFORM=offscreen)

run_tests() { # PRESET [ctest option...]
    local preset=$1
    shift
    (cd "$root" && "${test_environment[@]}" ctest --preset "$preset" --no-tests=error "$@")
}

step "Release build: tests"
part "release tests" run_tests release -j "$(nproc)"
if [ $long = yes ]; then
    step "Release build: long tests (results to docs/)"
    part "long tests" env DOSSIER_RESULTS_DIR="$root/docs" \
        "${test_environment[@]}" ctest --test-dir "$build" -L long --output-on-failure --no-tests=error \
        --output-junit "$logs/long-tests.xml"
    part "long test summary" python3 "$root/tests/tools/long_results.py" "$logs/long-tests.xml" "$root/docs/long-tests.md"
fi
if [ $asan = yes ]; then
    step "AddressSanitizer + UBSan: configure"
    # Without debug information, a sixth of what there is to compile: reports name functions, and lines
    # where the preset is built as it stands.
    configure asan -DDOSSIER_TESTS=ON -DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1
    step "AddressSanitizer + UBSan: compile"
    compile asan tests/engine/all tests/ingest/all tests/app/all
    step "AddressSanitizer + UBSan: tests of engine, ingest and app"
    part "sanitizer tests" run_tests asan -j "$(nproc)"
fi
if [ $lint = yes ]; then
    step "clang-tidy"
    part clang-tidy python3 "$root/tests/tools/tidy.py" --minutes "${DOSSIER_TIDY_MINUTES:-6}"
fi
step_end
if [ ${#failed[@]} -gt 0 ]; then
    say "FAILED after $(elapsed "$script_start"): ${failed[*]}"
    exit 1
fi
say "All passed in $(elapsed "$script_start")."
exit
}
