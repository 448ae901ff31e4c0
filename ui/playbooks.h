// SPDX-License-Identifier: GPL-3.0-or-later
// The playbooks that come with the program: saved lists of questions (resources/playbooks/*.json).
#pragma once

#include <QString>
#include <vector>

namespace dossier::ui {

struct PlaybookQuestion {
    QString label; ///< "Governing law"
    QString text;  ///< the question as it is asked
};

struct Playbook {
    QString title; ///< "Contract"
    std::vector<PlaybookQuestion> questions;
};

/// Read once; a file that is damaged is left out.
const std::vector<Playbook>& playbooks();

} // namespace dossier::ui
