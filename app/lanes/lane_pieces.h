// SPDX-License-Identifier: GPL-3.0-or-later
// What a lane is made of: the prelude (first token, effort text, system text, user token) and one
// piece for each document: its header line, its text, its footer, each tokenised alone, so that a
// document has the same tokens wherever it stands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/asking/profile.h"
#include "app/asking/text_encoder.h"
#include "app/model_types.h"

namespace dossier::app {

struct LanePiece {
    /// Equal ids mean equal tokens, for one tokenizer: a digest of the texts. A document that is
    /// renamed gets another id, since its header names it, and is read again.
    std::string id;
    std::string name; ///< of the document; empty for the prelude
    SourceId source{};
    std::vector<engine::Token> tokens;
    std::size_t textBegin = 0, textEnd = 0; ///< tokens of the document's own text
};

/// Everything outlives the maker. Thread-safe.
class PieceMaker {
  public:
    PieceMaker(const Profile& profile, const TextEncoder& encoder)
        : m_profile(profile), m_encoder(encoder) {}

    LanePiece prelude(const ProfileLevel&) const;
    LanePiece document(SourceId, const std::string& name, const std::string& text) const;
    /// LanePiece::id alone.
    std::string preludeId(const ProfileLevel&) const;
    std::string documentId(const std::string& name, std::string_view text) const;

  private:
    std::string preludeText(const ProfileLevel&) const;

    const Profile& m_profile;
    const TextEncoder& m_encoder;
};

} // namespace dossier::app
