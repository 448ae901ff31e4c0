// SPDX-License-Identifier: Apache-2.0
// The engine's values as JSON: what travels between dossier-engine and its client.
//
// JSON-RPC 2.0, one message a line, UTF-8. Requests are the methods of engine/engine.h by name with
// named parameters; while one runs the engine may send the notifications
//   {"method":"progress","params":{"id":7,"phase":"Reading","done":512,"total":4096,"perSecond":..}}
//   {"method":"token","params":{"id":7,"token":318,"text":" the","logProb":-0.1,"forced":false}}
// where id is the request's. The client may send {"method":"cancel","params":{"id":7}}; the request
// then ends early in its own way. Errors carry {"code":-32000,"message":"...","data":{"code":
// "disk-full","failed":"...","remedy":"..."}}.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine/engine.h"

namespace dossier::engine::wire {

using Json = nlohmann::json;

// Missing fields keep their defaults, unknown ones are ignored: an older and a newer program can
// talk. Wrong types throw nlohmann::json::exception, which the caller turns into a refusal.
Json toJson(const ModelInfo&);
ModelInfo modelInfo(const Json&);
Json toJson(const LoadOptions&);
LoadOptions loadOptions(const Json&);
Json toJson(const Forecast&);
Forecast forecast(const Json&);
Json toJson(const DeviceInfo&);
DeviceInfo deviceInfo(const Json&);
Json toJson(const LaneInfo&);
LaneInfo laneInfo(const Json&);
Json toJson(const LaneOptions&);
LaneOptions laneOptions(const Json&);
Json toJson(const std::vector<LaneMark>&);
std::vector<LaneMark> laneMarks(const Json&);
Json toJson(const LaneContents&);
LaneContents laneContents(const Json&);
Json toJson(const LaneFileInfo&);
LaneFileInfo laneFileInfo(const Json&);
Json toJson(const BranchInfo&);
BranchInfo branchInfo(const Json&);
Json toJson(const GenerateOptions&);
GenerateOptions generateOptions(const Json&);
Json toJson(const GenerateResult&);
GenerateResult generateResult(const Json&);
Json toJson(const TokenEvent&);
TokenEvent tokenEvent(const Json&);
Json toJson(const Progress&);
Progress progress(const Json&);
Json toJson(const MemorySnapshot&);
MemorySnapshot memorySnapshot(const Json&);
Json toJson(const Telemetry&);
Telemetry telemetry(const Json&);
Json toJson(const Error&); ///< the "data" member of an error
Error error(const Json&);

/// One line without its end; bytes that are not UTF-8 are replaced.
std::string line(const Json&);

} // namespace dossier::engine::wire
