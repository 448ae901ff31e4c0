// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's tokenizer with the control tokens of the chat encoding.
#include "app/asking/text_encoder.h"

#include <array>

#include "engine/tokenizer/tokenizer.h"

namespace dossier::app {
namespace {

class TokenizerEncoder final : public TextEncoder {
  public:
    explicit TokenizerEncoder(std::shared_ptr<const engine::Tokenizer> tokenizer)
        : m_tokenizer(std::move(tokenizer)) {
        static constexpr std::array<std::string_view, 6> kNames = {"<｜begin▁of▁sentence｜>",
                                                                   "<｜end▁of▁sentence｜>",
                                                                   "<｜User｜>",
                                                                   "<｜Assistant｜>",
                                                                   "<think>",
                                                                   "</think>"};
        for (std::size_t i = 0; i < kNames.size(); ++i) {
            const auto id = m_tokenizer->addedToken(kNames[i]);
            if (!id) {
                throw Error(ErrorCode::Unsupported,
                            "The model's tokenizer has no token " + std::string(kNames[i]),
                            "Use a checkpoint of the DeepSeek-V4 family");
            }
            m_controls[i] = *id;
        }
    }

    std::vector<engine::Token> encode(std::string_view text) const override {
        return m_tokenizer->encode(text, engine::AddedTokens::Off);
    }
    std::uint64_t count(std::string_view text) const override {
        return m_tokenizer->count(text, engine::AddedTokens::Off);
    }
    std::string decode(std::span<const engine::Token> tokens) const override {
        return m_tokenizer->decode(tokens);
    }
    engine::Token control(Control control) const override {
        return m_controls[static_cast<std::size_t>(control)];
    }
    std::string fingerprint() const override { return m_tokenizer->fingerprint(); }

  private:
    std::shared_ptr<const engine::Tokenizer> m_tokenizer;
    std::array<engine::Token, 6> m_controls{};
};

} // namespace

std::shared_ptr<const TextEncoder> loadEncoder(const std::filesystem::path& checkpoint) {
    return std::make_shared<TokenizerEncoder>(engine::Tokenizer::load(checkpoint));
}

} // namespace dossier::app
