// SPDX-License-Identifier: GPL-3.0-or-later
// Links from a PDF to a page of another PDF. Cairo 1.16 refuses file links with a page, so a link
// is first written as a relative URI and then, in the finished bytes, replaced in place by a GoToR
// action of the same length, which every viewer understands. Where the bytes do not look as
// expected (another Cairo), the URI stays and is a link that works in browsers.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace dossier::app::report {

class FileLinks {
  public:
    /// URI to give to Cairo for page `page` (from 0) of the file; remembers what replaces it.
    std::string uri(const std::string& relativePath, std::uint32_t page);

    /// Replaces the URI actions. Returns how many were replaced.
    std::size_t apply(std::string& pdf) const;

  private:
    std::map<std::string, std::string> m_actions; ///< by URI
};

/// Percent-encoding of a relative path: letters, digits and -._~/ stay.
std::string percentEncoded(const std::string& path);

} // namespace dossier::app::report
