// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/environment.h"

#include <QCoreApplication>
#include <QProcess>
#include <cstdlib>

#include "app/asking/profile.h"
#include "app/engine_core.h"
#include "engine/client/child_engine.h"

namespace dossier::app {
namespace {

std::filesystem::path beside(const char* name, const char* variable) {
    if (const char* chosen = std::getenv(variable); chosen && *chosen) {
        return chosen;
    }
    return std::filesystem::path(QCoreApplication::applicationDirPath().toStdString()) / name;
}

} // namespace

std::filesystem::path engineProgram() {
    return beside("dossier-engine", "DOSSIER_ENGINE");
}
std::filesystem::path readerProgram() {
    return beside("dossier-reader", "DOSSIER_READER");
}
std::filesystem::path embeddedModel() {
    return resourcesFolder() / "model";
}

EngineHost::EngineFactory engineFactory() {
    return [program = engineProgram()] { return engine::makeChildEngine(program); };
}

void startDetached(const QStringList& words) {
    QProcess process;
    process.setProgram(QCoreApplication::applicationFilePath());
    process.setArguments(words);
    process.setStandardInputFile(QProcess::nullDevice());
    process.setStandardOutputFile(QProcess::nullDevice());
    process.setStandardErrorFile(QProcess::nullDevice());
    if (!process.startDetached()) {
        throw Error(ErrorCode::Io, "Could not start " + process.program().toStdString(),
                    "Install Dossier again");
    }
}

std::function<void(const std::filesystem::path&, const std::string&)>
readerStarter(EngineHost& host) {
    return [core = host.core()](const std::filesystem::path& dossier, const std::string& level) {
        const auto options = core->options();
        if (!options) {
            throw Error(ErrorCode::NotFound, "No model is loaded",
                        "Choose a model folder on the model page");
        }
        QStringList words{"read", "--dossier", QString::fromStdString(dossier.string()), "--model",
                          QString::fromStdString(options->model.string())};
        if (!level.empty()) {
            words << "--depth" << QString::fromStdString(level);
        }
        if (options->contextTokens != 0) {
            words << "--context" << QString::number(options->contextTokens);
        }
        if (options->device != engine::Device::Auto) {
            words << "--device" << (options->device == engine::Device::Cpu ? "cpu" : "cuda");
        }
        if (core->status().device.device == engine::Device::Cuda) {
            core->release();
        }
        startDetached(words);
    };
}

std::string programName() {
    return "Dossier " DOSSIER_VERSION;
}

} // namespace dossier::app
