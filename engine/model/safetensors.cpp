// SPDX-License-Identifier: Apache-2.0
#include "engine/model/safetensors.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"

namespace dossier::engine {
namespace {

constexpr const char* kCopyAgain = "Copy or download this file again";

/// Receives the parser's events for {"name": {"dtype": .., "shape": [..], "data_offsets": [b, e]}}
/// and builds entries; any other structure is an error. No document tree is kept, since headers of
/// full-size shards are large and those of hostile files larger.
class HeaderReader {
  public:
    explicit HeaderReader(std::string_view origin) : m_origin(origin) {}
    std::vector<SafetensorsEntry> take() { return std::move(m_entries); }

    // Events of nlohmann::json's SAX interface.
    bool null() { return unexpected("null"); }
    bool boolean(bool /*value*/) { return unexpected("a truth value"); }
    bool number_integer(std::int64_t /*value*/) { return unexpected("a negative number"); }
    bool number_float(double /*value*/, const std::string& /*text*/) {
        return unexpected("a fraction or a number beyond 64 bits");
    }
    bool binary(nlohmann::json::binary_t& /*value*/) { return unexpected("binary data"); }
    bool number_unsigned(std::uint64_t value);
    bool string(std::string& value);
    bool start_object(std::size_t size);
    bool key(std::string& name);
    bool end_object();
    bool start_array(std::size_t size);
    bool end_array();
    bool parse_error(std::size_t position, const std::string& token,
                     const nlohmann::json::exception& problem);

  private:
    enum class At { Start, Names, Tensor, Dtype, Shape, Offsets, Metadata, MetadataText, Done };

    [[noreturn]] void corrupt(const std::string& why, ErrorCode code = ErrorCode::Corrupt) const {
        const bool named = !m_current.name.empty();
        throw Error(
            code, m_origin + (named ? ", tensor \"" + m_current.name + "\"" : "") + ": " + why,
            code == ErrorCode::Corrupt ? kCopyAgain : "Choose a checkpoint in the official layout");
    }
    bool unexpected(const char* what) const {
        corrupt(std::string("its header holds ") + what + " where the format has none");
    }

    std::string m_origin;
    std::vector<SafetensorsEntry> m_entries;
    std::set<std::string, std::less<>> m_names;
    SafetensorsEntry m_current;
    At m_at = At::Start;
    bool m_hasDtype = false, m_hasShape = false, m_inArray = false;
    std::size_t m_offsets = 0;
    bool m_hasOffsets = false;
};

bool HeaderReader::number_unsigned(std::uint64_t value) {
    if (m_at == At::Shape && m_inArray) {
        if (m_current.shape.rank() == Shape::kMaxRank) {
            corrupt("it has more than 4 dimensions", ErrorCode::Unsupported);
        }
        m_current.shape.push(value);
    } else if (m_at == At::Offsets && m_inArray && m_offsets < 2) {
        (m_offsets == 0 ? m_current.begin : m_current.end) = value;
        ++m_offsets;
    } else {
        return unexpected("a number");
    }
    return true;
}

bool HeaderReader::string(std::string& value) {
    if (m_at == At::MetadataText) {
        m_at = At::Metadata;
        return true;
    }
    if (m_at != At::Dtype) {
        return unexpected("a text");
    }
    const std::optional<DType> dtype = dtypeFromName(value);
    if (!dtype) {
        corrupt("its type \"" + value.substr(0, 40) + "\" is not known", ErrorCode::Unsupported);
    }
    m_current.dtype = *dtype;
    m_hasDtype = true;
    m_at = At::Tensor;
    return true;
}

bool HeaderReader::start_object(std::size_t /*size*/) {
    if (m_at == At::Start) {
        m_at = At::Names;
    } else if (m_at != At::Tensor || m_hasDtype || m_hasShape || m_hasOffsets) {
        // Only key() moves to Tensor or Metadata; both then expect exactly one object.
        if (m_at != At::Metadata) {
            return unexpected("an object");
        }
    }
    return true;
}

bool HeaderReader::key(std::string& name) {
    switch (m_at) {
    case At::Names:
        if (!m_names.insert(name).second) {
            m_current.name = name;
            corrupt("the header lists it twice");
        }
        if (name == "__metadata__") {
            m_at = At::Metadata;
            return true;
        }
        if (name.empty() || name.size() > 4096) {
            corrupt("the header holds a tensor name that is empty or too long");
        }
        m_current = {};
        m_current.name = name;
        m_hasDtype = m_hasShape = m_hasOffsets = false;
        m_offsets = 0;
        m_at = At::Tensor;
        return true;
    case At::Tensor:
        if (name == "dtype" && !m_hasDtype) {
            m_at = At::Dtype;
        } else if (name == "shape" && !m_hasShape) {
            m_at = At::Shape;
        } else if (name == "data_offsets" && !m_hasOffsets) {
            m_at = At::Offsets;
        } else {
            corrupt("the header describes it with an unknown or repeated field");
        }
        return true;
    case At::Metadata:
        m_at = At::MetadataText;
        return true;
    default:
        return unexpected("a key");
    }
}

bool HeaderReader::start_array(std::size_t /*size*/) {
    if ((m_at != At::Shape && m_at != At::Offsets) || m_inArray) {
        return unexpected("a list");
    }
    m_inArray = true;
    return true;
}

bool HeaderReader::end_array() {
    m_inArray = false;
    if (m_at == At::Shape) {
        m_hasShape = true;
    } else {
        m_hasOffsets = m_offsets == 2;
        if (!m_hasOffsets) {
            corrupt("its data_offsets are not a pair");
        }
    }
    m_at = At::Tensor;
    return true;
}

bool HeaderReader::end_object() {
    switch (m_at) {
    case At::Tensor: {
        if (!m_hasDtype || !m_hasShape || !m_hasOffsets) {
            corrupt("the header lacks its dtype, shape or data_offsets");
        }
        const std::optional<std::uint64_t> elements = m_current.shape.elements();
        std::uint64_t bytes = 0;
        if (!elements || __builtin_mul_overflow(*elements, dtypeSize(m_current.dtype), &bytes)) {
            corrupt("its shape " + m_current.shape.text() + " is larger than any file");
        }
        if (m_current.end < m_current.begin || m_current.end - m_current.begin != bytes) {
            corrupt("its shape " + m_current.shape.text() + " needs " + std::to_string(bytes) +
                    " bytes, but its data_offsets are " + std::to_string(m_current.begin) +
                    " and " + std::to_string(m_current.end));
        }
        m_entries.push_back(std::move(m_current));
        m_current = {};
        m_at = At::Names;
        return true;
    }
    case At::Metadata:
        m_at = At::Names;
        return true;
    case At::Names:
        m_at = At::Done;
        return true;
    default:
        return unexpected("the end of an object");
    }
}

bool HeaderReader::parse_error(std::size_t position, const std::string& /*token*/,
                               const nlohmann::json::exception& /*problem*/) {
    corrupt("its header is not valid JSON at byte " + std::to_string(position));
}

/// Entries sorted by begin must tile [0, dataBytes).
void checkTiling(const std::vector<SafetensorsEntry>& entries, std::uint64_t dataBytes,
                 const std::string& origin) {
    std::uint64_t at = 0;
    for (const SafetensorsEntry& entry : entries) {
        if (entry.begin != at) {
            throw Error(ErrorCode::Corrupt,
                        origin + ", tensor \"" + entry.name + "\": its data " +
                            (entry.begin < at ? "overlaps that of another tensor"
                                              : "leaves a gap behind the tensor before it"),
                        kCopyAgain);
        }
        at = entry.end;
        if (at > dataBytes) {
            throw Error(ErrorCode::Corrupt,
                        origin + " is truncated: tensor \"" + entry.name + "\" ends at byte " +
                            std::to_string(at) + " of the data, but only " +
                            std::to_string(dataBytes) + " are there",
                        kCopyAgain);
        }
    }
    if (at != dataBytes) {
        throw Error(ErrorCode::Corrupt,
                    origin + " has " + std::to_string(dataBytes - at) +
                        " bytes that its header does not describe",
                    kCopyAgain);
    }
}

} // namespace

std::vector<SafetensorsEntry>
parseSafetensorsHeader(std::string_view header, std::uint64_t dataBytes, std::string_view origin) {
    const std::string name(origin);
    if (header.empty() || header.front() != '{') {
        throw Error(ErrorCode::Corrupt, name + " is not a safetensors file", kCopyAgain);
    }
    HeaderReader reader(origin);
    nlohmann::json::sax_parse(header.begin(), header.end(), &reader);
    std::vector<SafetensorsEntry> entries = reader.take();
    std::sort(entries.begin(), entries.end(),
              [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
                  return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
              });
    checkTiling(entries, dataBytes, name);
    return entries;
}

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
    SafetensorsFile result;
    result.m_file = MappedFile::open(path);
    const auto bytes = result.m_file.bytes();
    if (bytes.size() < 8) {
        throw Error(ErrorCode::Corrupt, path.string() + " is too short to be a safetensors file",
                    kCopyAgain);
    }
    std::uint64_t headerBytes = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        headerBytes |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
    }
    if (headerBytes > kMaxHeaderBytes) {
        throw Error(ErrorCode::Corrupt,
                    path.string() + " claims a header of " + std::to_string(headerBytes) +
                        " bytes; it is damaged or not a safetensors file",
                    kCopyAgain);
    }
    if (headerBytes > bytes.size() - 8) {
        throw Error(ErrorCode::Corrupt,
                    path.string() + " is truncated: its header has " + std::to_string(headerBytes) +
                        " bytes, the whole file " + std::to_string(bytes.size()),
                    kCopyAgain);
    }
    const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + 8, headerBytes);
    result.m_dataStart = 8 + headerBytes;
    result.m_entries =
        parseSafetensorsHeader(header, bytes.size() - result.m_dataStart, path.string());
    result.m_index.reserve(result.m_entries.size());
    for (std::size_t i = 0; i < result.m_entries.size(); ++i) {
        result.m_index.emplace(result.m_entries[i].name, i);
    }
    result.m_file.checkIntact();
    return result;
}

const SafetensorsEntry* SafetensorsFile::find(std::string_view name) const {
    const auto it = m_index.find(name);
    return it == m_index.end() ? nullptr : &m_entries[it->second];
}

TensorView SafetensorsFile::view(const SafetensorsEntry& entry, std::uint32_t shard) const {
    TensorView view;
    view.name = entry.name;
    view.dtype = entry.dtype;
    view.shape = entry.shape;
    view.data = m_file.bytes().data() + fileOffset(entry);
    view.bytes = entry.end - entry.begin;
    view.shard = shard;
    return view;
}

bool SafetensorsFile::isAligned(const TensorView& view) {
    return reinterpret_cast<std::uintptr_t>(view.data) % dtypeSize(view.dtype) == 0;
}

} // namespace dossier::engine
