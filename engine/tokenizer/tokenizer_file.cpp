// SPDX-License-Identifier: Apache-2.0
#include "engine/tokenizer/tokenizer_file.h"

#include <array>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/json_text.h"

namespace dossier::engine {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxFile = std::size_t{256} << 20;
constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxAddedLength = 4096;

class Reader {
  public:
    explicit Reader(std::string name) : m_name(std::move(name)) {}

    Json parse(std::string_view text) const;
    TokenizerFile read(const Json& root);

    Error corrupt(const std::string& what) const {
        return {ErrorCode::Corrupt, m_name + ": " + what,
                "Copy the file again from the model's source"};
    }
    Error unsupported(const std::string& what) const {
        return {ErrorCode::Unsupported, m_name + ": " + what,
                "Use the tokenizer.json of a DeepSeek-V4 model"};
    }
    /// The member, which must be there and of the type that `is` tells.
    const Json& member(const Json& object, const char* key,
                       bool (Json::*is)() const noexcept) const;

  private:
    void refuseOtherKinds(const Json& root, const Json& model) const;
    void readVocabulary(const Json& model);
    void readAdded(const Json& root);
    void readMerges(const Json& model);
    void readPreTokenizer(const Json& root);
    void readSplit(const Json& split);
    Token readId(const Json& value, const std::string& token) const;
    void place(Token id, const std::string& bytes);

    std::string m_name;
    TokenizerFile m_file;
    std::unordered_map<std::string, Token> m_ids; ///< vocabulary in the spelling of the file
};

/// Depth is checked before parsing, so that a hostile file cannot exhaust memory with brackets.
void checkDepth(std::string_view text, const Reader& reader) {
    int depth = 0;
    bool inString = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inString) {
            i += c == '\\' ? 1 : 0;
            inString = c != '"';
        } else if (c == '"') {
            inString = true;
        } else if (c == '[' || c == '{') {
            if (++depth > kMaxDepth) {
                throw reader.corrupt("brackets are nested more than 64 deep");
            }
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
}

Json Reader::parse(std::string_view text) const {
    if (text.size() > kMaxFile) {
        throw Error(ErrorCode::TooLarge, m_name + " is larger than 256 MiB",
                    "Use the tokenizer.json of a DeepSeek-V4 model");
    }
    checkDepth(text, *this);
    try {
        Json root = parseJson(text);
        if (!root.is_object()) {
            throw corrupt("is not a JSON object");
        }
        return root;
    } catch (const Json::exception& error) {
        throw corrupt(std::string("is not valid JSON, perhaps truncated (") + error.what() + ")");
    }
}

const Json& Reader::member(const Json& object, const char* key,
                           bool (Json::*is)() const noexcept) const {
    const auto found = object.find(key);
    if (found == object.end() || !((*found).*is)()) {
        throw corrupt(std::string("\"") + key + "\" is missing or of the wrong type");
    }
    return *found;
}

bool isAbsent(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ||
           (found->is_boolean() && !found->get<bool>()) ||
           (found->is_string() && found->get_ref<const std::string&>().empty());
}

/// The 256 characters that GPT-2's byte alphabet uses, as code point -> byte.
const std::array<std::int16_t, 0x144>& byteOfCharacter() {
    static const std::array<std::int16_t, 0x144> table = [] {
        std::array<std::int16_t, 0x144> out;
        out.fill(-1);
        int extra = 0x100;
        for (int byte = 0; byte < 256; ++byte) {
            const bool printable =
                (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
            const int character = printable ? byte : extra++;
            out[static_cast<std::size_t>(character)] = static_cast<std::int16_t>(byte);
        }
        return out;
    }();
    return table;
}

/// Absent when the token has a character that stands for no byte.
std::optional<std::string> bytesOfSpelling(const std::string& spelling) {
    std::string out;
    for (std::size_t i = 0; i < spelling.size(); ++i) {
        const auto lead = static_cast<std::uint8_t>(spelling[i]);
        std::size_t character = lead;
        if (lead >= 0x80) {
            if (lead >= 0xE0 || i + 1 == spelling.size()) {
                return std::nullopt;
            }
            character = (lead & 0x1FU) << 6 | (static_cast<std::uint8_t>(spelling[++i]) & 0x3FU);
        }
        if (character >= byteOfCharacter().size() || byteOfCharacter()[character] < 0) {
            return std::nullopt;
        }
        out += static_cast<char>(byteOfCharacter()[character]);
    }
    return out;
}

void Reader::refuseOtherKinds(const Json& root, const Json& model) const {
    if (const Json& type = member(model, "type", &Json::is_string); type != "BPE") {
        throw unsupported("tokenizers of type " + type.get<std::string>() +
                          " are not supported, only byte-level BPE");
    }
    for (const char* key : {"dropout", "unk_token", "continuing_subword_prefix",
                            "end_of_word_suffix", "byte_fallback"}) {
        if (!isAbsent(model, key)) {
            throw unsupported(std::string("the BPE option \"") + key + "\" is not supported");
        }
    }
    if (!isAbsent(root, "normalizer")) {
        const Json& normalizer = root["normalizer"];
        const auto list = normalizer.find("normalizers");
        if (list == normalizer.end() || !list->is_array() || !list->empty()) {
            throw unsupported("normalizers are not supported");
        }
    }
    const Json& decoder = member(root, "decoder", &Json::is_object);
    if (member(decoder, "type", &Json::is_string) != "ByteLevel") {
        throw unsupported("only the ByteLevel decoder is supported");
    }
}

Token Reader::readId(const Json& value, const std::string& token) const {
    if (!value.is_number_integer() || value < 0 || value > Bpe::kMaxId) {
        throw corrupt("token \"" + token + "\" has an id outside 0 to 4,194,303");
    }
    return value.get<Token>();
}

void Reader::place(Token id, const std::string& bytes) {
    const auto i = static_cast<std::size_t>(id);
    if (m_file.tokenBytes.size() <= i) {
        m_file.tokenBytes.resize(i + 1);
    }
    if (!m_file.tokenBytes[i].empty() && m_file.tokenBytes[i] != bytes) {
        throw corrupt("id " + std::to_string(id) + " is given to two tokens");
    }
    m_file.tokenBytes[i] = bytes;
}

void Reader::readVocabulary(const Json& model) {
    const Json& vocabulary = member(model, "vocab", &Json::is_object);
    m_ids.reserve(vocabulary.size());
    for (const auto& [spelling, value] : vocabulary.items()) {
        const Token id = readId(value, spelling);
        if (spelling.empty()) {
            throw corrupt("the vocabulary has an empty token");
        }
        m_ids.emplace(spelling, id);
        const std::optional<std::string> bytes = bytesOfSpelling(spelling);
        place(id, bytes.value_or(spelling));
        if (bytes) {
            const auto i = static_cast<std::size_t>(id);
            if (m_file.pieceBytes.size() <= i) {
                m_file.pieceBytes.resize(i + 1);
            }
            m_file.pieceBytes[i] = *bytes;
        }
    }
}

void Reader::readAdded(const Json& root) {
    for (const Json& entry : member(root, "added_tokens", &Json::is_array)) {
        if (!entry.is_object()) {
            throw corrupt("\"added_tokens\" has an entry that is no object");
        }
        AddedToken token;
        token.content = member(entry, "content", &Json::is_string).get<std::string>();
        token.id = readId(member(entry, "id", &Json::is_number_integer), token.content);
        if (token.content.empty() || token.content.size() > kMaxAddedLength) {
            throw corrupt("added token " + std::to_string(token.id) +
                          " is empty or longer than 4,096 bytes");
        }
        for (const char* key : {"single_word", "lstrip", "rstrip"}) {
            if (!isAbsent(entry, key)) {
                throw unsupported("added token \"" + token.content + "\" uses the option \"" + key +
                                  "\", which is not supported");
            }
        }
        token.firstPass = isAbsent(entry, "normalized");
        const auto other = m_ids.emplace(token.content, token.id).first;
        if (other->second != token.id) {
            throw corrupt("token \"" + token.content + "\" has two ids");
        }
        place(token.id, token.content);
        m_file.added.push_back(std::move(token));
    }
}

void Reader::readMerges(const Json& model) {
    const Json& merges = member(model, "merges", &Json::is_array);
    m_file.merges.reserve(merges.size());
    const auto idOf = [&](const std::string& spelling) {
        const auto found = m_ids.find(spelling);
        if (found == m_ids.end()) {
            throw corrupt("merge " + std::to_string(m_file.merges.size()) + " uses the token \"" +
                          spelling + "\", which is not in the vocabulary");
        }
        return found->second;
    };
    for (const Json& entry : merges) {
        std::string left, right;
        if (entry.is_string()) {
            const auto& text = entry.get_ref<const std::string&>();
            const std::size_t space = text.find(' ');
            left = text.substr(0, space);
            right = space == std::string::npos ? std::string() : text.substr(space + 1);
        } else if (entry.is_array() && entry.size() == 2 && entry[0].is_string() &&
                   entry[1].is_string()) {
            left = entry[0].get<std::string>();
            right = entry[1].get<std::string>();
        }
        if (left.empty() || right.empty()) {
            throw corrupt("merge " + std::to_string(m_file.merges.size()) +
                          " is not a pair of tokens");
        }
        const std::string joined = left + right;
        m_file.merges.push_back({idOf(left), idOf(right), idOf(joined)});
    }
}

void Reader::readSplit(const Json& split) {
    const Json& pattern = member(split, "pattern", &Json::is_object);
    const auto regex = pattern.find("Regex");
    if (regex == pattern.end() || !regex->is_string()) {
        throw unsupported("only Split pre-tokenizers with a regular expression are supported");
    }
    if (member(split, "behavior", &Json::is_string) != "Isolated" || !isAbsent(split, "invert")) {
        throw unsupported("only Split pre-tokenizers with the behavior Isolated are supported");
    }
    m_file.splitPatterns.push_back(regex->get<std::string>());
}

void Reader::readPreTokenizer(const Json& root) {
    const Json& preTokenizer = member(root, "pre_tokenizer", &Json::is_object);
    if (member(preTokenizer, "type", &Json::is_string) != "Sequence") {
        throw unsupported("the pre-tokenizer must be a Sequence of Split and ByteLevel");
    }
    const Json& steps = member(preTokenizer, "pretokenizers", &Json::is_array);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (!steps[i].is_object()) {
            throw corrupt("\"pretokenizers\" has an entry that is no object");
        }
        const Json& type = member(steps[i], "type", &Json::is_string);
        const bool isLast = i + 1 == steps.size();
        if (type == "Split" && !isLast) {
            readSplit(steps[i]);
        } else if (type == "ByteLevel" && isLast) {
            if (!isAbsent(steps[i], "add_prefix_space") || !isAbsent(steps[i], "use_regex")) {
                throw unsupported("ByteLevel with a prefix space or its own pattern is not "
                                  "supported");
            }
        } else {
            throw unsupported("the pre-tokenizer must be Split steps followed by ByteLevel, not " +
                              type.get<std::string>());
        }
    }
    if (steps.empty()) {
        throw unsupported("the pre-tokenizer has no ByteLevel step");
    }
}

TokenizerFile Reader::read(const Json& root) {
    const Json& model = member(root, "model", &Json::is_object);
    refuseOtherKinds(root, model);
    readPreTokenizer(root);
    readVocabulary(model);
    readMerges(model);
    readAdded(root);
    m_file.pieceBytes.resize(m_file.tokenBytes.size());
    if (!isAbsent(model, "ignore_merges")) {
        m_file.wholePiece = Bpe::WholePiece::AsToken;
    }
    return std::move(m_file);
}

} // namespace

TokenizerFile parseTokenizerFile(std::string_view json, const std::string& name) {
    Reader reader(name);
    return reader.read(reader.parse(json));
}

std::optional<std::string> parseEndToken(std::string_view json, const std::string& name) {
    const Reader reader(name);
    const Json root = reader.parse(json);
    const auto found = root.find("eos_token");
    if (found == root.end() || found->is_null()) {
        return std::nullopt;
    }
    if (found->is_string()) {
        return found->get<std::string>();
    }
    if (!found->is_object()) {
        throw reader.corrupt("\"eos_token\" is of the wrong type");
    }
    return reader.member(*found, "content", &Json::is_string).get<std::string>();
}

} // namespace dossier::engine
