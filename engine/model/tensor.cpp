// SPDX-License-Identifier: Apache-2.0
#include "engine/model/tensor.h"

#include "engine/base/error.h"

namespace dossier::engine {
namespace {

struct DTypeInfo {
    DType dtype;
    std::string_view name;
    std::size_t size;
};
constexpr std::array kDTypes{
    DTypeInfo{DType::Bool, "BOOL", 1},      DTypeInfo{DType::U8, "U8", 1},
    DTypeInfo{DType::I8, "I8", 1},          DTypeInfo{DType::F8E4M3, "F8_E4M3", 1},
    DTypeInfo{DType::F8E8M0, "F8_E8M0", 1}, DTypeInfo{DType::I16, "I16", 2},
    DTypeInfo{DType::U16, "U16", 2},        DTypeInfo{DType::F16, "F16", 2},
    DTypeInfo{DType::BF16, "BF16", 2},      DTypeInfo{DType::I32, "I32", 4},
    DTypeInfo{DType::U32, "U32", 4},        DTypeInfo{DType::F32, "F32", 4},
    DTypeInfo{DType::I64, "I64", 8},        DTypeInfo{DType::U64, "U64", 8},
    DTypeInfo{DType::F64, "F64", 8},
};

constexpr const DTypeInfo& infoOf(DType dtype) {
    return kDTypes[static_cast<std::size_t>(dtype)];
}

} // namespace

std::string_view dtypeName(DType dtype) {
    return infoOf(dtype).name;
}

std::optional<DType> dtypeFromName(std::string_view name) {
    for (const DTypeInfo& info : kDTypes) {
        if (info.name == name) {
            return info.dtype;
        }
    }
    return std::nullopt;
}

std::size_t dtypeSize(DType dtype) {
    return infoOf(dtype).size;
}

Shape::Shape(std::initializer_list<std::uint64_t> sizes) {
    for (const std::uint64_t size : sizes) {
        push(size);
    }
}

std::optional<std::uint64_t> Shape::elements() const {
    std::uint64_t product = 1;
    for (std::size_t i = 0; i < m_rank; ++i) {
        if (__builtin_mul_overflow(product, m_sizes[i], &product)) {
            return std::nullopt;
        }
    }
    return product;
}

std::string Shape::text() const {
    std::string text = "[";
    for (std::size_t i = 0; i < m_rank; ++i) {
        text += (i == 0 ? "" : ", ") + std::to_string(m_sizes[i]);
    }
    return text + "]";
}

void TensorView::demand(DType wanted) const {
    if (dtype != wanted) {
        throw Error(ErrorCode::Internal, "tensor " + std::string(name) + " is " +
                                             std::string(dtypeName(dtype)) + " and was read as " +
                                             std::string(dtypeName(wanted)));
    }
}

std::span<const float> TensorView::f32() const {
    demand(DType::F32);
    return {reinterpret_cast<const float*>(data), bytes / 4};
}
std::span<const std::uint16_t> TensorView::bf16() const {
    demand(DType::BF16);
    return {reinterpret_cast<const std::uint16_t*>(data), bytes / 2};
}
std::span<const std::int64_t> TensorView::i64() const {
    demand(DType::I64);
    return {reinterpret_cast<const std::int64_t*>(data), bytes / 8};
}
std::span<const std::int32_t> TensorView::i32() const {
    demand(DType::I32);
    return {reinterpret_cast<const std::int32_t*>(data), bytes / 4};
}
std::span<const std::uint8_t> TensorView::codes() const {
    if (dtypeSize(dtype) != 1) {
        demand(DType::U8);
    }
    return {reinterpret_cast<const std::uint8_t*>(data), bytes};
}

} // namespace dossier::engine
