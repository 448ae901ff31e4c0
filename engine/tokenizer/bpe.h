// SPDX-License-Identifier: Apache-2.0
// Byte-pair encoding of one piece of text: repeatedly merge the adjacent pair of lowest rank,
// leftmost first, until no pair of the merge list is left.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/types.h"

namespace dossier::engine {

struct BpeMerge {
    Token left, right, merged;
};

/// What one thread keeps between pieces: room to work in, and the tokens of recent short pieces.
class BpeScratch {
  public:
    BpeScratch() = default;
    BpeScratch(const BpeScratch&) = delete;
    BpeScratch& operator=(const BpeScratch&) = delete;

  private:
    friend class Bpe;

    /// Up to 15 bytes of text and its tokens. 32 bytes.
    struct Recent {
        std::uint64_t low = 0, high = 0;    ///< the bytes; the top byte of `high` is the length
        std::array<std::uint32_t, 4> ids{}; ///< ids[0] has the number of tokens in its top byte
    };

    std::uint64_t m_owner = 0; ///< serial number of the Bpe that `m_recent` belongs to
    std::vector<Recent> m_recent;
    std::vector<std::int32_t> m_symbols, m_previous, m_next;
    std::vector<std::uint32_t> m_ranks;
    std::vector<std::uint64_t> m_heap;
    std::vector<Token> m_window;
};

/// Immutable after construction; every method may be called from several threads at once, each with
/// a scratch of its own.
class Bpe {
  public:
    static constexpr Token kMaxId = (1 << 22) - 1; ///< larger ids are refused
    static constexpr std::size_t kMaxMerges = (1U << 20) - 1;

    /// How a piece that is itself a token is encoded.
    enum class WholePiece { ByMerges, AsToken };

    /// `tokenBytes`: the bytes of every id, empty for ids that BPE must not produce; all 256 single
    /// bytes must be among them. `merges` by increasing rank. Throws Error (Corrupt, TooLarge).
    Bpe(const std::vector<std::string>& tokenBytes, std::span<const BpeMerge> merges, WholePiece);
    ~Bpe() = default;
    Bpe(const Bpe&) = delete;
    Bpe& operator=(const Bpe&) = delete;

    /// Appends the tokens of one piece. Any bytes, any length: memory and time grow no faster than
    /// the piece (times a logarithm of 32 K).
    void encode(std::string_view piece, std::vector<Token>& out, BpeScratch& scratch) const;

    /// The id whose bytes are exactly these.
    std::optional<Token> find(std::string_view bytes) const;

  private:
    static constexpr std::uint32_t kNoRank = 0xFFFFFFFF;
    struct Word {
        std::int32_t id = -1;
        std::uint32_t tag = 0; ///< other bits of the hash
    };

    std::uint32_t rankOf(Token left, Token right) const;
    void buildWords(const std::vector<std::string>& tokenBytes);
    void buildPairs(std::span<const BpeMerge> merges);
    void dropUnreachableWords();
    const Word* findWord(std::string_view bytes) const;
    std::string_view bytesOf(Token id) const;
    void encodeUncached(std::string_view piece, std::vector<Token>& out, BpeScratch&) const;
    void merge(std::string_view piece, std::vector<Token>& out, BpeScratch&) const;
    void mergeShort(std::string_view piece, std::vector<Token>& out) const;
    void mergeByHeap(std::string_view piece, std::vector<Token>& out, BpeScratch&) const;
    void mergeInWindows(std::string_view piece, std::vector<Token>& out, BpeScratch&) const;
    bool joins(Token left, Token right, BpeScratch&) const;

    std::uint64_t m_serial;
    std::string m_bytes;                  ///< of all tokens, one after the other
    std::vector<std::uint32_t> m_offsets; ///< into m_bytes, one more than there are ids
    std::array<Token, 256> m_byteTokens{};
    std::vector<std::uint32_t> m_byteRanks; ///< [first byte << 8 | second byte] of raw bytes
    std::vector<Token> m_merged;            ///< by rank
    std::vector<std::uint64_t> m_pairs;     ///< open addressing: left << 42 | right << 20 | rank
    std::vector<Word> m_words;              ///< open addressing: tokens by their bytes
    std::vector<bool> m_wholePiece;         ///< by id: a piece with these bytes is this one token
};

} // namespace dossier::engine
