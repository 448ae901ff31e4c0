// Walks over the keys of a store in ascending order.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace quill {

/// Sees the keys that were there when it was made; later changes do not disturb it.
class Cursor {
  public:
    explicit Cursor(std::vector<std::string> keys) : m_keys(std::move(keys)) {}

    bool valid() const { return m_next < m_keys.size(); }
    const std::string& key() const { return m_keys[m_next]; }
    void next() { ++m_next; }
    /// Moves to the first key that is not less than `key`.
    void seek(const std::string& key);

  private:
    std::vector<std::string> m_keys;
    std::size_t m_next = 0;
};

} // namespace quill
