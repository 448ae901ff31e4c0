// SPDX-License-Identifier: Apache-2.0
// Deterministic damage for mutation tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dossier::fuzz {

class Mutator {
  public:
    explicit Mutator(std::uint64_t seed) : m_state(seed * 0x9E3779B97F4A7C15ULL + 1) {}

    std::uint64_t next() { // splitmix64
        std::uint64_t z = m_state += 0x9E3779B97F4A7C15ULL;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
        return z ^ z >> 31;
    }
    std::size_t below(std::size_t n) { return n == 0 ? 0 : next() % n; }

    /// One to four random changes: bytes, cuts, repetitions, or pieces from `dictionary`.
    std::string damage(std::string text, const std::vector<std::string>& dictionary) {
        for (std::size_t rounds = 1 + below(4); rounds > 0; --rounds) {
            change(text, dictionary);
        }
        return text;
    }

  private:
    void change(std::string& text, const std::vector<std::string>& dictionary) {
        const std::size_t at = below(text.size() + 1);
        const std::size_t length = std::min(below(24), text.size() - at);
        switch (below(7)) {
        case 0:
            if (at < text.size()) {
                text[at] = static_cast<char>(next());
            }
            break;
        case 1:
            if (at < text.size()) {
                text[at] = static_cast<char>(text[at] ^ 1 << below(8));
            }
            break;
        case 2:
            text.erase(at, length);
            break;
        case 3:
            text.insert(at, text.substr(at, length));
            break;
        case 4:
            text.resize(at);
            break;
        case 5:
            text.insert(at, dictionary[below(dictionary.size())]);
            break;
        default:
            text.replace(at, length, dictionary[below(dictionary.size())]);
        }
    }

    std::uint64_t m_state;
};

} // namespace dossier::fuzz
