// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/reader/service.h"

#include <chrono>
#include <new>
#include <optional>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingest/reader/channel.h"
#include "ingest/reader/confine.h"
#include "ingest/readers/direct.h"
#include "ingest/readers/pdf/pdf.h"
#include "ingest/walk/walk.h"

namespace dossier::ingest {
namespace {

using wire::Decoder;
using wire::Encoder;
using wire::Message;

constexpr std::uint64_t kProcessorSeconds = 660; ///< a minute more than the application waits
constexpr auto kProgressInterval = std::chrono::milliseconds(50);

Error malformedRequest() {
    return Error(ErrorCode::InvalidArgument,
                 "The reader was asked for something that it does not know",
                 "Update Dossier: its programs are of different versions");
}

/// A picture in memory that the application can map and nobody can shrink or change any more.
class SharedPixels {
  public:
    explicit SharedPixels(std::size_t bytes)
        : m_bytes(bytes), m_memory(::memfd_create("page", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
        if (!m_memory.valid() || ::ftruncate(m_memory.get(), static_cast<off_t>(bytes)) != 0) {
            throw systemError("make room for a picture", errno);
        }
        m_data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m_memory.get(), 0);
        if (m_data == MAP_FAILED) {
            throw systemError("make room for a picture", errno);
        }
    }
    ~SharedPixels() { unmap(); }
    SharedPixels(const SharedPixels&) = delete;
    SharedPixels& operator=(const SharedPixels&) = delete;

    std::uint32_t* pixels() { return static_cast<std::uint32_t*>(m_data); }

    int seal() {
        unmap();
        if (::fcntl(m_memory.get(), F_ADD_SEALS,
                    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
            throw systemError("seal a picture", errno);
        }
        return m_memory.get();
    }

  private:
    void unmap() {
        if (m_data != nullptr && m_data != MAP_FAILED) {
            ::munmap(m_data, m_bytes);
        }
        m_data = nullptr;
    }
    std::size_t m_bytes;
    Descriptor m_memory;
    void* m_data = nullptr;
};

class Service {
  public:
    Service(int socket, const std::vector<ConfinementLayer>& layers)
        : m_channel(Descriptor(socket)), m_layers(layers) {}

    void run() {
        m_channel.send(Message::Hello, wire::encodeLayers(m_layers));
        for (;;) {
            Packet request = m_channel.receive();
            limitProcessorTime(kProcessorSeconds);
            try {
                answer(request);
            } catch (const Error& error) {
                fail(error.code(), error.failed(), error.remedy());
            } catch (const std::bad_alloc&) {
                m_pdf.reset();
                fail(ErrorCode::TooLarge, m_name + " needs more memory than the reader may use",
                     "Split the file and add the parts");
            } catch (const std::exception& error) {
                fail(ErrorCode::Internal,
                     std::string("The reader made a mistake with ") + m_name + ": " + error.what(),
                     {});
            }
        }
    }

  private:
    void fail(ErrorCode code, const std::string& failed, const std::string& remedy) {
        Encoder out;
        out.string(errorCodeName(code));
        out.string(failed);
        out.string(remedy);
        m_channel.send(Message::Failure, out.bytes());
    }

    void progress(std::uint64_t done, std::uint64_t total) {
        const auto now = std::chrono::steady_clock::now();
        if (now - m_lastProgress < kProgressInterval && done != total) {
            return;
        }
        m_lastProgress = now;
        Encoder out;
        out.number(done);
        out.number(total);
        m_channel.send(Message::Progress, out.bytes());
    }

    void answer(Packet& request) {
        Decoder in(request.payload);
        m_lastProgress = {};
        switch (request.type) {
        case Message::Read:
            return read(request, in);
        case Message::Outline:
            openPdf(request, in);
            in.end();
            return m_channel.send(Message::Result, wire::encodeOutline(m_pdf->outline()));
        case Message::Render:
            return render(request, in);
        case Message::Annotate:
            return annotate(request, in);
        case Message::Walk:
            return walk(in);
        case Message::Report:
            return m_channel.send(Message::Result, wire::encodeLayers(m_layers));
        default:
            throw malformedRequest();
        }
    }

    const Descriptor& file(const Packet& request, std::size_t index = 0) {
        if (index >= request.descriptors.size()) {
            throw malformedRequest();
        }
        return request.descriptors[index];
    }

    void read(const Packet& request, Decoder& in) {
        m_name = in.string();
        ReadOptions options;
        options.password = in.string();
        in.end();
        m_pdf.reset();
        const readers::Job job(options, [this](auto done, auto total) { progress(done, total); },
                               {});
        const Document document =
            readers::readSource(readers::loadFile(file(request).get(), m_name, job.limits()), job);
        m_channel.send(Message::Result, serialize(document));
    }

    /// Opens the PDF, unless it is the one that is open already.
    void openPdf(const Packet& request, Decoder& in) {
        m_name = in.string();
        const std::string password = in.string();
        struct stat info {};
        if (::fstat(file(request).get(), &info) != 0) {
            throw systemError("read " + m_name, errno);
        }
        const Identity identity{info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec,
                                info.st_mtim.tv_nsec};
        if (m_pdf && m_identity == identity && m_password == password) {
            return;
        }
        m_pdf.reset();
        m_pdf.emplace(readers::loadFile(file(request).get(), m_name, {}), password);
        m_identity = identity;
        m_password = password;
    }

    void render(const Packet& request, Decoder& in) {
        openPdf(request, in);
        const auto page = in.number<std::uint32_t>();
        const auto width = in.number<std::uint32_t>();
        const Box clip = in.box();
        in.end();
        const auto size = m_pdf->pixelSize(page, width, clip);
        SharedPixels picture(std::size_t{4} * size.width * size.height);
        m_pdf->render(page, width, clip, picture.pixels(), {});
        Encoder out;
        out.number(size.width);
        out.number(size.height);
        m_channel.send(Message::Result, out.bytes(), {picture.seal()});
    }

    void annotate(const Packet& request, Decoder& in) {
        openPdf(request, in);
        const auto marks = wire::decodeMarks(in);
        in.end();
        readers::PdfFile pdf = std::move(*m_pdf); // it gets the marks into it, so it is not kept
        m_pdf.reset();
        const std::string copy = pdf.annotated(marks);
        const int output = file(request, 1).get();
        for (std::size_t written = 0; written < copy.size();) {
            const ssize_t done = ::pwrite(output, copy.data() + written, copy.size() - written,
                                          static_cast<off_t>(written));
            if (done < 0 && errno == EINTR) {
                continue;
            }
            if (done < 0) {
                throw systemError("write the annotated copy of " + m_name, errno);
            }
            written += static_cast<std::size_t>(done);
        }
        m_channel.send(Message::Result, {});
    }

    void walk(Decoder& in) {
        m_name = in.string();
        WalkOptions options;
        options.honourGitignore = in.number<std::uint8_t>() != 0;
        options.maxFileBytes = in.number<std::uint64_t>();
        in.end();
        const readers::Job job({}, [this](auto done, auto total) { progress(done, total); }, {});
        m_channel.send(Message::Result, wire::encodeEntries(walkFolder(m_name, options, job)));
    }

    struct Identity {
        dev_t device;
        ino_t inode;
        off_t size;
        time_t seconds;
        long nanoseconds;
        bool operator==(const Identity&) const = default;
    };

    Channel m_channel;
    std::vector<ConfinementLayer> m_layers;
    std::string m_name; ///< of the file being worked on
    std::optional<readers::PdfFile> m_pdf;
    Identity m_identity{};
    std::string m_password;
    std::chrono::steady_clock::time_point m_lastProgress;
};

} // namespace

void serve(int socket, const std::vector<ConfinementLayer>& layers) {
    try {
        Service(socket, layers).run();
    } catch (const Channel::Closed&) {
        // The application is done with us.
    } catch (const Error&) {
        // It sent something that is no message; there is nobody to tell.
    }
}

} // namespace dossier::ingest
