// SPDX-License-Identifier: GPL-3.0-or-later
// Symbols of source files by simple patterns: enough to jump by name, without a parser.
#include <QRegularExpression>
#include <map>

#include "ui/sources/outline_model.h"

namespace dossier::ui {
namespace {

using Patterns = std::vector<QRegularExpression>;

/// Each pattern captures the name in group 1.
const Patterns& patternsOf(const std::string& language) {
    static const std::map<std::string, Patterns> table = [] {
        const auto make = [](std::initializer_list<const char*> sources) {
            Patterns patterns;
            for (const char* source : sources) {
                patterns.emplace_back(QString::fromLatin1(source));
                patterns.back().optimize();
            }
            return patterns;
        };
        std::map<std::string, Patterns> t;
        // A definition: begins in column one, ends without a semicolon, has a parameter list.
        t["c"] = make(
            {R"(^[A-Za-z_][\w\s\*&:<>,\[\]~]*?[\s\*&]((?:[A-Za-z_]\w*::)*~?[A-Za-z_]\w*|operator\s*\S{1,3})\s*\([^;]*$)",
             R"(^((?:[A-Za-z_]\w*::)+~?[A-Za-z_]\w*)\s*\([^;]*$)",
             R"(^\s*(?:class|struct|enum(?:\s+class)?|union|namespace)\s+(?:\[\[\w+\]\]\s*)?([A-Za-z_][\w:]*)[^;]*$)",
             R"(^#define\s+([A-Za-z_]\w*)\()"});
        t["cpp"] = t["cuda"] = t["c"];
        t["python"] =
            make({R"(^\s*(?:async\s+)?def\s+([A-Za-z_]\w*))", R"(^\s*class\s+([A-Za-z_]\w*))"});
        t["rust"] = make(
            {R"(^\s*(?:pub(?:\([^)]*\))?\s+)?(?:const\s+|async\s+|unsafe\s+|extern\s+"C"\s+)*fn\s+([A-Za-z_]\w*))",
             R"(^\s*(?:pub(?:\([^)]*\))?\s+)?(?:struct|enum|trait|mod|type)\s+([A-Za-z_]\w*))",
             R"(^\s*impl(?:<[^>]*>)?\s+([^{]+?)\s*\{)"});
        t["go"] = make({R"(^func\s+(?:\([^)]*\)\s*)?([A-Za-z_]\w*))", R"(^type\s+([A-Za-z_]\w*))"});
        t["javascript"] = make(
            {R"(^\s*(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s*\*?\s*([A-Za-z_$][\w$]*))",
             R"(^\s*(?:export\s+)?(?:default\s+)?(?:abstract\s+)?(?:class|interface|enum)\s+([A-Za-z_$][\w$]*))",
             R"(^\s*(?:export\s+)?const\s+([A-Za-z_$][\w$]*)\s*=\s*(?:async\s*)?(?:\([^)]*\)|[\w$]+)\s*=>)"});
        t["typescript"] = t["javascript"];
        t["java"] = make(
            {R"(^\s*(?:public|protected|private|static|final|abstract|synchronized|\s)*(?:class|interface|enum|record)\s+([A-Za-z_]\w*))",
             R"(^\s+(?:public|protected|private|static|final|abstract|synchronized|native|override|virtual|async|internal|\s)+[\w<>\[\],.?\s]+\s+([A-Za-z_]\w*)\s*\([^;]*$)"});
        t["csharp"] = t["kotlin"] = t["java"];
        t["ruby"] = make({R"(^\s*def\s+([\w.?!=]+))", R"(^\s*(?:class|module)\s+([\w:]+))"});
        t["php"] = make(
            {R"(^\s*(?:public|protected|private|static|abstract|final|\s)*function\s+&?([A-Za-z_]\w*))",
             R"(^\s*(?:abstract\s+|final\s+)?(?:class|interface|trait)\s+([A-Za-z_]\w*))"});
        t["shell"] = make({R"(^\s*(?:function\s+)?([A-Za-z_][\w-]*)\s*\(\)\s*\{?)"});
        t["lua"] = make({R"(^\s*(?:local\s+)?function\s+([\w.:]+))"});
        t["perl"] = make({R"(^\s*sub\s+([A-Za-z_]\w*))"});
        t["swift"] = make(
            {R"(^\s*(?:public|private|internal|open|static|\s)*func\s+([A-Za-z_]\w*))",
             R"(^\s*(?:public|private|internal|open|final|\s)*(?:class|struct|enum|protocol|extension)\s+([A-Za-z_]\w*))"});
        return t;
    }();
    static const Patterns none;
    const auto it = table.find(language);
    return it == table.end() ? none : it->second;
}

bool isStatement(const QString& name, const QString& line) {
    static const QRegularExpression keyword(QStringLiteral(
        R"(^\s*(?:return|if|else|for|while|switch|case|throw|new|delete|goto|typedef|using)\b)"));
    return name == QLatin1String("if") || name == QLatin1String("for") ||
           name == QLatin1String("while") || name == QLatin1String("switch") ||
           keyword.match(line).hasMatch();
}

} // namespace

std::vector<OutlineItem> symbolsOf(const ingest::Document& document) {
    constexpr std::size_t kMost = 4000, kLongestLine = 400;
    std::vector<OutlineItem> items;
    const Patterns& patterns = patternsOf(document.language);
    if (patterns.empty()) {
        return items;
    }
    const std::string& text = document.text;
    std::size_t begin = 0;
    for (std::uint64_t number = 1; begin < text.size() && items.size() < kMost; ++number) {
        const std::size_t newline = text.find('\n', begin);
        const std::size_t end = newline == std::string::npos ? text.size() : newline;
        const std::size_t length = end - begin;
        if (length > 3 && length < kLongestLine) {
            const QString line =
                QString::fromUtf8(text.data() + begin, static_cast<qsizetype>(length));
            for (const QRegularExpression& pattern : patterns) {
                const auto match = pattern.match(line);
                if (match.hasMatch() && !isStatement(match.captured(1), line)) {
                    OutlineItem item;
                    item.title = match.captured(1).simplified();
                    item.place = QString::number(number);
                    item.range = {begin, end};
                    item.symbol = true;
                    items.push_back(std::move(item));
                    break;
                }
            }
        }
        begin = end + 1;
    }
    return items;
}

} // namespace dossier::ui
