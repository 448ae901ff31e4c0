// Seeking in the sorted list of keys.
#include "quill/cursor.h"

#include <algorithm>

namespace quill {

void Cursor::seek(const std::string& key) {
    const auto found = std::lower_bound(m_keys.begin(), m_keys.end(), key);
    m_next = static_cast<std::size_t>(found - m_keys.begin());
}

} // namespace quill
