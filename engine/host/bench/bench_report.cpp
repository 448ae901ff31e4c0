// SPDX-License-Identifier: Apache-2.0
#include "engine/host/bench/bench_report.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>

#include "engine/base/error.h"

namespace dossier::engine::bench {
namespace {

std::string jsonText(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            result.push_back('\\');
        }
        result.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
    }
    return result + "\"";
}

} // namespace

Figure& Figure::text(std::string_view key, std::string_view value) {
    m_fields.push_back({std::string(key), std::string(value), true});
    return *this;
}

Figure& Figure::number(std::string_view key, double value, int decimals) {
    std::array<char, 64> text{};
    if (!std::isfinite(value)) {
        m_fields.push_back({std::string(key), "null", false});
        return *this;
    }
    if (decimals < 0) {
        std::snprintf(text.data(), text.size(), "%.5g", value);
    } else {
        std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    }
    m_fields.push_back({std::string(key), text.data(), false});
    return *this;
}

std::string Figure::line() const {
    std::string line = m_fields.front().value + ":";
    for (std::size_t i = 1; i < m_fields.size(); ++i) {
        line.append(i == 1 ? " " : ", ").append(m_fields[i].key).append(" ");
        line.append(m_fields[i].value);
    }
    return line;
}

std::string Figure::json() const {
    std::string json = "{";
    for (const Field& field : m_fields) {
        json.append(json.size() == 1 ? "" : ", ").append(jsonText(field.key)).append(": ");
        json.append(field.quoted ? jsonText(field.value) : field.value);
    }
    return json + "}";
}

Report::Report(const std::optional<std::string>& path) {
    if (path) {
        m_file.reset(std::fopen(path->c_str(), "a"));
        if (!m_file) {
            throw systemError("open " + *path, errno);
        }
    }
}

void Report::add(const Figure& figure) {
    say(figure.line());
    if (m_file) {
        std::fprintf(m_file.get(), "%s\n", figure.json().c_str());
        std::fflush(m_file.get());
    }
}

void Report::say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2),
                     values.end());
    return values[values.size() / 2];
}

} // namespace dossier::engine::bench
