// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/walk/classify.h"

#include <algorithm>
#include <array>

#include "ingest/readers/text/encoding.h"
#include "ingest/readers/text/language.h"

namespace dossier::ingest {
namespace {

template<std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

template<std::size_t N>
bool endsWithAny(std::string_view value, const std::array<std::string_view, N>& list) {
    return std::any_of(list.begin(), list.end(), [&](auto end) { return value.ends_with(end); });
}

constexpr std::array<std::string_view, 9> kVendored{
    "node_modules", "bower_components", "jspm_packages", "vendor",       "third_party",
    "third-party",  "thirdparty",       "3rdparty",      "site-packages"};
constexpr std::array<std::string_view, 5> kVendoredMobile{"Pods", "Carthage", ".yarn", ".bundle",
                                                          "elm-stuff"};
constexpr std::array<std::string_view, 12> kLeftovers{
    "__pycache__", ".venv",   "venv",        ".tox",       ".mypy_cache", ".pytest_cache",
    ".gradle",     ".ccache", ".ruff_cache", ".terraform", ".next",       ".nuxt"};

constexpr std::array<std::string_view, 22> kLockFiles{"package-lock.json",
                                                      "npm-shrinkwrap.json",
                                                      "yarn.lock",
                                                      "pnpm-lock.yaml",
                                                      "bun.lockb",
                                                      "bun.lock",
                                                      "deno.lock",
                                                      "Cargo.lock",
                                                      "poetry.lock",
                                                      "Pipfile.lock",
                                                      "uv.lock",
                                                      "pdm.lock",
                                                      "Gemfile.lock",
                                                      "composer.lock",
                                                      "go.sum",
                                                      "flake.lock",
                                                      "mix.lock",
                                                      "Podfile.lock",
                                                      "pubspec.lock",
                                                      "packages.lock.json",
                                                      "gradle.lockfile",
                                                      "conan.lock"};

constexpr std::array<std::string_view, 14> kGeneratedEnds{
    ".pb.cc",         ".pb.h",         ".pb.go",        "_pb2.py",      "_pb2_grpc.py",
    ".g.dart",        ".freezed.dart", ".designer.cs",  ".Designer.cs", ".generated.h",
    ".generated.cpp", ".generated.ts", ".generated.go", ".gen.go"};
constexpr std::array<std::string_view, 4> kGeneratedNames{"aclocal.m4", "ltmain.sh", "config.guess",
                                                          "config.sub"};

/// Suffixes that need no look inside.
constexpr std::array<std::string_view, 70> kBinary{
    "png",  "jpg",  "jpeg",  "gif",   "bmp",    "ico",     "webp",        "tif",  "tiff",  "psd",
    "xcf",  "heic", "mp3",   "mp4",   "m4a",    "wav",     "ogg",         "flac", "avi",   "mov",
    "mkv",  "webm", "woff",  "woff2", "ttf",    "otf",     "eot",         "zip",  "gz",    "bz2",
    "xz",   "zst",  "lz4",   "7z",    "rar",    "tar",     "jar",         "war",  "class", "o",
    "a",    "so",   "dylib", "dll",   "exe",    "lib",     "obj",         "pdb",  "pyc",   "pyo",
    "wasm", "bin",  "dat",   "db",    "sqlite", "sqlite3", "iso",         "img",  "deb",   "rpm",
    "apk",  "dmg",  "msi",   "npy",   "npz",    "parquet", "safetensors", "gguf", "onnx",  "pt"};

constexpr std::array<std::string_view, 10> kSecretNames{
    "id_rsa",  "id_dsa",    "id_ecdsa",         "id_ed25519",  ".netrc",
    ".pgpass", ".htpasswd", ".git-credentials", "credentials", ".dockercfg"};
constexpr std::array<std::string_view, 8> kSecretSuffixes{"p12",  "pfx", "jks", "keystore",
                                                          "kdbx", "ppk", "gpg", "ovpn"};
constexpr std::array<std::string_view, 5> kHarmlessEnv{".example", ".sample", ".template", ".dist",
                                                       ".defaults"};

Verdict secret(const std::string& what) {
    return {WalkReason::Secret, "may hold a secret (" + what + ")"};
}

/// A token: its beginning, and how many characters of [A-Za-z0-9_-] follow at least.
struct Token {
    std::string_view prefix, name;
    std::size_t characters;
};
constexpr std::array<Token, 14> kTokens{{{"AKIA", "AWS access key", 16},
                                         {"ASIA", "AWS access key", 16},
                                         {"ghp_", "GitHub token", 36},
                                         {"gho_", "GitHub token", 36},
                                         {"ghs_", "GitHub token", 36},
                                         {"github_pat_", "GitHub token", 40},
                                         {"glpat-", "GitLab token", 20},
                                         {"xoxb-", "Slack token", 20},
                                         {"xoxp-", "Slack token", 20},
                                         {"sk_live_", "Stripe key", 20},
                                         {"sk-ant-", "API key", 30},
                                         {"sk-proj-", "API key", 30},
                                         {"npm_", "npm token", 36},
                                         {"AIza", "Google API key", 35}}};

bool isTokenCharacter(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
}

/// Letters and digits mixed: a placeholder like "ghp_xxxxxxxx" is no secret.
bool looksRandom(std::string_view text) {
    std::array<bool, 256> seen{};
    std::size_t different = 0, digits = 0;
    for (const char c : text) {
        bool& known = seen.at(static_cast<unsigned char>(c));
        different += known ? 0U : 1U;
        known = true;
        digits += c >= '0' && c <= '9' ? 1U : 0U;
    }
    return different >= 8 && digits >= 1;
}

std::optional<Verdict> findSecret(std::string_view text) {
    if (const std::size_t at = text.find("PRIVATE KEY-----"); at != std::string_view::npos) {
        const std::size_t line = text.rfind('\n', at) + 1;
        // Code that looks for such keys mentions the words; a key has its data below them.
        const std::string_view body = text.substr(std::min(at + 16, text.size()), 80);
        const auto base64 = std::count_if(body.begin(), body.end(), [](char c) {
            return isTokenCharacter(c) || c == '+' || c == '/';
        });
        if (text.substr(line).starts_with("-----BEGIN") && base64 >= 40) {
            return secret("private key");
        }
    }
    for (const Token& token : kTokens) {
        for (std::size_t at = text.find(token.prefix); at != std::string_view::npos;
             at = text.find(token.prefix, at + 1)) {
            std::size_t end = at + token.prefix.size();
            while (end < text.size() && isTokenCharacter(text[end])) {
                ++end;
            }
            const std::string_view body =
                text.substr(at + token.prefix.size(), end - at - token.prefix.size());
            const bool alone = at == 0 || !isTokenCharacter(text[at - 1]);
            if (alone && body.size() >= token.characters && looksRandom(body)) {
                return secret(std::string(token.name));
            }
        }
    }
    return std::nullopt;
}

/// Words that generators leave at the top of what they write.
bool saysGenerated(std::string_view beginning) {
    std::string head(beginning.substr(0, 1500));
    std::transform(head.begin(), head.end(), head.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (head.find("@generated") != std::string::npos ||
        head.find("code generated by ") != std::string::npos ||
        head.find("generated by gnu autoconf") != std::string::npos ||
        head.find("generated automatically by aclocal") != std::string::npos ||
        head.find("generated by automake") != std::string::npos) {
        return true;
    }
    const bool generated = head.find("generated by") != std::string::npos ||
                           head.find("automatically generated") != std::string::npos ||
                           head.find("auto-generated") != std::string::npos ||
                           head.find("autogenerated") != std::string::npos ||
                           head.find("file is generated") != std::string::npos;
    return generated && (head.find("do not edit") != std::string::npos ||
                         head.find("do not modify") != std::string::npos ||
                         head.find("don't edit") != std::string::npos);
}

/// Scripts and styles squeezed into a few endless lines.
bool looksMinified(std::string_view suffix, std::string_view beginning) {
    if ((suffix != "js" && suffix != "css" && suffix != "mjs" && suffix != "cjs") ||
        beginning.size() < 2000) {
        return false;
    }
    const auto lines = 1 + std::count(beginning.begin(), beginning.end(), '\n');
    return beginning.size() / static_cast<std::size_t>(lines) > 400;
}

} // namespace

std::optional<Verdict> classifyFolder(std::string_view name) {
    if (contains(kVendored, name) || contains(kVendoredMobile, name)) {
        return Verdict{WalkReason::Vendored, "third-party code (" + std::string(name) + ")"};
    }
    if (contains(kLeftovers, name)) {
        return Verdict{WalkReason::Generated, "made by tools (" + std::string(name) + ")"};
    }
    if (name == ".git" || name == ".hg" || name == ".svn" || name == ".bzr" || name == "CVS" ||
        name == ".jj") {
        return Verdict{WalkReason::Repository, "version control data"};
    }
    return std::nullopt;
}

std::optional<Verdict> classifyName(std::string_view name) {
    if (contains(kLockFiles, name)) {
        return Verdict{WalkReason::LockFile, "lock file"};
    }
    const bool env = name == ".env" || name.starts_with(".env.") || name.ends_with(".env");
    if (contains(kSecretNames, name) || (env && !endsWithAny(name, kHarmlessEnv))) {
        return secret(std::string(name));
    }
    const std::string suffix = readers::suffixOf(name);
    if (contains(kSecretSuffixes, suffix)) {
        return secret("key store");
    }
    if (contains(kBinary, suffix)) {
        return Verdict{WalkReason::Binary, "binary (" + suffix + ")"};
    }
    if (name.ends_with(".min.js") || name.ends_with(".min.css") || name.ends_with(".js.map") ||
        name.ends_with(".css.map")) {
        return Verdict{WalkReason::Minified, "minified"};
    }
    const bool qt =
        (name.starts_with("moc_") || name.starts_with("qrc_")) && name.ends_with(".cpp");
    if (qt || endsWithAny(name, kGeneratedEnds) || contains(kGeneratedNames, name)) {
        return Verdict{WalkReason::Generated, "generated"};
    }
    return std::nullopt;
}

std::optional<Verdict> classifyContent(std::string_view name, std::string_view beginning) {
    const std::string suffix = readers::suffixOf(name);
    const bool document = beginning.starts_with("%PDF-") || suffix == "docx";
    if (document) {
        return std::nullopt;
    }
    if (readers::looksBinary(beginning)) {
        return Verdict{WalkReason::Binary, "binary"};
    }
    if (auto found = findSecret(beginning)) {
        return found;
    }
    if (looksMinified(suffix, beginning)) {
        return Verdict{WalkReason::Minified, "minified"};
    }
    if (saysGenerated(beginning)) {
        return Verdict{WalkReason::Generated, "generated (says so at its beginning)"};
    }
    return std::nullopt;
}

} // namespace dossier::ingest
