// SPDX-License-Identifier: Apache-2.0
// What the fuzzers feed: each target takes any bytes and aborts the process when a promise of the
// parser is broken. Shared by the mutation tests of the normal run and by libFuzzer.
#pragma once

#include <string_view>

namespace dossier::fuzz {

/// The header of a safetensors file; the first 8 bytes say how much data is behind it.
void safetensorsHeader(std::string_view bytes);
/// config.json: what is accepted must give a consistent list of tensors.
void modelConfig(std::string_view bytes);
/// Any JSON text for the strict checker.
void strictJson(std::string_view bytes);

} // namespace dossier::fuzz
