// The store: the only header that most callers need.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "quill/cursor.h"
#include "quill/options.h"
#include "quill/status.h"

namespace quill {

/// Any thread may call any method. Writers are let in one at a time.
class Store {
  public:
    /// Opens the folder `path`, replays its segments, and takes the lock of the writer.
    static Status open(const std::string& path, const Options& options,
                       std::unique_ptr<Store>& store);
    virtual ~Store() = default;

    virtual Status put(std::string_view key, std::string_view value) = 0;
    virtual Status erase(std::string_view key) = 0; ///< Code::NotFound when the key is not there
    virtual Status get(std::string_view key, std::string& value) const = 0;
    virtual Cursor keys(std::string_view prefix = {}) const = 0;
    virtual std::size_t size() const = 0;

    virtual Status flush() = 0;    ///< everything that put() has accepted is on disk afterwards
    virtual Status maintain() = 0; ///< to be called about once a second: flushes, and compacts
};

} // namespace quill
