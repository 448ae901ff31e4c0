// SPDX-License-Identifier: Apache-2.0
#include "engine/tokenizer/python_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"

namespace dossier::engine {
namespace {

/// Python's repr(float): the shortest digits that read back the same, exponents from 1e16 and
/// below 1e-4, always a point or an exponent.
std::string pythonFloat(double value) {
    std::array<char, 40> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                   std::chars_format::scientific)
                         .ptr;
    const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
    const std::size_t mark = text.find('e');
    const int exponent = std::atoi(std::string(text.substr(mark + 1)).c_str());
    if (exponent < -4 || exponent >= 16) {
        return std::string(text); // to_chars writes 1e+16 and 1e-05 as Python does
    }
    std::string sign, digits;
    for (const char c : text.substr(0, mark)) {
        (c == '-' ? sign : digits) += c == '.' ? std::string_view() : std::string_view(&c, 1);
    }
    if (exponent < 0) {
        return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
    }
    const std::size_t whole = static_cast<std::size_t>(exponent) + 1;
    digits.resize(std::max(digits.size(), whole + 1), '0');
    return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

/// Writes while the parser reads, so that integers of any length keep their digits.
class PythonWriter : public nlohmann::json_sax<nlohmann::json> {
  public:
    bool null() override { return scalar("null"); }
    bool boolean(bool value) override { return scalar(value ? "true" : "false"); }
    bool number_integer(number_integer_t value) override { return scalar(std::to_string(value)); }
    bool number_unsigned(number_unsigned_t value) override { return scalar(std::to_string(value)); }
    bool number_float(number_float_t value, const string_t& text) override {
        const bool isWhole = text.find_first_of(".eE") == std::string::npos;
        return scalar(isWhole ? text : pythonFloat(value));
    }
    bool string(string_t& value) override {
        if (m_depth == 1 && !m_members.empty()) {
            m_members.back().isString = true;
            m_members.back().value = value;
        }
        return scalar(pythonJsonString(value));
    }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open('{'); }
    bool key(string_t& name) override {
        separate();
        if (m_depth == 1) {
            m_members.push_back({name, false, {}});
        }
        out += pythonJsonString(name) + ": ";
        m_afterKey = true;
        m_valueAt = m_depth == 1 ? out.size() : m_valueAt;
        return true;
    }
    bool end_object() override { return close('}'); }
    bool start_array(std::size_t) override { return open('['); }
    bool end_array() override { return close(']'); }
    bool parse_error(std::size_t, const std::string&,
                     const nlohmann::detail::exception& error) override {
        problem = error.what();
        return false;
    }

    std::string out, problem;
    std::vector<JsonMember> takeMembers() { return std::move(m_members); }

  private:
    void separate() {
        if (!m_afterKey && !out.empty() && out.back() != '[' && out.back() != '{') {
            out += ", ";
        }
        m_afterKey = false;
    }
    bool scalar(const std::string& text) {
        separate();
        out += text;
        return finished();
    }
    bool open(char bracket) {
        separate();
        out += bracket;
        ++m_depth;
        return true;
    }
    bool close(char bracket) {
        out += bracket;
        --m_depth;
        return finished();
    }
    bool finished() {
        if (m_depth == 1 && !m_members.empty() && !m_members.back().isString) {
            m_members.back().value = out.substr(m_valueAt);
        }
        return true;
    }

    int m_depth = 0;
    bool m_afterKey = false;
    std::size_t m_valueAt = 0;
    std::vector<JsonMember> m_members;
};

} // namespace

std::string pythonJson(std::string_view json, const std::string& what) {
    PythonWriter writer;
    if (!nlohmann::json::sax_parse(json, &writer)) {
        throw Error(ErrorCode::InvalidArgument,
                    what + " is not valid JSON (" + writer.problem + ")", "Correct the JSON text");
    }
    return writer.out;
}

std::string pythonJsonString(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        switch (c) {
        case '"':
            out += "\\\"";
            break;
        case '\\':
            out += "\\\\";
            break;
        case '\n':
            out += "\\n";
            break;
        case '\r':
            out += "\\r";
            break;
        case '\t':
            out += "\\t";
            break;
        case '\b':
            out += "\\b";
            break;
        case '\f':
            out += "\\f";
            break;
        default:
            if (static_cast<unsigned char>(c) < 0x20) {
                out += "\\u00";
                out += kDigits[static_cast<std::size_t>(c) >> 4];
                out += kDigits[static_cast<std::size_t>(c) & 15];
            } else {
                out += c;
            }
        }
    }
    return out + "\"";
}

std::optional<std::vector<JsonMember>> pythonJsonMembers(std::string_view json) {
    PythonWriter writer;
    if (!nlohmann::json::sax_parse(json, &writer) || writer.out.front() != '{') {
        return std::nullopt;
    }
    std::vector<JsonMember> members;
    for (JsonMember& member : writer.takeMembers()) {
        const auto same = std::find_if(members.begin(), members.end(),
                                       [&](const JsonMember& m) { return m.key == member.key; });
        if (same == members.end()) {
            members.push_back(std::move(member));
        } else {
            *same = std::move(member);
        }
    }
    return members;
}

} // namespace dossier::engine
