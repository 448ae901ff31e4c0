// SPDX-License-Identifier: Apache-2.0
#include "engine/client/child_engine.h"

#include <array>
#include <cerrno>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "engine/base/json_text.h"
#include "engine/client/child_process.h"
#include "engine/host/wire.h"

namespace dossier::engine {
namespace {

using wire::Json;

class ChildEngine final : public Engine {
  public:
    explicit ChildEngine(const std::filesystem::path& program)
        : m_process(program, {"serve"}), m_reader([this] { readAll(); }) {}

    ~ChildEngine() override {
        m_process.closeInput(); // the engine ends, then the reader sees the end of its output
        m_reader.join();
    }

    int pid() const { return m_process.pid(); }

    ModelInfo inspect(const std::filesystem::path& model, Verify verify, ProgressFn progress,
                      std::stop_token stop) override {
        return wire::modelInfo(
            call("inspect", {{"model", model.string()}, {"verify", verify == Verify::Contents}},
                 {std::move(progress), {}}, stop));
    }
    Forecast forecast(const LoadOptions& options) override {
        return wire::forecast(call("forecast", wire::toJson(options)));
    }
    ModelInfo load(const LoadOptions& options, ProgressFn progress, std::stop_token stop) override {
        return wire::modelInfo(
            call("load", wire::toJson(options), {std::move(progress), {}}, stop));
    }
    void unload() override { call("unload"); }
    std::optional<ModelInfo> model() override {
        const Json result = call("model");
        return result.is_null() ? std::nullopt : std::optional(wire::modelInfo(result));
    }
    DeviceInfo device() override { return wire::deviceInfo(call("device")); }

    LaneInfo openLane(const LaneOptions& options, ProgressFn progress,
                      std::stop_token stop) override {
        return wire::laneInfo(
            call("openLane", wire::toJson(options), {std::move(progress), {}}, stop));
    }
    LaneInfo append(LaneId id, std::span<const Token> tokens, ProgressFn progress,
                    std::stop_token stop, std::span<const LaneMark> marks) override {
        Json params{{"lane", number(id)}, {"tokens", tokens}};
        params["marks"] = wire::toJson(std::vector(marks.begin(), marks.end()));
        return wire::laneInfo(call("append", std::move(params), {std::move(progress), {}}, stop));
    }
    void pauseReading(LaneId id, bool paused) override {
        call("pauseReading", {{"lane", number(id)}, {"paused", paused}});
    }
    LaneContents laneContents(LaneId id) override {
        return wire::laneContents(call("laneContents", {{"lane", number(id)}}));
    }
    LaneFileInfo inspectLane(const std::filesystem::path& file, Verify verify, ProgressFn progress,
                             std::stop_token stop) override {
        return wire::laneFileInfo(
            call("inspectLane", {{"file", file.string()}, {"verify", verify == Verify::Contents}},
                 {std::move(progress), {}}, stop));
    }
    LaneFileInfo copyLane(const std::filesystem::path& from, const std::filesystem::path& to,
                          std::uint64_t tokens, ProgressFn progress,
                          std::stop_token stop) override {
        return wire::laneFileInfo(
            call("copyLane", {{"from", from.string()}, {"to", to.string()}, {"tokens", tokens}},
                 {std::move(progress), {}}, stop));
    }
    LaneInfo lane(LaneId id) override {
        return wire::laneInfo(call("lane", {{"lane", number(id)}}));
    }
    void closeLane(LaneId id) override { call("closeLane", {{"lane", number(id)}}); }

    BranchInfo branch(LaneId id, std::optional<std::uint64_t> position, ProgressFn progress,
                      std::stop_token stop) override {
        Json params{{"lane", number(id)}};
        if (position) {
            params["position"] = *position;
        }
        return wire::branchInfo(call("branch", std::move(params), {std::move(progress), {}}, stop));
    }
    BranchInfo fork(BranchId id) override {
        return wire::branchInfo(call("fork", {{"branch", number(id)}}));
    }
    BranchInfo extend(BranchId id, std::span<const Token> tokens, ProgressFn progress,
                      std::stop_token stop) override {
        return wire::branchInfo(call("extend", {{"branch", number(id)}, {"tokens", tokens}},
                                     {std::move(progress), {}}, stop));
    }
    void closeBranch(BranchId id) override { call("closeBranch", {{"branch", number(id)}}); }

    GenerateResult generate(BranchId id, const GenerateOptions& options, TokenFn onToken,
                            std::stop_token stop) override {
        return wire::generateResult(
            call("generate", {{"branch", number(id)}, {"options", wire::toJson(options)}},
                 {{}, std::move(onToken)}, stop));
    }
    std::vector<std::vector<float>> score(BranchId id,
                                          const std::vector<std::vector<Token>>& continuations,
                                          std::stop_token stop) override {
        return call("score", {{"branch", number(id)}, {"continuations", continuations}}, {}, stop)
            .get<std::vector<std::vector<float>>>();
    }

    MemorySnapshot memory() override { return wire::memorySnapshot(call("memory")); }
    Telemetry telemetry() override { return wire::telemetry(call("telemetry")); }

  private:
    struct Listener {
        ProgressFn progress;
        TokenFn token;
    };
    struct Pending {
        std::promise<Json> result;
        Listener listener;
    };

    template<class Id>
    static std::uint64_t number(Id id) {
        return static_cast<std::uint64_t>(id);
    }

    Json call(const char* method, Json params = Json::object(), Listener listener = {},
              std::stop_token stop = {});
    void readAll();
    void receive(const std::string& line);
    void failAll();
    Error death();

    ChildProcess m_process;
    std::mutex m_mutex; ///< guards what follows
    std::map<std::uint64_t, std::shared_ptr<Pending>> m_pending;
    std::uint64_t m_nextId = 1;
    bool m_dead = false;
    std::jthread m_reader; ///< last
};

Json ChildEngine::call(const char* method, Json params, Listener listener, std::stop_token stop) {
    auto pending = std::make_shared<Pending>();
    pending->listener = std::move(listener);
    std::uint64_t id = 0;
    {
        const std::lock_guard lock(m_mutex);
        if (!m_dead) {
            id = m_nextId++;
            m_pending[id] = pending;
        }
    }
    if (id == 0) {
        throw death();
    }
    std::future<Json> result = pending->result.get_future();
    try {
        m_process.write(wire::line({{"jsonrpc", "2.0"},
                                    {"id", id},
                                    {"method", method},
                                    {"params", std::move(params)}}) +
                        "\n");
    } catch (const Error&) {
        const std::lock_guard lock(m_mutex);
        m_pending.erase(id);
        throw;
    }
    const std::stop_callback cancel(stop, [&] {
        try {
            m_process.write(
                wire::line({{"jsonrpc", "2.0"}, {"method", "cancel"}, {"params", {{"id", id}}}}) +
                "\n");
        } catch (const Error&) { // the reader tells the death
        }
    });
    return result.get();
}

void ChildEngine::readAll() {
    std::string pending;
    std::vector<char> buffer(1 << 16);
    for (;;) {
        const ssize_t n = read(m_process.output(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        pending.append(buffer.data(), static_cast<std::size_t>(n));
        std::size_t begin = 0;
        for (std::size_t end; (end = pending.find('\n', begin)) != std::string::npos;
             begin = end + 1) {
            receive(pending.substr(begin, end - begin));
        }
        pending.erase(0, begin);
    }
    failAll();
}

void ChildEngine::receive(const std::string& line) {
    const Json message = parseJsonOrDiscard(line);
    if (!message.is_object()) {
        return; // a library printed to the standard output
    }
    const bool notification = message.contains("method");
    const Json params = message.value("params", Json::object());
    const Json idValue = notification ? params.value("id", Json()) : message.value("id", Json());
    if (!idValue.is_number_unsigned()) {
        return;
    }
    std::shared_ptr<Pending> pending;
    {
        const std::lock_guard lock(m_mutex);
        const auto found = m_pending.find(idValue.get<std::uint64_t>());
        if (found == m_pending.end()) {
            return;
        }
        pending = found->second;
        if (!notification) {
            m_pending.erase(found);
        }
    }
    if (notification) {
        const std::string method = message.value("method", std::string());
        if (method == "progress" && pending->listener.progress) {
            pending->listener.progress(wire::progress(params));
        } else if (method == "token" && pending->listener.token) {
            pending->listener.token(wire::tokenEvent(params));
        }
        return;
    }
    if (message.contains("error")) {
        const Json& error = message["error"];
        pending->result.set_exception(std::make_exception_ptr(
            error.contains("data")
                ? wire::error(error["data"])
                : Error(ErrorCode::Internal,
                        "The engine refused a request: " + error.value("message", std::string()))));
        return;
    }
    pending->result.set_value(message.value("result", Json()));
}

void ChildEngine::failAll() {
    std::map<std::uint64_t, std::shared_ptr<Pending>> pending;
    {
        const std::lock_guard lock(m_mutex);
        m_dead = true;
        pending.swap(m_pending);
    }
    if (!pending.empty()) {
        const auto error = std::make_exception_ptr(death());
        for (auto& [id, call] : pending) {
            call->result.set_exception(error);
        }
    }
}

Error ChildEngine::death() {
    std::string failed = "The engine process " + m_process.ending();
    std::string last = m_process.lastErrors();
    while (!last.empty() && last.back() == '\n') {
        last.pop_back();
    }
    if (!last.empty()) {
        failed += "; it said: " + last.substr(last.rfind('\n') + 1);
    }
    return {ErrorCode::ProcessDied, failed,
            "Ask again: the engine is started again and nothing that was saved is lost"};
}

} // namespace

std::unique_ptr<Engine> makeChildEngine(const std::filesystem::path& program) {
    return std::make_unique<ChildEngine>(program);
}

int childProcessId(const Engine& engine) {
    const auto* child = dynamic_cast<const ChildEngine*>(&engine);
    return child ? child->pid() : 0;
}

} // namespace dossier::engine
