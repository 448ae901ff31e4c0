// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/lanes/reading_board.h"

#include <array>
#include <cmath>

#include <nlohmann/json.hpp>

#include "app/job_list.h"
#include "app/store/lock.h"
#include "app/store/store_json.h"
#include "engine/base/json_text.h"

namespace dossier::app {
namespace {

using nlohmann::json;
using State = ReadingStatus::State;

constexpr std::array<std::string_view, 8> kStates = {"none", "loading", "reading",   "paused",
                                                     "done", "failed",  "cancelled", "interrupted"};
constexpr std::array<std::string_view, 3> kWishes = {"pause", "resume", "cancel"};
constexpr const char* kStatusKey = "reading.status";
constexpr const char* kWishKey = "reading.wish";
const std::string kCheckKey = "lane.check.";

} // namespace

std::string_view readingStateName(State state) {
    return kStates[static_cast<std::size_t>(state)];
}

std::string aboutTime(double seconds) {
    std::string text = "about ";
    if (seconds < 90) {
        return text.append(std::to_string(std::max(1L, std::lround(seconds)))).append(" s");
    }
    if (seconds < 90 * 60) {
        return text.append(std::to_string(std::lround(seconds / 60))).append(" min");
    }
    return text.append(std::to_string(std::lround(seconds / 3600))).append(" h");
}

ReadingBoard::ReadingBoard(const std::filesystem::path& dossier)
    : m_folder(dossier), m_database(dossier / "dossier.db", Database::Mode::ReadWrite) {}

std::string ReadingBoard::value(const std::string& key) {
    Query query = m_database.query("SELECT value FROM setting WHERE key = ?1", key);
    return query.next() ? query.text(0) : "";
}

void ReadingBoard::setValue(const std::string& key, const std::string& text) {
    m_database.run("INSERT INTO setting VALUES (?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2",
                   key, text);
}

void ReadingBoard::setStatus(const ReadingStatus& s) {
    json j{{"state", readingStateName(s.state)},
           {"process", s.process},
           {"level", s.level},
           {"model", s.model},
           {"done", s.done},
           {"total", s.total},
           {"kept", s.kept},
           {"per_second", s.perSecond},
           {"note", s.note},
           {"started", s.startedMs},
           {"updated", s.updatedMs}};
    if (s.failure) {
        j["failure"] = toJson(*s.failure);
    }
    setValue(kStatusKey, jsonText(j, -1, BadUtf8::Replace));
}

ReadingStatus ReadingBoard::status() {
    ReadingStatus s;
    const json j = parseJsonOrDiscard(value(kStatusKey));
    if (!j.is_object()) {
        return s;
    }
    const std::string state = j.value("state", "none");
    for (std::size_t i = 0; i < kStates.size(); ++i) {
        s.state = kStates[i] == state ? static_cast<State>(i) : s.state;
    }
    s.process = j.value("process", 0);
    s.level = j.value("level", "");
    s.model = j.value("model", "");
    s.done = j.value("done", std::uint64_t{0});
    s.total = j.value("total", std::uint64_t{0});
    s.kept = j.value("kept", std::uint64_t{0});
    s.perSecond = j.value("per_second", 0.0);
    s.note = j.value("note", "");
    s.startedMs = j.value("started", std::int64_t{0});
    s.updatedMs = j.value("updated", std::int64_t{0});
    if (j.contains("failure")) {
        s.failure = failureFromJson(j["failure"].get<std::string>());
    }
    if (s.active() && !DossierLock::held(m_folder / "lanes")) {
        s.state = State::Interrupted;
    }
    return s;
}

void ReadingBoard::wish(ReadingWish wish) {
    setValue(kWishKey, std::string(kWishes[static_cast<std::size_t>(wish)]));
}

std::optional<ReadingWish> ReadingBoard::takeWish() {
    const std::string text = value(kWishKey);
    for (std::size_t i = 0; i < kWishes.size(); ++i) {
        if (kWishes[i] == text) {
            setValue(kWishKey, "");
            return static_cast<ReadingWish>(i);
        }
    }
    return std::nullopt;
}

double ReadingBoard::speed(const std::string& model) {
    return std::strtod(value("reading.speed." + model).c_str(), nullptr);
}

void ReadingBoard::setSpeed(const std::string& model, double tokensPerSecond) {
    setValue("reading.speed." + model, std::to_string(tokensPerSecond));
}

std::optional<LaneCheck> ReadingBoard::laneCheck(const std::string& lane) {
    const std::string stored = value(kCheckKey + lane);
    const std::size_t blank = stored.find(' ');
    if (blank == std::string::npos) {
        return std::nullopt;
    }
    return LaneCheck{std::strtoll(stored.c_str(), nullptr, 10), stored.substr(blank + 1)};
}

void ReadingBoard::setLaneCheck(const std::string& lane, const std::string& result) {
    setValue(kCheckKey + lane, std::to_string(nowMs()) + " " + result);
}

} // namespace dossier::app
