// SPDX-License-Identifier: Apache-2.0
// Messages from the JSON form that chat services use, for tests.
#pragma once

#include <string>
#include <vector>

#include "engine/tokenizer/chat_encoding.h"

namespace dossier::engine::testing {

/// A list of messages, or an object with "messages" and "tools" (which go onto the first message).
std::vector<Message> messagesFromJson(const std::string& json);

} // namespace dossier::engine::testing
