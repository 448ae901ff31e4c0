// SPDX-License-Identifier: Apache-2.0
#include "engine/host/commands.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <sstream>

#include <nlohmann/json.hpp>

#include "engine/base/json_text.h"
#include "engine/forecast/forecast_json.h"
#include "engine/host/wire.h"
#include "engine/scheduler/runtime.h"
#include "engine/scheduler/sampler.h"

namespace dossier::engine {

Arguments::Arguments(std::vector<std::string> words)
    : m_words(std::move(words)), m_used(m_words.size(), false) {
    if (!m_used.empty()) {
        m_used[0] = true;
    }
}

std::optional<std::string> Arguments::value(const std::string& name) const {
    for (std::size_t i = 1; i < m_words.size(); ++i) {
        if (m_words[i] != "--" + name) {
            continue;
        }
        if (i + 1 == m_words.size()) {
            throw Error(ErrorCode::InvalidArgument, "--" + name + " needs a value",
                        "See dossier-engine --help");
        }
        m_used[i] = m_used[i + 1] = true;
        return m_words[i + 1];
    }
    return std::nullopt;
}

std::string Arguments::required(const std::string& name) const {
    if (auto v = value(name)) {
        return *v;
    }
    throw Error(ErrorCode::InvalidArgument, "--" + name + " is missing",
                "See dossier-engine --help");
}

std::uint64_t Arguments::number(const std::string& name, std::uint64_t otherwise) const {
    const auto text = value(name);
    if (!text) {
        return otherwise;
    }
    if (text->empty() || text->find_first_not_of("0123456789") != std::string::npos ||
        text->size() > 19) {
        throw Error(ErrorCode::InvalidArgument,
                    "--" + name + " needs a whole number, not \"" + *text + "\"",
                    "See dossier-engine --help");
    }
    return std::stoull(*text);
}

bool Arguments::flag(const std::string& name) const {
    for (std::size_t i = 1; i < m_words.size(); ++i) {
        if (m_words[i] == "--" + name) {
            m_used[i] = true;
            return true;
        }
    }
    return false;
}

void Arguments::finish() const {
    for (std::size_t i = 0; i < m_words.size(); ++i) {
        if (!m_used[i]) {
            throw Error(ErrorCode::InvalidArgument, "\"" + m_words[i] + "\" is not understood",
                        "See dossier-engine --help");
        }
    }
}

std::string describeDevice(const DeviceInfo& device) {
    return device.whyNot.empty() ? device.name : device.name + "; no GPU: " + device.whyNot;
}

Device deviceOption(const Arguments& arguments) {
    const std::string name = arguments.value("device").value_or("auto");
    if (name == "cpu" || name == "cuda" || name == "auto") {
        return name == "cpu" ? Device::Cpu : name == "cuda" ? Device::Cuda : Device::Auto;
    }
    throw Error(ErrorCode::InvalidArgument, "--device is auto, cpu or cuda, not \"" + name + "\"",
                "See dossier-engine --help");
}

namespace {

std::vector<Token> readTokens(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        throw systemError("open " + path, errno);
    }
    const nlohmann::json ids = parseJsonOrDiscard(file);
    if (!ids.is_array() || !std::all_of(ids.begin(), ids.end(),
                                        [](const auto& id) { return id.is_number_integer(); })) {
        throw Error(ErrorCode::Corrupt, path + " is not a JSON array of token ids",
                    "Write it like [0, 17, 4711]");
    }
    return ids.get<std::vector<Token>>();
}

void printPosition(std::uint64_t position, std::span<const float> logits, std::size_t top) {
    std::vector<std::int32_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    top = std::min(top, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(top), order.end(),
                      [&](std::int32_t a, std::int32_t b) {
                          const float x = logits[static_cast<std::size_t>(a)];
                          const float y = logits[static_cast<std::size_t>(b)];
                          return x != y ? x > y : a < b;
                      });
    order.resize(top);
    std::vector<float> values;
    for (const std::int32_t id : order) {
        values.push_back(logits[static_cast<std::size_t>(id)]);
    }
    std::printf("%s\n", wire::line({{"position", position},
                                    {"ids", order},
                                    {"logits", values},
                                    {"logsumexp", logSumExp(logits)}})
                            .c_str());
}

} // namespace

int evalCommand(const Arguments& arguments) {
    LoadOptions options;
    options.model = arguments.required("model");
    options.device = deviceOption(arguments);
    options.kernels = arguments.value("kernels").value_or("");
    options.fp8Experts = arguments.flag("fp8");
    options.threads = static_cast<std::uint32_t>(arguments.number("threads", 0));
    const std::vector<Token> tokens = readTokens(arguments.required("tokens"));
    const std::size_t top = arguments.number("top", 8);
    const std::size_t chunk = std::max<std::uint64_t>(arguments.number("chunk", 256), 1);
    const auto out = arguments.value("out");
    arguments.finish();

    MemoryLedger ledger;
    const auto model = loadModel(options, ledger, {});
    for (const Token token : tokens) {
        if (token < 0 || static_cast<std::uint32_t>(token) >= model->config().vocabSize) {
            throw Error(ErrorCode::InvalidArgument,
                        "Token id " + std::to_string(token) + " is outside the vocabulary of " +
                            std::to_string(model->config().vocabSize),
                        "Use ids of this model");
        }
    }
    std::ofstream file;
    if (out) {
        file.open(*out, std::ios::binary | std::ios::trunc);
        if (!file) {
            throw systemError("write " + *out, errno);
        }
    }
    Sequence sequence(*model->ops, model->config(), model->contextTokens);
    const std::size_t vocabulary = model->config().vocabSize;
    for (std::size_t t = 0; t < tokens.size(); t += chunk) {
        const auto part = std::span(tokens).subspan(t, std::min(chunk, tokens.size() - t));
        const Forward::Piece piece{&sequence, part};
        std::vector<std::uint32_t> rows(part.size());
        std::iota(rows.begin(), rows.end(), 0u);
        const std::vector<float> logits = model->forward->run({&piece, 1}, rows);
        for (std::size_t i = 0; i < part.size(); ++i) {
            printPosition(t + i, std::span(logits).subspan(i * vocabulary, vocabulary), top);
        }
        if (out) { // little-endian like every machine this runs on
            file.write(reinterpret_cast<const char*>(logits.data()),
                       static_cast<std::streamsize>(logits.size() * sizeof(float)));
        }
    }
    if (out && !file.flush()) {
        throw systemError("write " + *out, errno);
    }
    return 0;
}

int inspectCommand(const Arguments& arguments) {
    const std::string path = arguments.required("model");
    const Verify verify = arguments.flag("verify") ? Verify::Contents : Verify::Directory;
    arguments.finish();
    const ModelInfo info = inspectModel(path, verify, [](const Progress& progress) {
        std::fprintf(stderr, "\r%s %3.0f %%", progress.phase.c_str(),
                     100.0 * static_cast<double>(progress.done) /
                         static_cast<double>(std::max<std::uint64_t>(progress.total, 1)));
    });
    if (verify == Verify::Contents) {
        std::fputc('\n', stderr);
    }
    std::printf("%s\n", jsonText(wire::toJson(info), 2).c_str());
    return 0;
}

int forecastCommand(const Arguments& arguments) {
    const std::string path = arguments.required("config");
    const std::uint64_t context = arguments.number("context", 0);
    std::optional<std::uint64_t> vram, ram;
    if (arguments.value("vram")) {
        vram = arguments.number("vram", 0);
    }
    if (arguments.value("ram")) {
        ram = arguments.number("ram", 0);
    }
    arguments.flag("json"); // the only form there is
    arguments.finish();
    std::ifstream file(path);
    if (!file) {
        throw systemError("open " + path, errno);
    }
    std::stringstream text;
    text << file.rdbuf();
    const ModelConfig config = parseModelConfig(text.str(), path);
    std::printf("%s\n",
                forecastJson(config, context ? context : config.maxPositions, vram, ram).c_str());
    return 0;
}

} // namespace dossier::engine
