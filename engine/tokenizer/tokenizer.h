// SPDX-License-Identifier: Apache-2.0
// Text <-> tokens of a DeepSeek-V4 checkpoint, from its tokenizer.json. Byte-level BPE: any bytes
// can be encoded, and decoding the tokens gives the same bytes back. For valid UTF-8 the ids equal
// those of the Hugging Face tokenizers library (without its special-token templates: no begin token
// is added). Bytes that are not valid UTF-8, which that library cannot take, count as characters of
// no class, each by itself.
//
// Threads: a Tokenizer is immutable; every method may be called from any number of threads. A
// thread that encodes keeps about half a megabyte of recent pieces until it ends.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/types.h"

namespace dossier::engine {

/// What strings such as "<｜User｜>" in the text become.
enum class AddedTokens {
    Off, ///< ordinary text. For documents and everything else that people or tools wrote
    On,  ///< the control token of that name. Only for text that the program itself wrote
};

enum class SegmentKind { Control, Content };

/// Part of a prompt: control text may become control tokens, content never does.
struct Segment {
    SegmentKind kind = SegmentKind::Content;
    std::string text;

    friend bool operator==(const Segment&, const Segment&) = default;
};

class Tokenizer {
  public:
    /// From a checkpoint directory (tokenizer.json, and the end token's name from
    /// tokenizer_config.json if it is there) or from the path of a tokenizer.json itself.
    /// Throws Error: NotFound, Io, Permission, TooLarge, Corrupt (truncated, contradicts itself),
    /// Unsupported (another kind of tokenizer; or a pre-tokeniser other than DeepSeek-V4's in a
    /// build without PCRE2).
    static std::shared_ptr<const Tokenizer> load(const std::filesystem::path& path);
    /// From the contents of the two files; `config` may be empty.
    static std::shared_ptr<const Tokenizer> parse(std::string_view json, std::string_view config);

    virtual ~Tokenizer() = default;

    /// Throws Error (Cancelled) within 250 ms after a stop request.
    std::vector<Token> encode(std::string_view text, AddedTokens, std::stop_token = {}) const;
    /// Appends to `out` instead.
    virtual void encodeTo(std::string_view text, AddedTokens, std::vector<Token>& out,
                          std::stop_token = {}) const = 0;
    /// The tokens of the segments' joined text, except that content gives no control tokens. Where
    /// no control token stands between two segments, pieces and merges go across the border,
    /// exactly as if the text had been encoded in one.
    virtual std::vector<Token> encode(std::span<const Segment> segments,
                                      std::stop_token = {}) const = 0;
    /// Number of tokens of `text` without keeping them; progress in bytes. Throws Error
    /// (Cancelled).
    virtual std::uint64_t count(std::string_view text, AddedTokens, const ProgressFn& = {},
                                std::stop_token = {}) const = 0;

    /// The exact bytes; ids outside the vocabulary throw Error (InvalidArgument).
    std::string decode(std::span<const Token> tokens) const;
    /// The bytes of one token, valid as long as the tokenizer; empty for ids that name no token.
    virtual std::string_view bytes(Token token) const = 0;

    /// The id of an added token by its name ("<｜User｜>").
    virtual std::optional<Token> addedToken(std::string_view name) const = 0;
    virtual bool isAddedToken(Token token) const = 0;
    /// The id of the ordinary token with exactly these bytes.
    virtual std::optional<Token> tokenOfBytes(std::string_view bytes) const = 0;

    /// Largest id plus one (129,280 for DeepSeek-V4).
    virtual std::uint32_t vocabularySize() const = 0;
    /// Ends a turn of the model; "<｜end▁of▁sentence｜>" unless tokenizer_config.json says
    /// otherwise.
    virtual Token endToken() const = 0;
    /// SHA-256 of tokenizer.json, 64 hexadecimal digits.
    virtual const std::string& fingerprint() const = 0;
};

/// Turns tokens into text for showing while they arrive: gives out only whole UTF-8 characters and
/// keeps the beginning of one until its rest is there. Bytes that cannot become a character come
/// out as U+FFFD, one for each maximal ill-formed part.
class StreamDecoder {
  public:
    explicit StreamDecoder(std::shared_ptr<const Tokenizer> tokenizer);

    /// The text that `token` completed; may be empty.
    std::string push(Token token);
    std::string push(std::string_view bytes);
    /// What was kept back, as U+FFFD; the decoder is then as new.
    std::string finish();

  private:
    std::shared_ptr<const Tokenizer> m_tokenizer;
    std::string m_kept; ///< at most 3 bytes, a proper beginning of a character
};

} // namespace dossier::engine
