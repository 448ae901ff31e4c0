// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/walk/glob.h"

#include <array>
#include <cctype>

namespace dossier::ingest {
namespace {

struct PosixClass {
    std::string_view name;
    int (*contains)(int);
};
constexpr std::array<PosixClass, 12> kPosix{{{"alnum", std::isalnum},
                                             {"alpha", std::isalpha},
                                             {"blank", std::isblank},
                                             {"cntrl", std::iscntrl},
                                             {"digit", std::isdigit},
                                             {"graph", std::isgraph},
                                             {"lower", std::islower},
                                             {"print", std::isprint},
                                             {"punct", std::ispunct},
                                             {"space", std::isspace},
                                             {"upper", std::isupper},
                                             {"xdigit", std::isxdigit}}};

} // namespace

Glob::Glob(std::string_view pattern) {
    for (std::size_t at = 0; at < pattern.size();) {
        const char c = pattern[at];
        if (c == '*') {
            std::size_t end = at;
            while (end < pattern.size() && pattern[end] == '*') {
                ++end;
            }
            const bool afterSlash = at == 0 || pattern[at - 1] == '/';
            if (end - at == 2 && afterSlash && end == pattern.size()) {
                m_steps.push_back({Kind::Rest});
            } else if (end - at == 2 && afterSlash && pattern[end] == '/') {
                m_steps.push_back({Kind::Folders});
                ++end; // the slash belongs to it
            } else {
                m_steps.push_back({Kind::Star});
            }
            at = end;
        } else if (c == '?') {
            m_steps.push_back({Kind::AnyByte});
            ++at;
        } else if (c == '[') {
            at = addClass(pattern, at);
        } else if (c == '\\' && at + 1 == pattern.size()) {
            m_steps.push_back({Kind::Never}); // nothing to take literally
            ++at;
        } else {
            at += c == '\\' ? 1 : 0;
            m_steps.push_back({Kind::Byte, static_cast<std::uint8_t>(pattern[at])});
            ++at;
        }
    }
    const bool star = !m_steps.empty() && m_steps.front().kind == Kind::Star;
    m_shape = star ? Shape::Suffix : Shape::Literal;
    for (std::size_t i = star ? 1 : 0; i < m_steps.size(); ++i) {
        if (m_steps[i].kind != Kind::Byte) {
            m_shape = Shape::General;
            break;
        }
        m_literal += static_cast<char>(m_steps[i].byte);
    }
}

/// Reads "[...]" and returns where the pattern goes on.
std::size_t Glob::addClass(std::string_view pattern, std::size_t at) {
    std::bitset<256> set;
    std::size_t i = at + 1;
    const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
    i += negated ? 1 : 0;
    bool first = true;
    int previous = -1;
    for (; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
        if (pattern.substr(i, 2) == "[:") {
            const std::size_t end = pattern.find(":]", i + 2);
            if (end != std::string_view::npos) {
                for (const PosixClass& posix : kPosix) {
                    for (int c = 0; posix.name == pattern.substr(i + 2, end - i - 2) && c < 128;
                         ++c) {
                        set[static_cast<std::size_t>(c)] =
                            set[static_cast<std::size_t>(c)] || posix.contains(c) != 0;
                    }
                }
                i = end + 2;
                previous = -1;
                continue;
            }
        }
        const bool range =
            pattern[i] == '-' && previous >= 0 && i + 1 < pattern.size() && pattern[i + 1] != ']';
        i += range ? 1 : 0;
        if (pattern[i] == '\\' && i + 1 < pattern.size()) {
            ++i;
        }
        const int c = static_cast<unsigned char>(pattern[i++]);
        for (int k = range ? previous : c; k <= c; ++k) {
            set.set(static_cast<std::size_t>(k));
        }
        previous = range ? -1 : c;
    }
    if (i >= pattern.size()) {
        m_steps.push_back({Kind::Never});
        return pattern.size();
    }
    if (negated) {
        set.flip();
    }
    set.reset('/');
    m_steps.push_back({Kind::Class, 0, static_cast<std::uint16_t>(m_classes.size())});
    m_classes.push_back(set);
    return i + 1;
}

bool Glob::accepts(const Step& step, unsigned char byte) const {
    switch (step.kind) {
    case Kind::Byte:
        return step.byte == byte;
    case Kind::AnyByte:
    case Kind::Star:
        return byte != '/';
    case Kind::Class:
        return m_classes[step.index][byte];
    case Kind::Folders:
    case Kind::Rest:
        return true;
    case Kind::Never:
        return false;
    }
    return false;
}

bool Glob::matches(std::string_view path) const {
    switch (m_shape) {
    case Shape::Literal:
        return path == m_literal;
    case Shape::Suffix:
        return path.ends_with(m_literal) &&
               path.substr(0, path.size() - m_literal.size()).find('/') == std::string_view::npos;
    case Shape::General:
        return simulate(path);
    }
    return false;
}

/// All positions in the pattern that the path so far can have led to, at once: no backtracking.
bool Glob::simulate(std::string_view path) const {
    std::vector<bool> here(m_steps.size() + 1), next(m_steps.size() + 1);
    // Steps that may match nothing are passed at once. "**/" only where a folder begins.
    const auto enter = [&](std::vector<bool>& states, std::size_t state, bool atFolder) {
        for (;; ++state) {
            states[state] = true;
            const bool empty =
                state < m_steps.size() && (m_steps[state].kind == Kind::Star ||
                                           (m_steps[state].kind == Kind::Folders && atFolder));
            if (!empty) {
                return;
            }
        }
    };
    enter(here, 0, true);
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        next.assign(next.size(), false);
        for (std::size_t i = 0; i < m_steps.size(); ++i) {
            if (!here[i] || !accepts(m_steps[i], byte)) {
                continue;
            }
            switch (m_steps[i].kind) {
            case Kind::Star:
                enter(next, i, byte == '/');
                break;
            case Kind::Folders:
                next[i] = true;
                if (byte == '/') {
                    enter(next, i + 1, true);
                }
                break;
            case Kind::Rest:
                next[i] = true;
                next[i + 1] = true;
                break;
            default:
                enter(next, i + 1, byte == '/');
            }
        }
        here.swap(next);
    }
    return here[m_steps.size()];
}

} // namespace dossier::ingest
