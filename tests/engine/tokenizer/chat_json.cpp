// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/tokenizer/chat_json.h"
#include "engine/base/json_text.h"

#include <stdexcept>

#include <nlohmann/json.hpp>

namespace dossier::engine::testing {
namespace {

using Json = nlohmann::ordered_json;

Role roleOf(const std::string& name) {
    const std::pair<const char*, Role> roles[] = {
        {"system", Role::System}, {"developer", Role::Developer},
        {"user", Role::User},     {"assistant", Role::Assistant},
        {"tool", Role::Tool},     {"latest_reminder", Role::LatestReminder}};
    for (const auto& [known, role] : roles) {
        if (name == known) {
            return role;
        }
    }
    throw std::runtime_error("role " + name);
}

ChatTask taskOf(const std::string& name) {
    const std::pair<const char*, ChatTask> tasks[] = {
        {"action", ChatTask::Action},       {"query", ChatTask::Query},
        {"authority", ChatTask::Authority}, {"domain", ChatTask::Domain},
        {"title", ChatTask::Title},         {"read_url", ChatTask::ReadUrl}};
    for (const auto& [known, task] : tasks) {
        if (name == known) {
            return task;
        }
    }
    throw std::runtime_error("task " + name);
}

std::string textOf(const Json& content) {
    if (content.is_string()) {
        return content.get<std::string>();
    }
    std::string out;
    for (const Json& part : content) {
        out += (out.empty() ? "" : "\n\n") + part.at("text").get<std::string>();
    }
    return out;
}

} // namespace

std::vector<Message> messagesFromJson(const std::string& json) {
    Json root = parseOrderedJson(json);
    if (root.is_object()) {
        root["messages"][0]["tools"] = root["tools"];
        root = Json(root["messages"]);
    }
    std::vector<Message> messages;
    for (const Json& entry : root) {
        Message& message = messages.emplace_back();
        message.role = roleOf(entry.at("role").get<std::string>());
        message.content = textOf(entry.value("content", Json("")));
        message.reasoning = entry.value("reasoning_content", "");
        message.toolCallId = entry.value("tool_call_id", "");
        message.unfinished = entry.value("wo_eos", false);
        for (const Json& call : entry.value("tool_calls", Json::array())) {
            const Json& function = call.at("function");
            message.toolCalls.push_back({call.value("id", ""),
                                         function.at("name").get<std::string>(),
                                         function.at("arguments").get<std::string>()});
        }
        for (const Json& tool : entry.value("tools", Json::array())) {
            message.tools.push_back(jsonText(tool.at("function")));
        }
        if (entry.contains("response_format")) {
            message.responseFormat = jsonText(entry["response_format"]);
        }
        if (entry.contains("task")) {
            message.task = taskOf(entry["task"].get<std::string>());
        }
    }
    return messages;
}

} // namespace dossier::engine::testing
