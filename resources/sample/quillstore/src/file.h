// The few file operations that the store needs, with Status instead of errno.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "quill/status.h"

namespace quill {

Status readFile(const std::string& path, std::string& bytes);
Status truncateFile(const std::string& path, std::uint64_t bytes);
Status removeFile(const std::string& path);
Status renameFile(const std::string& from, const std::string& to);
/// Makes new names in the folder survive a power cut.
Status syncFolder(const std::string& path);
/// Names (not paths) of the segment files of a store, ascending.
Status listSegments(const std::string& folder, std::vector<std::string>& names);

/// A file that is only ever appended to.
class AppendFile {
  public:
    AppendFile() = default;
    AppendFile(const AppendFile&) = delete;
    AppendFile& operator=(const AppendFile&) = delete;
    ~AppendFile();

    Status open(const std::string& path);
    Status append(std::string_view bytes);
    Status sync();
    void close();
    std::uint64_t size() const { return m_size; }
    const std::string& path() const { return m_path; }

  private:
    std::string m_path;
    std::uint64_t m_size = 0;
    int m_descriptor = -1;
};

} // namespace quill
