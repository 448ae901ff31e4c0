#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the Debian packages of this machine's architecture in build-package/: dossier (window, reader,
# embedded model) and dossier-engine (CUDA engine for all supported cards, when a toolkit is to be had).
set -euo pipefail
{ # read whole before it runs: an update of the sources meanwhile does no harm
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ "${1:-}" != --cpu-only ] || cpu_only=yes
check_system
step "Debian packages"
install_packages run build package
step "CUDA toolkit"
find_toolkit
cuda_arch=${DOSSIER_CUDA_ARCHITECTURES:-80-real;89-real;90a-real;120a-real;120-virtual}
step "Configure"
mapfile -t cuda < <(cuda_options "$root/build-package")
(cd "$root" && logged configure-package.log cmake -S . -B build-package -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_INSTALL_PREFIX=/usr -DDOSSIER_TESTS=OFF "${cuda[@]}") || die "cmake could not configure the build"
step "Compile for ${cuda_arch} with $(jobs) jobs"
(cd "$root" && logged build-package.log nice cmake --build build-package -j "$(jobs)") || die "the build failed"
step "Package"
(cd "$root/build-package" && logged cpack.log cpack -G DEB) || die "cpack failed"
step_end
ls -l "$root"/build-package/*.deb
say "Made in $(elapsed "$script_start"). To install: apt-get install ./build-package/*.deb"
exit
}
