// SPDX-License-Identifier: Apache-2.0
#include "engine/host/server.h"

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "engine/base/json_text.h"
#include "engine/host/wire.h"

namespace dossier::engine {
namespace {

using wire::Json;

constexpr std::size_t kMaxLine = std::size_t{512} << 20;
/// What is computed looks at its cancellation several times a second.
constexpr std::chrono::milliseconds kPatience{800};

/// JSON-RPC's own codes; -32000 is the engine's.
enum RpcCode { kParseError = -32700, kNoMethod = -32601, kBadParams = -32602, kEngine = -32000 };

class Server {
  public:
    Server(Engine& engine, int output) : m_engine(engine), m_output(output) {}

    /// Cancels what runs; false when some of it still runs after `patience`.
    bool cancelAll(std::chrono::milliseconds patience) {
        std::unique_lock lock(m_mutex);
        for (auto& [id, request] : m_running) {
            request.stop.request_stop();
        }
        return m_ended.wait_for(lock, patience, [this] { return m_running.empty(); });
    }

    void handle(const std::string& line) {
        const Json message = parseJsonOrDiscard(line);
        const auto isObject = [](const Json& j, const char* key) {
            return !j.contains(key) || j[key].is_object();
        };
        if (!message.is_object() || !message.contains("method") || !message["method"].is_string() ||
            !isObject(message, "params")) {
            fail(Json(), kParseError, "Not a JSON-RPC request");
            return;
        }
        const std::string method = message.value("method", std::string());
        Json params = message.value("params", Json::object());
        if (method == "cancel") {
            const std::lock_guard lock(m_mutex);
            const Json id = params.value("id", Json());
            const auto found =
                id.is_number_unsigned() ? m_running.find(id.get<std::uint64_t>()) : m_running.end();
            if (found != m_running.end()) {
                found->second.stop.request_stop();
            }
            return;
        }
        if (!message.contains("id") || !message["id"].is_number_unsigned()) {
            fail(Json(), kBadParams, "A request needs a positive whole number as id");
            return;
        }
        start(message["id"].get<std::uint64_t>(), method, std::move(params));
    }

  private:
    struct Request {
        std::stop_source stop;
    };

    void start(std::uint64_t id, const std::string& method, Json params) {
        std::stop_token stop;
        {
            const std::lock_guard lock(m_mutex);
            const auto [request, isNew] = m_running.try_emplace(id);
            if (!isNew) {
                fail(id, kBadParams, "That id is in use");
                return;
            }
            stop = request->second.stop.get_token();
            reap();
            m_workers.emplace_back([this, id, method, params = std::move(params), stop] {
                run(id, method, params, stop);
                const std::lock_guard inner(m_mutex);
                m_running.erase(id);
                m_finished.push_back(std::this_thread::get_id());
                m_ended.notify_all();
            });
        }
    }

    /// Joins threads that have ended; called with the mutex held.
    void reap() {
        for (const std::thread::id id : m_finished) {
            std::erase_if(m_workers, [id](const std::jthread& t) { return t.get_id() == id; });
        }
        m_finished.clear();
    }

    void run(std::uint64_t id, const std::string& method, const Json& params,
             std::stop_token stop) {
        try {
            send({{"jsonrpc", "2.0"}, {"id", id}, {"result", call(id, method, params, stop)}});
        } catch (const Error& error) {
            fail(id, kEngine, error.what(), wire::toJson(error));
        } catch (const Json::exception& error) {
            fail(id, kBadParams, error.what());
        } catch (const std::exception& error) {
            fail(id, kEngine, error.what(), wire::toJson(Error(ErrorCode::Internal, error.what())));
        }
    }

    Json call(std::uint64_t id, const std::string& method, const Json& p, std::stop_token stop);

    ProgressFn progressTo(std::uint64_t id) {
        return [this, id](const Progress& progress) {
            Json params = wire::toJson(progress);
            params["id"] = id;
            send({{"jsonrpc", "2.0"}, {"method", "progress"}, {"params", std::move(params)}});
        };
    }

    void fail(Json id, int code, const std::string& message, Json data = Json()) {
        Json error{{"code", code}, {"message", message}};
        if (!data.is_null()) {
            error["data"] = std::move(data);
        }
        send({{"jsonrpc", "2.0"}, {"id", std::move(id)}, {"error", std::move(error)}});
    }

    void send(const Json& message) {
        const std::string line = wire::line(message) + "\n";
        const std::lock_guard lock(m_outputMutex);
        std::size_t done = 0;
        while (done < line.size()) {
            const ssize_t n = write(m_output, line.data() + done, line.size() - done);
            if (n < 0 && errno == EINTR) {
                continue;
            }
            if (n <= 0) {
                return; // the client is gone; the end of the input will tell the main loop
            }
            done += static_cast<std::size_t>(n);
        }
    }

    Engine& m_engine;
    int m_output;
    std::mutex m_outputMutex;
    std::mutex m_mutex; ///< guards what follows
    std::condition_variable m_ended;
    std::map<std::uint64_t, Request> m_running;
    std::vector<std::thread::id> m_finished;
    std::vector<std::jthread> m_workers; ///< last: joins before the rest goes
};

LaneId laneOf(const Json& p) {
    return LaneId{p.at("lane").get<std::uint64_t>()};
}
BranchId branchOf(const Json& p) {
    return BranchId{p.at("branch").get<std::uint64_t>()};
}

Json Server::call(std::uint64_t id, const std::string& method, const Json& p,
                  std::stop_token stop) {
    if (method == "inspect") {
        return wire::toJson(m_engine.inspect(
            p.at("model").get<std::string>(),
            p.value("verify", false) ? Verify::Contents : Verify::Directory, progressTo(id), stop));
    }
    if (method == "forecast") {
        return wire::toJson(m_engine.forecast(wire::loadOptions(p)));
    }
    if (method == "load") {
        return wire::toJson(m_engine.load(wire::loadOptions(p), progressTo(id), stop));
    }
    if (method == "unload") {
        m_engine.unload();
        return Json::object();
    }
    if (method == "model") {
        const auto model = m_engine.model();
        return model ? wire::toJson(*model) : Json();
    }
    if (method == "device") {
        return wire::toJson(m_engine.device());
    }
    if (method == "openLane") {
        return wire::toJson(m_engine.openLane(wire::laneOptions(p), progressTo(id), stop));
    }
    if (method == "append") {
        const auto tokens = p.at("tokens").get<std::vector<Token>>();
        const auto marks = wire::laneMarks(p.value("marks", Json::array()));
        return wire::toJson(m_engine.append(laneOf(p), tokens, progressTo(id), stop, marks));
    }
    if (method == "pauseReading") {
        m_engine.pauseReading(laneOf(p), p.at("paused").get<bool>());
        return Json::object();
    }
    if (method == "lane") {
        return wire::toJson(m_engine.lane(laneOf(p)));
    }
    if (method == "laneContents") {
        return wire::toJson(m_engine.laneContents(laneOf(p)));
    }
    if (method == "inspectLane") {
        return wire::toJson(m_engine.inspectLane(
            p.at("file").get<std::string>(),
            p.value("verify", false) ? Verify::Contents : Verify::Directory, progressTo(id), stop));
    }
    if (method == "copyLane") {
        return wire::toJson(m_engine.copyLane(p.at("from").get<std::string>(),
                                              p.at("to").get<std::string>(),
                                              p.value("tokens", UINT64_MAX), progressTo(id), stop));
    }
    if (method == "closeLane") {
        m_engine.closeLane(laneOf(p));
        return Json::object();
    }
    if (method == "branch") {
        std::optional<std::uint64_t> position;
        if (p.contains("position")) {
            position = p["position"].get<std::uint64_t>();
        }
        return wire::toJson(m_engine.branch(laneOf(p), position, progressTo(id), stop));
    }
    if (method == "fork") {
        return wire::toJson(m_engine.fork(branchOf(p)));
    }
    if (method == "extend") {
        const auto tokens = p.at("tokens").get<std::vector<Token>>();
        return wire::toJson(m_engine.extend(branchOf(p), tokens, progressTo(id), stop));
    }
    if (method == "closeBranch") {
        m_engine.closeBranch(branchOf(p));
        return Json::object();
    }
    if (method == "generate") {
        return wire::toJson(m_engine.generate(
            branchOf(p), wire::generateOptions(p.value("options", Json::object())),
            [this, id](const TokenEvent& event) {
                Json params = wire::toJson(event);
                params["id"] = id;
                send({{"jsonrpc", "2.0"}, {"method", "token"}, {"params", std::move(params)}});
            },
            stop));
    }
    if (method == "score") {
        return m_engine.score(branchOf(p),
                              p.at("continuations").get<std::vector<std::vector<Token>>>(), stop);
    }
    if (method == "memory") {
        return wire::toJson(m_engine.memory());
    }
    if (method == "telemetry") {
        return wire::toJson(m_engine.telemetry());
    }
    throw Error(ErrorCode::Unsupported, "The engine has no method \"" + method + "\"",
                "Use an application and an engine of the same version");
}

/// Until `input` ends, or sends too long a line.
void handleLines(Server& server, int input) {
    std::string pending;
    std::vector<char> buffer(1 << 16);
    for (;;) {
        const ssize_t n = read(input, buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return;
        }
        pending.append(buffer.data(), static_cast<std::size_t>(n));
        std::size_t begin = 0;
        for (std::size_t end; (end = pending.find('\n', begin)) != std::string::npos;
             begin = end + 1) {
            if (end > begin) {
                server.handle(pending.substr(begin, end - begin));
            }
        }
        pending.erase(0, begin);
        if (pending.size() > kMaxLine) {
            return;
        }
    }
}

} // namespace

void serve(Engine& engine, int input, int output) {
    Server server(engine, output);
    handleLines(server, input);
    if (!server.cancelAll(kPatience)) {
        // Nobody waits for it any more, and what is on the disk holds at any moment.
        _exit(0);
    }
}

} // namespace dossier::engine
