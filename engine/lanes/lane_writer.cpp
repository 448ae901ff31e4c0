// SPDX-License-Identifier: Apache-2.0
#include "engine/lanes/lane_writer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/base/crc32c.h"
#include "engine/base/error.h"

namespace dossier::engine {
namespace {

/// Collects small pieces into larger writes and keeps count of the position in the record.
class Output {
  public:
    explicit Output(LaneHandle& file) : m_file(file) { m_pending.reserve(kBuffer); }

    void write(std::span<const std::byte> bytes) {
        m_position += bytes.size();
        if (m_pending.size() + bytes.size() > kBuffer) {
            flush();
        }
        if (bytes.size() > kBuffer) {
            m_file.append(bytes);
        } else {
            m_pending.insert(m_pending.end(), bytes.begin(), bytes.end());
        }
    }
    void pad(std::uint64_t to, std::uint64_t less = 0) {
        static constexpr std::array<std::byte, lane::kBlock> kZeros{};
        const std::uint64_t end = lane::aligned(m_position + less, to) - less;
        write(std::span(kZeros).first(end - m_position));
    }
    void flush() {
        m_file.append(m_pending);
        m_pending.clear();
    }
    std::uint64_t position() const { return m_position; }

  private:
    static constexpr std::size_t kBuffer = 1 << 18;
    LaneHandle& m_file;
    std::vector<std::byte> m_pending;
    std::uint64_t m_position = 0;
};

struct Piece {
    lane::SectionKind kind;
    std::uint32_t index;
    std::span<const std::byte> bytes;
};

std::vector<Piece> piecesOf(const LaneDraft& draft, const std::string& marks) {
    using lane::SectionKind;
    std::vector<Piece> pieces;
    pieces.push_back({SectionKind::Numerics, 0, std::as_bytes(std::span(draft.numerics))});
    pieces.push_back({SectionKind::Tokens, 0, std::as_bytes(std::span(draft.tokens))});
    if (!marks.empty()) {
        pieces.push_back({SectionKind::Marks, 0, std::as_bytes(std::span(marks))});
    }
    for (const LaneDraft::Rows& rows : draft.rows) {
        pieces.push_back({rows.kind, rows.layer, rows.bytes});
    }
    for (const LaneDraft::Frontier& frontier : draft.frontiers) {
        pieces.push_back({SectionKind::Frontier,
                          static_cast<std::uint32_t>(frontier.position / kFrontierStep),
                          frontier.bytes});
    }
    return pieces;
}

} // namespace

std::unique_ptr<LaneWriter> LaneWriter::create(const std::filesystem::path& path,
                                               const LaneKey& key) {
    lane::encodeHeader(key); // refuses before the file is there
    std::unique_ptr<LaneWriter> writer(new LaneWriter(path, LaneHandle::Mode::CreateNew));
    writer->writeHeaders(key);
    flushFolderOf(path);
    return writer;
}

std::unique_ptr<LaneWriter> LaneWriter::open(const std::filesystem::path& path) {
    return std::unique_ptr<LaneWriter>(new LaneWriter(path, LaneHandle::Mode::Write));
}

void LaneWriter::writeHeaders(const LaneKey& key) {
    const std::vector<std::byte> header = lane::encodeHeader(key);
    m_file.cutTo(0);
    m_file.append(header);
    m_file.append(header);
    m_file.flush();
}

LaneRecord LaneWriter::append(const LaneDraft& draft, std::uint64_t end, std::uint64_t number,
                              std::uint32_t chain) {
    const std::string marks = lane::encodeMarks(draft.marks);
    const std::vector<Piece> pieces = piecesOf(draft, marks);
    std::uint64_t size = lane::kRecordHeaderBytes;
    for (const Piece& piece : pieces) {
        size = lane::aligned(size, lane::kAlign) + piece.bytes.size();
    }
    size = lane::aligned(size, lane::kAlign) + pieces.size() * lane::kEntryBytes;
    size = lane::aligned(size + lane::kTrailerBytes, lane::kBlock);

    LaneRecord record;
    record.offset = end;
    record.numerics = draft.numerics;
    record.header = {draft.provisional,
                     static_cast<std::uint32_t>(pieces.size()),
                     draft.begin,
                     draft.rowsEnd,
                     draft.begin + draft.tokens.size(),
                     size,
                     number,
                     chain};
    std::array<std::byte, lane::kRecordHeaderBytes> head;
    lane::encode(record.header, head.data());
    m_file.cutTo(end); // what an interrupted writing left behind
    try {
        Output out(m_file);
        out.write(head);
        for (const Piece& piece : pieces) {
            out.pad(lane::kAlign);
            record.sections.push_back(
                {piece.kind, piece.index, out.position(), piece.bytes.size(), crc32c(piece.bytes)});
            out.write(piece.bytes);
        }
        out.pad(lane::kAlign);
        const std::uint64_t tableOffset = out.position();
        const std::vector<std::byte> table = lane::encodeTable(record.sections);
        out.write(table);
        out.pad(lane::kBlock, lane::kTrailerBytes);
        out.flush();
        m_file.flush();
        record.chain = lane::chainOf(chain, head, table);
        std::array<std::byte, lane::kTrailerBytes> trailer;
        lane::encode(lane::Trailer{number, size, record.header.tokensEnd, tableOffset,
                                   crc32c(table), record.chain},
                     trailer.data());
        out.write(trailer);
        out.flush();
        m_file.flush();
    } catch (...) {
        try {
            m_file.cutTo(end);
        } catch (const Error&) { // a reader stops at the torn record just as well
        }
        throw;
    }
    return record;
}

} // namespace dossier::engine
