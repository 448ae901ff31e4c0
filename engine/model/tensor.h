// SPDX-License-Identifier: Apache-2.0
// What a tensor in a checkpoint is: its type, its shape, and where its bytes lie.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dossier::engine {

/// The dtypes of the safetensors format that a checkpoint or a golden file may contain.
enum class DType {
    Bool,
    U8,
    I8,
    F8E4M3,
    F8E8M0,
    I16,
    U16,
    F16,
    BF16,
    I32,
    U32,
    F32,
    I64,
    U64,
    F64
};
std::string_view dtypeName(DType dtype); ///< as in the files: "F8_E4M3"
std::optional<DType> dtypeFromName(std::string_view name);
std::size_t dtypeSize(DType dtype); ///< bytes of one element

/// Up to four dimensions, outermost first; a scalar has none.
class Shape {
  public:
    static constexpr std::size_t kMaxRank = 4;

    Shape() = default;
    Shape(std::initializer_list<std::uint64_t> sizes);

    std::size_t rank() const { return m_rank; }
    std::uint64_t operator[](std::size_t i) const { return m_sizes[i]; }
    void push(std::uint64_t size) { m_sizes[m_rank++] = size; } ///< rank() < kMaxRank
    /// Product of the dimensions, absent when it exceeds 64 bits.
    std::optional<std::uint64_t> elements() const;
    std::string text() const; ///< "[1024, 4096]"
    friend bool operator==(const Shape&, const Shape&) = default;

  private:
    std::array<std::uint64_t, kMaxRank> m_sizes{};
    std::uint8_t m_rank = 0;
};

/// A tensor's bytes somewhere else: in a mapped shard, in the engine's memory, or in a synthetic
/// model. Cheap to copy; valid as long as its owner. `data` is aligned to the element size.
struct TensorView {
    std::string_view name;
    DType dtype = DType::U8;
    Shape shape;
    const std::byte* data = nullptr;
    std::uint64_t bytes = 0;
    std::uint32_t shard = 0; ///< index into the checkpoint's list of files

    /// Rows and columns of a matrix; a vector has one row.
    std::uint64_t rows() const { return shape.rank() < 2 ? 1 : shape[0]; }
    std::uint64_t cols() const { return shape.rank() == 0 ? 1 : shape[shape.rank() - 1]; }

    // The elements as what they are. Throws Error(Internal) when the dtype is another one.
    std::span<const float> f32() const;
    std::span<const std::uint16_t> bf16() const; ///< bits, see formats.h
    std::span<const std::int64_t> i64() const;
    std::span<const std::int32_t> i32() const;
    std::span<const std::uint8_t> codes() const; ///< any one-byte dtype

  private:
    void demand(DType wanted) const;
};

} // namespace dossier::engine
