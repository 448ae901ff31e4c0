// SPDX-License-Identifier: Apache-2.0
// The rate of the disk.
#include <future>

#include "engine/base/aligned_buffer.h"
#include "engine/base/clock.h"
#include "engine/experts/expert_file.h"
#include "engine/host/bench/bench_rates.h"

namespace dossier::engine::bench {
namespace {

class Noise final : public ExpertSource {
  public:
    explicit Noise(std::uint64_t bytes) : m_bytes(bytes) {}
    void read(std::uint32_t, std::uint32_t expert, std::byte* block) const override {
        std::uint64_t word = expert * 0x9E3779B97F4A7C15ULL + 1;
        for (std::uint64_t i = 0; i < m_bytes; i += 8) {
            word = word * 6364136223846793005ULL + 1442695040888963407ULL;
            *reinterpret_cast<std::uint64_t*>(block + i) = word;
        }
    }

  private:
    std::uint64_t m_bytes;
};

} // namespace

DiskRates diskRates(const std::filesystem::path& folder, std::uint64_t blockBytes,
                    std::uint32_t blocks, unsigned readers) {
    ExpertLayout layout;
    layout.bytes = blockBytes;
    std::vector<ExpertFile::Key> keys;
    for (std::uint32_t i = 0; i < blocks; ++i) {
        keys.push_back({0, i});
    }
    ThreadPool workers;
    const auto file =
        ExpertFile::write(folder / "dossier-bench.disk", std::make_shared<Noise>(blockBytes),
                          layout, 1, blocks, keys, workers);
    MemoryLedger ledger;
    DiskRates rates;
    const double total = static_cast<double>(blocks) * static_cast<double>(blockBytes);
    rates.write = total / file->secondsToWrite();
    rates.direct = file->direct();
    const double begin = steadySeconds();
    std::vector<std::future<void>> parts;
    for (unsigned r = 0; r < readers; ++r) {
        parts.push_back(std::async(std::launch::async, [&, r] {
            AlignedBuffer block(ledger, "staging", blockBytes, AlignedBuffer::Fill::None,
                                AlignedBuffer::HugePages::Yes);
            for (std::uint32_t i = r; i < blocks; i += readers) {
                file->read(0, i * 7919U % blocks, block.data());
            }
        }));
    }
    for (std::future<void>& part : parts) {
        part.get();
    }
    rates.read = total / (steadySeconds() - begin);
    return rates;
}

} // namespace dossier::engine::bench
