// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/text/text.h"

#include "ingest/readers/headings.h"
#include "ingest/readers/text/encoding.h"
#include "ingest/readers/text/language.h"

namespace dossier::ingest::readers {
namespace {

constexpr std::uint64_t kProgressBytes = 4 << 20;

bool isBlankLine(std::string_view line) {
    return line.find_first_not_of(" \t\f\v") == std::string_view::npos;
}

/// Splits text into blocks line by line.
class BlockBuilder {
  public:
    explicit BlockBuilder(Document& document) : m_document(document) {}

    void line(TextRange range) {
        const std::string_view line =
            std::string_view(m_document.text).substr(range.begin, range.size());
        if (isBlankLine(line)) {
            close();
            return;
        }
        if (m_document.format == Format::Code) {
            extend(range, BlockKind::Code, 0);
            return;
        }
        const std::size_t indent = line.find_first_not_of(" \t");
        if (const auto level = headingLevel(line); level && !m_open) {
            extend(range, BlockKind::Heading, *level);
            close();
        } else if (listMarker(line.substr(indent)) > 0) {
            close();
            extend(range, BlockKind::ListItem,
                   static_cast<std::uint8_t>(std::min<std::size_t>(indent / 2, 8)));
        } else {
            extend(range, BlockKind::Paragraph, 0);
        }
    }

    void close() { m_open = false; }

  private:
    void extend(TextRange range, BlockKind kind, std::uint8_t level) {
        if (m_open) {
            m_document.blocks.back().range.end = range.end;
            return;
        }
        m_document.blocks.push_back({range, kind, level});
        m_open = true;
    }

    Document& m_document;
    bool m_open = false;
};

std::string firstHeading(const Document& document) {
    for (const Block& block : document.blocks) {
        if (block.kind == BlockKind::Heading) {
            std::string_view title =
                std::string_view(document.text).substr(block.range.begin, block.range.size());
            const std::size_t begin = title.find_first_not_of(" \t");
            return std::string(title.substr(begin, title.find_last_not_of(" \t") + 1 - begin));
        }
    }
    return {};
}

} // namespace

Document decodeFile(const SourceFile& file, const Job& job) {
    if (looksBinary(file.bytes)) {
        throw Error(ErrorCode::Unsupported, file.name + " is a binary file, not text",
                    "Add PDF, DOCX, HTML, Markdown, text or source files");
    }
    job.step(0, file.bytes.size());
    Document document;
    DecodedText decoded = decodeText(file.bytes);
    checkTextSize(job, file.name, decoded.text.size());
    document.title = file.name;
    document.text = std::move(decoded.text);
    document.encoding = std::move(decoded.encoding);
    document.sha256 = sha256Hex(file.bytes);
    document.sourceBytes = file.bytes.size();
    if (decoded.replaced) {
        document.warnings.push_back("Some bytes are not valid " + document.encoding +
                                    " and are shown as \xEF\xBF\xBD");
    }
    indexLines(document);
    return document;
}

Document readText(const SourceFile& file, const Job& job) {
    Document document = decodeFile(file, job);
    document.language = languageOf(file.name, document.text);
    document.format = document.language.empty() ? Format::Text : Format::Code;
    BlockBuilder builder(document);
    std::uint64_t reported = 0;
    for (std::size_t i = 0; i < document.lineStarts.size() && !document.text.empty(); ++i) {
        const std::uint64_t begin = document.lineStarts[i];
        const std::uint64_t next =
            i + 1 < document.lineStarts.size() ? document.lineStarts[i + 1] : document.text.size();
        const bool ended = document.text[next - 1] == '\n';
        builder.line({begin, ended ? next - 1 : next});
        if (next - reported > kProgressBytes) {
            reported = next;
            job.step(next, document.text.size());
        }
    }
    if (const std::string title = firstHeading(document);
        document.format == Format::Text && !title.empty()) {
        document.title = title;
    }
    job.step(document.text.size(), document.text.size());
    return document;
}

} // namespace dossier::ingest::readers
