// The index is rebuilt by applying every record in order; the last one of a key wins.
#include "index.h"

namespace quill {

void Index::apply(const Record& record) {
    if (record.kind == RecordKind::Erase)
        m_entries.erase(record.key);
    else
        m_entries[record.key] = Entry{record.sequence, record.value};
}

const Index::Entry* Index::find(std::string_view key) const {
    const auto found = m_entries.find(key);
    return found == m_entries.end() ? nullptr : &found->second;
}

std::vector<std::string> Index::keys(std::string_view prefix) const {
    std::vector<std::string> found;
    for (auto entry = m_entries.lower_bound(prefix);
         entry != m_entries.end() && entry->first.starts_with(prefix); ++entry)
        found.push_back(entry->first);
    return found;
}

bool Index::isCurrent(const Record& record) const {
    const Entry* entry = find(record.key);
    return entry && entry->sequence == record.sequence;
}

} // namespace quill
