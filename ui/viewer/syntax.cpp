// SPDX-License-Identifier: GPL-3.0-or-later
// Lexer tables and the line lexer.
#include "ui/viewer/syntax.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <unordered_set>

namespace dossier::ui {

struct Language {
    const char* title;
    std::unordered_set<std::string_view> keywords;
    std::unordered_set<std::string_view> types;
    std::string_view lineComment;           ///< "//", "#", "--"; empty = none
    std::string_view blockOpen, blockClose; ///< "/*", "*/"
    std::string_view quotes = "\"'";        ///< characters that open a string on one line
    std::string_view rawQuote;              ///< opens and closes a string over lines: `"""`, "`"
    bool preprocessor = false;              ///< lines that begin with #
    bool scopeTypes = false;                ///< a name before :: is a type
    bool caseInsensitive = false;
};

namespace {

constexpr SyntaxState kPlain = 0, kBlockComment = 1, kRawString = 2, kRawString2 = 3;

std::unordered_set<std::string_view> words(std::string_view list) {
    std::unordered_set<std::string_view> result;
    while (!list.empty()) {
        const std::size_t end = list.find(' ');
        if (end != 0) {
            result.insert(list.substr(0, end));
        }
        list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
    }
    return result;
}

constexpr std::string_view kCKeywords =
    "auto break case const continue default do else enum extern for goto if inline register "
    "restrict return sizeof static struct switch typedef union volatile while _Bool _Static_assert";
constexpr std::string_view kCppKeywords =
    "alignas alignof asm auto break case catch class co_await co_return co_yield concept const "
    "const_cast consteval constexpr constinit continue decltype default delete do dynamic_cast "
    "else enum explicit export extern final for friend goto if import inline module mutable "
    "namespace new noexcept operator override private protected public register reinterpret_cast "
    "requires return signed sizeof static static_assert static_cast struct switch template this "
    "thread_local throw try typedef typeid typename union unsigned using virtual void volatile "
    "while __global__ __device__ __host__ __shared__ __constant__ emit signals slots";
constexpr std::string_view kCTypes =
    "bool char double float int long short signed unsigned void size_t ssize_t ptrdiff_t wchar_t "
    "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t uintptr_t intptr_t FILE "
    "std string string_view vector map set optional variant span byte pair tuple array "
    "unique_ptr shared_ptr function thread jthread mutex lock_guard scoped_lock unique_lock atomic "
    "memory_order_release memory_order_acquire memory_order_relaxed chrono filesystem path";

const std::map<std::string_view, Language>& languages() {
    static const std::map<std::string_view, Language> table = [] {
        std::map<std::string_view, Language> t;
        t["c"] = {"C",  words(kCKeywords), words(kCTypes), "//", "/*", "*/", "\"'", {}, true, false,
                  false};
        t["cpp"] = {
            "C++", words(kCppKeywords), words(kCTypes), "//", "/*", "*/", "\"'", {}, true, true,
            false};
        t["cuda"] = t["cpp"];
        t["cuda"].title = "CUDA";
        t["csharp"] = {"C#",
                       words("abstract as async await base break case catch class const continue "
                             "default delegate do else enum event explicit extern finally fixed "
                             "for foreach get goto if implicit in init interface internal is lock "
                             "namespace new operator out override params partial private "
                             "protected public readonly record ref return sealed set sizeof "
                             "static struct switch this throw try typeof unsafe using var virtual "
                             "void volatile when where while yield"),
                       words("bool byte char decimal double float int long object sbyte short "
                             "string uint ulong ushort"),
                       "//",
                       "/*",
                       "*/",
                       "\"'",
                       {},
                       true,
                       false,
                       false};
        t["java"] = {"Java",
                     words("abstract assert break case catch class const continue default do else "
                           "enum extends final finally for goto if implements import instanceof "
                           "interface native new package private protected public record return "
                           "sealed static strictfp super switch synchronized this throw throws "
                           "transient try var void volatile while yield"),
                     words("boolean byte char double float int long short"),
                     "//",
                     "/*",
                     "*/",
                     "\"'",
                     "\"\"\"",
                     false,
                     false,
                     false};
        t["kotlin"] = {"Kotlin",
                       words("abstract as break by class companion const continue data do else "
                             "enum for fun if import in init inline interface internal is lateinit "
                             "object open operator out override package private protected public "
                             "return sealed super suspend this throw try typealias val var when "
                             "where while"),
                       {},
                       "//",
                       "/*",
                       "*/",
                       "\"'",
                       "\"\"\"",
                       false,
                       false,
                       false};
        t["javascript"] = {"JavaScript",
                           words("async await break case catch class const continue debugger "
                                 "default delete do else export extends finally for from function "
                                 "get if import in instanceof let new of return set static super "
                                 "switch this throw try typeof var void while with yield"),
                           {},
                           "//",
                           "/*",
                           "*/",
                           "\"'",
                           "`",
                           false,
                           false,
                           false};
        t["typescript"] = t["javascript"];
        t["typescript"].title = "TypeScript";
        for (const std::string_view w :
             {"interface", "type", "enum", "implements", "private", "public", "protected",
              "readonly", "abstract", "declare", "namespace", "as", "keyof", "satisfies"}) {
            t["typescript"].keywords.insert(w);
        }
        t["typescript"].types = words("string number boolean any unknown never object void");
        t["python"] = {"Python",
                       words("and as assert async await break case class continue def del elif "
                             "else except finally for from global if import in is lambda match "
                             "nonlocal not or pass raise return try while with yield"),
                       words("int float str bytes bool list dict set tuple object type self cls"),
                       "#",
                       {},
                       {},
                       "\"'",
                       "\"\"\"",
                       false,
                       false,
                       false};
        t["ruby"] = {"Ruby",
                     words("alias and begin break case class def defined do else elsif end ensure "
                           "for if in module next not or redo rescue retry return self super then "
                           "undef unless until when while yield require attr_reader"),
                     {},
                     "#",
                     "=begin",
                     "=end",
                     "\"'`",
                     {},
                     false,
                     true,
                     false};
        t["rust"] = {"Rust",
                     words("as async await break const continue crate dyn else enum extern fn for "
                           "if impl in let loop match mod move mut pub ref return self static "
                           "struct super trait type unsafe use where while"),
                     words("bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 "
                           "usize String Vec Option Result Box Rc Arc Self"),
                     "//",
                     "/*",
                     "*/",
                     "\"",
                     {},
                     false,
                     true,
                     false};
        t["go"] = {"Go",
                   words("break case chan const continue default defer else fallthrough for func "
                         "go goto if import interface map package range return select struct "
                         "switch type var"),
                   words("bool byte complex64 complex128 error float32 float64 int int8 int16 "
                         "int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr any"),
                   "//",
                   "/*",
                   "*/",
                   "\"'",
                   "`",
                   false,
                   false,
                   false};
        t["swift"] = {"Swift",
                      words("actor as associatedtype async await break case catch class continue "
                            "default defer deinit do else enum extension fallthrough fileprivate "
                            "for func guard if import in init inout internal is let mutating "
                            "open operator private protocol public repeat return self static "
                            "struct subscript super switch throw throws try typealias var where "
                            "while"),
                      {},
                      "//",
                      "/*",
                      "*/",
                      "\"",
                      "\"\"\"",
                      false,
                      false,
                      false};
        t["php"] = {"PHP",
                    words("abstract and array as break case catch class clone const continue "
                          "declare default do echo else elseif extends final finally fn for "
                          "foreach function global if implements include instanceof interface "
                          "namespace new or private protected public require return static switch "
                          "throw trait try use var while yield"),
                    {},
                    "//",
                    "/*",
                    "*/",
                    "\"'",
                    {},
                    false,
                    true,
                    true};
        t["shell"] = {"Shell",
                      words("if then else elif fi for while until do done case esac function in "
                            "return exit export local readonly set unset shift source echo test"),
                      {},
                      "#",
                      {},
                      {},
                      "\"'`",
                      {},
                      false,
                      false,
                      false};
        t["sql"] = {"SQL",
                    words("add all alter and as asc begin between by case check column commit "
                          "constraint create cross default delete desc distinct drop else end "
                          "exists foreign from full group having if in index inner insert into is "
                          "join key left like limit not null on or order outer primary "
                          "references right rollback select set table then trigger union unique "
                          "update using values view when where with"),
                    words("int integer bigint text varchar char date timestamp boolean real "
                          "numeric blob"),
                    "--",
                    "/*",
                    "*/",
                    "'\"",
                    {},
                    false,
                    false,
                    true};
        t["lua"] = {"Lua",
                    words("and break do else elseif end false for function goto if in local nil "
                          "not or repeat return then true until while"),
                    {},
                    "--",
                    "--[[",
                    "]]",
                    "\"'",
                    {},
                    false,
                    false,
                    false};
        t["perl"] = {"Perl",
                     words("my our local sub return if elsif else unless while until for foreach "
                           "last next redo use no package require do eval die warn print"),
                     {},
                     "#",
                     {},
                     {},
                     "\"'",
                     {},
                     false,
                     true,
                     false};
        t["cmake"] = {"CMake",
                      words("if elseif else endif foreach endforeach while endwhile function "
                            "endfunction macro endmacro return set unset include option project "
                            "add_library add_executable target_link_libraries find_package "
                            "message install add_subdirectory add_test"),
                      {},
                      "#",
                      {},
                      {},
                      "\"",
                      {},
                      false,
                      false,
                      true};
        t["make"] = {"Makefile",
                     words("include ifeq ifneq ifdef ifndef else endif define endef "
                           "export override"),
                     {},
                     "#",
                     {},
                     {},
                     "\"'",
                     {},
                     false,
                     false,
                     false};
        t["yaml"] = {"YAML", words("true false null yes no on off"),
                     {},     "#",
                     {},     {},
                     "\"'",  {},
                     false,  false,
                     false};
        t["toml"] = {"TOML", words("true false"), {}, "#", {}, {}, "\"'", "\"\"\"", false, false,
                     false};
        t["json"] = {"JSON", words("true false null"), {}, {}, {}, {}, "\"", {}, false, false,
                     false};
        t["css"] = {"CSS", words("important inherit initial none auto"),
                    {},    {},
                    "/*",  "*/",
                    "\"'", {},
                    false, false,
                    false};
        t["html"] = {"HTML", {}, {}, {}, "<!--", "-->", "\"", {}, false, false, false};
        t["xml"] = {"XML", {}, {}, {}, "<!--", "-->", "\"", {}, false, false, false};
        return t;
    }();
    return table;
}

bool identStart(char c) {
    const auto u = static_cast<unsigned char>(c);
    return std::isalpha(u) || c == '_' || u >= 0x80 || c == '$' || c == '@';
}

bool identPart(char c) {
    return identStart(c) || std::isdigit(static_cast<unsigned char>(c));
}

bool allCaps(std::string_view w) {
    return w.size() >= 3 &&
           std::none_of(w.begin(), w.end(),
                        [](unsigned char c) { return std::islower(c) || c >= 0x80; }) &&
           std::any_of(w.begin(), w.end(), [](unsigned char c) { return std::isupper(c); });
}

bool constantName(std::string_view w) {
    static constexpr std::array<std::string_view, 10> kConstants = {
        "true", "false", "null", "nullptr", "NULL", "None", "True", "False", "nil", "undefined"};
    return allCaps(w) ||
           (w.size() > 1 && w[0] == 'k' && std::isupper(static_cast<unsigned char>(w[1]))) ||
           std::find(kConstants.begin(), kConstants.end(), w) != kConstants.end();
}

bool typeName(std::string_view w) {
    return w.size() > 1 && std::isupper(static_cast<unsigned char>(w[0])) &&
           std::any_of(w.begin(), w.end(), [](unsigned char c) { return std::islower(c); });
}

/// The lexer of one line.
class Lexer {
  public:
    Lexer(const Language& language, std::string_view line, std::vector<SyntaxSpan>* spans)
        : m_language(language), m_line(line), m_spans(spans) {}

    SyntaxState run(SyntaxState state) {
        if (state == kBlockComment && !closeBlock(0, m_language.blockClose)) {
            return kBlockComment;
        } else if (state == kRawString && !closeRaw(0, m_language.rawQuote)) {
            return kRawString;
        } else if (state == kRawString2 && !closeRaw(0, "'''")) {
            return kRawString2;
        }
        if (m_at == 0 && m_language.preprocessor && firstVisible() == '#') {
            return preprocessor();
        }
        while (m_at < m_line.size()) {
            if (const SyntaxState left = step(); left != kPlain) {
                return left;
            }
        }
        return kPlain;
    }

  private:
    bool starts(std::string_view what) const {
        return !what.empty() && m_line.substr(m_at).starts_with(what);
    }

    char firstVisible() const {
        const std::size_t at = m_line.find_first_not_of(" \t");
        return at == std::string_view::npos ? '\0' : m_line[at];
    }

    void add(std::size_t begin, std::size_t end, SyntaxKind kind) {
        if (m_spans != nullptr && end > begin) {
            m_spans->push_back(
                {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), kind});
        }
    }

    bool closeBlock(std::size_t begin, std::string_view close) {
        const std::size_t end = m_line.find(close, m_at);
        m_at = end == std::string_view::npos ? m_line.size() : end + close.size();
        add(begin, m_at, SyntaxKind::Comment);
        return end != std::string_view::npos;
    }

    bool closeRaw(std::size_t begin, std::string_view close) {
        const std::size_t end = m_line.find(close, m_at);
        m_at = end == std::string_view::npos ? m_line.size() : end + close.size();
        add(begin, m_at, SyntaxKind::String);
        return end != std::string_view::npos;
    }

    SyntaxState preprocessor() {
        std::size_t end = m_line.size();
        const std::size_t comment = m_line.find("//");
        end = comment == std::string_view::npos ? end : comment;
        add(0, end, SyntaxKind::Preprocessor);
        add(end, m_line.size(), SyntaxKind::Comment);
        return kPlain;
    }

    SyntaxState step() {
        const char c = m_line[m_at];
        if (starts(m_language.blockOpen)) {
            const std::size_t begin = m_at;
            m_at += m_language.blockOpen.size();
            return closeBlock(begin, m_language.blockClose) ? kPlain : kBlockComment;
        } else if (starts(m_language.lineComment)) {
            add(m_at, m_line.size(), SyntaxKind::Comment);
            m_at = m_line.size();
        } else if (starts(m_language.rawQuote)) {
            const std::size_t begin = m_at;
            m_at += m_language.rawQuote.size();
            return closeRaw(begin, m_language.rawQuote) ? kPlain : kRawString;
        } else if (m_language.rawQuote == "\"\"\"" && starts("'''")) {
            const std::size_t begin = m_at;
            m_at += 3;
            return closeRaw(begin, "'''") ? kPlain : kRawString2;
        } else if (m_language.quotes.find(c) != std::string_view::npos) {
            quoted(c);
        } else if (std::isdigit(static_cast<unsigned char>(c))) {
            const std::size_t begin = m_at;
            while (m_at < m_line.size() &&
                   (std::isalnum(static_cast<unsigned char>(m_line[m_at])) || m_line[m_at] == '.' ||
                    m_line[m_at] == '_' || m_line[m_at] == '\'')) {
                ++m_at;
            }
            add(begin, m_at, SyntaxKind::Constant);
        } else if (identStart(c)) {
            word();
        } else {
            ++m_at;
        }
        return kPlain;
    }

    void quoted(char quote) {
        const std::size_t begin = m_at++;
        while (m_at < m_line.size() && m_line[m_at] != quote) {
            m_at += m_line[m_at] == '\\' ? 2 : 1;
        }
        m_at = std::min(m_at + 1, m_line.size());
        add(begin, m_at, SyntaxKind::String);
    }

    void word() {
        const std::size_t begin = m_at;
        while (m_at < m_line.size() && identPart(m_line[m_at])) {
            ++m_at;
        }
        std::string_view w = m_line.substr(begin, m_at - begin);
        std::string lower;
        if (m_language.caseInsensitive) {
            lower.assign(w);
            std::transform(lower.begin(), lower.end(), lower.begin(),
                           [](unsigned char ch) { return static_cast<char>(std::tolower(ch)); });
        }
        const std::string_view key = m_language.caseInsensitive ? std::string_view(lower) : w;
        if (m_language.keywords.contains(key)) {
            add(begin, m_at, SyntaxKind::Keyword);
        } else if (constantName(w)) {
            add(begin, m_at, SyntaxKind::Constant);
        } else if (m_language.types.contains(key) ||
                   (m_language.scopeTypes && m_line.substr(m_at).starts_with("::")) ||
                   typeName(w)) {
            // The last part of A::B::Value is a value, not a type, unless it is used as one.
            const bool qualified =
                begin >= 2 && m_line.substr(begin - 2, 2) == "::" && m_language.scopeTypes;
            const std::string_view rest = m_line.substr(m_at);
            const bool used = rest.starts_with("::") || rest.starts_with("<") ||
                              rest.starts_with(" ") || rest.starts_with("&") ||
                              rest.starts_with("*") || rest.starts_with(">") ||
                              m_language.types.contains(key);
            add(begin, m_at, qualified && !used ? SyntaxKind::Constant : SyntaxKind::Type);
        }
    }

    const Language& m_language;
    std::string_view m_line;
    std::vector<SyntaxSpan>* m_spans;
    std::size_t m_at = 0;
};

} // namespace

const Language* languageOf(std::string_view name) {
    const auto it = languages().find(name);
    return it == languages().end() ? nullptr : &it->second;
}

std::string languageTitle(std::string_view name) {
    const Language* language = languageOf(name);
    return language != nullptr ? language->title : std::string(name);
}

SyntaxState colorLine(const Language& language, std::string_view line, SyntaxState state,
                      std::vector<SyntaxSpan>* spans) {
    return Lexer(language, line, spans).run(state);
}

std::vector<SyntaxState> lineStates(const Language& language, const std::string& text,
                                    const std::vector<std::uint64_t>& starts,
                                    const std::stop_token& stop) {
    std::vector<SyntaxState> states(starts.size(), kPlain);
    SyntaxState state = kPlain;
    for (std::size_t i = 0; i < starts.size(); ++i) {
        if (i % 4096 == 0 && stop.stop_requested()) {
            break;
        }
        states[i] = state;
        const std::uint64_t end = i + 1 < starts.size() ? starts[i + 1] : text.size();
        const std::string_view line(text.data() + starts[i], end - starts[i]);
        state = colorLine(language, line, state, nullptr);
    }
    return states;
}

} // namespace dossier::ui
