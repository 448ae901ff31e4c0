// Ties index, writer, recovery and compaction together behind the interface of store.h.
#include "quill/store.h"

#include <filesystem>
#include <mutex>
#include <shared_mutex>

#include "compaction.h"
#include "lock.h"
#include "recovery.h"
#include "segment_writer.h"

namespace quill {
namespace {

class FolderStore : public Store {
  public:
    FolderStore(const std::string& path, const Options& options)
        : m_path(path), m_options(options), m_writer(path, options) {}
    ~FolderStore() override { flush(); }

    Status start() {
        if (!m_options.readOnly) {
            if (Status status = m_lock.acquire(m_path); !status)
                return status;
        }
        Recovered found;
        if (Status status = recover(m_path, !m_options.readOnly, found); !status)
            return status;
        m_index = std::move(found.index);
        return m_options.readOnly ? Status() : m_writer.open(found.newestSegment, found.lastSequence);
    }

    Status put(std::string_view key, std::string_view value) override {
        Record record{0, RecordKind::Put, std::string(key), std::string(value)};
        return change(record);
    }

    Status erase(std::string_view key) override {
        if (std::string ignored; !get(key, ignored))
            return Status(Code::NotFound, std::string(key));
        Record record{0, RecordKind::Erase, std::string(key), {}};
        return change(record);
    }

    Status get(std::string_view key, std::string& value) const override {
        std::shared_lock reading(m_mutex);
        const Index::Entry* entry = m_index.find(key);
        if (!entry)
            return Status(Code::NotFound, std::string(key));
        value = entry->value;
        return {};
    }

    Cursor keys(std::string_view prefix) const override {
        std::shared_lock reading(m_mutex);
        return Cursor(m_index.keys(prefix));
    }

    std::size_t size() const override {
        std::shared_lock reading(m_mutex);
        return m_index.size();
    }

    Status flush() override {
        std::unique_lock writing(m_mutex);
        return m_options.readOnly ? Status() : m_writer.flushAndSync();
    }

    Status maintain() override {
        if (Status status = flush(); !status)
            return status;
        std::unique_lock writing(m_mutex);
        bool worth = false;
        if (Status status = worthCompacting(m_path, m_index, worth); !status || !worth)
            return status;
        return compact(m_path, m_index, m_writer.segment());
    }

  private:
    Status change(Record& record) {
        if (m_options.readOnly)
            return Status(Code::Locked, m_path + " was opened for reading only");
        std::unique_lock writing(m_mutex);
        if (Status status = m_writer.append(record); !status)
            return status;
        m_index.apply(record);
        return {};
    }

    std::string m_path;
    Options m_options;
    mutable std::shared_mutex m_mutex; ///< guards everything below
    WriterLock m_lock;
    Index m_index;
    SegmentWriter m_writer;
};

} // namespace

Status Store::open(const std::string& path, const Options& options, std::unique_ptr<Store>& store) {
    if (!std::filesystem::is_directory(path)) {
        if (!options.createIfMissing || options.readOnly)
            return Status(Code::NotFound, path + " is not a store");
        std::error_code error;
        if (!std::filesystem::create_directories(path, error))
            return Status(Code::Io, path + ": " + error.message());
    }
    auto made = std::make_unique<FolderStore>(path, options);
    if (Status status = made->start(); !status)
        return status;
    store = std::move(made);
    return {};
}

} // namespace quill
