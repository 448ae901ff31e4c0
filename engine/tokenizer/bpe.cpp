// SPDX-License-Identifier: Apache-2.0
#include "engine/tokenizer/bpe.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <functional>

#include "engine/base/error.h"

namespace dossier::engine {
namespace {

constexpr std::uint64_t kEmptyPair = ~std::uint64_t{0};
constexpr std::size_t kShortPiece = 64;    ///< up to here a linear search beats a heap
constexpr std::size_t kWindow = 32 * 1024; ///< bytes of a long piece looked at together
constexpr std::size_t kRecentBits = 14;    ///< 16,384 entries of 32 bytes stay within the L2 cache
constexpr std::size_t kRecentLength = 15;

std::uint64_t mix(std::uint64_t x) {
    x *= 0x9E3779B97F4A7C15;
    return x ^ (x >> 32);
}

std::uint64_t load64(const char* p) {
    std::uint64_t x;
    std::memcpy(&x, p, 8);
    return x;
}

std::uint64_t loadPart(const char* p, std::size_t size) {
    std::uint64_t x = 0;
    std::memcpy(&x, p, size);
    return x;
}

std::uint64_t hashBytes(std::string_view bytes) {
    std::uint64_t h = bytes.size() * 0xA0761D6478BD642F;
    const char* p = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8, p += 8) {
        h = mix(h ^ load64(p)) * 0xE7037ED1A0B428DB;
    }
    return mix(mix(h ^ loadPart(p, left)) ^ (h >> 29));
}

/// At most half full, so that searches for absent keys end soon.
std::size_t tableSize(std::size_t entries) {
    return std::bit_ceil(std::max<std::size_t>(entries, 8) * 2);
}

Error corrupt(const std::string& failed) {
    return {ErrorCode::Corrupt, failed, "Copy the model's tokenizer.json again from its source"};
}

std::uint64_t pairKey(Token left, Token right) {
    return static_cast<std::uint64_t>(left) << 42 | static_cast<std::uint64_t>(right) << 20;
}

} // namespace

Bpe::Bpe(const std::vector<std::string>& tokenBytes, std::span<const BpeMerge> merges,
         WholePiece wholePiece) {
    static std::atomic<std::uint64_t> serial{0};
    m_serial = ++serial;
    if (tokenBytes.size() > static_cast<std::size_t>(kMaxId) + 1 || merges.size() > kMaxMerges) {
        throw Error(ErrorCode::TooLarge,
                    "The tokenizer has more than 4,194,304 tokens or 1,048,575 merges",
                    "Use the tokenizer.json that belongs to the model");
    }
    buildWords(tokenBytes);
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const std::optional<Token> id = find({&c, 1});
        if (!id) {
            throw corrupt("The tokenizer has no token for byte " + std::to_string(byte));
        }
        m_byteTokens[static_cast<std::size_t>(byte)] = *id;
    }
    buildPairs(merges);
    m_wholePiece.assign(tokenBytes.size(), wholePiece == WholePiece::AsToken);
    if (wholePiece == WholePiece::ByMerges) {
        dropUnreachableWords();
    }
}

void Bpe::buildWords(const std::vector<std::string>& tokenBytes) {
    m_offsets.reserve(tokenBytes.size() + 1);
    m_offsets.push_back(0);
    m_words.resize(tableSize(tokenBytes.size()));
    const std::size_t mask = m_words.size() - 1;
    for (std::size_t id = 0; id < tokenBytes.size(); ++id) {
        const std::string& bytes = tokenBytes[id];
        m_bytes += bytes;
        if (m_bytes.size() > 0x7FFFFFFF) {
            throw corrupt("The tokens of the tokenizer are longer than 2 GiB together");
        }
        m_offsets.push_back(static_cast<std::uint32_t>(m_bytes.size()));
        if (bytes.empty()) {
            continue;
        }
        if (const Word* other = findWord(bytes); other != nullptr) {
            throw corrupt("Tokens " + std::to_string(other->id) + " and " + std::to_string(id) +
                          " of the tokenizer stand for the same bytes");
        }
        const std::uint64_t hash = hashBytes(bytes);
        std::size_t slot = hash & mask;
        while (m_words[slot].id >= 0) {
            slot = (slot + 1) & mask;
        }
        m_words[slot] = {static_cast<std::int32_t>(id), static_cast<std::uint32_t>(hash >> 32)};
    }
}

void Bpe::buildPairs(std::span<const BpeMerge> merges) {
    m_pairs.assign(tableSize(merges.size()), kEmptyPair);
    const std::size_t mask = m_pairs.size() - 1;
    m_merged.reserve(merges.size());
    for (const BpeMerge& merge : merges) {
        const std::string joined =
            std::string(bytesOf(merge.left)) + std::string(bytesOf(merge.right));
        if (joined != bytesOf(merge.merged)) {
            throw corrupt("Merge " + std::to_string(m_merged.size()) +
                          " of the tokenizer does not give the token that it names");
        }
        const std::uint64_t key = pairKey(merge.left, merge.right);
        std::size_t slot = mix(key >> 20) & mask;
        while (m_pairs[slot] != kEmptyPair) {
            if (m_pairs[slot] >> 20 == key >> 20) {
                throw corrupt("Merge " + std::to_string(m_merged.size()) +
                              " of the tokenizer repeats an earlier one");
            }
            slot = (slot + 1) & mask;
        }
        m_pairs[slot] = key | m_merged.size();
        m_merged.push_back(merge.merged);
    }
    m_byteRanks.resize(std::size_t{256} * 256);
    for (std::size_t pair = 0; pair < m_byteRanks.size(); ++pair) {
        m_byteRanks[pair] = rankOf(m_byteTokens[pair >> 8], m_byteTokens[pair & 255]);
    }
}

/// A token is found whole only if the merges lead to it from its bytes.
void Bpe::dropUnreachableWords() {
    BpeScratch scratch;
    std::vector<Token> tokens;
    for (std::size_t id = 0; id + 1 < m_offsets.size(); ++id) {
        const std::string_view bytes = bytesOf(static_cast<Token>(id));
        if (!bytes.empty()) {
            tokens.clear();
            merge(bytes, tokens, scratch);
            m_wholePiece[id] = tokens.size() == 1;
        }
    }
}

std::string_view Bpe::bytesOf(Token id) const {
    const auto i = static_cast<std::size_t>(id);
    return {m_bytes.data() + m_offsets[i], m_offsets[i + 1] - m_offsets[i]};
}

const Bpe::Word* Bpe::findWord(std::string_view bytes) const {
    const std::uint64_t hash = hashBytes(bytes);
    const std::size_t mask = m_words.size() - 1;
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t slot = hash & mask; m_words[slot].id >= 0; slot = (slot + 1) & mask) {
        if (m_words[slot].tag == tag && bytesOf(m_words[slot].id) == bytes) {
            return &m_words[slot];
        }
    }
    return nullptr;
}

std::optional<Token> Bpe::find(std::string_view bytes) const {
    const Word* word = bytes.empty() ? nullptr : findWord(bytes);
    return word == nullptr ? std::nullopt : std::optional<Token>(word->id);
}

std::uint32_t Bpe::rankOf(Token left, Token right) const {
    const std::uint64_t key = pairKey(left, right);
    const std::size_t mask = m_pairs.size() - 1;
    for (std::size_t slot = mix(key >> 20) & mask;; slot = (slot + 1) & mask) {
        const std::uint64_t entry = m_pairs[slot];
        if (entry >> 20 == key >> 20) {
            return static_cast<std::uint32_t>(entry & 0xFFFFF);
        }
        if (entry == kEmptyPair) {
            return kNoRank;
        }
    }
}

void Bpe::encode(std::string_view piece, std::vector<Token>& out, BpeScratch& scratch) const {
    if (piece.size() > kRecentLength || piece.empty()) {
        encodeUncached(piece, out, scratch);
        return;
    }
    if (scratch.m_owner != m_serial) {
        scratch.m_recent.assign(std::size_t{1} << kRecentBits, {});
        scratch.m_owner = m_serial;
    }
    const std::size_t head = std::min<std::size_t>(piece.size(), 8);
    const std::uint64_t low = loadPart(piece.data(), head);
    const std::uint64_t high = loadPart(piece.data() + head, piece.size() - head) |
                               static_cast<std::uint64_t>(piece.size()) << 56;
    BpeScratch::Recent& recent =
        scratch.m_recent[mix(low ^ mix(high)) >> (32 - kRecentBits) & ((1U << kRecentBits) - 1)];
    if (recent.low == low && recent.high == high) {
        const std::uint32_t count = recent.ids[0] >> 24;
        out.push_back(static_cast<Token>(recent.ids[0] & 0xFFFFFF));
        for (std::uint32_t i = 1; i < count; ++i) {
            out.push_back(static_cast<Token>(recent.ids[i]));
        }
        return;
    }
    const std::size_t before = out.size();
    encodeUncached(piece, out, scratch);
    const std::size_t count = out.size() - before;
    if (count <= recent.ids.size()) {
        recent.low = low;
        recent.high = high;
        for (std::size_t i = 0; i < count; ++i) {
            recent.ids[i] = static_cast<std::uint32_t>(out[before + i]);
        }
        recent.ids[0] |= static_cast<std::uint32_t>(count) << 24;
    }
}

void Bpe::encodeUncached(std::string_view piece, std::vector<Token>& out,
                         BpeScratch& scratch) const {
    if (piece.empty()) {
        return;
    }
    const Word* word = findWord(piece);
    if (word != nullptr && m_wholePiece[static_cast<std::size_t>(word->id)]) {
        out.push_back(word->id);
        return;
    }
    merge(piece, out, scratch);
}

void Bpe::merge(std::string_view piece, std::vector<Token>& out, BpeScratch& scratch) const {
    if (piece.size() <= kShortPiece) {
        mergeShort(piece, out);
    } else if (piece.size() <= 2 * kWindow) {
        mergeByHeap(piece, out, scratch);
    } else {
        mergeInWindows(piece, out, scratch);
    }
}

void Bpe::mergeShort(std::string_view piece, std::vector<Token>& out) const {
    std::array<Token, kShortPiece> symbols;
    std::array<std::uint32_t, kShortPiece> ranks; ///< of the pair (i, i + 1)
    std::size_t size = piece.size();
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(piece.data());
    for (std::size_t i = 0; i < size; ++i) {
        symbols[i] = m_byteTokens[bytes[i]];
        ranks[i] = i + 1 < size ? m_byteRanks[std::size_t{bytes[i]} << 8 | bytes[i + 1]] : kNoRank;
    }
    while (size > 1) {
        std::size_t best = 0;
        for (std::size_t i = 1; i + 1 < size; ++i) {
            best = ranks[i] < ranks[best] ? i : best;
        }
        if (ranks[best] == kNoRank) {
            break;
        }
        symbols[best] = m_merged[ranks[best]];
        const std::size_t behind = size - best - 2;
        std::memmove(&symbols[best + 1], symbols.data() + best + 2, behind * sizeof(Token));
        std::memmove(&ranks[best], ranks.data() + best + 1, (behind + 1) * sizeof(std::uint32_t));
        --size;
        ranks[best] = behind > 0 ? rankOf(symbols[best], symbols[best + 1]) : kNoRank;
        if (best > 0) {
            ranks[best - 1] = rankOf(symbols[best - 1], symbols[best]);
        }
    }
    out.insert(out.end(), symbols.begin(), symbols.begin() + static_cast<std::ptrdiff_t>(size));
}

void Bpe::mergeByHeap(std::string_view piece, std::vector<Token>& out, BpeScratch& scratch) const {
    const std::size_t size = piece.size();
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(piece.data());
    std::vector<std::int32_t>& symbols = scratch.m_symbols;
    std::vector<std::int32_t>& previous = scratch.m_previous;
    std::vector<std::int32_t>& next = scratch.m_next;
    std::vector<std::uint32_t>& ranks = scratch.m_ranks;
    std::vector<std::uint64_t>& heap = scratch.m_heap; // rank << 32 | position
    symbols.resize(size);
    previous.resize(size);
    next.resize(size);
    ranks.resize(size);
    heap.clear();
    for (std::size_t i = 0; i < size; ++i) {
        symbols[i] = m_byteTokens[bytes[i]];
        previous[i] = static_cast<std::int32_t>(i) - 1;
        next[i] = i + 1 < size ? static_cast<std::int32_t>(i) + 1 : -1;
        ranks[i] = i + 1 < size ? m_byteRanks[std::size_t{bytes[i]} << 8 | bytes[i + 1]] : kNoRank;
        if (ranks[i] != kNoRank) {
            heap.push_back(std::uint64_t{ranks[i]} << 32 | i);
        }
    }
    std::make_heap(heap.begin(), heap.end(), std::greater<>());
    const auto setRank = [&](std::size_t i, std::size_t right) {
        ranks[i] = rankOf(symbols[i], symbols[right]);
        if (ranks[i] != kNoRank) {
            heap.push_back(std::uint64_t{ranks[i]} << 32 | i);
            std::push_heap(heap.begin(), heap.end(), std::greater<>());
        }
    };
    while (!heap.empty()) {
        std::pop_heap(heap.begin(), heap.end(), std::greater<>());
        const auto rank = static_cast<std::uint32_t>(heap.back() >> 32);
        const std::size_t i = heap.back() & 0xFFFFFFFF;
        heap.pop_back();
        if (ranks[i] != rank) {
            continue; // one of the two has been merged with another neighbour since
        }
        const auto removed = static_cast<std::size_t>(next[i]);
        symbols[i] = m_merged[rank];
        ranks[removed] = kNoRank;
        ranks[i] = kNoRank;
        next[i] = next[removed];
        if (next[i] >= 0) {
            previous[static_cast<std::size_t>(next[i])] = static_cast<std::int32_t>(i);
            setRank(i, static_cast<std::size_t>(next[i]));
        }
        if (previous[i] >= 0) {
            setRank(static_cast<std::size_t>(previous[i]), i);
        }
    }
    for (std::int32_t i = 0; i >= 0; i = next[static_cast<std::size_t>(i)]) {
        out.push_back(symbols[static_cast<std::size_t>(i)]);
    }
}

bool Bpe::joins(Token left, Token right, BpeScratch& scratch) const {
    std::vector<Token> tokens;
    merge(std::string(bytesOf(left)) + std::string(bytesOf(right)), tokens, scratch);
    return tokens == std::vector<Token>{left, right};
}

/// Encodes a long piece window by window. This is exact: a row of tokens is the encoding of its
/// bytes if and only if every two neighbours are the encoding of theirs, because the first merge
/// across a border would be the first one for these two alone as well. Inside a window neighbours
/// are right by construction; where one window is continued by the next, `joins` asks.
void Bpe::mergeInWindows(std::string_view piece, std::vector<Token>& out,
                         BpeScratch& scratch) const {
    constexpr int kTries = 256;
    const std::size_t begin = out.size();
    std::vector<Token>& window = scratch.m_window;
    std::size_t from = 0; // bytes of the piece that `out` covers
    std::size_t length = kWindow;
    int failures = 0;
    while (from < piece.size()) {
        const std::size_t taken = std::min(length, piece.size() - from);
        window.clear();
        mergeByHeap(piece.substr(from, taken), window, scratch);
        if (out.size() > begin && !joins(out.back(), window.front(), scratch)) {
            // Cut one token earlier; where that never helps, encode the whole piece as one.
            from -= bytesOf(out.back()).size();
            out.pop_back();
            if (++failures > kTries) {
                length = piece.size();
                from = 0;
                out.resize(begin);
            }
            continue;
        }
        std::size_t kept = window.size();
        if (from + taken < piece.size()) {
            // The tokens near the end may change with what follows: leave a quarter.
            std::size_t bytes = taken;
            while (kept > 1 && bytes > taken / 4 * 3) {
                bytes -= bytesOf(window[--kept]).size();
            }
        }
        for (std::size_t i = 0; i < kept; ++i) {
            from += bytesOf(window[i]).size();
            out.push_back(window[i]);
        }
    }
}

} // namespace dossier::engine
