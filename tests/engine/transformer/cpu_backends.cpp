// SPDX-License-Identifier: Apache-2.0
// The CPU kernels that this machine can run.
#include "engine/kernels/cpu/cpu_operations.h"
#include "tests/engine/transformer/forward_fixture.h"

namespace dossier::engine {

const std::vector<Backend>& backends() {
    static const std::vector<Backend> all = [] {
        std::vector<Backend> list;
        for (const CpuKernels* table : {&plainKernels(), avx2Kernels(), avx512Kernels()}) {
            if (table) {
                list.push_back(
                    {std::string(table->name),
                     table == &plainKernels() ? Backend::Speed::Slow : Backend::Speed::Fast,
                     [table](const ModelConfig& config, ThreadPool& pool,
                             MemoryLedger& ledger) -> std::unique_ptr<Operations> {
                         return std::make_unique<CpuOperations>(config, *table, pool, ledger);
                     }});
            }
        }
        return list;
    }();
    return all;
}

} // namespace dossier::engine
