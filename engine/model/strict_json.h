// SPDX-License-Identifier: Apache-2.0
// Checks of a JSON text that may be hostile, to be made before a parser builds anything from it.
#pragma once

#include <cstddef>
#include <string_view>

namespace dossier::engine {

/// Beyond the grammar it refuses: more than `maxBytes`, more than `maxDepth` nested levels, a key
/// twice in one object, invalid UTF-8, numbers beyond the range of a double.
/// Errors: Corrupt or TooLarge, naming `origin`; the remedy is to copy the file again.
void checkStrictJson(std::string_view text, std::string_view origin, std::size_t maxBytes,
                     int maxDepth = 32);

} // namespace dossier::engine
