// SPDX-License-Identifier: GPL-3.0-or-later
// A text encoder for tests: a token is a word with the white space in front of it.
#pragma once

#include <map>
#include <mutex>

#include "app/asking/text_encoder.h"

namespace dossier::test {

class FakeEncoder final : public app::TextEncoder {
  public:
    std::vector<engine::Token> encode(std::string_view text) const override;
    std::string decode(std::span<const engine::Token> tokens) const override;
    engine::Token control(app::Control) const override; ///< ids 0..5
    std::string fingerprint() const override { return "words"; }

  private:
    mutable std::mutex m_mutex;
    mutable std::map<std::string, engine::Token, std::less<>> m_ids;
    mutable std::vector<std::string> m_words; ///< of id 6 + index
};

} // namespace dossier::test
