// SPDX-License-Identifier: Apache-2.0
// libFuzzer entry: the first byte chooses the target.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/engine/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        dossier::fuzz::safetensorsHeader(bytes);
        break;
    case 1:
        dossier::fuzz::modelConfig(bytes);
        break;
    default:
        dossier::fuzz::strictJson(bytes);
    }
    return 0;
}
