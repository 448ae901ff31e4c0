// SPDX-License-Identifier: Apache-2.0
// Lanes as JSON.
#include <nlohmann/json.hpp>

#include "engine/host/wire.h"
#include "engine/host/wire_fields.h"

namespace dossier::engine::wire {
namespace {

Json toJson(const LaneRestore& r) {
    Json differing = Json::array();
    for (const LaneMismatch& wrong : r.differing) {
        differing.push_back({wrong.position, wrong.before});
    }
    return {{"tokens", r.tokens},
            {"replayed", r.replayed},
            {"lost", r.lost},
            {"bytesRead", r.bytesRead},
            {"seconds", r.seconds},
            {"check", r.check},
            {"probed", r.probed},
            {"differing", std::move(differing)},
            {"writtenBy", r.writtenBy},
            {"classChanged", r.classChanged},
            {"note", r.note}};
}

LaneRestore laneRestore(const Json& j) {
    LaneRestore r;
    get(j, "tokens", r.tokens);
    get(j, "replayed", r.replayed);
    get(j, "lost", r.lost);
    get(j, "bytesRead", r.bytesRead);
    get(j, "seconds", r.seconds);
    get(j, "check", r.check);
    get(j, "probed", r.probed);
    for (const Json& wrong : j.value("differing", Json::array())) {
        r.differing.push_back({wrong.at(0).get<std::uint64_t>(), wrong.at(1).get<std::uint64_t>()});
    }
    get(j, "writtenBy", r.writtenBy);
    get(j, "classChanged", r.classChanged);
    get(j, "note", r.note);
    return r;
}

} // namespace

Json toJson(const LaneOptions& o) {
    return {{"file", o.file.string()},
            {"prefix", o.prefix},
            {"keep", o.keep},
            {"readOnly", o.readOnly},
            {"probeEveryFrontier", o.probeEveryFrontier}};
}

LaneOptions laneOptions(const Json& j) {
    LaneOptions o;
    get(j, "file", o.file);
    get(j, "prefix", o.prefix);
    get(j, "keep", o.keep);
    get(j, "readOnly", o.readOnly);
    get(j, "probeEveryFrontier", o.probeEveryFrontier);
    return o;
}

Json toJson(const LaneInfo& l) {
    Json j{{"lane", static_cast<std::uint64_t>(l.id)},
           {"tokens", l.tokens},
           {"bytes", l.bytes},
           {"file", l.file.string()},
           {"saved", l.saved},
           {"fileBytes", l.fileBytes}};
    if (l.restored) {
        j["restored"] = toJson(*l.restored);
    }
    return j;
}

LaneInfo laneInfo(const Json& j) {
    LaneInfo l;
    l.id = LaneId{j.value("lane", std::uint64_t{0})};
    get(j, "tokens", l.tokens);
    get(j, "bytes", l.bytes);
    get(j, "file", l.file);
    get(j, "saved", l.saved);
    get(j, "fileBytes", l.fileBytes);
    if (const auto found = j.find("restored"); found != j.end() && found->is_object()) {
        l.restored = laneRestore(*found);
    }
    return l;
}

Json toJson(const std::vector<LaneMark>& marks) {
    Json list = Json::array();
    for (const LaneMark& mark : marks) {
        list.push_back({mark.end, mark.id});
    }
    return list;
}

std::vector<LaneMark> laneMarks(const Json& j) {
    std::vector<LaneMark> marks;
    for (const Json& item : j) {
        marks.push_back({item.at(0).get<std::uint64_t>(), item.at(1).get<std::string>()});
    }
    return marks;
}

Json toJson(const LaneContents& c) {
    return {{"marks", toJson(c.marks)}, {"frontiers", c.frontiers}};
}

LaneContents laneContents(const Json& j) {
    LaneContents c;
    c.marks = laneMarks(j.value("marks", Json::array()));
    get(j, "frontiers", c.frontiers);
    return c;
}

Json toJson(const LaneFileInfo& f) {
    return {{"file", f.file.string()},
            {"model", f.model},
            {"modelName", f.modelName},
            {"tokenizer", f.tokenizer},
            {"prefix", f.prefix},
            {"numerics", f.numerics},
            {"tokens", f.tokens},
            {"fileBytes", f.fileBytes},
            {"unusedBytes", f.unusedBytes},
            {"damagedBytes", f.damagedBytes},
            {"contents", toJson(f.contents)},
            {"tail", f.tail},
            {"note", f.note}};
}

LaneFileInfo laneFileInfo(const Json& j) {
    LaneFileInfo f;
    get(j, "file", f.file);
    get(j, "model", f.model);
    get(j, "modelName", f.modelName);
    get(j, "tokenizer", f.tokenizer);
    get(j, "prefix", f.prefix);
    get(j, "numerics", f.numerics);
    get(j, "tokens", f.tokens);
    get(j, "fileBytes", f.fileBytes);
    get(j, "unusedBytes", f.unusedBytes);
    get(j, "damagedBytes", f.damagedBytes);
    f.contents = laneContents(j.value("contents", Json::object()));
    get(j, "tail", f.tail);
    get(j, "note", f.note);
    return f;
}

} // namespace dossier::engine::wire
