// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/kernels/cpu/kernel_testing.h"

#include <cmath>
#include <numbers>

#include "engine/model/formats.h"

namespace dossier::engine {

std::vector<const CpuKernels*> allTables() {
    std::vector<const CpuKernels*> tables{&plainKernels()};
    for (const CpuKernels* table : fastTables()) {
        tables.push_back(table);
    }
    return tables;
}

std::vector<const CpuKernels*> fastTables() {
    std::vector<const CpuKernels*> tables;
    for (const CpuKernels* table : {avx2Kernels(), avx512Kernels()}) {
        if (table) {
            tables.push_back(table);
        }
    }
    return tables;
}

std::string tableName(const testing::TestParamInfo<const CpuKernels*>& tested) {
    return std::string(tested.param->name);
}

std::uint32_t Random::bits() {
    m_state ^= m_state << 13;
    m_state ^= m_state >> 7;
    m_state ^= m_state << 17;
    return static_cast<std::uint32_t>(m_state >> 20);
}

float Random::gauss(float deviation) {
    const double u = (bits() + 1.0) * 0x1p-32, v = bits() * 0x1p-32;
    return deviation *
           static_cast<float>(std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v));
}

std::vector<Bf16> Random::bf16s(std::size_t count, float deviation) {
    std::vector<Bf16> values(count);
    for (Bf16& value : values) {
        value = floatToBf16(gauss(deviation));
    }
    return values;
}

std::vector<float> Random::floats(std::size_t count, float deviation) {
    std::vector<float> values(count);
    for (float& value : values) {
        value = gauss(deviation);
    }
    return values;
}

std::vector<std::uint8_t> Random::bytes(std::size_t count) {
    std::vector<std::uint8_t> values(count);
    for (std::uint8_t& value : values) {
        value = static_cast<std::uint8_t>(bits());
    }
    return values;
}

std::vector<std::uint8_t> Random::e4m3s(std::size_t count) {
    std::vector<std::uint8_t> codes = bytes(count);
    for (std::uint8_t& code : codes) {
        code = (code & 0x7F) == 0x7F ? std::uint8_t{0} : code;
    }
    return codes;
}

std::vector<std::uint8_t> Random::scales(std::size_t count, std::uint8_t low, std::uint8_t high) {
    std::vector<std::uint8_t> values(count);
    for (std::uint8_t& value : values) {
        value = static_cast<std::uint8_t>(low + below(high - low + 1u));
    }
    return values;
}

std::uint32_t steps(Bf16 a, Bf16 b) {
    const auto place = [](Bf16 x) {
        const int magnitude = x & 0x7FFF;
        return x & 0x8000 ? -magnitude : magnitude;
    };
    return static_cast<std::uint32_t>(std::abs(place(a) - place(b)));
}

std::string compare(std::span<const Bf16> got, std::span<const Bf16> want, Tolerance tolerance) {
    if (got.size() != want.size()) {
        return "sizes differ";
    }
    std::size_t equal = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const std::uint32_t apart = steps(got[i], want[i]);
        equal += apart == 0;
        const double a = static_cast<double>(bf16ToFloat(got[i]));
        const double b = static_cast<double>(bf16ToFloat(want[i]));
        if (apart > tolerance.ulp && !(std::abs(a - b) <= tolerance.absolute)) {
            return "element " + std::to_string(i) + " is " + std::to_string(a) + ", not " +
                   std::to_string(b) + ", " + std::to_string(apart) + " steps away";
        }
    }
    const double share = static_cast<double>(equal) / static_cast<double>(got.size());
    return share >= tolerance.equal ? ""
                                    : "only " + std::to_string(100 * share) + " % of " +
                                          std::to_string(got.size()) + " elements are equal";
}

std::string compare(std::span<const float> got, std::span<const float> want, double relative,
                    double absolute) {
    if (got.size() != want.size()) {
        return "sizes differ";
    }
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double a = static_cast<double>(got[i]), b = static_cast<double>(want[i]);
        if (!(std::abs(a - b) <= relative * std::abs(b) + absolute)) {
            return "element " + std::to_string(i) + " is " + std::to_string(a) + ", not " +
                   std::to_string(b);
        }
    }
    return "";
}

Fp8Data::Fp8Data(Random& random, std::uint32_t out, std::uint32_t in, std::uint8_t low,
                 std::uint8_t high)
    : values(random.e4m3s(std::size_t{out} * in)),
      scales(random.scales(std::size_t{(out + 127) / 128} * ((in + 127) / 128), low, high)),
      weight{values.data(), scales.data(), out, in} {}

Fp4Data::Fp4Data(Random& random, std::uint32_t out, std::uint32_t in, std::uint8_t low,
                 std::uint8_t high)
    : values(random.bytes(std::size_t{out} * (in / 2))),
      scales(random.scales(std::size_t{out} * (in / 32), low, high)),
      weight{values.data(), scales.data(), out, in} {}

Bf16Data::Bf16Data(Random& random, std::uint32_t out, std::uint32_t in)
    : values(random.bf16s(std::size_t{out} * in, 1 / std::sqrt(static_cast<float>(in)))),
      weight{values.data(), out, in} {}

QuantData::QuantData(std::span<const Bf16> x, std::uint32_t width)
    : values(x.size()), scales(x.size() / width * ((width + 127) / 128)), columns(width) {
    for (std::size_t i = 0; i * columns < x.size(); ++i) {
        plain::quantise(x.data() + i * columns, columns, values.data() + i * columns,
                        scales.data() + i * (columns / 128));
    }
}

PreparedRows::PreparedRows(const CpuKernels& kernels, WeightForm form, const QuantData& x) {
    const std::size_t rows = x.values.size() / x.columns, blocks = (x.columns + 127) / 128;
    operand.stride = kernels.preparedBytes(form, x.columns);
    bytes.resize(rows * operand.stride);
    operand.rows = bytes.data();
    for (std::size_t i = 0; i < rows; ++i) {
        kernels.prepareQuantised(form, x.values.data() + i * x.columns,
                                 x.scales.data() + i * blocks, x.columns,
                                 bytes.data() + i * operand.stride);
    }
}

PreparedRows::PreparedRows(const CpuKernels& kernels, WeightForm form, std::span<const Bf16> x,
                           std::uint32_t columns) {
    const std::size_t rows = x.size() / columns;
    operand.stride = kernels.preparedBytes(form, columns);
    bytes.resize(rows * operand.stride);
    operand.rows = bytes.data();
    for (std::size_t i = 0; i < rows; ++i) {
        kernels.prepareBf16(form, x.data() + i * columns, columns,
                            bytes.data() + i * operand.stride);
    }
}

} // namespace dossier::engine
