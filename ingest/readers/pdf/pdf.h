// SPDX-License-Identifier: GPL-3.0-or-later
// PDF files: text with boxes, rendered pages, outline, annotated copies. The only code that calls
// Poppler. One PdfFile belongs to one thread.
#pragma once

#include <functional>
#include <memory>

#include "ingest/readers/source.h"

namespace Poppler {
class Document;
}

namespace dossier::ingest::readers {

class PdfFile {
  public:
    /// Throws Encrypted (password missing or wrong), Corrupt, TooLarge (too many pages).
    PdfFile(SourceFile file, const std::string& password, const Limits& limits = {});
    ~PdfFile();
    PdfFile(PdfFile&&) noexcept;
    PdfFile& operator=(PdfFile&&) noexcept;

    const std::string& name() const { return m_file.name; }
    std::uint32_t pageCount() const;

    /// All text. Pages without a text layer are reported in the warnings.
    Document read(const Job&) const;

    /// The size in pixels that render() will make of this part of the page.
    struct PixelSize {
        std::uint32_t width = 0, height = 0;
    };
    /// Throws InvalidArgument (no such page, empty clip), TooLarge (more than Limits::imagePixels).
    PixelSize pixelSize(std::uint32_t page, std::uint32_t pageWidth, Box clip) const;

    /// Draws into `pixels` (0xffRRGGBB, rows of pixelSize().width).
    void render(std::uint32_t page, std::uint32_t pageWidth, Box clip, std::uint32_t* pixels,
                const std::function<bool()>& stopped) const;

    std::vector<OutlineEntry> outline() const;

    /// Adds the marks as annotations and returns the changed file, the original's bytes first (an
    /// incremental update). Ends this object's usefulness for reading: marks stay in it.
    /// Throws Permission if the owner of the file forbids annotations, InvalidArgument for marks
    /// outside the file.
    std::string annotated(const std::vector<PdfMark>&);

  private:
    SourceFile m_file;
    Limits m_limits;
    std::unique_ptr<Poppler::Document> m_document;
};

} // namespace dossier::ingest::readers
