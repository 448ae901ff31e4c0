// SPDX-License-Identifier: Apache-2.0
// A warp's share of an expert's matrix: 16 rows, FP4 with a scale for 32 inputs or FP8 with a scale
// for 128, times up to 8 FP8 activations a tile (gemv_tile.cuh).
#pragma once

#include <type_traits>

#include "engine/kernels/cuda/gemv_tile.cuh"

namespace dossier::engine::cuda {

struct MatrixView {
    const std::uint8_t *values, *scales;
    unsigned out, in;
    bool fp4;
    __device__ MatrixView(const Fp4Weight& four, const Fp8Weight& eight)
        : values(four.values ? four.values : eight.values),
          scales(four.values ? four.scales : eight.scales),
          out(four.values ? four.out : eight.out),
          in(four.values ? four.in : eight.in),
          fp4(four.values != nullptr) {}
};

/// Quantised activations of all rows in shared memory in the order in which the lanes need them:
/// for FP8 weights as they come, for FP4 weights each eight as 0 4 1 5 2 6 3 7, since that is how
/// nibbles come apart. A few rows are laid down as f16, which saves instructions; more of them stay
/// FP8 codes, so that enough blocks fit beside each other.
template<bool kCodes>
struct ActivationRows {
    static constexpr unsigned kBytes = kCodes ? 1 : 2; ///< of a value
    /// Of a lane: four values, and eight.
    using Four = std::conditional_t<kCodes, std::uint32_t, uint2>;
    using Eight = std::conditional_t<kCodes, uint2, uint4>;

    std::uint8_t* values;
    float* scales;
    unsigned rows, pitch, blocks;

    /// Rows are padded, so that neighbouring ones meet other banks.
    static __host__ __device__ std::size_t bytes(unsigned rows, unsigned columns) {
        return rows * (pitchOf(columns) + columns / 128 * sizeof(float));
    }
    static __host__ __device__ std::size_t pitchOf(unsigned columns) {
        return kBytes * (std::size_t{columns} + 32);
    }
    __device__ ActivationRows(std::uint8_t* at, unsigned rows_, unsigned columns)
        : values(at),
          scales(reinterpret_cast<float*>(at + rows_ * pitchOf(columns))),
          rows(rows_),
          pitch(static_cast<unsigned>(pitchOf(columns))),
          blocks(columns / 128) {}

    /// Rows not in `mask` become zeros.
    __device__ void load(const std::uint8_t* from, const float* fromScales, unsigned mask,
                         unsigned count, unsigned columns, bool fp4) const {
        for (unsigned row = 0; row < count; ++row) {
            const bool wanted = (mask >> row & 1u) != 0;
            for (unsigned i = threadIdx.x * 16; i < columns; i += blockDim.x * 16) {
                uint4 codes = make_uint4(0, 0, 0, 0);
                if (wanted) {
                    codes = *reinterpret_cast<const uint4*>(from + std::size_t{row} * columns + i);
                }
                if (fp4) {
                    codes = make_uint4(__byte_perm(codes.x, codes.y, 0x5140),
                                       __byte_perm(codes.x, codes.y, 0x7362),
                                       __byte_perm(codes.z, codes.w, 0x5140),
                                       __byte_perm(codes.z, codes.w, 0x7362));
                }
                auto* to = reinterpret_cast<uint4*>(values + std::size_t{row} * pitch + kBytes * i);
                if constexpr (kCodes) {
                    to[0] = codes;
                    continue;
                }
                uint4 out[2];
                halvesFromWord(codes.x, out[0].x, out[0].y);
                halvesFromWord(codes.y, out[0].z, out[0].w);
                halvesFromWord(codes.z, out[1].x, out[1].y);
                halvesFromWord(codes.w, out[1].z, out[1].w);
                to[0] = out[0];
                to[1] = out[1];
            }
            for (unsigned i = threadIdx.x; i < blocks; i += blockDim.x) {
                scales[row * blocks + i] = wanted ? fromScales[std::size_t{row} * blocks + i] : 0;
            }
        }
    }
    /// Where a row begins; what is behind the last row repeats it.
    __device__ SharedAddress rowAt(unsigned row) const {
        return sharedAddress(values + min(row, rows - 1) * pitch);
    }
    static __device__ uint2 halves(Four v) {
        if constexpr (kCodes) {
            uint2 out;
            halvesFromWord(v, out.x, out.y);
            return out;
        } else {
            return v;
        }
    }
    static __device__ uint4 halves(Eight v) {
        if constexpr (kCodes) {
            uint4 out;
            halvesFromWord(v.x, out.x, out.y);
            halvesFromWord(v.y, out.z, out.w);
            return out;
        } else {
            return v;
        }
    }
};

template<unsigned kTiles, bool kCodes>
class ExpertTile {
  public:
    using Rows = ActivationRows<kCodes>;
    static constexpr unsigned kStages = 4;
    static constexpr unsigned kStageSize = kTileBytes + kTileRows * 8; ///< values, then FP4 scales
    static constexpr unsigned kRingBytes = kStages * kStageSize;
    static_assert(kStageSize % 128 == 0);

    /// `rings`: 128-byte aligned.
    __device__ ExpertTile(std::uint8_t* rings, unsigned warp)
        : m_ring(held(sharedAddress(rings) + warp * kRingBytes)) {}

    /// Rows from `firstRow` on, slice `slice` of `slices` of the inputs; starts the first copies.
    __device__ void start(const MatrixView& matrix, unsigned firstRow, unsigned slice,
                          unsigned slices) {
        m_matrix = matrix;
        m_rowBytes = matrix.fp4 ? matrix.in / 2 : matrix.in;
        const unsigned lane = threadIdx.x % 32, lastRow = matrix.out - 1;
#pragma unroll
        for (unsigned i = 0; i < 4; ++i) {
            m_rows[i] =
                matrix.values + std::size_t{min(firstRow + 4 * i + lane / 8, lastRow)} * m_rowBytes;
        }
        m_scaleRow = matrix.fp4 ? matrix.scales + std::size_t{min(firstRow + lane / 2, lastRow)} *
                                                      (matrix.in / 32)
                                : matrix.scales + std::size_t{min(firstRow, lastRow) / 128} *
                                                      ((matrix.in + 127) / 128);
        const unsigned stages = (m_rowBytes + kStageBytes - 1) / kStageBytes;
        m_begin = slice * stages / slices;
        m_end = (slice + 1) * stages / slices;
        for (unsigned s = 0; s < kStages - 1; ++s) {
            copy(m_ring + s * kStageSize, m_begin + s);
        }
        m_scale = scaleAt(m_begin + lane);
    }

    __device__ void run(const Rows& x) {
        const unsigned lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
        for (unsigned i = 0; i < kTiles; ++i) {
            m_x[i] = held(x.rowAt(8 * i + g) + t * (m_matrix.fp4 ? 8 : 4) * Rows::kBytes);
        }
#pragma unroll
        for (unsigned i = 0; i < 2 * kTiles; ++i) {
            const unsigned token = min(8 * (i / 2) + 2 * t + i % 2, x.rows - 1);
            m_xScales[i] = held(sharedAddress(x.scales + token * x.blocks));
        }
        SharedAddress stage = m_ring, freed = m_ring + (kStages - 1) * kStageSize;
        for (unsigned s = m_begin; s < m_end; ++s) {
            copyWait<kStages - 2>();
            __syncwarp();
            copy(freed, s + kStages - 1);
            if (m_matrix.fp4) {
                fp4(stage, s);
            } else {
                const unsigned at = (s - m_begin) % 32;
                if (at == 0 && s != m_begin) {
                    m_scale = scaleAt(s + lane);
                }
                fp8(stage, s, __shfl_sync(kAllLanes, m_scale, static_cast<int>(at)));
            }
            freed = stage;
            stage += kStageSize;
            stage = stage == m_ring + kRingBytes ? m_ring : stage;
        }
    }

    /// sums [16 rows][8 * kTiles tokens].
    __device__ void store(float* sums) const {
        const unsigned lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
        for (unsigned i = 0; i < kTiles; ++i) {
#pragma unroll
            for (unsigned c = 0; c < 4; ++c) {
                sums[(g + c / 2 * 8) * 8 * kTiles + 8 * i + 2 * t + c % 2] = m_acc[i][c];
            }
        }
    }

  private:
    /// Of stage `s`, FP8.
    __device__ float scaleAt(unsigned s) const {
        return m_matrix.fp4 || s >= m_end ? 0.0f : fromE8m0(m_scaleRow[s]);
    }

    __device__ void copy(SharedAddress stage, unsigned s) {
        if (s < m_end) {
            const unsigned lane = threadIdx.x % 32;
            // A row may end in the middle of its last stage.
            const unsigned offset = min(s * kStageBytes + lane % 8 * 16, m_rowBytes - 16);
            m_places.copy(stage, {m_rows[0] + offset, m_rows[1] + offset, m_rows[2] + offset,
                                  m_rows[3] + offset});
            if (m_matrix.fp4) { // eight scales of 32 values a row, four at a time
                const unsigned at = min(s * 8 + lane % 2 * 4, m_matrix.in / 32 - 4);
                copyAsync4(stage + kTileBytes + lane * 4, m_scaleRow + at);
            }
        }
        copyCommit();
    }

    /// Two e2m1 codes, nibble `i` and `i + 4` of the word, as f16 values times 2^-14.
    static __device__ __forceinline__ std::uint32_t halves(std::uint32_t word, unsigned i) {
        const std::uint32_t up = word << (12 - 4 * i);
        return (up & 0x80008000u) | (up >> 3 & 0x0E000E00u);
    }

    /// e8m0 byte `i` of a word as FP32, also for the subnormal byte 0.
    static __device__ __forceinline__ float scaleOf(std::uint32_t word, unsigned i) {
        const std::uint32_t shifted = __byte_perm(word, 0, 0x0444 | i << 12) >> 1;
        return __uint_as_float(max(shifted, 0x00400000u));
    }

    __device__ void fp4(SharedAddress stage, unsigned s) {
        uint2 topScales, bottomScales;
        loadShared(topScales, stage + m_scales);
        loadShared(bottomScales, stage + m_scales + 64);
        const unsigned segments = min((m_rowBytes - s * kStageBytes) / 16, 8u); // 4 or 8
        std::uint32_t words[4][4];
        m_places.load(words, stage);
        // One tile's activations fit into registers ahead of their use, two tiles' do not.
        constexpr unsigned kAhead = kTiles == 1 ? 8 : 1;
        typename Rows::Eight ahead[kAhead];
        const auto activations = [&](unsigned tile, unsigned group) {
            typename Rows::Eight values;
            loadShared(values, m_x[tile] + (s * 8 + group) * 32 * Rows::kBytes);
            return values;
        };
        if (kTiles == 1) {
#pragma unroll
            for (unsigned group = 0; group < kAhead; ++group) {
                if (group == 4 && segments == 4) {
                    break;
                }
                ahead[group] = activations(0, group);
            }
        }
#pragma unroll
        for (unsigned block = 0; block < 2; ++block) { // of 128 inputs
            if (4 * block >= segments) {
                break;
            }
            const std::uint32_t topWord = block == 0 ? topScales.x : topScales.y;
            const std::uint32_t bottomWord = block == 0 ? bottomScales.x : bottomScales.y;
            float sums[kTiles][4] = {};
#pragma unroll
            for (unsigned pair = 0; pair < 2; ++pair) {
                const unsigned segment = 4 * block + 2 * pair;
                const std::uint32_t(&w)[4] = words[segment / 2];
#pragma unroll
                for (unsigned k = 0; k < 2; ++k) { // groups of 32 inputs
                    const unsigned group = segment + k;
                    const float top = scaleOf(topWord, 2 * pair + k);
                    const float bottom = scaleOf(bottomWord, 2 * pair + k);
                    const std::uint32_t a0[4] = {halves(w[2 * k], 0), halves(w[2 * k + 1], 0),
                                                 halves(w[2 * k], 1), halves(w[2 * k + 1], 1)};
                    const std::uint32_t a1[4] = {halves(w[2 * k], 2), halves(w[2 * k + 1], 2),
                                                 halves(w[2 * k], 3), halves(w[2 * k + 1], 3)};
#pragma unroll
                    for (unsigned i = 0; i < kTiles; ++i) {
                        const uint4 b = Rows::halves(kTiles == 1 ? ahead[group % kAhead]
                                                                 : activations(i, group));
                        float d[4];
                        mmaF16First(d, a0, b.x, b.y);
                        mmaF16(d, a1, b.z, b.w);
                        sums[i][0] += d[0] * top;
                        sums[i][1] += d[1] * top;
                        sums[i][2] += d[2] * bottom;
                        sums[i][3] += d[3] * bottom;
                    }
                }
            }
            addBlock(sums, 2 * s + block, 0x1p14f); // the codes' f16 form is 2^-14 of the value
        }
    }

    __device__ void fp8(SharedAddress stage, unsigned s, float scale) {
        float sums[kTiles][4] = {};
        std::uint32_t words[4][4];
        m_places.load(words, stage);
        typename Rows::Four values[kTiles][8];
#pragma unroll
        for (unsigned i = 0; i < kTiles; ++i) {
#pragma unroll
            for (unsigned segment = 0; segment < 8; ++segment) {
                loadShared(values[i][segment],
                           m_x[i] + (s * kStageBytes + segment * 16) * Rows::kBytes);
            }
        }
#pragma unroll
        for (unsigned segment = 0; segment < 8; ++segment) {
            const std::uint32_t* w = words[segment / 2] + 2 * (segment % 2);
            std::uint32_t a[4];
            halvesFromWord(w[0], a[0], a[2]);
            halvesFromWord(w[1], a[1], a[3]);
#pragma unroll
            for (unsigned i = 0; i < kTiles; ++i) {
                const uint2 b = Rows::halves(values[i][segment]);
                mmaF16(sums[i], a, b.x, b.y);
            }
        }
        addBlock(sums, s, scale);
    }

    /// acc += sums * the activations' scales of a block of 128 inputs.
    __device__ void addBlock(const float (&sums)[kTiles][4], unsigned block, float weightScale) {
#pragma unroll
        for (unsigned i = 0; i < kTiles; ++i) {
#pragma unroll
            for (unsigned c = 0; c < 2; ++c) {
                float xScale = 0;
                loadShared(xScale, m_xScales[2 * i + c] + block * sizeof(float));
                const float scale = weightScale * xScale;
                m_acc[i][c] += sums[i][c] * scale;
                m_acc[i][2 + c] += sums[i][2 + c] * scale;
            }
        }
    }

    SharedAddress m_ring;
    StagePlaces m_places;
    unsigned m_scales = held(kTileBytes + threadIdx.x % 32 / 4 * 8); ///< of row g in a stage
    MatrixView m_matrix{Fp4Weight{}, Fp8Weight{}};
    const std::uint8_t* m_rows[4] = {};       ///< those that this lane copies pieces of
    const std::uint8_t* m_scaleRow = nullptr; ///< FP4: that it copies of; FP8: of the tile
    SharedAddress m_x[kTiles] = {};           ///< this lane's values of its row
    SharedAddress m_xScales[2 * kTiles] = {}; ///< of the tokens whose sums this lane has
    unsigned m_rowBytes = 0, m_begin = 0, m_end = 0;
    float m_scale = 0; ///< FP8: of a stage, one of up to 32 that come next
    float m_acc[kTiles][4] = {};
};

} // namespace dossier::engine::cuda
