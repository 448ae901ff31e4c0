// SPDX-License-Identifier: GPL-3.0-or-later
// Text <-> token ids of the loaded model, as the asking services need it: ordinary text can never
// become a control token, control tokens are asked for by name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace dossier::app {

enum class Control : std::uint8_t { Begin, End, User, Assistant, Think, EndThink };

/// Immutable and safe to use from any thread.
class TextEncoder {
  public:
    virtual ~TextEncoder() = default;

    /// Ordinary text: strings like "<｜User｜>" in it stay text.
    virtual std::vector<engine::Token> encode(std::string_view text) const = 0;
    virtual std::uint64_t count(std::string_view text) const { return encode(text).size(); }
    /// Inverse of encode; control tokens give their spelling.
    virtual std::string decode(std::span<const engine::Token> tokens) const = 0;
    virtual engine::Token control(Control) const = 0;
    /// Names the tokenizer: equal strings count equal tokens.
    virtual std::string fingerprint() const = 0;
};

/// From the tokenizer.json of a checkpoint folder. Throws Error.
std::shared_ptr<const TextEncoder> loadEncoder(const std::filesystem::path& checkpoint);

} // namespace dossier::app
