// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/docx/archive.h"

#include <zip.h>

namespace dossier::ingest::readers {

class Archive::Impl {
  public:
    Impl(const SourceFile& file, const Limits& bounds) : name(file.name), limits(bounds) {
        zip_error_t error;
        zip_error_init(&error);
        zip_source_t* source =
            zip_source_buffer_create(file.bytes.data(), file.bytes.size(), 0, &error);
        zip = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
        zip_error_fini(&error);
        if (zip == nullptr) {
            zip_source_free(source);
            throw damaged();
        }
    }
    ~Impl() { zip_discard(zip); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Error damaged() const {
        return Error(ErrorCode::Corrupt, name + " is damaged or not a Word document",
                     "Open it in a word processor and save it again, or get another copy");
    }

    std::string name;
    Limits limits;
    zip_t* zip = nullptr;
};

Archive::Archive(const SourceFile& file, const Limits& limits)
    : m_impl(std::make_unique<Impl>(file, limits)) {}
Archive::~Archive() = default;

std::optional<std::string> Archive::read(const std::string& entry) const {
    const zip_int64_t index = zip_name_locate(m_impl->zip, entry.c_str(), 0);
    if (index < 0) {
        return std::nullopt;
    }
    zip_stat_t info;
    zip_stat_init(&info);
    if (zip_stat_index(m_impl->zip, static_cast<zip_uint64_t>(index), 0, &info) != 0 ||
        (info.valid & ZIP_STAT_SIZE) == 0 || (info.valid & ZIP_STAT_COMP_SIZE) == 0) {
        throw m_impl->damaged();
    }
    const Limits& limits = m_impl->limits;
    // Small entries may well be packed tightly; the ratio only tells for large ones.
    const bool bomb =
        info.size > (1u << 20) && info.size / (info.comp_size + 1) > limits.archiveRatio;
    if (info.size > limits.archiveEntryBytes || bomb) {
        throw Error(ErrorCode::TooLarge,
                    m_impl->name + " would unpack to " + sizeText(info.size) + " from " +
                        sizeText(info.comp_size),
                    "Do not open this file unless you know where it comes from; save it again in a "
                    "word processor");
    }
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(
        zip_fopen_index(m_impl->zip, static_cast<zip_uint64_t>(index), 0), &zip_fclose);
    std::string content(static_cast<std::size_t>(info.size), '\0');
    std::size_t filled = 0;
    while (file && filled < content.size()) {
        const zip_int64_t got =
            zip_fread(file.get(), content.data() + filled, content.size() - filled);
        if (got <= 0) {
            break;
        }
        filled += static_cast<std::size_t>(got);
    }
    if (!file || filled != content.size()) {
        throw m_impl->damaged();
    }
    return content;
}

std::vector<std::string> Archive::names() const {
    std::vector<std::string> result;
    const zip_int64_t count = zip_get_num_entries(m_impl->zip, 0);
    for (zip_int64_t i = 0; i < count; ++i) {
        if (const char* name = zip_get_name(m_impl->zip, static_cast<zip_uint64_t>(i), 0)) {
            result.emplace_back(name);
        }
    }
    return result;
}

} // namespace dossier::ingest::readers
