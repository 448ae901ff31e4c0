// SPDX-License-Identifier: GPL-3.0-or-later
// Reading in this process.
#include "tests/ingest/support/direct_reader.h"

#include <algorithm>
#include <fstream>

#include "ingest/readers/direct.h"
#include "ingest/readers/pdf/pdf.h"

namespace dossier::test {
namespace fs = std::filesystem;
using namespace ingest;

namespace {

readers::PdfFile openPdf(const fs::path& pdf, const ReadOptions& options) {
    return readers::PdfFile(readers::loadFile(pdf, {}), options.password);
}

} // namespace

std::vector<ConfinementLayer> DirectReader::confinement() {
    return {};
}

Document DirectReader::read(const fs::path& file, const ReadOptions& options,
                            ReadProgressFn progress, std::stop_token stop) {
    return readers::readSource(readers::loadFile(file, {}),
                               readers::Job(options, std::move(progress), std::move(stop)));
}

PageImage DirectReader::renderPage(const fs::path& pdf, const ReadOptions& options,
                                   std::uint32_t page, std::uint32_t pageWidth, Box clip,
                                   std::stop_token stop) {
    const readers::PdfFile file = openPdf(pdf, options);
    const auto size = file.pixelSize(page, pageWidth, clip);
    auto pixels = std::make_shared<std::vector<std::uint32_t>>(
        static_cast<std::size_t>(size.width) * size.height);
    file.render(page, pageWidth, clip, pixels->data(), [&] { return stop.stop_requested(); });
    ++rendered;
    PageImage image;
    image.width = size.width;
    image.height = size.height;
    image.pixels = pixels->data();
    image.memory = pixels;
    return image;
}

std::vector<OutlineEntry> DirectReader::outline(const fs::path& pdf, const ReadOptions& options) {
    return openPdf(pdf, options).outline();
}

std::vector<WalkEntry> DirectReader::walk(const fs::path& folder, const WalkOptions&,
                                          ReadProgressFn, std::stop_token) {
    std::vector<WalkEntry> entries;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file()) {
            continue;
        }
        WalkEntry found;
        found.path = fs::relative(entry.path(), folder).string();
        found.file = found.path;
        found.bytes = entry.file_size();
        found.included = true;
        if (found.path.starts_with("build/")) {
            found.included = false;
            found.kind = WalkReason::IgnoreRule;
            found.reason = "ignored by .gitignore:1 (build/)";
        } else if (found.path.ends_with(".lock")) {
            found.included = false;
            found.kind = WalkReason::LockFile;
            found.reason = "lock file";
        }
        entries.push_back(std::move(found));
    }
    std::sort(entries.begin(), entries.end(),
              [](const WalkEntry& a, const WalkEntry& b) { return a.path < b.path; });
    return entries;
}

void DirectReader::writeAnnotatedCopy(const fs::path& pdf, const ReadOptions& options,
                                      const std::vector<PdfMark>& marks, const fs::path& output) {
    readers::PdfFile file = openPdf(pdf, options);
    const std::string bytes = file.annotated(marks);
    std::ofstream(output, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

} // namespace dossier::test
