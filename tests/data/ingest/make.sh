#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the samples of this folder. Their content is our own. Needs qpdf and python3.
set -euo pipefail
cd "$(dirname "$0")"
python3 make_pdf.py
rm -f password.pdf password-rc4.pdf restricted.pdf
qpdf --encrypt 'lärche 7' owner 256 -- contract.pdf password.pdf
qpdf --allow-weak-crypto --encrypt "$(printf 'l\xe4rche 7')" owner 128 --use-aes=n -- contract.pdf password-rc4.pdf
qpdf --encrypt '' owner 256 --modify=none -- contract.pdf restricted.pdf
