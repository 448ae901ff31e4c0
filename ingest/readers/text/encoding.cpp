// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/text/encoding.h"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <iconv.h>
#include <uchardet.h>

#include "ingest/document/utf8.h"

namespace dossier::ingest::readers {
namespace {

constexpr std::size_t kSample = 64 << 10;
constexpr std::string_view kFallback = "WINDOWS-1252"; ///< gives every byte some meaning

struct Mark {
    std::string_view bytes, encoding;
};
// UTF-32LE before UTF-16LE: its mark begins with the other's.
constexpr Mark kMarks[] = {{"\xEF\xBB\xBF", "UTF-8"},
                           {{"\xFF\xFE\0\0", 4}, "UTF-32LE"},
                           {{"\0\0\xFE\xFF", 4}, "UTF-32BE"},
                           {"\xFF\xFE", "UTF-16LE"},
                           {"\xFE\xFF", "UTF-16BE"}};

/// UTF-16 of mostly Latin text without a mark: every second byte is NUL. Empty if it is not.
std::string_view utf16WithoutMark(std::string_view sample) {
    std::size_t even = 0, odd = 0;
    for (std::size_t i = 0; i < sample.size(); ++i) {
        (i % 2 == 0 ? even : odd) += sample[i] == '\0' ? 1U : 0U;
    }
    const std::size_t half = sample.size() / 2;
    if (half < 2) {
        return {};
    }
    if (even == 0 && odd * 10 >= half * 7) {
        return "UTF-16LE";
    }
    return odd == 0 && even * 10 >= half * 7 ? "UTF-16BE" : std::string_view();
}

/// U+FFFD for every invalid byte. Counts what was valid beyond ASCII and what was not.
struct Repaired {
    std::string text;
    std::size_t validCharacters = 0, invalidBytes = 0;
};

Repaired repairUtf8(std::string_view bytes) {
    Repaired result;
    result.text.reserve(bytes.size() + 64);
    for (std::size_t offset = 0; offset < bytes.size();) {
        const utf8::Decoded c = utf8::decode(bytes, offset);
        if (c.valid) {
            result.text.append(bytes, offset, c.length);
            result.validCharacters += c.length > 1 ? 1U : 0U;
        } else {
            utf8::append(result.text, utf8::kReplacement);
            ++result.invalidBytes;
        }
        offset += c.length;
    }
    return result;
}

std::string guess(std::string_view bytes) {
    const std::unique_ptr<struct uchardet, decltype(&uchardet_delete)> detector(uchardet_new(),
                                                                                &uchardet_delete);
    // A guess needs some of the text only; the part around the first foreign byte tells most.
    const std::size_t foreign = utf8::firstInvalid(bytes);
    const std::size_t begin = foreign > kSample ? foreign - kSample : 0;
    const std::string_view part = bytes.substr(begin, 16 * kSample);
    if (uchardet_handle_data(detector.get(), part.data(), part.size()) != 0) {
        return {};
    }
    uchardet_data_end(detector.get());
    return uchardet_get_charset(detector.get());
}

void normalizeLineEnds(std::string& text) {
    const bool hasLineFeeds = text.find('\n') != std::string::npos;
    std::size_t out = text.find_first_of(std::string_view("\r\0", 2));
    if (out == std::string::npos) {
        return;
    }
    for (std::size_t in = out; in < text.size(); ++in) {
        char c = text[in];
        if (c == '\r') {
            if (in + 1 < text.size() && text[in + 1] == '\n') {
                continue;
            }
            c = hasLineFeeds ? ' ' : '\n';
        }
        text[out++] = c == '\0' ? ' ' : c;
    }
    text.resize(out);
}

} // namespace

DecodedText decodeAs(std::string_view bytes, const std::string& encoding) {
    const iconv_t converter = iconv_open("UTF-8", encoding.c_str());
    if (converter == reinterpret_cast<iconv_t>(-1)) { // NOLINT: how iconv says no
        return {};
    }
    const std::unique_ptr<void, int (*)(iconv_t)> closer(converter, &iconv_close);
    DecodedText result;
    result.encoding = encoding;
    std::string buffer(256 << 10, '\0');
    char* in = const_cast<char*>(bytes.data()); // iconv's prototype; it does not write there
    std::size_t inLeft = bytes.size();
    while (inLeft > 0) {
        char* out = buffer.data();
        std::size_t outLeft = buffer.size();
        const std::size_t status = iconv(converter, &in, &inLeft, &out, &outLeft);
        const int reason = errno;
        result.text.append(buffer.data(), buffer.size() - outLeft);
        if (status == static_cast<std::size_t>(-1) && reason != E2BIG) {
            // A byte that means nothing here, or a character cut off at the end of the file.
            utf8::append(result.text, utf8::kReplacement);
            result.replaced = true;
            ++in;
            --inLeft;
        }
    }
    return result;
}

bool looksBinary(std::string_view bytes) {
    const std::string_view sample = bytes.substr(0, kSample);
    for (const Mark& mark : kMarks) {
        if (sample.starts_with(mark.bytes)) {
            return false;
        }
    }
    if (sample.find('\0') != std::string_view::npos) {
        return utf16WithoutMark(sample).empty();
    }
    const auto control = std::count_if(sample.begin(), sample.end(), [](char c) {
        const auto u = static_cast<unsigned char>(c);
        return (u < 0x20 && u != '\t' && u != '\n' && u != '\r' && u != '\f' && u != '\b' &&
                u != 0x1B) ||
               u == 0x7F;
    });
    // One in twenty; a stray one or two in a short file are no reason.
    return static_cast<std::size_t>(control) * 20 > sample.size() + 40;
}

DecodedText decodeText(std::string_view bytes) {
    DecodedText result;
    std::string_view encoding, content = bytes;
    for (const Mark& mark : kMarks) {
        if (bytes.starts_with(mark.bytes)) {
            encoding = mark.encoding;
            content.remove_prefix(mark.bytes.size());
            break;
        }
    }
    if (encoding.empty()) {
        encoding = utf16WithoutMark(bytes.substr(0, kSample));
    }
    const bool wide = !encoding.empty() && encoding != "UTF-8";
    // ISO-2022-JP and its like are 7-bit: valid UTF-8 in form, but full of escapes.
    const bool escapes = content.find("\x1B$") != std::string_view::npos;
    if (wide) {
        result = decodeAs(content, std::string(encoding));
    } else if (utf8::firstInvalid(content) == content.size() && !escapes) {
        result.text = content;
        result.encoding = "UTF-8";
    } else {
        Repaired repaired = repairUtf8(content);
        const std::string guessed = guess(content);
        const bool nearlyUtf8 = repaired.validCharacters > 20 * repaired.invalidBytes;
        if (encoding.empty() && !nearlyUtf8) {
            result = decodeAs(content, guessed.empty() ? std::string(kFallback) : guessed);
        }
        if (encoding.empty() && !nearlyUtf8 && result.encoding.empty()) {
            result = decodeAs(content, std::string(kFallback));
        }
        if (result.encoding.empty()) {
            result = {std::move(repaired.text), "UTF-8", repaired.invalidBytes > 0};
        }
    }
    normalizeLineEnds(result.text);
    return result;
}

} // namespace dossier::ingest::readers
