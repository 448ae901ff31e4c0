// SPDX-License-Identifier: Apache-2.0
#include "engine/model/strict_json.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/memory_ledger.h"

namespace dossier::engine {
namespace {

constexpr const char* kCopyAgain = "Copy or download the file again";

/// Receives the parser's events and keeps only the keys of the objects that are open.
class Checker {
  public:
    Checker(std::string_view origin, int maxDepth) : m_origin(origin), m_maxDepth(maxDepth) {}

    bool null() { return true; }
    bool boolean(bool /*value*/) { return true; }
    bool number_integer(std::int64_t /*value*/) { return true; }
    bool number_unsigned(std::uint64_t /*value*/) { return true; }
    bool number_float(double /*value*/, const std::string& /*text*/) { return true; }
    bool string(std::string& /*value*/) { return true; }
    bool binary(nlohmann::json::binary_t& /*value*/) { return true; }
    bool start_object(std::size_t /*size*/) {
        m_keys.emplace_back();
        return enter();
    }
    bool end_object() {
        m_keys.pop_back();
        --m_depth;
        return true;
    }
    bool start_array(std::size_t /*size*/) { return enter(); }
    bool end_array() {
        --m_depth;
        return true;
    }
    bool key(std::string& name) {
        if (!m_keys.back().insert(name).second) {
            corrupt("has the key \"" + name + "\" twice");
        }
        return true;
    }
    bool parse_error(std::size_t position, const std::string& /*token*/,
                     const nlohmann::json::exception& /*problem*/) {
        corrupt("is not valid JSON: the fault is at byte " + std::to_string(position));
    }

  private:
    [[noreturn]] void corrupt(const std::string& why) const {
        throw Error(ErrorCode::Corrupt, m_origin + " " + why, kCopyAgain);
    }
    bool enter() {
        if (++m_depth > m_maxDepth) {
            corrupt("nests more than " + std::to_string(m_maxDepth) + " levels");
        }
        return true;
    }

    std::string m_origin;
    int m_maxDepth, m_depth = 0;
    std::vector<std::set<std::string, std::less<>>> m_keys;
};

} // namespace

void checkStrictJson(std::string_view text, std::string_view origin, std::size_t maxBytes,
                     int maxDepth) {
    if (text.size() > maxBytes) {
        throw Error(ErrorCode::TooLarge,
                    std::string(origin) + " has " + formatBytes(text.size()) + ", more than the " +
                        formatBytes(maxBytes) + " such a file may have",
                    kCopyAgain);
    }
    Checker checker(origin, maxDepth);
    nlohmann::json::sax_parse(text.begin(), text.end(), &checker);
}

} // namespace dossier::engine
