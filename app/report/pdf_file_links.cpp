// SPDX-License-Identifier: GPL-3.0-or-later
// Byte-for-byte replacement of link actions: offsets in the file stay true.
#include "app/report/pdf_file_links.h"

#include <string_view>

#include "ingest/document/utf8.h"

namespace dossier::app::report {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";
constexpr std::string_view kActionBegin = "/S /URI\n      /URI (";

std::string hex(std::string_view bytes) {
    std::string out = "<";
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += kHex[byte >> 4U];
        out += kHex[byte & 15U];
    }
    out += '>';
    return out;
}

std::string utf16(std::string_view text) {
    std::string out = "\xFE\xFF";
    const auto put = [&](char32_t unit) {
        out += static_cast<char>(unit >> 8U);
        out += static_cast<char>(unit & 0xFFU);
    };
    for (std::size_t at = 0; at < text.size();) {
        const auto character = ingest::utf8::decode(text, at);
        at += character.length;
        const char32_t c = character.value;
        if (c < 0x10000) {
            put(c);
        } else {
            put(0xD800 + ((c - 0x10000) >> 10U));
            put(0xDC00 + ((c - 0x10000) & 0x3FFU));
        }
    }
    return out;
}

/// The file's name as PDF wants it: bytes for old viewers, UTF-16 beside them where needed.
std::string fileSpecification(const std::string& path) {
    bool ascii = true;
    for (const char c : path)
        ascii = ascii && static_cast<unsigned char>(c) < 0x80;
    if (ascii)
        return hex(path);
    std::string text = "<< /Type /Filespec /F ";
    text += hex(path);
    text += " /UF ";
    text += hex(utf16(path));
    text += " >>";
    return text;
}

} // namespace

std::string percentEncoded(const std::string& path) {
    std::string out;
    for (const char c : path) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') ||
                           std::string_view("-._~/").find(c) != std::string_view::npos;
        if (plain) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += kHex[byte >> 4U];
            out += kHex[byte & 15U];
        }
    }
    return out;
}

std::string FileLinks::uri(const std::string& relativePath, std::uint32_t page) {
    std::string action = "/S /GoToR /F ";
    action += fileSpecification(relativePath);
    action += " /D [" + std::to_string(page) + " /XYZ null null null]";
    std::string uri = percentEncoded(relativePath) + "#page=" + std::to_string(page + 1);
    // Both texts get the same length: the URI by a parameter that nobody reads.
    const std::size_t least = kActionBegin.size() + uri.size() + 1;
    if (action.size() > least) {
        uri += "&_=";
        while (kActionBegin.size() + uri.size() + 1 < action.size())
            uri += '0';
    }
    action.resize(kActionBegin.size() + uri.size() + 1, ' ');
    m_actions[uri] = action;
    return uri;
}

std::size_t FileLinks::apply(std::string& pdf) const {
    std::size_t replaced = 0;
    for (std::size_t at = 0; (at = pdf.find(kActionBegin, at)) != std::string::npos;) {
        const std::size_t begin = at + kActionBegin.size();
        const std::size_t end = pdf.find(')', begin);
        if (end == std::string::npos)
            break;
        const auto found = m_actions.find(pdf.substr(begin, end - begin));
        if (found != m_actions.end() && found->second.size() == end + 1 - at) {
            pdf.replace(at, found->second.size(), found->second);
            ++replaced;
        }
        at = end;
    }
    return replaced;
}

} // namespace dossier::app::report
