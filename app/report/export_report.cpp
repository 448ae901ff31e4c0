// SPDX-License-Identifier: GPL-3.0-or-later
// The folder of an export: assembled under a temporary name beside its place, then renamed.
#include "app/report/export_report.h"

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "app/report/report_writers.h"
#include "app/report/words.h"
#include "engine/base/sha256.h"

namespace dossier::app::report {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCopies = "sources";
constexpr std::uint64_t kStep = 100; ///< progress units of a copy and of the PDF

/// A folder that goes away unless it was given its final name.
class PartFolder {
  public:
    explicit PartFolder(const fs::path& target) {
        const fs::path parent = target.has_parent_path() ? target.parent_path() : fs::path(".");
        std::string name = (parent / ".dossier-export-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            throw systemError("make a folder in " + parent.string(), errno);
        m_path = name;
        fs::permissions(m_path,
                        fs::perms::others_read | fs::perms::others_exec | fs::perms::group_read |
                            fs::perms::group_exec,
                        fs::perm_options::add);
    }
    ~PartFolder() {
        std::error_code ignored;
        fs::remove_all(m_path, ignored);
    }
    PartFolder(const PartFolder&) = delete;
    PartFolder& operator=(const PartFolder&) = delete;
    const fs::path& path() const { return m_path; }

  private:
    fs::path m_path;
};

void checkTarget(const ExportRequest& request) {
    if (request.folder.filename().empty())
        throw Error(ErrorCode::InvalidArgument, "the export needs the name of a folder",
                    "Name a folder that does not exist yet");
    std::error_code error;
    const fs::file_status status = fs::symlink_status(request.folder, error);
    if (!fs::exists(status))
        return;
    if (!fs::is_directory(request.folder, error))
        throw Error(ErrorCode::InvalidArgument, request.folder.string() + " is not a folder",
                    "Choose another name");
    if (request.existing == Existing::Keep && !fs::is_empty(request.folder, error))
        throw Error(ErrorCode::InvalidArgument, request.folder.string() + " exists already",
                    "Choose another name, or say that its files are to be replaced");
}

/// Gives the finished folder its name, or its files theirs.
void moveInto(const fs::path& part, const ExportRequest& request) {
    std::error_code error;
    if (!fs::exists(request.folder, error)) {
        renameNew(part, request.folder);
    } else if (fs::is_empty(request.folder, error) && !fs::is_symlink(request.folder, error)) {
        fs::rename(part, request.folder, error); // over an empty folder: one step
        if (error)
            throw systemError("rename to " + request.folder.string(), error.value());
    } else {
        for (const auto& entry : fs::recursive_directory_iterator(part)) {
            const fs::path target = request.folder / fs::relative(entry.path(), part);
            if (entry.is_directory()) {
                fs::create_directories(target, error);
            } else {
                fs::rename(entry.path(), target, error);
            }
            if (error)
                throw systemError("write " + target.string(), error.value());
        }
        syncFolder(request.folder);
    }
    syncFolder(request.folder.has_parent_path() ? request.folder.parent_path() : fs::path("."));
}

/// The report prints the hash of what was added and read; a copy of anything else would be a copy
/// of the wrong file.
void checkOriginal(const fs::path& file, const std::string& sha256) {
    constexpr const char* kRemedy = "Add the file that it was made from again";
    std::error_code error;
    if (!fs::exists(file, error)) {
        throw Error(ErrorCode::NotFound, "The stored original is missing", kRemedy);
    }
    if (Sha256::hexOfFile(file) != sha256) {
        throw Error(ErrorCode::Corrupt, "The stored original was changed after it was added",
                    kRemedy);
    }
}

/// Stored files are called by their hash; the person knows the name of the source.
Failure calledBySource(Failure failure, const fs::path& file, const std::string& name) {
    for (const std::string& stored : {file.string(), file.filename().string()}) {
        for (std::size_t at = 0; (at = failure.failed.find(stored, at)) != std::string::npos;
             at += name.size()) {
            failure.failed.replace(at, stored.size(), name);
        }
    }
    return failure;
}

class Exporter {
  public:
    Exporter(const ExportContext& context, const ExportRequest& request)
        : m_context(context), m_request(request) {}

    ExportResult run() {
        checkTarget(m_request);
        m_report = buildReport(m_context.dossier, m_request.options,
                               [this](SourceId id) { return document(id); });
        std::vector<std::string> names(m_report.sources.size());
        if (m_request.annotatedSources)
            names = copyNames(m_report);
        const auto copies = static_cast<std::uint64_t>(
            std::count_if(names.begin(), names.end(), [](const auto& n) { return !n.empty(); }));
        m_total = kStep * copies + (m_request.pdf ? kStep : 0) + 2;
        const PartFolder part(m_request.folder);
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (!names[i].empty())
                writeCopy(part.path(), i, names[i]);
        }
        std::error_code notEmpty; // the folder of the copies goes when every one has failed
        fs::remove(part.path() / kCopies, notEmpty);
        writeReports(part.path());
        checkStop();
        moveInto(part.path(), m_request);
        return std::move(m_result);
    }

  private:
    void checkStop() const {
        if (m_context.stop.stop_requested())
            throw Error(ErrorCode::Cancelled, "the export was stopped");
    }

    void advance(std::uint64_t done, const std::string& item) const {
        checkStop();
        if (m_context.progress)
            m_context.progress(std::min(done, m_total), m_total, item);
    }

    DocumentPtr document(SourceId id) {
        try {
            return m_context.document(id);
        } catch (const Error&) {
            return nullptr; // its marks keep what the dossier knows of them
        }
    }

    void writeCopy(const fs::path& part, std::size_t index, const std::string& name) {
        ReportSource& source = m_report.sources[index];
        advance(m_done, source.name);
        fs::path original;
        try {
            original = m_context.original(source.id);
            checkOriginal(original, source.sha256);
            const DocumentPtr text = m_context.document(source.id);
            const fs::path output = part / name;
            fs::create_directories(output.parent_path());
            m_context.reader.writeAnnotatedCopy(original, {m_request.password, source.name},
                                                marksFor(m_report, index, *text), output);
            source.annotatedCopy = name;
            m_result.copies.push_back(m_request.folder / name);
        } catch (const Error& error) {
            // The disk's trouble is everybody's; a file's trouble is its own.
            if (error.code() == ErrorCode::DiskFull || error.code() == ErrorCode::Cancelled)
                throw;
            const Failure failure = calledBySource(failureOf(error), original, source.name);
            source.copyFailed = failure.failed;
            m_result.problems.push_back({source.name, failure});
        }
        m_done += kStep;
        advance(m_done, source.name);
    }

    void writeReports(const fs::path& part) {
        if (m_request.pdf) {
            m_result.pages = writePdf(
                m_report, part / "report.pdf", Existing::Keep,
                [this](std::uint64_t done, std::uint64_t total) {
                    advance(m_done + kStep * done / std::max<std::uint64_t>(1, total),
                            "report.pdf");
                },
                m_context.stop);
            m_done += kStep;
            m_result.pdf = m_request.folder / "report.pdf";
        }
        if (m_request.markdown) {
            writeMarkdown(m_report, part / "report.md", Existing::Keep);
            m_result.markdown = m_request.folder / "report.md";
        }
        advance(++m_done, "report.md");
        if (m_request.html) {
            writeHtml(m_report, part / "report.html", Existing::Keep);
            m_result.html = m_request.folder / "report.html";
        }
        advance(++m_done, "report.html");
    }

    const ExportContext& m_context;
    const ExportRequest& m_request;
    Report m_report;
    ExportResult m_result;
    std::uint64_t m_done = 0, m_total = 1;
};

} // namespace

std::vector<ingest::PdfMark> marksFor(const Report& report, std::size_t source,
                                      const ingest::Document& document) {
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> cited;
    for (const ReportCitation& citation : report.citations) {
        if (citation.source != source || citation.range.end > document.text.size() ||
            citation.range.empty())
            continue;
        std::string& text = cited[{citation.range.begin, citation.range.end}];
        text += text.empty() ? "" : "\n\n";
        text += "[" + std::to_string(citation.number) + "] ";
        if (citation.question < report.sections.size())
            text += elided(report.sections[citation.question].title, 200) + "\n";
        text += (citation.nearest ? "Nearest place, not an answer. " : "") + verdictText(citation);
    }
    std::vector<ingest::PdfMark> marks;
    for (const auto& [range, text] : cited) {
        ingest::PdfMark mark;
        mark.boxes = ingest::boxesOf(document, {range.first, range.second});
        mark.author = "Dossier";
        mark.note = text;
        if (!mark.boxes.empty())
            marks.push_back(std::move(mark));
    }
    for (const ReportNote& note : report.notes) {
        if (note.source != source || note.range.end > document.text.size())
            continue;
        ingest::PdfMark mark;
        mark.kind = note.kind;
        mark.boxes = ingest::boxesOf(document, note.range);
        mark.rgb = note.rgb;
        mark.author = note.author;
        mark.note = "N" + std::to_string(note.number) + (note.note.empty() ? "" : ": " + note.note);
        if (!mark.boxes.empty())
            marks.push_back(std::move(mark));
    }
    return marks;
}

std::vector<std::string> copyNames(const Report& report) {
    std::vector<bool> marked(report.sources.size(), false);
    for (const ReportCitation& citation : report.citations) {
        if (citation.source)
            marked[*citation.source] = true;
    }
    for (const ReportNote& note : report.notes)
        marked[note.source] = true;
    std::set<std::string> used;
    std::vector<std::string> names(report.sources.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        const ReportSource& source = report.sources[i];
        if (!source.pdf || !marked[i])
            continue;
        const std::string stem =
            safeFileName(fs::path(source.name).filename().replace_extension().string());
        for (int copy = 1;; ++copy) {
            std::string name = stem;
            if (copy > 1) {
                name += ' ';
                name += std::to_string(copy);
            }
            name += " (annotated).pdf";
            std::string folded = name;
            std::transform(folded.begin(), folded.end(), folded.begin(),
                           [](unsigned char c) { return std::tolower(c); });
            if (used.insert(folded).second) {
                names[i] = std::string(kCopies) + "/";
                names[i] += name;
                break;
            }
        }
    }
    return names;
}

ExportResult exportReport(const ExportContext& context, const ExportRequest& request) {
    return Exporter(context, request).run();
}

} // namespace dossier::app::report
