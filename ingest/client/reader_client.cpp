// SPDX-License-Identifier: GPL-3.0-or-later
// The Reader that the application uses: a pool of dossier-reader processes.
//
// A process that has parsed a PDF, DOCX, HTML or Markdown file never sees another file: what a
// hostile document may do to it, it does to itself. Plain text and code share a process, since
// there may be thousands of them and decoding them is simple. Processes for the viewer keep their
// PDF open.
#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "ingest/client/atomic_file.h"
#include "ingest/client/worker_process.h"

namespace dossier::ingest {
namespace {

using wire::Encoder;
using wire::Message;

struct FileIdentity {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const FileIdentity&) const = default;
};

struct OpenFile {
    Descriptor descriptor;
    FileIdentity identity;
    std::string name;
};

OpenFile openSource(const std::filesystem::path& path) {
    // O_NONBLOCK: a pipe without a writer must not hang the application.
    OpenFile file{Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)),
                  {},
                  path.filename().string()};
    struct stat info {};
    if (!file.descriptor.valid() || ::fstat(file.descriptor.get(), &info) != 0) {
        throw systemError("open " + path.string(), errno);
    }
    file.identity = {info.st_dev, info.st_ino};
    return file;
}

std::string fileRequest(const OpenFile& file, const ReadOptions& options) {
    Encoder out;
    out.string(options.name.empty() ? file.name : options.name);
    out.string(options.password);
    return std::move(out.bytes());
}

/// Maps a picture that the reader cannot change or shrink any more.
PageImage mapImage(Packet& packet) {
    wire::Decoder in(packet.payload);
    PageImage image;
    image.width = in.number<std::uint32_t>();
    image.height = in.number<std::uint32_t>();
    in.end();
    const std::size_t bytes = std::size_t{4} * image.width * image.height;
    constexpr int needed = F_SEAL_SHRINK | F_SEAL_WRITE;
    struct stat info {};
    const bool sound = packet.descriptors.size() == 1 && bytes > 0 &&
                       (::fcntl(packet.descriptors[0].get(), F_GET_SEALS) & needed) == needed &&
                       ::fstat(packet.descriptors[0].get(), &info) == 0 &&
                       static_cast<std::size_t>(info.st_size) >= bytes;
    if (!sound) {
        throw Error(ErrorCode::Corrupt, "The reader sent something that is no picture",
                    "Try again");
    }
    void* data = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, packet.descriptors[0].get(), 0);
    if (data == MAP_FAILED) {
        throw systemError("map the picture of a page", errno);
    }
    image.memory = std::shared_ptr<const void>(
        data, [bytes](const void* p) { ::munmap(const_cast<void*>(p), bytes); });
    image.pixels = static_cast<const std::uint32_t*>(data);
    return image;
}

/// The folder that git rules for `folder` come from: itself, or the nearest one above that has a
/// .git.
std::vector<std::filesystem::path> readableFor(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> folders{folder};
    std::error_code failed;
    auto above = std::filesystem::canonical(folder, failed);
    for (; !failed && above.has_relative_path(); above = above.parent_path()) {
        if (std::filesystem::exists(above / ".git", failed)) {
            folders.push_back(above);
            break;
        }
    }
    return folders;
}

class ReaderClient final : public Reader {
  public:
    ReaderClient(std::filesystem::path program, const ClientOptions& options)
        : m_program(std::move(program)), m_options(options) {}

    std::vector<ConfinementLayer> confinement() override {
        {
            const std::lock_guard lock(m_mutex);
            if (!m_layers.empty()) {
                return m_layers;
            }
        }
        Lease lease(*this, {});
        lease.keepShared();
        return lease.worker().layers();
    }

    Document read(const std::filesystem::path& path, const ReadOptions& options,
                  ReadProgressFn progress, std::stop_token stop) override {
        const OpenFile file = openSource(path);
        Lease lease(*this, stop);
        const Packet result = lease.worker().call(
            {Message::Read, fileRequest(file, options), {file.descriptor.get()}, file.name},
            progress, stop);
        Document document = deserialize(result.payload);
        if (document.format == Format::Text || document.format == Format::Code) {
            lease.keepShared();
        }
        return document;
    }

    PageImage renderPage(const std::filesystem::path& pdf, const ReadOptions& options,
                         std::uint32_t page, std::uint32_t pageWidth, Box clip,
                         std::stop_token stop) override {
        const OpenFile file = openSource(pdf);
        Encoder out;
        out.bytes() = fileRequest(file, options);
        out.number(page);
        out.number(pageWidth);
        out.box(clip);
        ViewerLease lease(*this, file.identity, stop);
        Packet result = lease.call(
            {Message::Render, std::move(out.bytes()), {file.descriptor.get()}, file.name}, stop);
        return mapImage(result);
    }

    std::vector<OutlineEntry> outline(const std::filesystem::path& pdf,
                                      const ReadOptions& options) override {
        const OpenFile file = openSource(pdf);
        ViewerLease lease(*this, file.identity, {});
        return wire::decodeOutline(lease
                                       .call({Message::Outline,
                                              fileRequest(file, options),
                                              {file.descriptor.get()},
                                              file.name},
                                             {})
                                       .payload);
    }

    std::vector<WalkEntry> walk(const std::filesystem::path& folder, const WalkOptions& options,
                                ReadProgressFn progress, std::stop_token stop) override {
        Encoder out;
        out.string(folder.string());
        out.number<std::uint8_t>(options.honourGitignore ? 1 : 0);
        out.number(options.maxFileBytes);
        std::error_code failed;
        if (!std::filesystem::exists(folder, failed)) {
            throw systemError("open the folder " + folder.string(), ENOENT);
        }
        // May read this folder and nothing else, so it is of no use for anything afterwards.
        WorkerProcess worker(m_program, m_options, readableFor(folder));
        noteLayers(worker);
        return wire::decodeEntries(
            worker
                .call({Message::Walk, std::move(out.bytes()), {}, folder.filename().string()},
                      progress, stop)
                .payload);
    }

    void writeAnnotatedCopy(const std::filesystem::path& pdf, const ReadOptions& options,
                            const std::vector<PdfMark>& marks,
                            const std::filesystem::path& output) override {
        const OpenFile file = openSource(pdf);
        AtomicFile copy(output, file.descriptor.get());
        Encoder out;
        out.bytes() = fileRequest(file, options);
        out.bytes() += wire::encodeMarks(marks);
        Lease lease(*this, {});
        lease.worker().call({Message::Annotate,
                             std::move(out.bytes()),
                             {file.descriptor.get(), copy.descriptor()},
                             file.name},
                            {}, {});
        copy.commit();
    }

  private:
    /// A process that reads files; at most m_options.workers at a time.
    class Lease {
      public:
        Lease(ReaderClient& client, const std::stop_token& stop) : m_client(client) {
            std::unique_lock lock(client.m_mutex);
            const bool free = client.m_changed.wait(
                lock, stop, [&] { return client.m_busy < std::max(1U, client.m_options.workers); });
            if (!free) {
                throw Error(ErrorCode::Cancelled, "Reading was stopped before it began");
            }
            ++client.m_busy;
            if (!client.m_shared.empty()) {
                m_worker = std::move(client.m_shared.back());
                client.m_shared.pop_back();
            }
        }
        ~Lease() {
            if (!m_keep || (m_worker && !m_worker->alive())) {
                m_worker.reset();
            }
            {
                const std::lock_guard lock(m_client.m_mutex);
                --m_client.m_busy;
                if (m_worker) {
                    m_client.m_shared.push_back(std::move(m_worker));
                }
            }
            m_client.m_changed.notify_one();
        }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;

        WorkerProcess& worker() {
            if (!m_worker) {
                m_worker = std::make_unique<WorkerProcess>(m_client.m_program, m_client.m_options);
                m_client.noteLayers(*m_worker);
            }
            return *m_worker;
        }
        /// The process has only seen what is harmless: the next file may have it.
        void keepShared() { m_keep = true; }

      private:
        ReaderClient& m_client;
        std::unique_ptr<WorkerProcess> m_worker;
        bool m_keep = false;
    };

    struct Viewer {
        FileIdentity file;
        std::unique_ptr<WorkerProcess> worker;
    };

    /// A process that has this PDF open, or a new one; kept afterwards, the longest unused one
    /// goes.
    class ViewerLease {
      public:
        ViewerLease(ReaderClient& client, FileIdentity file, const std::stop_token& stop)
            : m_client(client) {
            std::unique_lock lock(client.m_mutex);
            const std::size_t most = std::max<std::size_t>(1, client.m_options.openPdfs);
            if (!client.m_changed.wait(lock, stop, [&] { return client.m_viewing < most; })) {
                throw Error(ErrorCode::Cancelled, "Drawing the page was stopped before it began");
            }
            ++client.m_viewing;
            const auto known =
                std::find_if(client.m_viewers.begin(), client.m_viewers.end(),
                             [&](const Viewer& viewer) { return viewer.file == file; });
            if (known != client.m_viewers.end()) {
                m_viewer = std::move(*known);
                client.m_viewers.erase(known);
            }
            m_viewer.file = file;
        }
        ~ViewerLease() {
            Viewer old;
            {
                const std::lock_guard lock(m_client.m_mutex);
                --m_client.m_viewing;
                if (m_viewer.worker && m_viewer.worker->alive()) {
                    m_client.m_viewers.push_front(std::move(m_viewer));
                }
                if (m_client.m_viewers.size() >
                    std::max<std::size_t>(1, m_client.m_options.openPdfs)) {
                    old = std::move(m_client.m_viewers.back());
                    m_client.m_viewers.pop_back();
                }
            }
            m_client.m_changed.notify_all();
        }
        ViewerLease(const ViewerLease&) = delete;
        ViewerLease& operator=(const ViewerLease&) = delete;

        Packet call(const WorkerProcess::Request& request, const std::stop_token& stop) {
            if (!m_viewer.worker) {
                m_viewer.worker =
                    std::make_unique<WorkerProcess>(m_client.m_program, m_client.m_options);
                m_client.noteLayers(*m_viewer.worker);
            }
            return m_viewer.worker->call(request, {}, stop);
        }

      private:
        ReaderClient& m_client;
        Viewer m_viewer;
    };

    void noteLayers(const WorkerProcess& worker) {
        const std::lock_guard lock(m_mutex);
        m_layers = worker.layers();
    }

    const std::filesystem::path m_program;
    const ClientOptions m_options;
    std::mutex m_mutex; ///< all below
    std::condition_variable_any m_changed;
    unsigned m_busy = 0;
    std::size_t m_viewing = 0;
    std::vector<std::unique_ptr<WorkerProcess>> m_shared;
    std::list<Viewer> m_viewers; ///< most recently used first
    std::vector<ConfinementLayer> m_layers;
};

} // namespace

std::unique_ptr<Reader> makeReader(const std::filesystem::path& program,
                                   const ClientOptions& options) {
    return std::make_unique<ReaderClient>(program, options);
}

std::unique_ptr<Reader> makeReader(const std::filesystem::path& program, unsigned workers) {
    ClientOptions options;
    options.workers = workers;
    return makeReader(program, options);
}

} // namespace dossier::ingest
