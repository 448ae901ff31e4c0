// SPDX-License-Identifier: GPL-3.0-or-later
// A ZIP archive in memory, read with limits.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/readers/source.h"

namespace dossier::ingest::readers {

class Archive {
  public:
    /// Throws Corrupt if the bytes are no ZIP archive.
    Archive(const SourceFile&, const Limits&);
    ~Archive();

    /// The content of an entry; nullopt if there is none of this name. Throws TooLarge for entries
    /// that unpack to more than the limits allow, before unpacking them, and Corrupt for damaged
    /// ones.
    std::optional<std::string> read(const std::string& entry) const;

    /// Names of all entries.
    std::vector<std::string> names() const;

  private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace dossier::ingest::readers
