// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/base/error.h"
#include "engine/tokenizer/chat_encoding.h"
#include "engine/tokenizer/chat_texts.h"
#include "engine/tokenizer/python_json.h"

namespace dossier::engine {
namespace {

/// Why a block of tool calls cannot be read.
struct Problem {
    std::string text;
};

class Cursor {
  public:
    explicit Cursor(std::string_view text) : m_left(text) {}

    bool take(std::string_view expected) {
        if (!m_left.starts_with(expected)) {
            return false;
        }
        m_left.remove_prefix(expected.size());
        return true;
    }
    void need(std::string_view expected) {
        if (!take(expected)) {
            throw Problem{"\"" + std::string(expected) + "\" is missing"};
        }
    }
    std::string_view until(std::string_view end) {
        const std::size_t at = m_left.find(end);
        if (at == std::string_view::npos) {
            throw Problem{"\"" + std::string(end) + "\" is missing"};
        }
        const std::string_view out = m_left.substr(0, at);
        m_left.remove_prefix(at + end.size());
        return out;
    }
    std::string_view left() const { return m_left; }

  private:
    std::string_view m_left;
};

JsonMember parseParameter(Cursor& cursor) {
    JsonMember member;
    member.key = cursor.until("\" string=\"");
    member.isString = cursor.take("true\">");
    if (!member.isString) {
        cursor.need("false\">");
    }
    member.value = cursor.until(kParameterEnd);
    cursor.need("\n");
    if (!member.isString) {
        try {
            member.value = pythonJson(member.value, "Parameter \"" + member.key + "\"");
        } catch (const Error& error) {
            throw Problem{error.failed()};
        }
    }
    return member;
}

ToolCall parseCall(Cursor& cursor) {
    ToolCall call;
    call.name = cursor.until("\">\n");
    std::vector<std::string> keys;
    while (cursor.take(kParameterBegin)) {
        const JsonMember member = parseParameter(cursor);
        if (std::find(keys.begin(), keys.end(), member.key) != keys.end()) {
            throw Problem{"parameter \"" + member.key + "\" stands twice"};
        }
        call.arguments += (keys.empty() ? "" : ", ") + pythonJsonString(member.key) + ": " +
                          (member.isString ? pythonJsonString(member.value) : member.value);
        keys.push_back(member.key);
    }
    cursor.take("\n"); // a call without parameters is written with an empty line
    cursor.need(kInvokeEnd);
    cursor.need("\n");
    call.arguments = "{" + call.arguments + "}";
    return call;
}

std::vector<ToolCall> parseCalls(Cursor& cursor) {
    std::vector<ToolCall> calls;
    cursor.need(kToolCallsBegin);
    while (!cursor.take(kToolCallsEnd)) {
        cursor.need(kInvokeBegin);
        calls.push_back(parseCall(cursor));
    }
    if (!cursor.left().empty() && !cursor.left().starts_with(kEndOfSentence)) {
        throw Problem{"text stands behind the tool calls"};
    }
    return calls;
}

} // namespace

ParsedAnswer parseAnswer(std::string_view text, bool thinking) {
    ParsedAnswer answer;
    if (thinking) {
        const std::size_t end = text.find(kThinkEnd);
        if (end == std::string_view::npos) {
            answer.reasoning = text.substr(0, text.find(kEndOfSentence));
            return answer;
        }
        answer.reasoning = text.substr(0, end);
        text.remove_prefix(end + kThinkEnd.size());
    }
    const std::size_t end = text.find(kEndOfSentence);
    const std::size_t calls = text.find(kToolCallsMark);
    answer.content = text.substr(0, std::min(end, calls));
    if (calls < end) {
        try {
            Cursor cursor(text.substr(calls));
            answer.toolCalls = parseCalls(cursor);
        } catch (const Problem& problem) {
            answer.problem = problem.text;
            answer.content = text.substr(0, end);
        }
    }
    return answer;
}

} // namespace dossier::engine
