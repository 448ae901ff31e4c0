// SPDX-License-Identifier: GPL-3.0-or-later
// Makes a report from a dossier: chooses the answers, leaves out what could not be verified,
// numbers quotations through the report, and counts. No files are touched.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/report/report_model.h"

namespace dossier::app::report {

struct ReportOptions {
    std::string title; ///< empty = the dossier's name
    std::string author, recipient;
    std::string confidentiality; ///< "Privileged and confidential": foot of every page
    bool withUnverified = false; ///< else left out, and their number printed
    bool withThinking = false;
    bool withNotes = true;             ///< the person's highlights and notes
    bool printedLabels = true;         ///< page labels as printed in the documents
    std::vector<QuestionId> questions; ///< empty = all, in the order asked
    std::string engine;                ///< build and device, for the appendix; empty = not printed
    std::string program;               ///< "Dossier 0.1.0"
};

/// The document of a source, for page labels, lines and clause numbers of notes. May return null.
using DocumentFn = std::function<DocumentPtr(SourceId)>;

/// Unfinished answers are named as such. Of several versions of an answer the last finished one is
/// taken. Throws Error(InvalidArgument) when `questions` names one that is not there.
Report buildReport(const DossierSnapshot&, const ReportOptions&, const DocumentFn& = {});

} // namespace dossier::app::report
