// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/reader/wire.h"

#include <bit>
#include <cmath>

namespace dossier::ingest::wire {
namespace {

[[noreturn]] void malformed() {
    throw Error(ErrorCode::Corrupt, "The reader sent something that makes no sense", "Try again");
}

} // namespace

void Encoder::real(float value) {
    number(std::bit_cast<std::uint32_t>(value));
}

void Encoder::string(std::string_view value) {
    number<std::uint64_t>(value.size());
    m_out += value;
}

void Encoder::box(const Box& box) {
    for (const float edge : {box.left, box.top, box.right, box.bottom}) {
        real(edge);
    }
}

std::string_view Decoder::take(std::size_t size) {
    if (size > m_bytes.size()) {
        malformed();
    }
    const std::string_view part = m_bytes.substr(0, size);
    m_bytes.remove_prefix(size);
    return part;
}

float Decoder::real() {
    const auto value = std::bit_cast<float>(number<std::uint32_t>());
    if (!std::isfinite(value)) {
        malformed();
    }
    return value;
}

std::string Decoder::string() {
    const auto size = number<std::uint64_t>();
    if (size > m_bytes.size()) {
        malformed();
    }
    return std::string(take(static_cast<std::size_t>(size)));
}

Box Decoder::box() {
    Box box;
    box.left = real();
    box.top = real();
    box.right = real();
    box.bottom = real();
    return box;
}

std::size_t Decoder::count(std::size_t bytesEach) {
    const auto value = number<std::uint64_t>();
    if (value > m_bytes.size() / bytesEach) {
        malformed();
    }
    return static_cast<std::size_t>(value);
}

void Decoder::end() const {
    if (!m_bytes.empty()) {
        malformed();
    }
}

std::string encodeMarks(const std::vector<PdfMark>& marks) {
    Encoder out;
    out.number<std::uint64_t>(marks.size());
    for (const PdfMark& mark : marks) {
        out.number(static_cast<std::uint8_t>(mark.kind));
        for (const std::uint8_t channel : mark.rgb) {
            out.number(channel);
        }
        out.string(mark.author);
        out.string(mark.note);
        out.number<std::uint64_t>(mark.boxes.size());
        for (const PageBox& box : mark.boxes) {
            out.number(box.page);
            out.box(box.box);
        }
    }
    return std::move(out.bytes());
}

std::vector<PdfMark> decodeMarks(Decoder& in) {
    std::vector<PdfMark> marks(in.count(28));
    for (PdfMark& mark : marks) {
        const auto kind = in.number<std::uint8_t>();
        if (kind > static_cast<std::uint8_t>(MarkKind::Note)) {
            malformed();
        }
        mark.kind = static_cast<MarkKind>(kind);
        for (std::uint8_t& channel : mark.rgb) {
            channel = in.number<std::uint8_t>();
        }
        mark.author = in.string();
        mark.note = in.string();
        mark.boxes.resize(in.count(20));
        for (PageBox& box : mark.boxes) {
            box.page = in.number<std::uint32_t>();
            box.box = in.box();
        }
    }
    return marks;
}

std::string encodeOutline(const std::vector<OutlineEntry>& entries) {
    Encoder out;
    out.number<std::uint64_t>(entries.size());
    for (const OutlineEntry& entry : entries) {
        out.string(entry.title);
        out.number(entry.level);
        out.number(entry.page);
    }
    return std::move(out.bytes());
}

std::vector<OutlineEntry> decodeOutline(std::string_view bytes) {
    Decoder in(bytes);
    std::vector<OutlineEntry> entries(in.count(16));
    for (OutlineEntry& entry : entries) {
        entry.title = in.string();
        entry.level = in.number<std::uint32_t>();
        entry.page = in.number<std::uint32_t>();
    }
    in.end();
    return entries;
}

std::string encodeEntries(const std::vector<WalkEntry>& entries) {
    Encoder out;
    out.number<std::uint64_t>(entries.size());
    for (const WalkEntry& entry : entries) {
        out.string(entry.path);
        const std::string raw = entry.file.string();
        out.string(raw == entry.path ? std::string() : raw);
        out.number(entry.bytes);
        out.number(
            static_cast<std::uint8_t>((entry.folder ? 1U : 0U) | (entry.included ? 2U : 0U)));
        out.number(static_cast<std::uint8_t>(entry.kind));
        out.string(entry.reason);
    }
    return std::move(out.bytes());
}

std::vector<WalkEntry> decodeEntries(std::string_view bytes) {
    Decoder in(bytes);
    std::vector<WalkEntry> entries(in.count(34));
    for (WalkEntry& entry : entries) {
        entry.path = in.string();
        const std::string raw = in.string();
        entry.file = raw.empty() ? entry.path : raw;
        entry.bytes = in.number<std::uint64_t>();
        const auto flags = in.number<std::uint8_t>();
        entry.folder = (flags & 1) != 0;
        entry.included = (flags & 2) != 0;
        const auto kind = in.number<std::uint8_t>();
        if (kind > static_cast<std::uint8_t>(WalkReason::Unreadable)) {
            malformed();
        }
        entry.kind = static_cast<WalkReason>(kind);
        entry.reason = in.string();
        // A reader that was taken over must not be able to point outside the folder.
        if (entry.file.is_absolute() || entry.file.empty()) {
            malformed();
        }
        for (const auto& part : entry.file) {
            if (part == "..") {
                malformed();
            }
        }
    }
    in.end();
    return entries;
}

std::string encodeLayers(const std::vector<ConfinementLayer>& layers) {
    Encoder out;
    out.number<std::uint64_t>(layers.size());
    for (const ConfinementLayer& layer : layers) {
        out.string(layer.name);
        out.number<std::uint8_t>(layer.active ? 1 : 0);
        out.string(layer.detail);
    }
    return std::move(out.bytes());
}

std::vector<ConfinementLayer> decodeLayers(std::string_view bytes) {
    Decoder in(bytes);
    std::vector<ConfinementLayer> layers(in.count(17));
    for (ConfinementLayer& layer : layers) {
        layer.name = in.string();
        layer.active = in.number<std::uint8_t>() != 0;
        layer.detail = in.string();
    }
    in.end();
    return layers;
}

} // namespace dossier::ingest::wire
