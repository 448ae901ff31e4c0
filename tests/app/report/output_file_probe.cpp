// SPDX-License-Identifier: GPL-3.0-or-later
// Writes more than a file may hold, for the test that runs it under a limit. Status 3: refused with
// dossier::Error, as it should be.
#include "app/report/output_file.h"

#include <iostream>

#include "engine/base/error.h"

int main(int argc, char** argv) {
    try {
        dossier::app::report::writeWholeFile(argc > 1 ? argv[1] : "", std::string(1 << 20, 'x'),
                                             dossier::app::report::Existing::Keep);
        return 0;
    } catch (const dossier::Error& error) {
        std::cout << error.failed() << '\n';
        return 3;
    }
}
