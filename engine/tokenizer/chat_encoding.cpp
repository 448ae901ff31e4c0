// SPDX-License-Identifier: Apache-2.0
#include "engine/tokenizer/chat_encoding.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/base/error.h"
#include "engine/tokenizer/chat_texts.h"
#include "engine/tokenizer/python_json.h"

namespace dossier::engine {
namespace {

struct Level {
    std::string_view name;
    std::string_view prefix;
};

constexpr std::array kAprilLevels{Level{"none", ""}, Level{"high", ""},
                                  Level{"max", kAbsoluteMaximum}};
constexpr std::array k0731Levels{Level{"none", ""}, Level{"low", ""},
                                 Level{"high", kAbsoluteMaximum}, Level{"max", kBeyondMaximum}};
constexpr std::array kEmbeddedLevels{Level{"none", ""}, Level{"high", ""}};

std::span<const Level> levelsOf(ChatRelease release) {
    switch (release) {
    case ChatRelease::April:
        return kAprilLevels;
    case ChatRelease::V0731:
        return k0731Levels;
    case ChatRelease::Embedded:
        return kEmbeddedLevels;
    }
    return {};
}

constexpr std::array kReleases{std::pair{ChatRelease::April, std::string_view("april")},
                               std::pair{ChatRelease::V0731, std::string_view("0731")},
                               std::pair{ChatRelease::Embedded, std::string_view("embedded")}};

const Level& findLevel(ChatRelease release, std::string_view name) {
    std::string choices;
    for (const Level& level : levelsOf(release)) {
        if (level.name == name) {
            return level;
        }
        choices += (choices.empty() ? "" : ", ") + std::string(level.name);
    }
    throw Error(ErrorCode::InvalidArgument,
                "This model has no reasoning level \"" + std::string(name) + "\"",
                "Choose one of: " + choices);
}

std::string_view taskToken(ChatTask task) {
    switch (task) {
    case ChatTask::Action:
        return "<｜action｜>";
    case ChatTask::Query:
        return "<｜query｜>";
    case ChatTask::Authority:
        return "<｜authority｜>";
    case ChatTask::Domain:
        return "<｜domain｜>";
    case ChatTask::Title:
        return "<｜title｜>";
    case ChatTask::ReadUrl:
        return "<｜read_url｜>";
    }
    return {};
}

/// Part of a user turn: something said, or the result of a tool call.
struct Block {
    enum class Kind { Text, ToolResult } kind;
    std::string_view text;
    std::string_view callId;
};

/// A message after joining: tool and user messages have become blocks of user turns.
struct Turn {
    const Message* message; ///< of a user turn the one that began it
    Role role;
    std::vector<Block> blocks;
    std::optional<ChatTask> task;
};

bool asks(const Turn& turn) {
    return turn.role == Role::User || turn.role == Role::Developer;
}

/// Tool results join any user turn before them; user messages only one without a task. What joins
/// loses its own task: so the published encoding does.
std::vector<Turn> joinTurns(std::span<const Message> messages) {
    std::vector<Turn> turns;
    for (const Message& message : messages) {
        const bool isTool = message.role == Role::Tool;
        if (!isTool && message.role != Role::User) {
            turns.push_back({&message, message.role, {}, message.task});
            continue;
        }
        const Block block{isTool ? Block::Kind::ToolResult : Block::Kind::Text, message.content,
                          message.toolCallId};
        if (!turns.empty() && turns.back().role == Role::User && (isTool || !turns.back().task)) {
            turns.back().blocks.push_back(block);
        } else {
            turns.push_back({&message, Role::User, {block}, isTool ? std::nullopt : message.task});
        }
    }
    return turns;
}

/// Puts the results within each user turn into the order of the calls before it.
void sortToolResults(std::vector<Turn>& turns) {
    const std::vector<ToolCall>* calls = nullptr;
    const auto order = [&](std::string_view id) {
        // Of equal ids the last call counts; an unknown one goes with the first call.
        for (std::size_t i = calls->size(); i > 0; --i) {
            if ((*calls)[i - 1].id == id && !id.empty()) {
                return i - 1;
            }
        }
        return std::size_t{0};
    };
    for (Turn& turn : turns) {
        if (turn.role == Role::Assistant && !turn.message->toolCalls.empty()) {
            calls = &turn.message->toolCalls;
        } else if (turn.role == Role::User && calls != nullptr) {
            std::vector<Block> results;
            std::copy_if(turn.blocks.begin(), turn.blocks.end(), std::back_inserter(results),
                         [](const Block& b) { return b.kind == Block::Kind::ToolResult; });
            std::stable_sort(results.begin(), results.end(), [&](const Block& a, const Block& b) {
                return order(a.callId) < order(b.callId);
            });
            auto next = results.begin();
            for (Block& block : turn.blocks) {
                block = block.kind == Block::Kind::ToolResult ? *next++ : block;
            }
        }
    }
}

std::ptrdiff_t lastQuestion(const std::vector<Turn>& turns) {
    const auto last = std::find_if(turns.rbegin(), turns.rend(), asks);
    return turns.rend() - last - 1; // -1: there is none
}

class Writer {
  public:
    Writer(std::vector<Turn> turns, bool thinking, bool keepReasoning)
        : m_turns(std::move(turns)),
          m_last(lastQuestion(m_turns)),
          m_thinking(thinking),
          m_keep(keepReasoning) {}

    void control(std::string_view text) { add(SegmentKind::Control, text); }
    void content(std::string_view text) { add(SegmentKind::Content, text); }
    void turn(std::size_t index);
    std::vector<Segment> take() { return std::move(m_segments); }

  private:
    void add(SegmentKind kind, std::string_view text);
    void toolsAndFormat(const Message& message);
    void userTurn(const Turn& turn);
    void assistantTurn(std::size_t index);
    void toolCalls(const std::vector<ToolCall>& calls);
    void opening(std::size_t index);

    std::vector<Turn> m_turns;
    std::ptrdiff_t m_last;
    bool m_thinking, m_keep;
    std::vector<Segment> m_segments;
};

void Writer::add(SegmentKind kind, std::string_view text) {
    if (text.empty()) {
        return;
    }
    if (m_segments.empty() || m_segments.back().kind != kind) {
        m_segments.push_back({kind, {}});
    }
    m_segments.back().text += text;
}

void Writer::toolsAndFormat(const Message& message) {
    if (!message.tools.empty()) {
        control("\n\n");
        control(kToolsBefore);
        for (std::size_t i = 0; i < message.tools.size(); ++i) {
            control(i == 0 ? "" : "\n");
            content(pythonJson(message.tools[i], "A tool's schema"));
        }
        control(kToolsAfter);
    }
    if (message.responseFormat) {
        control("\n\n");
        control(kResponseFormat);
        content(pythonJson(*message.responseFormat, "The response format"));
    }
}

void Writer::userTurn(const Turn& turn) {
    control(kUserMark);
    for (std::size_t i = 0; i < turn.blocks.size(); ++i) {
        const Block& block = turn.blocks[i];
        const bool isResult = block.kind == Block::Kind::ToolResult;
        control(i == 0 ? "" : "\n\n");
        control(isResult ? "<tool_result>" : "");
        content(block.text);
        control(isResult ? "</tool_result>" : "");
    }
}

void Writer::toolCalls(const std::vector<ToolCall>& calls) {
    if (calls.empty()) {
        return;
    }
    control(kToolCallsBegin);
    for (const ToolCall& call : calls) {
        control(kInvokeBegin);
        content(call.name);
        control("\">\n");
        auto members = pythonJsonMembers(call.arguments);
        if (!members) {
            members = {{"arguments", true, call.arguments}};
        }
        for (std::size_t i = 0; i < members->size(); ++i) {
            const JsonMember& member = (*members)[i];
            control(i == 0 ? "" : "\n");
            control(kParameterBegin);
            content(member.key);
            control(member.isString ? "\" string=\"true\">" : "\" string=\"false\">");
            content(member.value);
            control(kParameterEnd);
        }
        control("\n");
        control(kInvokeEnd);
        control("\n");
    }
    control(kToolCallsEnd);
}

void Writer::assistantTurn(std::size_t index) {
    const Message& message = *m_turns[index].message;
    const bool answersTask = index > 0 && m_turns[index - 1].task.has_value();
    if (m_thinking && !answersTask && (m_keep || static_cast<std::ptrdiff_t>(index) > m_last)) {
        content(message.reasoning);
        control(kThinkEnd);
    }
    content(message.content);
    toolCalls(message.toolCalls);
    control(message.unfinished ? "" : kEndOfSentence);
}

/// What makes the model speak, after a turn that it is to answer or has answered.
void Writer::opening(std::size_t index) {
    if (index + 1 < m_turns.size() && m_turns[index + 1].role != Role::Assistant &&
        m_turns[index + 1].role != Role::LatestReminder) {
        return;
    }
    const Turn& turn = m_turns[index];
    if (turn.task) {
        if (*turn.task == ChatTask::Action) {
            control(kAssistantMark);
            control(m_thinking ? kThinkBegin : kThinkEnd);
        }
        control(taskToken(*turn.task));
    } else if (asks(turn)) {
        const bool open = m_keep || static_cast<std::ptrdiff_t>(index) >= m_last;
        control(kAssistantMark);
        control(m_thinking && open ? kThinkBegin : kThinkEnd);
    }
}

void Writer::turn(std::size_t index) {
    const Turn& turn = m_turns[index];
    switch (turn.role) {
    case Role::Developer:
        control(kUserMark);
        [[fallthrough]];
    case Role::System:
        content(turn.message->content);
        toolsAndFormat(*turn.message);
        break;
    case Role::User:
    case Role::Tool:
        userTurn(turn);
        break;
    case Role::LatestReminder:
        control(kLatestReminderMark);
        content(turn.message->content);
        break;
    case Role::Assistant:
        assistantTurn(index);
        break;
    }
    opening(index);
}

void checkMessages(std::span<const Message> messages) {
    for (const Message& message : messages) {
        const bool instructs = message.role == Role::System || message.role == Role::Developer;
        if (!instructs && (!message.tools.empty() || message.responseFormat)) {
            throw Error(ErrorCode::InvalidArgument,
                        "Tools and response formats belong to system and developer messages",
                        "Put them on the first message");
        }
        if (message.role == Role::Developer && message.content.empty()) {
            throw Error(ErrorCode::InvalidArgument, "A developer message is empty",
                        "Leave the message out or give it a text");
        }
    }
}

} // namespace

ChatRelease chatReleaseFromName(std::string_view name) {
    std::string choices;
    for (const auto& [release, known] : kReleases) {
        if (known == name) {
            return release;
        }
        choices += (choices.empty() ? "" : ", ") + std::string(known);
    }
    throw Error(ErrorCode::InvalidArgument,
                "There is no model release \"" + std::string(name) + "\"",
                "Choose one of: " + choices);
}

std::string_view chatReleaseName(ChatRelease release) {
    for (const auto& [known, name] : kReleases) {
        if (known == release) {
            return name;
        }
    }
    return {};
}

std::vector<std::string> chatLevels(ChatRelease release) {
    std::vector<std::string> names;
    for (const Level& level : levelsOf(release)) {
        names.emplace_back(level.name);
    }
    return names;
}

std::string_view reasoningPrefix(ChatRelease release, std::string_view level) {
    return findLevel(release, level).prefix;
}

bool levelThinks(ChatRelease release, std::string_view level) {
    return findLevel(release, level).name != "none";
}

std::vector<Segment> encodeChat(std::span<const Message> messages, ChatRelease release,
                                std::string_view level) {
    const bool thinking = levelThinks(release, level);
    checkMessages(messages);
    std::vector<Turn> turns = joinTurns(messages);
    sortToolResults(turns);
    const bool keep = std::any_of(turns.begin(), turns.end(),
                                  [](const Turn& turn) { return !turn.message->tools.empty(); });
    if (thinking && !keep) {
        const std::ptrdiff_t last = lastQuestion(turns);
        std::vector<Turn> kept;
        for (std::size_t i = 0; i < turns.size(); ++i) {
            if (turns[i].role != Role::Developer || static_cast<std::ptrdiff_t>(i) >= last) {
                kept.push_back(std::move(turns[i]));
            }
        }
        turns = std::move(kept);
    }
    const std::size_t count = turns.size();
    Writer writer(std::move(turns), thinking, keep);
    writer.control(kBeginOfSentence);
    writer.control(reasoningPrefix(release, level));
    for (std::size_t i = 0; i < count; ++i) {
        writer.turn(i);
    }
    return writer.take();
}

std::string joinedText(std::span<const Segment> segments) {
    std::string out;
    for (const Segment& segment : segments) {
        out += segment.text;
    }
    return out;
}

} // namespace dossier::engine
