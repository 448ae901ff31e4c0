// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/pdf/pdf.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include <QImage>
#include <poppler-qt6.h>

#include "ingest/readers/pdf/assemble.h"
#include "ingest/readers/pdf/extract.h"
#include "ingest/readers/title.h"

namespace dossier::ingest::readers {
namespace {

void quietPoppler() {
    // Poppler tells the terminal about every damaged object, with pieces of the document in it.
    static std::once_flag once;
    std::call_once(
        once, [] { Poppler::setDebugErrorFunction([](const QString&, const QVariant&) {}, {}); });
}

/// Passwords reach Poppler as Latin-1 up to revision 4 of the standard and as UTF-8 from revision 5
/// on.
QByteArray latin1(const std::string& password) {
    return QString::fromUtf8(password.data(), static_cast<qsizetype>(password.size())).toLatin1();
}

bool unlock(Poppler::Document& document, const std::string& password) {
    for (const QByteArray& form : {QByteArray::fromStdString(password), latin1(password)}) {
        if (!document.unlock(form, form)) { // false: no longer locked
            return true;
        }
    }
    return false;
}

/// "3-5, 9": at most six pieces.
std::string pageList(const std::vector<std::uint32_t>& pages, const Document& document) {
    std::string text;
    int pieces = 0;
    for (std::size_t i = 0; i < pages.size();) {
        std::size_t last = i;
        while (last + 1 < pages.size() && pages[last + 1] == pages[last] + 1) {
            ++last;
        }
        if (++pieces > 6) {
            return text + ", ...";
        }
        text += (text.empty() ? "" : ", ") + document.pages[pages[i]].label;
        if (last > i) {
            text += "-" + document.pages[pages[last]].label;
        }
        i = last + 1;
    }
    return text;
}

void warnAboutPagesWithoutText(Document& document) {
    std::vector<std::uint32_t> without;
    for (std::uint32_t i = 0; i < document.pages.size(); ++i) {
        if (!document.pages[i].hasText) {
            without.push_back(i);
        }
    }
    if (without.empty()) {
        return;
    }
    const std::string list = pageList(without, document);
    if (without.size() == document.pages.size()) {
        document.warnings.push_back("No page has a text layer: the file is scanned or drawn, and "
                                    "nothing in it can be read or cited");
    } else {
        document.warnings.push_back(
            (without.size() == 1 ? "Page " + list + " has" : "Pages " + list + " have") +
            " no text layer: scanned, drawn or blank");
    }
}

/// One line of printable text out of metadata.
std::string oneLine(const QString& text) {
    return text.simplified().toStdString();
}

} // namespace

PdfFile::PdfFile(SourceFile file, const std::string& password, const Limits& limits)
    : m_file(std::move(file)), m_limits(limits) {
    quietPoppler();
    const auto bytes =
        QByteArray::fromRawData(m_file.bytes.data(), static_cast<qsizetype>(m_file.bytes.size()));
    m_document = Poppler::Document::loadFromData(bytes);
    if (!m_document) {
        throw Error(ErrorCode::Corrupt,
                    m_file.bytes.empty() ? m_file.name + " is empty"
                                         : m_file.name + " is damaged or not a PDF",
                    "Open it in a PDF viewer and save it again, or get another copy");
    }
    if (m_document->isLocked() && !(!password.empty() && unlock(*m_document, password))) {
        throw Error(ErrorCode::Encrypted,
                    password.empty() ? m_file.name + " is protected by a password"
                                     : "The password for " + m_file.name + " is wrong",
                    "Enter the password that opens the file");
    }
    const int pages = m_document->numPages();
    if (pages <= 0) {
        throw Error(ErrorCode::Corrupt, m_file.name + " has no pages that can be read",
                    "Open it in a PDF viewer and save it again, or get another copy");
    }
    if (static_cast<std::uint32_t>(pages) > m_limits.pages) {
        throw Error(ErrorCode::TooLarge,
                    m_file.name + " has " + std::to_string(pages) + " pages, more than " +
                        std::to_string(m_limits.pages),
                    "Split the file and add the parts");
    }
    m_document->setRenderHint(Poppler::Document::Antialiasing);
    m_document->setRenderHint(Poppler::Document::TextAntialiasing);
}

PdfFile::~PdfFile() = default;
PdfFile::PdfFile(PdfFile&&) noexcept = default;
PdfFile& PdfFile::operator=(PdfFile&&) noexcept = default;

std::uint32_t PdfFile::pageCount() const {
    return static_cast<std::uint32_t>(m_document->numPages());
}

Document PdfFile::read(const Job& job) const {
    Document document;
    document.format = Format::Pdf;
    document.sha256 = sha256Hex(m_file.bytes);
    document.sourceBytes = m_file.bytes.size();
    PdfAssembler assembler(document);
    const std::uint32_t count = pageCount();
    std::uint32_t damaged = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        job.step(i, count);
        const auto page = m_document->page(static_cast<int>(i));
        std::string label = page ? oneLine(page->label()) : std::string();
        if (label.empty()) {
            label = std::to_string(i + 1);
        }
        if (page) {
            assembler.addPage(extractPage(*page, i, m_file.name, job), std::move(label));
        } else {
            ++damaged;
            assembler.addPage(RawPage(), std::move(label));
        }
        checkTextSize(job, m_file.name, document.text.size());
    }
    assembler.finish();
    document.title =
        chooseTitle(document, oneLine(m_document->info(QStringLiteral("Title"))), m_file.name);
    if (damaged > 0) {
        document.warnings.push_back(std::to_string(damaged) + " of " + std::to_string(count) +
                                    " pages are damaged and could not be read");
    }
    warnAboutPagesWithoutText(document);
    if (!m_document->okToAddNotes()) {
        document.warnings.push_back(
            "The owner of the file forbids adding notes: marks are kept in the "
            "dossier, but no annotated copy can be written");
    }
    job.step(count, count);
    return document;
}

namespace {

struct Placement {
    double resolution = 0; ///< dots per inch
    int x = 0, y = 0;
    std::uint32_t width = 0, height = 0;
};

Placement place(const Poppler::Page& page, std::uint32_t pageWidth, Box clip, const Limits& limits,
                const std::string& name) {
    const QSizeF size = page.pageSizeF();
    const bool sane = std::isfinite(size.width()) && std::isfinite(size.height()) &&
                      size.width() > 0 && size.height() > 0 && size.height() / size.width() < 1e4;
    if (!sane) {
        throw Error(ErrorCode::Corrupt, "A page of " + name + " has no size",
                    "Open the file in a PDF viewer and save it again");
    }
    clip = {std::clamp(clip.left, 0.0F, 1.0F), std::clamp(clip.top, 0.0F, 1.0F),
            std::clamp(clip.right, 0.0F, 1.0F), std::clamp(clip.bottom, 0.0F, 1.0F)};
    if (pageWidth == 0 || !(clip.right > clip.left) || !(clip.bottom > clip.top)) {
        throw Error(ErrorCode::InvalidArgument, "Nothing of the page was asked for",
                    "Ask for a part with a width and a height");
    }
    const double height = pageWidth * size.height() / size.width();
    Placement result;
    result.resolution = 72.0 * pageWidth / size.width();
    const double left = std::floor(clip.left * pageWidth),
                 right = std::ceil(clip.right * pageWidth);
    const double top = std::floor(clip.top * height), bottom = std::ceil(clip.bottom * height);
    if ((right - left) * (bottom - top) > static_cast<double>(limits.imagePixels) || bottom > 1e9) {
        throw Error(ErrorCode::TooLarge,
                    "The picture of a page of " + name + " would have more than " +
                        std::to_string(limits.imagePixels >> 20) + " million pixels",
                    "Zoom out");
    }
    result.x = static_cast<int>(left);
    result.y = static_cast<int>(top);
    result.width = static_cast<std::uint32_t>(std::max(1.0, right - left));
    result.height = static_cast<std::uint32_t>(std::max(1.0, bottom - top));
    return result;
}

std::unique_ptr<Poppler::Page> openPage(Poppler::Document& document, std::uint32_t index,
                                        const std::string& name) {
    if (index >= static_cast<std::uint32_t>(document.numPages())) {
        throw Error(ErrorCode::InvalidArgument,
                    name + " has no page " + std::to_string(index + 1) + "; it has " +
                        std::to_string(document.numPages()),
                    "Choose one of its pages");
    }
    auto page = document.page(static_cast<int>(index));
    if (!page) {
        throw Error(ErrorCode::Corrupt,
                    "Page " + std::to_string(index + 1) + " of " + name + " is damaged",
                    "Open the file in a PDF viewer and save it again");
    }
    return page;
}

} // namespace

PdfFile::PixelSize PdfFile::pixelSize(std::uint32_t page, std::uint32_t pageWidth, Box clip) const {
    const auto opened = openPage(*m_document, page, m_file.name);
    const Placement placement = place(*opened, pageWidth, clip, m_limits, m_file.name);
    return {placement.width, placement.height};
}

void PdfFile::render(std::uint32_t page, std::uint32_t pageWidth, Box clip, std::uint32_t* pixels,
                     const std::function<bool()>& stopped) const {
    const auto opened = openPage(*m_document, page, m_file.name);
    const Placement placement = place(*opened, pageWidth, clip, m_limits, m_file.name);
    const auto never = [](const QImage&, const QVariant&) {};
    const auto partial = [](const QVariant&) { return false; };
    const auto abort = [](const QVariant& closure) {
        const auto* ask = static_cast<const std::function<bool()>*>(closure.value<const void*>());
        return *ask && (*ask)();
    };
    const QImage image =
        opened->renderToImage(placement.resolution, placement.resolution, placement.x, placement.y,
                              static_cast<int>(placement.width), static_cast<int>(placement.height),
                              Poppler::Page::Rotate0, never, partial, abort,
                              QVariant::fromValue(static_cast<const void*>(&stopped)));
    if (stopped && stopped()) {
        throw Error(ErrorCode::Cancelled, "Drawing the page was stopped");
    }
    const QImage rgb = image.convertToFormat(QImage::Format_RGB32);
    if (rgb.isNull() || rgb.width() != static_cast<int>(placement.width) ||
        rgb.height() != static_cast<int>(placement.height)) {
        throw Error(ErrorCode::Corrupt,
                    "Page " + std::to_string(page + 1) + " of " + m_file.name + " cannot be drawn",
                    "Open the file in a PDF viewer and save it again");
    }
    for (int y = 0; y < rgb.height(); ++y) {
        const auto* row = reinterpret_cast<const std::uint32_t*>(rgb.constScanLine(y));
        std::copy(row, row + placement.width,
                  pixels + static_cast<std::size_t>(y) * placement.width);
    }
}

namespace {

constexpr std::uint32_t kMaxOutlineDepth = 32;
constexpr std::size_t kMaxOutlineEntries = 100'000;

void appendOutline(const QVector<Poppler::OutlineItem>& items, std::uint32_t level,
                   std::uint32_t pages, std::vector<OutlineEntry>& entries) {
    if (level > kMaxOutlineDepth) {
        return; // loops of a damaged file end here
    }
    for (const Poppler::OutlineItem& item : items) {
        if (entries.size() >= kMaxOutlineEntries) {
            return;
        }
        const auto destination = item.destination();
        const int page = destination ? destination->pageNumber() : 0;
        // An entry that leads nowhere in the file stays, with the page of its predecessor.
        const std::uint32_t previous = entries.empty() ? 0 : entries.back().page;
        const bool known = page >= 1 && static_cast<std::uint32_t>(page) <= pages;
        entries.push_back(
            {oneLine(item.name()), level, known ? static_cast<std::uint32_t>(page - 1) : previous});
        if (item.hasChildren()) {
            appendOutline(item.children(), level + 1, pages, entries);
        }
    }
}

} // namespace

std::vector<OutlineEntry> PdfFile::outline() const {
    std::vector<OutlineEntry> entries;
    appendOutline(m_document->outline(), 0, pageCount(), entries);
    return entries;
}

} // namespace dossier::ingest::readers
