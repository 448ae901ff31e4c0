// SPDX-License-Identifier: Apache-2.0
#include "engine/host/wire.h"

#include <nlohmann/json.hpp>

#include "engine/base/json_text.h"
#include "engine/host/wire_fields.h"

namespace dossier::engine::wire {
namespace {

Json optional(const std::optional<std::uint64_t>& value) {
    return value ? Json(*value) : Json();
}

Json rows(const std::vector<MemoryRow>& list) {
    Json result = Json::array();
    for (const MemoryRow& row : list) {
        result.push_back({{"owner", row.owner}, {"where", row.where}, {"bytes", row.bytes}});
    }
    return result;
}

std::vector<MemoryRow> rows(const Json& j, const char* key) {
    std::vector<MemoryRow> list;
    for (const Json& item : j.value(key, Json::array())) {
        MemoryRow& row = list.emplace_back();
        get(item, "owner", row.owner);
        get(item, "where", row.where);
        get(item, "bytes", row.bytes);
    }
    return list;
}

std::string_view deviceName(Device device) {
    return device == Device::Cpu ? "cpu" : device == Device::Cuda ? "cuda" : "auto";
}

Device deviceFrom(const Json& j, const char* key) {
    const std::string name = j.value(key, std::string("auto"));
    if (name != "auto" && name != "cpu" && name != "cuda") {
        throw Error(ErrorCode::InvalidArgument, "Device \"" + name + "\" is unknown",
                    "Use auto, cpu or cuda");
    }
    return name == "cpu" ? Device::Cpu : name == "cuda" ? Device::Cuda : Device::Auto;
}

} // namespace

Json toJson(const ModelInfo& m) {
    return {{"path", m.path.string()},
            {"name", m.name},
            {"release", m.release},
            {"expertFormat", m.expertFormat},
            {"fingerprint", m.fingerprint},
            {"parameters", m.parameters},
            {"activeParameters", m.activeParameters},
            {"tensorBytes", m.tensorBytes},
            {"tensors", m.tensors},
            {"shards", m.shards},
            {"layers", m.layers},
            {"hiddenSize", m.hiddenSize},
            {"routedExperts", m.routedExperts},
            {"expertsPerToken", m.expertsPerToken},
            {"vocabulary", m.vocabulary},
            {"maxContext", m.maxContext},
            {"kvBytesPerToken", m.kvBytesPerToken},
            {"levels", m.levels},
            {"notes", m.notes}};
}

ModelInfo modelInfo(const Json& j) {
    ModelInfo m;
    m.path = j.value("path", std::string());
    get(j, "name", m.name);
    get(j, "release", m.release);
    get(j, "expertFormat", m.expertFormat);
    get(j, "fingerprint", m.fingerprint);
    get(j, "parameters", m.parameters);
    get(j, "activeParameters", m.activeParameters);
    get(j, "tensorBytes", m.tensorBytes);
    get(j, "tensors", m.tensors);
    get(j, "shards", m.shards);
    get(j, "layers", m.layers);
    get(j, "hiddenSize", m.hiddenSize);
    get(j, "routedExperts", m.routedExperts);
    get(j, "expertsPerToken", m.expertsPerToken);
    get(j, "vocabulary", m.vocabulary);
    get(j, "maxContext", m.maxContext);
    get(j, "kvBytesPerToken", m.kvBytesPerToken);
    get(j, "levels", m.levels);
    get(j, "notes", m.notes);
    return m;
}

Json toJson(const LoadOptions& o) {
    return {{"model", o.model.string()},
            {"device", deviceName(o.device)},
            {"threads", o.threads},
            {"contextTokens", o.contextTokens},
            {"vramBudget", optional(o.vramBudget)},
            {"ramBudget", optional(o.ramBudget)},
            {"vramLeaveFree", o.vramLeaveFree},
            {"ramLeaveFree", o.ramLeaveFree},
            {"reproducible", o.reproducible},
            {"fp8Experts", o.fp8Experts},
            {"kernels", o.kernels}};
}

LoadOptions loadOptions(const Json& j) {
    LoadOptions o;
    o.model = j.value("model", std::string());
    o.device = deviceFrom(j, "device");
    get(j, "threads", o.threads);
    get(j, "contextTokens", o.contextTokens);
    get(j, "vramBudget", o.vramBudget);
    get(j, "ramBudget", o.ramBudget);
    get(j, "vramLeaveFree", o.vramLeaveFree);
    get(j, "ramLeaveFree", o.ramLeaveFree);
    get(j, "reproducible", o.reproducible);
    get(j, "fp8Experts", o.fp8Experts);
    get(j, "kernels", o.kernels);
    return o;
}

Json toJson(const Forecast& f) {
    return {{"rows", rows(f.rows)},
            {"contextTokens", f.contextTokens},
            {"fits", f.fits},
            {"verdict", f.verdict},
            {"expertsInVram", f.expertsInVram},
            {"expertsInRam", f.expertsInRam},
            {"expertsOnDisk", f.expertsOnDisk}};
}

Forecast forecast(const Json& j) {
    Forecast f;
    f.rows = rows(j, "rows");
    get(j, "contextTokens", f.contextTokens);
    get(j, "fits", f.fits);
    get(j, "verdict", f.verdict);
    get(j, "expertsInVram", f.expertsInVram);
    get(j, "expertsInRam", f.expertsInRam);
    get(j, "expertsOnDisk", f.expertsOnDisk);
    return f;
}

Json toJson(const DeviceInfo& d) {
    return {{"device", deviceName(d.device)},
            {"name", d.name},
            {"whyNot", d.whyNot},
            {"numerics", d.numerics}};
}

DeviceInfo deviceInfo(const Json& j) {
    DeviceInfo d;
    d.device = deviceFrom(j, "device");
    get(j, "name", d.name);
    get(j, "whyNot", d.whyNot);
    get(j, "numerics", d.numerics);
    return d;
}

Json toJson(const BranchInfo& b) {
    return {{"branch", static_cast<std::uint64_t>(b.id)},
            {"position", b.position},
            {"replayed", b.replayed}};
}

BranchInfo branchInfo(const Json& j) {
    BranchInfo b;
    b.id = BranchId{j.value("branch", std::uint64_t{0})};
    get(j, "position", b.position);
    get(j, "replayed", b.replayed);
    return b;
}

Json toJson(const GenerateOptions& o) {
    Json j{{"maxTokens", o.maxTokens},
           {"temperature", o.temperature},
           {"topP", o.topP},
           {"minP", o.minP},
           {"topK", o.topK},
           {"seed", o.seed},
           {"stop", o.stop}};
    if (o.quotation) {
        Json ranges = Json::array();
        for (const QuotableRange& range : o.quotation->ranges) {
            ranges.push_back({{"label", range.label}, {"begin", range.begin}, {"end", range.end}});
        }
        j["quotation"] = {{"ranges", ranges},
                          {"labelOpen", o.quotation->labelOpen},
                          {"labelClose", o.quotation->labelClose},
                          {"quoteOpen", o.quotation->quoteOpen},
                          {"quoteClose", o.quotation->quoteClose},
                          {"maxTokens", o.quotation->maxTokens}};
    }
    return j;
}

GenerateOptions generateOptions(const Json& j) {
    GenerateOptions o;
    get(j, "maxTokens", o.maxTokens);
    get(j, "temperature", o.temperature);
    get(j, "topP", o.topP);
    get(j, "minP", o.minP);
    get(j, "topK", o.topK);
    get(j, "seed", o.seed);
    get(j, "stop", o.stop);
    if (const auto found = j.find("quotation"); found != j.end() && found->is_object()) {
        QuotationRule& rule = o.quotation.emplace();
        for (const Json& item : found->value("ranges", Json::array())) {
            QuotableRange& range = rule.ranges.emplace_back();
            get(item, "label", range.label);
            get(item, "begin", range.begin);
            get(item, "end", range.end);
        }
        get(*found, "labelOpen", rule.labelOpen);
        get(*found, "labelClose", rule.labelClose);
        get(*found, "quoteOpen", rule.quoteOpen);
        get(*found, "quoteClose", rule.quoteClose);
        get(*found, "maxTokens", rule.maxTokens);
    }
    return o;
}

Json toJson(const GenerateResult& r) {
    return {{"tokens", r.tokens},
            {"text", r.text},
            {"ended", r.ended},
            {"promptTokens", r.promptTokens},
            {"promptSeconds", r.promptSeconds},
            {"answerSeconds", r.answerSeconds}};
}

GenerateResult generateResult(const Json& j) {
    GenerateResult r;
    get(j, "tokens", r.tokens);
    get(j, "text", r.text);
    get(j, "ended", r.ended);
    get(j, "promptTokens", r.promptTokens);
    get(j, "promptSeconds", r.promptSeconds);
    get(j, "answerSeconds", r.answerSeconds);
    return r;
}

Json toJson(const TokenEvent& e) {
    return {{"token", e.token}, {"text", e.text}, {"logProb", e.logProb}, {"forced", e.forced}};
}

TokenEvent tokenEvent(const Json& j) {
    TokenEvent e;
    get(j, "token", e.token);
    get(j, "text", e.text);
    get(j, "logProb", e.logProb);
    get(j, "forced", e.forced);
    return e;
}

Json toJson(const Progress& p) {
    return {{"phase", p.phase}, {"done", p.done}, {"total", p.total}, {"perSecond", p.perSecond}};
}

Progress progress(const Json& j) {
    Progress p;
    get(j, "phase", p.phase);
    get(j, "done", p.done);
    get(j, "total", p.total);
    get(j, "perSecond", p.perSecond);
    return p;
}

Json toJson(const MemorySnapshot& m) {
    return {{"ledger", rows(m.ledger)},
            {"processResident", m.processResident},
            {"vramUsed", m.vramUsed},
            {"vramTotal", m.vramTotal}};
}

MemorySnapshot memorySnapshot(const Json& j) {
    MemorySnapshot m;
    m.ledger = rows(j, "ledger");
    get(j, "processResident", m.processResident);
    get(j, "vramUsed", m.vramUsed);
    get(j, "vramTotal", m.vramTotal);
    return m;
}

Json toJson(const Telemetry& t) {
    return {{"readTokensPerSecond", t.readTokensPerSecond},
            {"answerTokensPerSecond", t.answerTokensPerSecond},
            {"bytesPerTokenVram", t.bytesPerTokenVram},
            {"bytesPerTokenRam", t.bytesPerTokenRam},
            {"bytesPerTokenDisk", t.bytesPerTokenDisk},
            {"bytesPerTokenCpu", t.bytesPerTokenCpu},
            {"stepSeconds", t.stepSeconds},
            {"fetchSeconds", t.fetchSeconds},
            {"cpuSeconds", t.cpuSeconds},
            {"expertHitRate", t.expertHitRate},
            {"activity", t.activity}};
}

Telemetry telemetry(const Json& j) {
    Telemetry t;
    get(j, "readTokensPerSecond", t.readTokensPerSecond);
    get(j, "answerTokensPerSecond", t.answerTokensPerSecond);
    get(j, "bytesPerTokenVram", t.bytesPerTokenVram);
    get(j, "bytesPerTokenRam", t.bytesPerTokenRam);
    get(j, "bytesPerTokenDisk", t.bytesPerTokenDisk);
    get(j, "bytesPerTokenCpu", t.bytesPerTokenCpu);
    get(j, "stepSeconds", t.stepSeconds);
    get(j, "fetchSeconds", t.fetchSeconds);
    get(j, "cpuSeconds", t.cpuSeconds);
    get(j, "expertHitRate", t.expertHitRate);
    get(j, "activity", t.activity);
    return t;
}

Json toJson(const Error& e) {
    return {{"code", errorCodeName(e.code())}, {"failed", e.failed()}, {"remedy", e.remedy()}};
}

Error error(const Json& j) {
    return {errorCodeFromName(j.value("code", std::string())),
            j.value("failed", std::string("The engine refused a request")),
            j.value("remedy", std::string())};
}

std::string line(const Json& j) {
    return jsonText(j, -1, BadUtf8::Replace);
}

} // namespace dossier::engine::wire
