// How a store is opened.
#pragma once

#include <cstdint>

namespace quill {

enum class Durability {
    Synced,   ///< put() returns when the record is on disk
    Buffered, ///< put() returns at once; flush() or maintain() writes, at most a second is lost
};

struct Options {
    Durability durability = Durability::Synced;
    std::uint64_t segmentBytes = 64u << 20; ///< a fuller segment is closed and a new one begun
    bool createIfMissing = true;
    bool readOnly = false; ///< takes no lock and cuts nothing off
};

} // namespace quill
