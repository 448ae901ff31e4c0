// SPDX-License-Identifier: GPL-3.0-or-later
// Asks a small model over the passages that a search selects, by the answer procedure: one reading
// of the prompt, probabilities of given continuations, a choice among the passages' sentences.
#pragma once

#include "app/asking/ask_input.h"

namespace dossier::app {

/// Everything that led to a procedure's result; for answers, evaluations and fitting.
struct ProcedureRun {
    std::vector<PassageIndexPtr> documents;
    Retrieval retrieval;
    ProcedureInput input;
    std::vector<Sentence> units; ///< of each candidate: its text and the sentence it comes from
    ProcedureResult result;
    std::uint64_t promptTokens = 0;
    double readSeconds = 0;
    std::string shortAnswer; ///< only when it stands in the quotation and the model wants one
};

/// Runs search and model. Throws Error; Cancelled when the writer's stop is requested.
ProcedureRun runProcedure(const AskContext&);

/// Answers through runProcedure and writes the result; returns what led to it. Throws Error.
ProcedureRun answerByProcedure(const AskContext&);

} // namespace dossier::app
