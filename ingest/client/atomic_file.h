// SPDX-License-Identifier: GPL-3.0-or-later
// A file that appears whole or not at all.
#pragma once

#include <filesystem>

#include "ingest/base/descriptor.h"

namespace dossier::ingest {

/// Written under a temporary name in the same folder; commit() syncs and renames it, destruction
/// without commit removes it.
class AtomicFile {
  public:
    /// Throws InvalidArgument if `target` is the file open as `original` (by whatever name or
    /// link).
    AtomicFile(std::filesystem::path target, int original);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    int descriptor() const { return m_file.get(); }
    void commit();

  private:
    std::filesystem::path m_target, m_temporary;
    Descriptor m_file;
};

} // namespace dossier::ingest
