// SPDX-License-Identifier: Apache-2.0
// Figures of a benchmark as they come: a line for a person, and a JSON line in a file.
#pragma once

#include <cstdio>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dossier::engine::bench {

class Figure {
  public:
    explicit Figure(std::string_view what) { text("what", what); }
    Figure& text(std::string_view key, std::string_view value);
    /// `decimals` < 0: five significant digits.
    Figure& number(std::string_view key, double value, int decimals = -1);

    std::string line() const; ///< "decode: budget 80 GB, tokens_per_second 25.1"
    std::string json() const;

  private:
    struct Field {
        std::string key, value;
        bool quoted = false;
    };
    std::vector<Field> m_fields;
};

class Report {
  public:
    /// Lines are added to the file, which is made when it does not exist. Errors: Io, Permission.
    explicit Report(const std::optional<std::string>& path);
    /// Both lines at once and out of our hands, so that what was measured outlives a crash.
    void add(const Figure&);
    void say(const std::string& line);

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, Close> m_file;
};

double median(std::vector<double> values);

} // namespace dossier::engine::bench
