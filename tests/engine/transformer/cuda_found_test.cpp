// SPDX-License-Identifier: Apache-2.0
// Says clearly when the tests of this program had no GPU to run on.
#include <gtest/gtest.h>

#include "engine/kernels/cuda/device_probe.h"

namespace dossier::engine {
namespace {

TEST(Cuda, AGpuIsThere) {
    const CudaProbe probe = probeCuda();
    if (!probe.usable) {
        GTEST_SKIP() << "needs an NVIDIA GPU: " << probe.whyNot;
    }
    EXPECT_GE(probe.computeMajor, 8);
}

} // namespace
} // namespace dossier::engine
