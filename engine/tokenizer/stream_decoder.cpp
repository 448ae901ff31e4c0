// SPDX-License-Identifier: Apache-2.0
#include "engine/tokenizer/tokenizer.h"

namespace dossier::engine {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Step {
    enum class Kind { Character, IllFormed, Unfinished } kind;
    std::size_t length;
};

/// What stands at the beginning of `text`: a whole character, an ill-formed part of maximal length
/// (Unicode 3.9, "U+FFFD substitution of maximal subparts"), or the beginning of a character that
/// the text breaks off.
Step stepAt(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) {
        return {Step::Kind::Character, 1};
    }
    if (lead < 0xC2 || lead > 0xF4) {
        return {Step::Kind::IllFormed, 1};
    }
    const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    for (std::size_t i = 1; i < length; ++i) {
        if (i == text.size()) {
            return {Step::Kind::Unfinished, i};
        }
        // The second byte has a narrower range after some leads: no overlong forms, no surrogates,
        // nothing beyond U+10FFFF.
        const std::uint8_t low = i > 1 ? 0x80 : lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        const std::uint8_t high = i > 1 ? 0xBF : lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        if (byte(i) < low || byte(i) > high) {
            return {Step::Kind::IllFormed, i};
        }
    }
    return {Step::Kind::Character, length};
}

} // namespace

StreamDecoder::StreamDecoder(std::shared_ptr<const Tokenizer> tokenizer)
    : m_tokenizer(std::move(tokenizer)) {}

std::string StreamDecoder::push(Token token) {
    return push(m_tokenizer->bytes(token));
}

std::string StreamDecoder::push(std::string_view bytes) {
    const std::string joined = m_kept + std::string(bytes);
    m_kept.clear();
    std::string out;
    for (std::string_view left = joined; !left.empty();) {
        const Step step = stepAt(left);
        if (step.kind == Step::Kind::Unfinished) {
            m_kept = left;
            break;
        }
        out += step.kind == Step::Kind::Character ? left.substr(0, step.length) : kReplacement;
        left.remove_prefix(step.length);
    }
    return out;
}

std::string StreamDecoder::finish() {
    const bool broken = !m_kept.empty();
    m_kept.clear();
    return std::string(broken ? kReplacement : std::string_view());
}

} // namespace dossier::engine
