// SPDX-License-Identifier: Apache-2.0
// Conversations <-> the prompt format of DeepSeek-V4, byte for byte that of the models' published
// message encoding (encoding_dsv4.py of the checkpoints; there is no Jinja template).
//
// Encoding gives segments instead of one string: what the format itself writes is control text, all
// that people, tools and documents wrote is content. Tokenizer::encode(segments) turns only control
// text into control tokens, so a document that says "<｜User｜>" cannot end its own turn.
//
// Pure functions, callable from any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace dossier::engine {

/// Which published encoding a checkpoint was trained with. The names are those of
/// ModelInfo::release.
enum class ChatRelease {
    April,    ///< "april": V4-Flash and V4-Pro of April 2026. Levels none, high, max
    V0731,    ///< "0731": V4-Flash-0731 and later. Levels none, low, high, max
    Embedded, ///< "embedded": the small model that comes with the program. Levels none, high
};

/// Throws Error (InvalidArgument) that names the choices.
ChatRelease chatReleaseFromName(std::string_view name);
std::string_view chatReleaseName(ChatRelease release);

/// By increasing depth.
std::vector<std::string> chatLevels(ChatRelease release);

/// Text that the level puts before everything else, right after the begin token; empty for most.
/// Prompts whose prefixes are equal share all they have read; a level with another prefix shares
/// nothing with them. Throws Error (InvalidArgument) that names the choices.
std::string_view reasoningPrefix(ChatRelease release, std::string_view level);

/// Whether the model writes its reasoning first at this level (all but "none"). Throws likewise.
bool levelThinks(ChatRelease release, std::string_view level);

enum class Role { System, Developer, User, Assistant, Tool, LatestReminder };

/// Short classifying jobs of the published models, asked for by a token of their own.
enum class ChatTask { Action, Query, Authority, Domain, Title, ReadUrl };

struct ToolCall {
    std::string id; ///< of the call, may be empty; tool results are put in the calls' order
    std::string name;
    std::string arguments; ///< JSON object; anything else is passed as one parameter "arguments"

    friend bool operator==(const ToolCall&, const ToolCall&) = default;
};

struct Message {
    Role role = Role::User;
    std::string content;
    std::string reasoning;                     ///< Assistant: what stood before </think>
    std::vector<ToolCall> toolCalls;           ///< Assistant
    std::string toolCallId;                    ///< Tool: the call that this is the result of
    std::vector<std::string> tools;            ///< System, Developer: one JSON function schema each
    std::optional<std::string> responseFormat; ///< System, Developer: JSON schema of the answer
    std::optional<ChatTask> task;              ///< what the model is to do after this message
    bool unfinished = false; ///< Assistant: no end token, so that the model goes on writing
};

/// The prompt for the next answer: after a user or developer message it ends with the assistant's
/// opening and <think> or </think> as the level asks.
///  - Tool results and user messages that follow each other become one user turn.
///  - When thinking without tools, reasoning and developer messages before the last question are
///  left
///    out; as soon as any message has tools, all reasoning is kept.
/// Throws Error (InvalidArgument): unknown level, tools or a response format on another role, an
/// empty developer message, JSON that is none.
std::vector<Segment> encodeChat(std::span<const Message> messages, ChatRelease release,
                                std::string_view level);

/// All segments as one string.
std::string joinedText(std::span<const Segment> segments);

struct ParsedAnswer {
    std::string reasoning, content;
    std::vector<ToolCall> toolCalls; ///< `id` is empty: the format has none
    std::string
        problem; ///< why a block of tool calls could not be read; it then stays in `content`
};

/// Takes a model's answer apart. `text` begins where the prompt ended; `thinking` is levelThinks().
/// An answer that was cut short is fine: without </think> all of it is reasoning.
ParsedAnswer parseAnswer(std::string_view text, bool thinking);

} // namespace dossier::engine
