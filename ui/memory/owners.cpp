// SPDX-License-Identifier: GPL-3.0-or-later
// Owners of memory.
#include "ui/memory/owners.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QLocale>

namespace dossier::ui {
namespace {

QString words(const char* text) {
    return QCoreApplication::translate("Memory", text);
}

bool inRam(const std::string& where) {
    return where == "ram" || where == "pinned" || where == "mapped";
}

} // namespace

Owner ownerOf(const std::string& name) {
    const auto has = [&name](const char* part) { return name.find(part) != std::string::npos; };
    if (has("expert")) {
        return Owner::Experts;
    } else if (has("lane") || has("row") || has("kv")) {
        return Owner::LaneRows;
    } else if (has("frontier") || has("scratch") || has("pinned") || has("staging") ||
               has("buffer")) {
        return Owner::Scratch;
    } else if (has("dense") || has("weight") || has("model")) {
        return Owner::Dense;
    } else if (has("document") || has("text") || has("index") || has("search") ||
               has("tokenizer")) {
        return Owner::Text;
    }
    return has("window") ? Owner::Window : Owner::Scratch;
}

QString ownerTitle(Owner owner, bool ram) {
    switch (owner) {
    case Owner::Dense:
        return words("Dense weights");
    case Owner::LaneRows:
        return words("Lane rows");
    case Owner::Scratch:
        return ram ? words("Frontiers, buffers") : words("Frontiers and scratch");
    case Owner::Experts:
        return ram ? words("Experts") : words("Expert cache");
    case Owner::Text:
        return words("Text and search index");
    case Owner::Window:
        return words("This window");
    case Owner::Other:
        break;
    }
    return words("Other programs");
}

ColorRole ownerColor(Owner owner) {
    switch (owner) {
    case Owner::Dense:
        return &Tokens::cDense;
    case Owner::LaneRows:
        return &Tokens::cKv;
    case Owner::Scratch:
        return &Tokens::cScr;
    case Owner::Experts:
        return &Tokens::cExp;
    case Owner::Text:
        return &Tokens::cText;
    case Owner::Window:
        return &Tokens::cUi;
    case Owner::Other:
        break;
    }
    return &Tokens::cOth;
}

const std::vector<Owner>& stackOrder(bool ram) {
    static const std::vector<Owner> gpuOrder = {Owner::Dense,   Owner::LaneRows, Owner::Scratch,
                                                Owner::Experts, Owner::Text,     Owner::Window,
                                                Owner::Other};
    static const std::vector<Owner> ramOrder = {Owner::Dense,   Owner::Experts, Owner::LaneRows,
                                                Owner::Scratch, Owner::Text,    Owner::Window,
                                                Owner::Other};
    return ram ? ramOrder : gpuOrder;
}

OwnerSums ramSums(const app::MemorySample& sample) {
    OwnerSums sums;
    sums.timeMs = sample.timeMs;
    sums.total = sample.ramTotal;
    std::uint64_t mapped = 0, own = 0;
    const auto add = [&](const engine::MemoryRow& row) {
        if (inRam(row.where)) {
            sums.bytes[static_cast<int>(ownerOf(row.owner))] += row.bytes;
            own += row.bytes;
            mapped += row.where == "mapped" ? row.bytes : 0;
        }
    };
    for (const engine::MemoryRow& row : sample.engine.ledger) {
        add(row);
    }
    std::uint64_t named = 0;
    for (const engine::MemoryRow& row : sample.application) {
        add(row);
        named += inRam(row.where) ? row.bytes : 0;
    }
    // What this process holds beyond its named parts is the window itself.
    if (sample.applicationResident > named) {
        sums.bytes[static_cast<int>(Owner::Window)] += sample.applicationResident - named;
        own += sample.applicationResident - named;
    }
    // Mapped files count as available for the kernel, though the model needs them.
    const std::uint64_t free = sample.ramAvailable;
    const std::uint64_t used = sample.ramTotal > free ? sample.ramTotal - free + mapped : own;
    sums.bytes[static_cast<int>(Owner::Other)] = used > own ? used - own : 0;
    return sums;
}

OwnerSums vramSums(const app::MemorySample& sample) {
    OwnerSums sums;
    sums.timeMs = sample.timeMs;
    sums.total = sample.engine.vramTotal;
    std::uint64_t own = 0;
    for (const engine::MemoryRow& row : sample.engine.ledger) {
        if (row.where == "vram") {
            sums.bytes[static_cast<int>(ownerOf(row.owner))] += row.bytes;
            own += row.bytes;
        }
    }
    sums.bytes[static_cast<int>(Owner::Other)] =
        sample.engine.vramUsed > own ? sample.engine.vramUsed - own : 0;
    return sums;
}

namespace {

std::uint64_t rowBytes(const std::vector<engine::MemoryRow>& rows, bool ram) {
    std::uint64_t sum = 0;
    for (const engine::MemoryRow& row : rows) {
        if (ram ? inRam(row.where) : row.where == "vram") {
            sum += row.bytes;
        }
    }
    return sum;
}

} // namespace

std::uint64_t ledgerBytes(const engine::MemorySnapshot& snapshot, bool ram) {
    return rowBytes(snapshot.ledger, ram);
}

std::uint64_t forecastBytes(const engine::Forecast& forecast, bool ram) {
    return rowBytes(forecast.rows, ram);
}

QString memoryAsText(const app::MemorySample& sample, const app::EngineStatus& status) {
    QStringList lines;
    const auto mib = [](std::uint64_t bytes) {
        return QLocale::c().toString(static_cast<double>(bytes) / 1048576.0, 'f', 1) +
               QStringLiteral(" MiB");
    };
    lines << QDateTime::fromMSecsSinceEpoch(sample.timeMs).toString(Qt::ISODate);
    if (status.model) {
        lines << QStringLiteral("model\t%1\t%2")
                     .arg(QString::fromStdString(status.model->name),
                          QString::fromStdString(status.model->fingerprint).left(16));
    }
    lines << QStringLiteral("device\t%1").arg(QString::fromStdString(status.device.name));
    for (const auto* rows : {&sample.engine.ledger, &sample.application}) {
        for (const engine::MemoryRow& row : *rows) {
            lines << QStringLiteral("%1\t%2\t%3")
                         .arg(QString::fromStdString(row.owner), QString::fromStdString(row.where),
                              mib(row.bytes));
        }
    }
    lines << QStringLiteral("engine process, kernel\tram\t%1")
                 .arg(mib(sample.engine.processResident));
    lines << QStringLiteral("this process, kernel\tram\t%1").arg(mib(sample.applicationResident));
    lines << QStringLiteral("computer\tram\t%1 of %2 available")
                 .arg(mib(sample.ramAvailable), mib(sample.ramTotal));
    if (sample.engine.vramTotal > 0) {
        lines << QStringLiteral("driver\tvram\t%1 of %2")
                     .arg(mib(sample.engine.vramUsed), mib(sample.engine.vramTotal));
    }
    lines << QStringLiteral("speed\treading %1 tok/s\tanswering %2 tok/s")
                 .arg(sample.telemetry.readTokensPerSecond, 0, 'f', 1)
                 .arg(sample.telemetry.answerTokensPerSecond, 0, 'f', 1);
    return lines.join(QLatin1Char('\n')) + QLatin1Char('\n');
}

} // namespace dossier::ui
