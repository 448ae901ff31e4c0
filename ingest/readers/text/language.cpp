// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/text/language.h"

#include <algorithm>
#include <iterator>

namespace dossier::ingest::readers {
namespace {

struct Known {
    std::string_view name, language;
};

// Sorted by name, for binary search; a test checks the order.
constexpr Known kSuffixes[] = {
    {"ada", "ada"},
    {"adb", "ada"},
    {"ads", "ada"},
    {"asm", "assembly"},
    {"awk", "awk"},
    {"bash", "shell"},
    {"bat", "batch"},
    {"bazel", "starlark"},
    {"bib", "bibtex"},
    {"bzl", "starlark"},
    {"c", "c"},
    {"c++", "cpp"},
    {"cc", "cpp"},
    {"cfg", "ini"},
    {"cjs", "javascript"},
    {"cl", "opencl"},
    {"clj", "clojure"},
    {"cljs", "clojure"},
    {"cmake", "cmake"},
    {"cmd", "batch"},
    {"coffee", "coffeescript"},
    {"conf", "ini"},
    {"cpp", "cpp"},
    {"cs", "csharp"},
    {"csh", "shell"},
    {"css", "css"},
    {"csv", "csv"},
    {"cu", "cuda"},
    {"cuh", "cuda"},
    {"cxx", "cpp"},
    {"cypher", "cypher"},
    {"d", "d"},
    {"dart", "dart"},
    {"diff", "diff"},
    {"dts", "devicetree"},
    {"el", "lisp"},
    {"elm", "elm"},
    {"erl", "erlang"},
    {"ex", "elixir"},
    {"exs", "elixir"},
    {"f", "fortran"},
    {"f03", "fortran"},
    {"f77", "fortran"},
    {"f90", "fortran"},
    {"f95", "fortran"},
    {"fish", "shell"},
    {"fs", "fsharp"},
    {"fsx", "fsharp"},
    {"glsl", "glsl"},
    {"go", "go"},
    {"gradle", "groovy"},
    {"graphql", "graphql"},
    {"groovy", "groovy"},
    {"h", "c"},
    {"h++", "cpp"},
    {"haml", "haml"},
    {"hcl", "hcl"},
    {"hh", "cpp"},
    {"hpp", "cpp"},
    {"hrl", "erlang"},
    {"hs", "haskell"},
    {"hxx", "cpp"},
    {"i", "c"},
    {"idl", "idl"},
    {"inc", "text"},
    {"ini", "ini"},
    {"ipp", "cpp"},
    {"java", "java"},
    {"jl", "julia"},
    {"js", "javascript"},
    {"json", "json"},
    {"json5", "json"},
    {"jsonc", "json"},
    {"jsonl", "json"},
    {"jsx", "javascript"},
    {"kt", "kotlin"},
    {"kts", "kotlin"},
    {"ld", "linkerscript"},
    {"less", "less"},
    {"lhs", "haskell"},
    {"lisp", "lisp"},
    {"lua", "lua"},
    {"m", "objective-c"},
    {"m4", "m4"},
    {"mak", "make"},
    {"mjs", "javascript"},
    {"mk", "make"},
    {"ml", "ocaml"},
    {"mli", "ocaml"},
    {"mm", "objective-c"},
    {"mts", "typescript"},
    {"nim", "nim"},
    {"nix", "nix"},
    {"pas", "pascal"},
    {"patch", "diff"},
    {"php", "php"},
    {"pl", "perl"},
    {"pm", "perl"},
    {"po", "gettext"},
    {"pp", "pascal"},
    {"pro", "qmake"},
    {"properties", "properties"},
    {"proto", "protobuf"},
    {"ps1", "powershell"},
    {"psm1", "powershell"},
    {"py", "python"},
    {"pyi", "python"},
    {"pyx", "python"},
    {"qml", "qml"},
    {"qss", "css"},
    {"r", "r"},
    {"rb", "ruby"},
    {"rkt", "racket"},
    {"rs", "rust"},
    {"s", "assembly"},
    {"sass", "sass"},
    {"sbt", "scala"},
    {"scala", "scala"},
    {"scm", "scheme"},
    {"scss", "scss"},
    {"sed", "sed"},
    {"service", "systemd"},
    {"sh", "shell"},
    {"sol", "solidity"},
    {"sql", "sql"},
    {"sv", "systemverilog"},
    {"svelte", "svelte"},
    {"swift", "swift"},
    {"tcl", "tcl"},
    {"tex", "latex"},
    {"tf", "terraform"},
    {"toml", "toml"},
    {"tpp", "cpp"},
    {"ts", "typescript"},
    {"tsv", "csv"},
    {"tsx", "typescript"},
    {"txx", "cpp"},
    {"ui", "xml"},
    {"v", "verilog"},
    {"vala", "vala"},
    {"vb", "vb"},
    {"vhd", "vhdl"},
    {"vhdl", "vhdl"},
    {"vim", "vim"},
    {"vue", "vue"},
    {"wat", "webassembly"},
    {"wgsl", "wgsl"},
    {"xml", "xml"},
    {"xsd", "xml"},
    {"xsl", "xml"},
    {"xslt", "xml"},
    {"y", "yacc"},
    {"yaml", "yaml"},
    {"yml", "yaml"},
    {"zig", "zig"},
    {"zsh", "shell"},
};

constexpr Known kNames[] = {
    {".bashrc", "shell"},
    {".clang-format", "yaml"},
    {".clang-tidy", "yaml"},
    {".dockerignore", "ignore"},
    {".dossierignore", "ignore"},
    {".editorconfig", "ini"},
    {".gitattributes", "ignore"},
    {".gitconfig", "ini"},
    {".gitignore", "ignore"},
    {".gitmodules", "ini"},
    {".ignore", "ignore"},
    {".profile", "shell"},
    {".zshrc", "shell"},
    {"BUILD", "starlark"},
    {"CMakeLists.txt", "cmake"},
    {"Containerfile", "docker"},
    {"Dockerfile", "docker"},
    {"GNUmakefile", "make"},
    {"Gemfile", "ruby"},
    {"Jenkinsfile", "groovy"},
    {"Kconfig", "kconfig"},
    {"Makefile", "make"},
    {"Makefile.am", "make"},
    {"Makefile.in", "make"},
    {"Rakefile", "ruby"},
    {"SConstruct", "python"},
    {"Vagrantfile", "ruby"},
    {"WORKSPACE", "starlark"},
    {"configure", "shell"},
    {"configure.ac", "m4"},
    {"go.mod", "go"},
    {"makefile", "make"},
    {"meson.build", "meson"},
    {"meson_options.txt", "meson"},
};

constexpr Known kInterpreters[] = {
    {"awk", "awk"},         {"bash", "shell"}, {"dash", "shell"},    {"expect", "tcl"},
    {"fish", "shell"},      {"gawk", "awk"},   {"groovy", "groovy"}, {"guile", "scheme"},
    {"julia", "julia"},     {"ksh", "shell"},  {"lua", "lua"},       {"make", "make"},
    {"node", "javascript"}, {"perl", "perl"},  {"php", "php"},       {"python", "python"},
    {"Rscript", "r"},       {"ruby", "ruby"},  {"sed", "sed"},       {"sh", "shell"},
    {"tclsh", "tcl"},       {"wish", "tcl"},   {"zsh", "shell"},
};

template<std::size_t N>
std::string_view lookUp(const Known (&table)[N], std::string_view name) {
    const auto* found = std::find_if(std::begin(table), std::end(table),
                                     [&](const Known& known) { return known.name == name; });
    return found == std::end(table) ? std::string_view() : found->language;
}

/// "python" of "#!/usr/bin/env -S python3.11 -u".
std::string_view interpreterOf(std::string_view text) {
    if (!text.starts_with("#!")) {
        return {};
    }
    std::string_view line = text.substr(2, text.find('\n') - 2);
    std::string_view program;
    while (!line.empty()) {
        const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
        const std::size_t end = std::min(line.find_first_of(" \t", begin), line.size());
        std::string_view word = line.substr(begin, end - begin);
        line.remove_prefix(end);
        word = word.substr(word.rfind('/') + 1);
        const bool isOption = word.starts_with('-') || word.find('=') != std::string_view::npos;
        if (!word.empty() && word != "env" && !isOption) {
            program = word;
            break;
        }
    }
    return program.substr(0, std::min(program.find_first_of("0123456789."), program.size()));
}

bool isMarkdown(std::string_view suffix) {
    return suffix == "md" || suffix == "markdown" || suffix == "mdown" || suffix == "mkd" ||
           suffix == "mdx";
}

bool isHtml(std::string_view suffix) {
    return suffix == "html" || suffix == "htm" || suffix == "xhtml";
}

} // namespace

std::string suffixOf(std::string_view fileName) {
    const std::size_t dot = fileName.rfind('.');
    // ".gitignore" is a name, not a suffix.
    if (dot == std::string_view::npos || dot == 0) {
        return {};
    }
    std::string suffix(fileName.substr(dot + 1));
    std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return suffix;
}

std::string_view languageOf(std::string_view fileName, std::string_view text) {
    if (const std::string_view known = lookUp(kNames, fileName); !known.empty()) {
        return known;
    }
    if (fileName.ends_with(".C")) {
        return "cpp";
    }
    const std::string suffix = suffixOf(fileName);
    if (suffix == "in" || suffix == "tmpl" || suffix == "example") {
        // A template is in the language of what it becomes: config.h.in.
        return languageOf(fileName.substr(0, fileName.rfind('.')), text);
    }
    const auto* found =
        std::lower_bound(std::begin(kSuffixes), std::end(kSuffixes), suffix,
                         [](const Known& known, const std::string& s) { return known.name < s; });
    if (found != std::end(kSuffixes) && found->name == suffix) {
        return found->language == "text" ? std::string_view() : found->language;
    }
    return lookUp(kInterpreters, interpreterOf(text));
}

Format textFormatOf(std::string_view fileName, std::string_view text) {
    const std::string suffix = suffixOf(fileName);
    if (isMarkdown(suffix)) {
        return Format::Markdown;
    }
    if (isHtml(suffix)) {
        return Format::Html;
    }
    return languageOf(fileName, text).empty() ? Format::Text : Format::Code;
}

} // namespace dossier::ingest::readers
