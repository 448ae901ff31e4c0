// SPDX-License-Identifier: Apache-2.0
#include "engine/tokenizer/tokenizer.h"

#include <chrono>

#include "engine/base/error.h"
#include "engine/base/mapped_file.h"
#include "engine/base/sha256.h"
#include "engine/tokenizer/added_tokens.h"
#include "engine/tokenizer/bpe.h"
#include "engine/tokenizer/pattern_splitter.h"
#include "engine/tokenizer/piece_scanner.h"
#include "engine/tokenizer/tokenizer_file.h"

namespace dossier::engine {
namespace {

constexpr std::string_view kEndOfSentence = "<｜end▁of▁sentence｜>";
constexpr std::size_t kStopStep = 64 * 1024;       // bytes between two looks at the stop token
constexpr std::size_t kProgressStep = 1024 * 1024; // bytes between two progress reports

BpeScratch& threadScratch() {
    thread_local BpeScratch scratch;
    return scratch;
}

void throwIfStopped(const std::stop_token& stop) {
    if (stop.stop_requested()) {
        throw Error(ErrorCode::Cancelled, "Tokenising was stopped");
    }
}

/// Called with the number of bytes finished so far.
using StepFn = std::function<void(std::size_t)>;

class BpeTokenizer final : public Tokenizer {
  public:
    BpeTokenizer(TokenizerFile file, const std::optional<std::string>& endToken,
                 std::string fingerprint);

    using Tokenizer::encode;
    void encodeTo(std::string_view text, AddedTokens, std::vector<Token>& out,
                  std::stop_token) const override;
    std::vector<Token> encode(std::span<const Segment> segments, std::stop_token) const override;
    std::uint64_t count(std::string_view text, AddedTokens, const ProgressFn&,
                        std::stop_token) const override;
    std::string_view bytes(Token token) const override;
    std::optional<Token> addedToken(std::string_view name) const override;
    bool isAddedToken(Token token) const override;
    std::optional<Token> tokenOfBytes(std::string_view bytes) const override;
    std::uint32_t vocabularySize() const override {
        return static_cast<std::uint32_t>(m_tokenBytes.size());
    }
    Token endToken() const override { return m_endToken; }
    const std::string& fingerprint() const override { return m_fingerprint; }

  private:
    void encodePlain(std::string_view text, std::vector<Token>& out, const StepFn& step) const;
    void splitAdded(std::string_view text, const AddedTokenFinder& finder,
                    const std::function<void(std::string_view)>& onPlain,
                    const std::function<void(Token)>& onToken) const;
    void encodeAny(std::string_view text, AddedTokens added, std::vector<Token>& out,
                   const StepFn& step) const;

    std::vector<std::string> m_tokenBytes;
    std::vector<bool> m_isAdded;
    Bpe m_bpe;
    std::unique_ptr<PatternSplitter> m_splitter; ///< null: PieceScanner
    AddedTokenFinder m_firstPass, m_secondPass;
    std::string m_fingerprint;
    Token m_endToken = 0;
};

std::vector<AddedToken> ofPass(const std::vector<AddedToken>& tokens, bool first) {
    std::vector<AddedToken> out;
    for (const AddedToken& token : tokens) {
        if (token.firstPass == first) {
            out.push_back(token);
        }
    }
    return out;
}

BpeTokenizer::BpeTokenizer(TokenizerFile file, const std::optional<std::string>& endToken,
                           std::string fingerprint)
    : m_tokenBytes(std::move(file.tokenBytes)),
      m_isAdded(m_tokenBytes.size(), false),
      m_bpe(file.pieceBytes, file.merges, file.wholePiece),
      m_firstPass(ofPass(file.added, true)),
      m_secondPass(ofPass(file.added, false)),
      m_fingerprint(std::move(fingerprint)) {
    for (const AddedToken& token : file.added) {
        m_isAdded[static_cast<std::size_t>(token.id)] = true;
    }
    if (!PieceScanner::handles(file.splitPatterns)) {
        m_splitter = PatternSplitter::make(file.splitPatterns);
    }
    const std::string endName = endToken.value_or(std::string(kEndOfSentence));
    const std::optional<Token> end = addedToken(endName);
    if (!end) {
        throw Error(ErrorCode::Corrupt, "The tokenizer has no end token \"" + endName + "\"",
                    "Copy tokenizer.json and tokenizer_config.json again from the model's source");
    }
    m_endToken = *end;
}

void BpeTokenizer::encodePlain(std::string_view text, std::vector<Token>& out,
                               const StepFn& step) const {
    BpeScratch& scratch = threadScratch();
    if (m_splitter != nullptr) {
        std::size_t done = 0, reported = 0;
        m_splitter->split(text, [&](std::string_view piece) {
            m_bpe.encode(piece, out, scratch);
            done += piece.size();
            if (done - reported >= kStopStep) {
                step(done - reported);
                reported = done;
            }
        });
        step(done - reported);
        return;
    }
    PieceScanner scanner(text);
    const char* next = text.data() + std::min(kStopStep, text.size());
    const char* reported = text.data();
    for (std::string_view piece = scanner.next(); !piece.empty(); piece = scanner.next()) {
        m_bpe.encode(piece, out, scratch);
        if (scanner.position() >= next) {
            step(static_cast<std::size_t>(scanner.position() - reported));
            reported = scanner.position();
            const auto left = static_cast<std::size_t>(text.data() + text.size() - reported);
            next = reported + std::min(kStopStep, left);
        }
    }
}

/// Calls `onToken` for every added token and `onPlain` for the text between them, in order. Tokens
/// of the second pass are looked for only where the first pass found none, as the reference does.
void BpeTokenizer::splitAdded(std::string_view text, const AddedTokenFinder& finder,
                              const std::function<void(std::string_view)>& onPlain,
                              const std::function<void(Token)>& onToken) const {
    const auto between = [&](std::string_view part) {
        if (part.empty()) {
            return;
        }
        if (&finder == &m_firstPass) {
            splitAdded(part, m_secondPass, onPlain, onToken);
        } else {
            onPlain(part);
        }
    };
    std::size_t from = 0;
    while (const std::optional<AddedTokenMatch> match = finder.find(text, from)) {
        between(text.substr(from, match->begin - from));
        onToken(match->id);
        from = match->begin + match->length;
    }
    between(text.substr(from));
}

void BpeTokenizer::encodeAny(std::string_view text, AddedTokens added, std::vector<Token>& out,
                             const StepFn& step) const {
    if (added == AddedTokens::Off) {
        encodePlain(text, out, step);
        return;
    }
    splitAdded(
        text, m_firstPass, [&](std::string_view part) { encodePlain(part, out, step); },
        [&](Token token) { out.push_back(token); });
}

std::vector<Token> BpeTokenizer::encode(std::span<const Segment> segments,
                                        std::stop_token stop) const {
    throwIfStopped(stop);
    std::vector<Token> out;
    std::string plain;
    const auto flush = [&] {
        encodePlain(plain, out, [&](std::size_t) { throwIfStopped(stop); });
        plain.clear();
    };
    for (const Segment& segment : segments) {
        if (segment.kind == SegmentKind::Content) {
            plain += segment.text;
            continue;
        }
        splitAdded(
            segment.text, m_firstPass, [&](std::string_view part) { plain += part; },
            [&](Token token) {
                flush();
                out.push_back(token);
            });
    }
    flush();
    return out;
}

void BpeTokenizer::encodeTo(std::string_view text, AddedTokens added, std::vector<Token>& out,
                            std::stop_token stop) const {
    throwIfStopped(stop);
    encodeAny(text, added, out, [&](std::size_t) { throwIfStopped(stop); });
}

std::uint64_t BpeTokenizer::count(std::string_view text, AddedTokens added,
                                  const ProgressFn& progress, std::stop_token stop) const {
    throwIfStopped(stop);
    const auto start = std::chrono::steady_clock::now();
    std::vector<Token> tokens;
    std::uint64_t total = 0;
    std::size_t done = 0, reported = 0;
    const auto report = [&] {
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
        progress({"Counting tokens", done, text.size(),
                  seconds.count() > 0 ? static_cast<double>(done) / seconds.count() : 0});
        reported = done;
    };
    encodeAny(text, added, tokens, [&](std::size_t bytes) {
        throwIfStopped(stop);
        total += tokens.size();
        tokens.clear();
        done += bytes;
        if (progress && done - reported >= kProgressStep) {
            report();
        }
    });
    done = text.size();
    if (progress) {
        report();
    }
    return total + tokens.size();
}

std::string_view BpeTokenizer::bytes(Token token) const {
    if (token < 0 || static_cast<std::size_t>(token) >= m_tokenBytes.size()) {
        return {};
    }
    return m_tokenBytes[static_cast<std::size_t>(token)];
}

std::optional<Token> BpeTokenizer::addedToken(std::string_view name) const {
    const std::optional<Token> first = m_firstPass.id(name);
    return first ? first : m_secondPass.id(name);
}

bool BpeTokenizer::isAddedToken(Token token) const {
    return token >= 0 && static_cast<std::size_t>(token) < m_isAdded.size() &&
           m_isAdded[static_cast<std::size_t>(token)];
}

std::optional<Token> BpeTokenizer::tokenOfBytes(std::string_view bytes) const {
    return m_bpe.find(bytes);
}

std::string_view textOf(const MappedFile& file) {
    return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

std::shared_ptr<const Tokenizer> make(std::string_view json, const std::string& name,
                                      std::string_view config, const std::string& configName) {
    std::optional<std::string> endToken;
    if (!config.empty()) {
        endToken = parseEndToken(config, configName);
    }
    return std::make_shared<const BpeTokenizer>(parseTokenizerFile(json, name), endToken,
                                                Sha256::hexOf(json));
}

} // namespace

std::shared_ptr<const Tokenizer> Tokenizer::load(const std::filesystem::path& path) {
    std::error_code ignored; // whatever is wrong with the path, reading the file tells it
    const std::filesystem::path file =
        std::filesystem::is_directory(path, ignored) ? path / "tokenizer.json" : path;
    const std::filesystem::path config = file.parent_path() / "tokenizer_config.json";
    const MappedFile json = MappedFile::open(file);
    const MappedFile configText =
        std::filesystem::exists(config, ignored) ? MappedFile::open(config) : MappedFile();
    auto tokenizer = make(textOf(json), file.string(), textOf(configText), config.string());
    json.checkIntact();
    return tokenizer;
}

std::shared_ptr<const Tokenizer> Tokenizer::parse(std::string_view json, std::string_view config) {
    return make(json, "tokenizer.json", config, "tokenizer_config.json");
}

std::vector<Token> Tokenizer::encode(std::string_view text, AddedTokens added,
                                     std::stop_token stop) const {
    std::vector<Token> out;
    out.reserve(text.size() / 4 + 8);
    encodeTo(text, added, out, std::move(stop));
    return out;
}

std::string Tokenizer::decode(std::span<const Token> tokens) const {
    std::string out;
    for (const Token token : tokens) {
        if (token < 0 || static_cast<std::uint32_t>(token) >= vocabularySize()) {
            throw Error(ErrorCode::InvalidArgument,
                        "Token " + std::to_string(token) + " is not in the vocabulary of " +
                            std::to_string(vocabularySize()),
                        "Use the tokenizer of the model that the tokens come from");
        }
        out += bytes(token);
    }
    return out;
}

} // namespace dossier::engine
