// SPDX-License-Identifier: Apache-2.0
// Reading the fields of a message (J is nlohmann::json). A field that is missing or null leaves the
// value as it was; one of a wrong type throws nlohmann::json::exception.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace dossier::engine::wire {

/// value = j[key] if it is there.
template<class J, class T>
void get(const J& j, const char* key, T& value) {
    if (const auto found = j.find(key); found != j.end() && !found->is_null()) {
        value = found->template get<T>();
    }
}

template<class J>
void get(const J& j, const char* key, std::optional<std::uint64_t>& value) {
    if (const auto found = j.find(key); found != j.end() && !found->is_null()) {
        value = found->template get<std::uint64_t>();
    }
}

template<class J>
void get(const J& j, const char* key, std::filesystem::path& value) {
    value = j.value(key, value.string());
}

} // namespace dossier::engine::wire
