// SPDX-License-Identifier: GPL-3.0-or-later
// Looking at the computer.
#include "ui/setup/computer_facts.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <thread>
#include <unistd.h>

namespace dossier::ui {
namespace fs = std::filesystem;
namespace {

std::string valueAfter(const std::string& line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) {
        return {};
    }
    const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? std::string() : line.substr(begin);
}

void readProcessor(ComputerFacts& facts) {
    std::ifstream in("/proc/cpuinfo");
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("model name") && facts.processor.empty()) {
            facts.processor = valueAfter(line);
        } else if (line.starts_with("flags")) {
            const std::string flags = line + ' ';
            facts.avx2 = flags.find(" avx2 ") != std::string::npos;
            facts.avx512 = flags.find(" avx512bw ") != std::string::npos;
            facts.bf16 = flags.find(" avx512_bf16 ") != std::string::npos;
            break;
        }
    }
    facts.threads = std::max(1u, std::thread::hardware_concurrency());
}

void readMemory(ComputerFacts& facts) {
    std::ifstream in("/proc/meminfo");
    for (std::string line; std::getline(in, line);) {
        const auto kib = [&line] {
            return std::strtoull(valueAfter(line).c_str(), nullptr, 10) * 1024;
        };
        if (line.starts_with("MemTotal:")) {
            facts.ramTotal = kib();
        } else if (line.starts_with("MemAvailable:")) {
            facts.ramAvailable = kib();
        }
    }
}

void readGpus(ComputerFacts& facts) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/proc/driver/nvidia/gpus", error)) {
        std::ifstream in(entry.path() / "information");
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with("Model:")) {
                facts.gpus.push_back(valueAfter(line));
            }
        }
    }
}

/// Reads a file past the page cache; returns bytes read.
std::uint64_t readCold(const fs::path& file, std::uint64_t most, const std::stop_token& stop) {
    int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
    if (fd < 0) {
        // File systems without direct reads: the cache is asked to forget instead.
        fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            return 0;
        }
        ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    }
    constexpr std::size_t kChunk = 4u << 20;
    const std::unique_ptr<void, decltype(&std::free)> buffer(std::aligned_alloc(4096, kChunk),
                                                             &std::free);
    std::uint64_t total = 0;
    while (buffer && total < most && !stop.stop_requested()) {
        const ssize_t got = ::read(fd, buffer.get(), kChunk);
        if (got <= 0) {
            break;
        }
        total += static_cast<std::uint64_t>(got);
    }
    ::close(fd);
    return total;
}

void measureDisk(ComputerFacts& facts, const fs::path& sample, std::uint64_t most,
                 const std::stop_token& stop) {
    const auto begin = std::chrono::steady_clock::now();
    for (const ModelFile& file : modelFiles(sample)) {
        if (facts.readBytes >= most || stop.stop_requested()) {
            break;
        }
        facts.readBytes += readCold(sample / file.name, most - facts.readBytes, stop);
    }
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    // A few megabytes say nothing about a disk.
    if (facts.readBytes >= (16u << 20) && seconds > 0.002) {
        facts.readBytesPerSecond = static_cast<double>(facts.readBytes) / seconds;
    }
}

} // namespace

ComputerFacts checkComputer(const fs::path& dossiers, const fs::path& sample,
                            std::uint64_t mostBytes, const std::stop_token& stop) {
    const auto begin = std::chrono::steady_clock::now();
    ComputerFacts facts;
    readProcessor(facts);
    readMemory(facts);
    readGpus(facts);
    std::error_code error;
    fs::path at = dossiers;
    while (!at.empty() && !fs::exists(at, error) && at != at.parent_path()) {
        at = at.parent_path();
    }
    const fs::space_info space = fs::space(at, error);
    if (!error) {
        facts.diskFree = space.available;
    }
    if (!sample.empty()) {
        measureDisk(facts, sample, mostBytes, stop);
    }
    facts.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return facts;
}

std::vector<ModelFile> modelFiles(const fs::path& folder) {
    std::vector<ModelFile> files;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        std::error_code sizeError;
        const std::uint64_t bytes = fs::file_size(entry.path(), sizeError);
        if (!sizeError && entry.is_regular_file(sizeError)) {
            files.push_back({entry.path().filename().string(), bytes});
        }
    }
    const auto rank = [](const ModelFile& file) {
        return file.name.ends_with(".safetensors") ? 1 : 0;
    };
    std::sort(files.begin(), files.end(), [&](const ModelFile& a, const ModelFile& b) {
        return rank(a) != rank(b) ? rank(a) < rank(b) : a.name < b.name;
    });
    return files;
}

} // namespace dossier::ui
