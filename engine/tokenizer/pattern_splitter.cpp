// SPDX-License-Identifier: Apache-2.0
#include "engine/tokenizer/pattern_splitter.h"

#include <array>
#include <vector>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "engine/base/error.h"

namespace dossier::engine {
namespace {

struct CodeDeleter {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct MatchDeleter {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct ContextDeleter {
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

using Code = std::unique_ptr<pcre2_code, CodeDeleter>;
using MatchData = std::unique_ptr<pcre2_match_data, MatchDeleter>;
using MatchContext = std::unique_ptr<pcre2_match_context, ContextDeleter>;

constexpr std::uint32_t kMatchLimit = 10'000'000;

std::string pcreMessage(int code) {
    std::array<PCRE2_UCHAR, 256> text{};
    pcre2_get_error_message(code, text.data(), text.size());
    return reinterpret_cast<const char*>(text.data());
}

Code compile(const std::string& pattern) {
    int error = 0;
    PCRE2_SIZE where = 0;
    Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                            PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF, &error, &where,
                            nullptr));
    if (!code) {
        throw Error(ErrorCode::Unsupported,
                    "The tokenizer's pattern " + pattern + " cannot be used: " + pcreMessage(error),
                    "Use the tokenizer.json of a DeepSeek-V4 model");
    }
    pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE); // where that fails it is only slower
    return code;
}

class PcreSplitter final : public PatternSplitter {
  public:
    explicit PcreSplitter(std::span<const std::string> patterns) {
        for (const std::string& pattern : patterns) {
            m_codes.push_back(compile(pattern));
        }
    }

    void split(std::string_view text,
               const std::function<void(std::string_view)>& piece) const override {
        std::vector<MatchData> matches;
        for (const Code& code : m_codes) {
            matches.emplace_back(pcre2_match_data_create_from_pattern(code.get(), nullptr));
        }
        const MatchContext context(pcre2_match_context_create(nullptr));
        pcre2_set_match_limit(context.get(), kMatchLimit);
        splitFrom(0, text, matches, context.get(), piece);
    }

  private:
    void splitFrom(std::size_t step, std::string_view text, const std::vector<MatchData>& matches,
                   pcre2_match_context* context,
                   const std::function<void(std::string_view)>& piece) const {
        if (text.empty()) {
            return;
        }
        if (step == m_codes.size()) {
            piece(text);
            return;
        }
        std::size_t done = 0;
        std::size_t from = 0;
        while (from < text.size()) {
            const int found =
                pcre2_match(m_codes[step].get(), reinterpret_cast<PCRE2_SPTR>(text.data()),
                            text.size(), from, PCRE2_NOTEMPTY, matches[step].get(), context);
            if (found == PCRE2_ERROR_NOMATCH) {
                break;
            }
            if (found < 0) {
                throw Error(ErrorCode::TooLarge,
                            "A pattern of the tokenizer gave up on this text: " +
                                pcreMessage(found),
                            "Use the tokenizer.json of a DeepSeek-V4 model");
            }
            const PCRE2_SIZE* range = pcre2_get_ovector_pointer(matches[step].get());
            const std::size_t begin = range[0], end = range[1];
            splitFrom(step + 1, text.substr(done, begin - done), matches, context, piece);
            splitFrom(step + 1, text.substr(begin, end - begin), matches, context, piece);
            done = from = end;
        }
        splitFrom(step + 1, text.substr(done), matches, context, piece);
    }

    std::vector<Code> m_codes;
};

} // namespace

std::unique_ptr<PatternSplitter> PatternSplitter::make(std::span<const std::string> patterns) {
    return std::make_unique<PcreSplitter>(patterns);
}

} // namespace dossier::engine
