// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/reader/confine.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <sys/prctl.h>
#include <sys/resource.h>

#include "ingest/reader/landlock.h"
#include "ingest/reader/seccomp.h"

namespace dossier::ingest {
namespace {

#ifdef DOSSIER_SANITIZED
constexpr bool kSanitized = true; // their shadow memory is larger than any limit
#else
constexpr bool kSanitized = false;
#endif

ConfinementLayer limitMemory(std::uint64_t bytes) {
    ConfinementLayer layer{"memory", false, {}};
    if (kSanitized) {
        layer.detail = "No limit in builds with sanitizers";
        return layer;
    }
    const rlimit limit{bytes, bytes};
    const rlimit none{0, 0};
    layer.active = ::setrlimit(RLIMIT_DATA, &limit) == 0 && ::setrlimit(RLIMIT_CORE, &none) == 0;
    layer.detail = layer.active ? "At most " + std::to_string(bytes >> 20) + " MiB"
                                : std::string("The limit was refused: ") + std::strerror(errno);
    return layer;
}

std::vector<std::filesystem::path> systemFolders() {
    // Fonts are links into all of /usr/share; nothing there belongs to a person.
    std::vector<std::filesystem::path> folders{"/usr/share",
                                               "/usr/local/share",
                                               "/usr/lib",
                                               "/usr/local/lib",
                                               "/lib",
                                               "/lib64",
                                               "/etc/fonts",
                                               "/etc/localtime",
                                               "/etc/ld.so.cache",
                                               "/var/cache/fontconfig",
                                               "/dev/null",
                                               "/dev/urandom"};
    if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
        for (const char* below :
             {".fonts", ".local/share/fonts", ".cache/fontconfig", ".config/fontconfig"}) {
            folders.push_back(std::filesystem::path(home) / below);
        }
    }
    return folders;
}

} // namespace

std::vector<ConfinementLayer> confine(const ConfineOptions& options) {
    std::vector<ConfinementLayer> layers;
    // Without this neither of the two below may be used by an ordinary user; and no set-uid program
    // could give anything back.
    const bool noNewPrivileges = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    layers.push_back(limitMemory(options.memoryBytes));
    layers.push_back(
        {"time", true,
         "Dossier ends it after 20 seconds without a sign of life and 10 minutes with one "
         "file; the kernel after 11 minutes of processor time"});
    auto folders = systemFolders();
    folders.insert(folders.end(), options.readable.begin(), options.readable.end());
    if (!noNewPrivileges) {
        const std::string why =
            std::string("This kernel refuses no_new_privs: ") + std::strerror(errno);
        for (const char* name : {"files", "system calls", "network"}) {
            layers.push_back({name, false, why});
        }
        return layers;
    }
    const LandlockResult files = restrictFiles(folders);
    layers.push_back({"files", files.active, files.detail});
    const SeccompResult calls = restrictSystemCalls();
    layers.push_back({"system calls", calls.active, calls.detail});
    layers.push_back({"network", calls.active,
                      calls.active ? "The calls that open connections do not exist for the reader"
                                   : calls.detail});
    return layers;
}

void limitProcessorTime(std::uint64_t seconds) {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    rlimit limit{};
    if (::getrlimit(RLIMIT_CPU, &limit) == 0) {
        limit.rlim_cur = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + seconds;
        ::setrlimit(RLIMIT_CPU, &limit);
    }
}

} // namespace dossier::ingest
