// SPDX-License-Identifier: GPL-3.0-or-later
// One pattern of a .gitignore file.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dossier::ingest {

/// The patterns of gitignore(5): '*' and '?' stop at '/', "**" between slashes does not, "[a-z]"
/// with
/// "!" or "^" and the POSIX classes, '\' takes the next character as it is. Time is bounded by
/// length of pattern times length of path, whatever the pattern.
class Glob {
  public:
    explicit Glob(std::string_view pattern);
    bool matches(std::string_view path) const;

  private:
    enum class Kind : std::uint8_t {
        Byte,    ///< this byte
        AnyByte, ///< any byte but '/'
        Class,   ///< a byte of m_classes[index]
        Star,    ///< any bytes but '/'
        Folders, ///< nothing, or anything that ends in '/'
        Rest,    ///< anything, at least one byte
        Never,   ///< a pattern that cannot match ("[a" without an end)
    };
    struct Step {
        Kind kind;
        std::uint8_t byte = 0;
        std::uint16_t index = 0;
    };

    std::size_t addClass(std::string_view pattern, std::size_t at);
    bool accepts(const Step& step, unsigned char byte) const;
    bool simulate(std::string_view path) const;

    enum class Shape { Literal, Suffix, General };
    Shape m_shape = Shape::General; ///< plain names and "*.o" need no machine
    std::string m_literal;
    std::vector<Step> m_steps;
    std::vector<std::bitset<256>> m_classes;
};

} // namespace dossier::ingest
