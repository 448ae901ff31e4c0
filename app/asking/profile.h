// SPDX-License-Identifier: GPL-3.0-or-later
// A prompt profile: how a model is asked, as data. The program's own are resources/profiles/*.json;
// dossier-profile.json beside a checkpoint overrides them field by field.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/asking/answer_procedure.h"
#include "app/asking/passages.h"
#include "app/asking/retrieval.h"
#include "engine/engine.h"

namespace dossier::app {

struct ProfileLevel {
    std::string name;        ///< for --depth and the engine's ModelInfo::levels
    std::string title;       ///< on screen
    std::string description; ///< on screen
    bool think = false;      ///< the prompt ends in <think> instead of </think>
    std::string effort;      ///< text right after the first token; levels with one share no lane
    std::uint64_t minContext = 0; ///< tokens of context that the level needs; 0 = any
};

class Profile {
  public:
    std::string name;                  ///< "deepseek-v4-april"
    std::vector<std::string> releases; ///< ModelInfo::release it is for
    bool whole = true;                 ///< whole documents; false: passages that a search selects
    bool procedure = false;            ///< passages: asked by the answer procedure, not freely
    std::string note;                  ///< passages: one sentence for the window

    std::string system;         ///< may hold {not_found}
    std::string documentHeader; ///< whole: before each document; {number}, {name}
    std::string documentFooter; ///< whole: behind each document
    std::string passageForm;    ///< passages: {number}, {text}
    std::string passageJoin;    ///< passages: between two
    std::string questionForm;   ///< behind the documents or passages; {question}
    std::string evidenceForm;   ///< instead of questionForm when only quotations are wanted
    std::string followUpForm;   ///< further turns; {question}
    std::string notFound;       ///< the sentence that means "not found"

    struct Quotation {
        std::string labelOpen = "[", labelClose = "]"; ///< around the document's number
        std::string open = "\"", close = "\"";
        bool constrained = false; ///< quotation decoding; on only where an evaluation supports it
        std::uint32_t maxTokens = 256;
    } quotation;

    std::vector<ProfileLevel> levels;
    std::string defaultLevel;

    double temperature = 0, topP = 1, minP = 0;
    std::uint32_t topK = 0;
    std::uint32_t answerTokens = 2048;
    std::uint32_t thinkingTokens = 32'768;
    std::uint32_t reserveTokens = 65'536; ///< kept for question and answer in the context
    std::uint32_t shortAnswerTokens = 24; ///< procedure

    PassageLimits passages;
    ProcedureWeights weights;
    SearchData search;

    const ProfileLevel* level(const std::string& name) const; ///< null when there is none
    /// Throws Error(InvalidArgument) that names the choices.
    const ProfileLevel& requireLevel(const std::string& name) const;
};

/// The program's folder of profiles: set by the build, DOSSIER_RESOURCES in the environment, or
/// share/dossier beside the program.
std::filesystem::path resourcesFolder();

/// The profile for a model: by release from `folder` (empty = the program's own), then
/// dossier-profile.json beside the checkpoint. Throws Error naming the file and the field.
Profile loadProfile(const engine::ModelInfo&, const std::filesystem::path& folder = {});

/// Replaces {name} for every given name; other braces stay.
std::string fillIn(std::string form,
                   const std::vector<std::pair<std::string, std::string>>& values);

} // namespace dossier::app
