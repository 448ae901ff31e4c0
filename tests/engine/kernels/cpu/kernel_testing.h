// SPDX-License-Identifier: Apache-2.0
// Inputs and comparisons for tests of the CPU kernels.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/kernels/cpu/kernels.h"

namespace dossier::engine {

/// The tables that this processor can run: plain, AVX2, AVX-512.
std::vector<const CpuKernels*> allTables();
/// The same without the plain one.
std::vector<const CpuKernels*> fastTables();
std::string tableName(const testing::TestParamInfo<const CpuKernels*>& tested);

/// Repeatable numbers.
class Random {
  public:
    explicit Random(std::uint64_t seed) : m_state(seed * 0x9E3779B97F4A7C15u + 1) {}
    std::uint32_t bits();
    std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(bits() % n); }
    float gauss(float deviation = 1);
    std::vector<Bf16> bf16s(std::size_t count, float deviation = 1);
    std::vector<float> floats(std::size_t count, float deviation = 1);
    /// e4m3 codes other than NaN.
    std::vector<std::uint8_t> e4m3s(std::size_t count);
    std::vector<std::uint8_t> bytes(std::size_t count);
    /// e8m0 bytes in [low, high].
    std::vector<std::uint8_t> scales(std::size_t count, std::uint8_t low, std::uint8_t high);

  private:
    std::uint64_t m_state;
};

/// Steps between two bf16 numbers, counted through zero; -0 and +0 are the same.
std::uint32_t steps(Bf16 a, Bf16 b);

/// What may differ: an element passes when it is at most `ulp` bf16 steps away or `absolute` off;
/// at least the share `equal` of all must be the same.
struct Tolerance {
    std::uint32_t ulp = 1;
    double equal = 0.99;
    double absolute = 0;
};
/// Empty when all is well, else a description.
std::string compare(std::span<const Bf16> got, std::span<const Bf16> want, Tolerance);
/// |got - want| <= relative * |want| + absolute.
std::string compare(std::span<const float> got, std::span<const float> want, double relative,
                    double absolute);

/// A weight of some form with everything that it needs.
struct Fp8Data {
    std::vector<std::uint8_t> values, scales;
    Fp8Weight weight;
    Fp8Data(Random&, std::uint32_t out, std::uint32_t in, std::uint8_t low = 118,
            std::uint8_t high = 124);
};
struct Fp4Data {
    std::vector<std::uint8_t> values, scales;
    Fp4Weight weight;
    Fp4Data(Random&, std::uint32_t out, std::uint32_t in, std::uint8_t low = 118,
            std::uint8_t high = 124);
};
struct Bf16Data {
    std::vector<Bf16> values;
    Bf16Weight weight;
    Bf16Data(Random&, std::uint32_t out, std::uint32_t in);
};

/// Activations quantised by the plain kernel, and those rows in the form of a table.
struct QuantData {
    std::vector<std::uint8_t> values;
    std::vector<float> scales;
    std::uint32_t columns;
    QuantData(std::span<const Bf16> x, std::uint32_t columns);
};
struct PreparedRows {
    std::vector<std::byte> bytes;
    Operand operand;
    PreparedRows(const CpuKernels&, WeightForm, const QuantData&);
    PreparedRows(const CpuKernels&, WeightForm, std::span<const Bf16> x, std::uint32_t columns);
};

} // namespace dossier::engine
