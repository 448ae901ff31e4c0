// SPDX-License-Identifier: GPL-3.0-or-later
// Reads with std::ifstream; walks with the standard library, without ignore rules.
#include "tests/support/fake_reader.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

namespace dossier::test {
namespace {

std::string contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        throw Error(ErrorCode::NotFound, "There is no file " + file.string(), "Check the path");
    }
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

void slowly(const std::stop_token& stop) {
    for (int i = 0; i < 100; ++i) {
        if (stop.stop_requested()) {
            throw Error(ErrorCode::Cancelled, "Reading was cancelled");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

} // namespace

ingest::Document documentFromText(std::string_view text, const std::string& title) {
    ingest::Document document;
    document.title = title;
    document.text = text;
    std::replace(document.text.begin(), document.text.end(), '\f', '\n');
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = text.find_first_not_of("\n\f", at);
        if (begin == std::string_view::npos) {
            break;
        }
        const std::size_t end =
            std::min({text.find("\n\n", begin), text.find('\f', begin), text.size()});
        document.blocks.push_back({{begin, end}, ingest::BlockKind::Paragraph, 0, false});
        at = end;
    }
    if (text.find('\f') != std::string_view::npos) {
        document.format = ingest::Format::Pdf;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find('\f', at), text.size());
            ingest::Page page;
            page.range = {at, end};
            page.label = std::to_string(document.pages.size() + 1);
            page.widthPt = 595;
            page.heightPt = 842;
            page.hasText = end > at;
            document.pages.push_back(std::move(page));
            at = end + 1;
        }
    }
    ingest::indexLines(document);
    return document;
}

ingest::Document FakeReader::read(const std::filesystem::path& file,
                                  const ingest::ReadOptions& options,
                                  ingest::ReadProgressFn progress, std::stop_token stop) {
    const std::string text = contents(file);
    if (text.starts_with("FAIL ")) {
        throw Error(ErrorCode::Unsupported, options.name + ": " + text.substr(5), "Leave it out");
    }
    if (text.starts_with("SLOW")) {
        slowly(stop);
    }
    if (progress) {
        progress(text.size(), text.size());
    }
    const std::string name = options.name.empty() ? file.filename().string() : options.name;
    ingest::Document document = documentFromText(text, name);
    document.sourceBytes = text.size();
    if (name.ends_with(".cpp") || name.ends_with(".h")) {
        document.format = ingest::Format::Code;
        document.language = "cpp";
    }
    return document;
}

ingest::PageImage FakeReader::renderPage(const std::filesystem::path&, const ingest::ReadOptions&,
                                         std::uint32_t, std::uint32_t pageWidth, ingest::Box,
                                         std::stop_token) {
    const auto height = pageWidth * 842 / 595;
    auto pixels =
        std::make_shared<std::vector<std::uint32_t>>(std::size_t{pageWidth} * height, 0xffffffff);
    return {pageWidth, height, pixels->data(), pixels};
}

std::vector<ingest::OutlineEntry> FakeReader::outline(const std::filesystem::path&,
                                                      const ingest::ReadOptions&) {
    return {};
}

std::vector<ingest::WalkEntry> FakeReader::walk(const std::filesystem::path& folder,
                                                const ingest::WalkOptions&, ingest::ReadProgressFn,
                                                std::stop_token) {
    std::vector<ingest::WalkEntry> entries;
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
        if (!file.is_regular_file()) {
            continue;
        }
        ingest::WalkEntry entry;
        entry.file = file.path().lexically_relative(folder);
        entry.path = entry.file.string();
        entry.bytes = file.file_size();
        entry.included = file.path().extension() != ".bin";
        entry.kind = entry.included ? ingest::WalkReason::None : ingest::WalkReason::Binary;
        entry.reason = entry.included ? "" : "binary";
        entries.push_back(std::move(entry));
    }
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return a.path < b.path; });
    return entries;
}

void FakeReader::writeAnnotatedCopy(const std::filesystem::path& pdf, const ingest::ReadOptions&,
                                    const std::vector<ingest::PdfMark>&,
                                    const std::filesystem::path& output) {
    if (const std::string text = contents(pdf); text.starts_with("FAIL ")) {
        throw Error(ErrorCode::ProcessDied,
                    "Reading " + pdf.filename().string() + " was given up: " + text.substr(5),
                    "Leave it out");
    }
    std::filesystem::copy_file(pdf, output);
}

} // namespace dossier::test
