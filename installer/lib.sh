# SPDX-License-Identifier: GPL-3.0-or-later
# Shared by run.sh, test.sh and package.sh: steps with times, Debian packages, the CUDA toolkit, the build.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build
logs=$build/logs
cpu_only=no
cuda_arch=${DOSSIER_CUDA_ARCHITECTURES:-}
min_nvcc=12.8 # the first that knows sm_120a

set -E
trap 'echo "error: stopped at line $LINENO of ${BASH_SOURCE[0]}: $BASH_COMMAND" >&2' ERR

say() { printf '%s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 2
}

# step NAME: ends the step before with its time, and begins another.
step_name='' step_start=0 step_cpu=0 script_start=$(date +%s%N)
elapsed() { awk -v a="$1" -v b="$(date +%s%N)" 'BEGIN { printf "%.1f s", (b - a) / 1e9 }'; }
# Processor time of all finished commands, in ticks of 10 ms: what a step costs on a busy machine too.
children_cpu() { sed 's/.*) //' "/proc/$$/stat" | awk '{ print $14 + $15 }'; }
step_end() {
    [ -z "$step_name" ] || say "    done in $(elapsed "$step_start") ($(awk -v a="$step_cpu" -v b="$(children_cpu)" \
        'BEGIN { printf "%.1f", (b - a) / 100 }') s of processor time)"
    step_name=''
}
step() {
    step_end
    step_name=$1 step_start=$(date +%s%N) step_cpu=$(children_cpu)
    say "== $1"
}

# logged FILE COMMAND...: on a terminal the output is shown, elsewhere it goes to build/logs/FILE and
# its end is shown only when the command fails.
logged() {
    local file=$logs/$1 status=0
    shift
    mkdir -p "$logs"
    if [ -t 1 ]; then
        "$@" || status=$?
    else
        "$@" > "$file" 2>&1 || status=$?
        if [ $status -ne 0 ]; then
            say "---- the last lines of ${file#"$root"/}:"
            # Ninja prints the failing command first: show the diagnostics, not only the tail.
            grep -nE -A12 'error:|FAILED:|fatal|Errors while running' "$file" | head -150
            tail -n 30 "$file"
        fi
    fi
    return $status
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo "$@"
    else
        die "installing packages needs root, and sudo is not here" \
            "run this as root once, or install: ${missing[*]}"
    fi
}

# packages SECTION...: the names listed in packages-debian.txt under these sections.
packages() {
    awk -v want=" $* " '
        { sub(/#.*/, "") }
        /^\[/ { gsub(/[][ \t]/, ""); in_section = index(want, " " $0 " ") > 0; next }
        in_section && NF { print $1 }' "$root/installer/packages-debian.txt" | sort -u
}

# install_packages SECTION...: installs what is missing; says so when nothing is.
missing=()
install_packages() {
    command -v apt-get > /dev/null || die "apt-get is not here: these scripts are for Debian 12" \
        "on another system install what installer/packages-debian.txt lists, then: cmake --preset release && cmake --build --preset release"
    local have
    have=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $(packages "$@") 2> /dev/null | sed -n 's/^installed //p' | sort -u || true)
    mapfile -t missing < <(comm -23 <(packages "$@") <(printf '%s\n' "$have"))
    if [ ${#missing[@]} -eq 0 ]; then
        say "    all $(packages "$@" | wc -l) are installed"
        return
    fi
    say "    missing: ${missing[*]}"
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
    logged apt-update.log as_root "${apt[@]}" update || warn "the package lists could not be brought up to date; trying with the old ones"
    logged apt-install.log as_root "${apt[@]}" install --no-install-recommends "${missing[@]}" \
        || die "apt-get could not install the packages" "its words are above; is the network there, and is this Debian 12?"
}

check_system() {
    local id='' version=''
    [ -r /etc/os-release ] && id=$(. /etc/os-release && echo "${ID:-}") && version=$(. /etc/os-release && echo "${VERSION_ID:-}")
    [ "$id $version" = "debian 12" ] || warn "made and tested on Debian 12; this is ${id:-unknown} ${version:-}. Going on."
}

# ---------------------------------------------------------------- CUDA toolkit

nvcc_version() { "$1" --version 2> /dev/null | sed -n 's/.*release \([0-9.]*\),.*/\1/p'; }
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

private_toolkit() {
    local pins
    pins=$(sha256sum "$root/installer/cuda-requirements.txt" | cut -c1-12)
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/dossier/cuda-$pins"
}

# The installed nvcc that would be used, or nothing.
installed_nvcc() {
    local candidate
    for candidate in "${CUDACXX:-}" "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc; do
        if [ -n "$candidate" ] && [ -x "$candidate" ]; then
            echo "$candidate"
            return
        fi
    done
}

# Sets CUDACXX to an nvcc: one that is installed, else the pinned one, fetched once. Leaves it empty, and
# says why, when there is none: then the CPU engine alone is built.
find_toolkit() {
    local nvcc version
    if [ "$cpu_only" = yes ]; then
        say "    --cpu-only: no nvcc, the engine will run on the CPU only"
        unset CUDACXX
        return
    fi
    nvcc=$(installed_nvcc)
    if [ -n "$nvcc" ]; then
        version=$(nvcc_version "$nvcc")
        if at_least "${version:-0}" $min_nvcc; then
            say "    nvcc $version, installed at $nvcc"
            export CUDACXX=$nvcc
            return
        fi
        warn "$nvcc is version ${version:-unknown}, and at least $min_nvcc is needed; looking for the pinned one"
    fi
    nvcc=$(private_toolkit)/nvidia/cu13/bin/nvcc
    if [ ! -x "$nvcc" ] && ! fetch_toolkit; then
        warn "nvcc is missing: building the CPU engine only. The program works, but no GPU will be used." \
            "Install a CUDA toolkit of at least $min_nvcc, or run this again with a network, to get the CUDA engine."
        unset CUDACXX
        return
    fi
    say "    nvcc $(nvcc_version "$nvcc"), private, at $nvcc"
    export CUDACXX=$nvcc
}

fetch_toolkit() {
    local target part
    target=$(private_toolkit)
    if [ "$(uname -m)" != x86_64 ]; then
        warn "the pinned CUDA toolkit is for x86-64, this is $(uname -m)"
        return 1
    fi
    say "    no nvcc on this machine: fetching the pinned one (0.5 GB, once) into $target"
    install_packages cuda
    part=$target.part.$$
    rm -rf "$part"
    mkdir -p "$part"
    # Hashes are required, so whatever serves the packages cannot change them.
    if logged cuda-toolkit.log python3 -m venv "$part/venv" \
        && logged cuda-toolkit.log "$part/venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir \
            --require-hashes --only-binary :all: --no-deps --target "$part/toolkit" -r "$root/installer/cuda-requirements.txt"; then
        # CMake looks for lib64 and for libraries without a version in their name.
        local here=$part/toolkit/nvidia/cu13 library
        [ -e "$here/lib64" ] || ln -s lib "$here/lib64"
        for library in "$here"/lib/lib*.so.*; do
            [ -e "${library%.so.*}.so" ] || ln -s "$(basename "$library")" "${library%.so.*}.so"
        done
        rm -rf "$target"
        mv "$part/toolkit" "$target"
        rm -rf "$part"
        return 0
    fi
    rm -rf "$part"
    return 1
}

gpu_seen() { compgen -G '/proc/driver/nvidia/gpus/*' > /dev/null; }

# CUDA architectures: those asked for, else the one of the card that is here, else a single one, since
# without a card the engine is only compiled. The packages are built for all of them.
choose_architectures() {
    [ -z "$cuda_arch" ] || return 0
    if gpu_seen && command -v nvidia-smi > /dev/null; then
        cuda_arch=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2> /dev/null \
            | tr -d '. ' | sort -u | sed -e 's/^\(9\|1[0-9]\)\(.\)$/\1\2a/' -e 's/$/-real/' | paste -sd';' -)
    fi
    [ -n "$cuda_arch" ] || cuda_arch=90a-real
}

# ---------------------------------------------------------------- build

jobs() { # as many as cores, but at least 2 GB of memory each
    awk -v cores="$(nproc)" '/^MemAvailable/ { m = int($2 / 2e6); if (m < 1) m = 1; print (m < cores ? m : cores) }' /proc/meminfo
}

# configure PRESET FOLDER OPTION...
configure() {
    local preset=$1
    shift
    # Objects are found again from another clone of the same sources.
    export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
    (cd "$root" && logged "configure-$preset.log" cmake --preset "$preset" "$@") \
        || die "cmake could not configure the build" "its words are above and in ${logs#"$root"/}/configure-$preset.log"
}

# compile PRESET [TARGET...]
compile() {
    local preset=$1
    shift
    (cd "$root" && logged "build-$preset.log" nice cmake --build --preset "$preset" -j "$(jobs)" ${1:+--target "$@"}) \
        || die "the build failed" "its words are above and in ${logs#"$root"/}/build-$preset.log"
}

# cuda_options [BUILD FOLDER]: one a line
cuda_options() {
    local folder=${1:-$build}
    if [ -n "${CUDACXX:-}" ]; then
        echo "-DDOSSIER_CUDA=ON"
        echo "-DCMAKE_CUDA_ARCHITECTURES=$cuda_arch"
        # A build folder remembers its compiler; one made with another toolkit starts afresh.
        local old
        old=$(sed -n 's/^CMAKE_CUDA_COMPILER:[A-Z]*=//p' "$folder/CMakeCache.txt" 2> /dev/null || true)
        [ -z "$old" ] || [ "$old" = "$CUDACXX" ] || echo "--fresh"
    else
        echo "-DDOSSIER_CUDA=OFF"
    fi
}

stamp=$build/.built-from

# What a build depends on, as one hash: sources, packages, toolkit, card. Quick: names, sizes and times. To be
# taken before a build and written to $stamp after it, so that what changes meanwhile is noticed.
source_state() {
    (
        trap - ERR
        set +e +o pipefail
        cd "$root"
        find CMakeLists.txt CMakePresets.json engine ingest app ui resources installer cmake -type f \
            -printf '%p %s %T@\n' 2> /dev/null | LC_ALL=C sort
        echo "cpu_only=$cpu_only arch=${DOSSIER_CUDA_ARCHITECTURES:-} nvcc=$(installed_nvcc)"
        cat /proc/driver/nvidia/gpus/*/information 2> /dev/null || true
    ) | sha256sum | cut -c1-64
}
