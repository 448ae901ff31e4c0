// Keys and their current values in memory.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "quill/record.h"

namespace quill {

/// Ordered, so that a prefix is a range. Values are kept in memory: this store is for small data.
class Index {
  public:
    struct Entry {
        std::uint64_t sequence = 0;
        std::string value;
    };

    void apply(const Record& record);
    const Entry* find(std::string_view key) const;
    std::vector<std::string> keys(std::string_view prefix) const;
    std::size_t size() const { return m_entries.size(); }
    /// True when this very record is what its key holds now.
    bool isCurrent(const Record& record) const;

  private:
    std::map<std::string, Entry, std::less<>> m_entries;
};

} // namespace quill
