// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler/tier_telemetry.h"

#include <algorithm>

#include "engine/forecast/costs.h"

namespace dossier::engine {

std::optional<TierUse> tierUse(const ModelConfig& config,
                               const std::optional<ExpertTelemetry>& before,
                               const ExpertTelemetry& now) {
    const std::uint64_t weights = weightBytesPerToken(config).total();
    if (now.layers.empty()) {
        TierUse use;
        use.vramBytes = weights;
        return use;
    }
    TierUse use;
    std::uint64_t choices = 0, ram = 0, disk = 0, cpu = 0, steps = 0;
    double cpuSeconds = now.cpu.seconds;
    for (std::size_t i = 0; i < now.layers.size(); ++i) {
        ExpertTelemetry::Layer layer = now.layers[i];
        if (before && before->layers.size() == now.layers.size() &&
            before->layers[i].batches <= layer.batches) {
            const ExpertTelemetry::Layer& old = before->layers[i];
            layer.choices -= old.choices;
            layer.hits -= old.hits;
            layer.fromRam -= old.fromRam;
            layer.fromDisk -= old.fromDisk;
            layer.onCpu -= old.onCpu;
            layer.fetchSeconds -= old.fetchSeconds;
            layer.batches -= old.batches;
            cpuSeconds = std::max(0.0, now.cpu.seconds - before->cpu.seconds);
        }
        choices += layer.choices;
        ram += layer.fromRam;
        disk += layer.fromDisk;
        cpu += layer.onCpu;
        steps = std::max(steps, layer.batches);
        use.fetchSeconds += layer.fetchSeconds;
        use.hitRate.push_back(layer.choices == 0 ? 0.0F
                                                 : static_cast<float>(layer.hits) /
                                                       static_cast<float>(layer.choices));
    }
    const std::uint64_t tokens = choices / (std::uint64_t{config.layers} * config.expertsPerToken);
    if (tokens == 0) {
        return std::nullopt;
    }
    // Branches that answer together share what is brought.
    use.ramBytes = (ram + cpu) * now.blockBytes / tokens;
    use.cpuBytes = cpu * now.blockBytes / tokens;
    use.fetchSeconds /= static_cast<double>(steps);
    use.cpuSeconds = cpuSeconds / static_cast<double>(steps);
    use.diskBytes = disk * now.blockBytes / tokens;
    use.vramBytes = weights - std::min(weights, use.ramBytes + use.diskBytes);
    return use;
}

} // namespace dossier::engine
