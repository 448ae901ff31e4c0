// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/reader/landlock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ingest/base/descriptor.h"

namespace dossier::ingest {
namespace {

// Rights that younger kernels know, by the version of their interface. Written out here because the
// headers of Debian 12 end at version 2.
constexpr std::uint64_t kVersion1 = (1ull << 13) - 1;
constexpr std::array<std::uint64_t, 6> kAllRights{0,
                                                  kVersion1,
                                                  kVersion1 | 1ull << 13,              // refer
                                                  kVersion1 | 1ull << 13 | 1ull << 14, // truncate
                                                  kVersion1 | 1ull << 13 | 1ull << 14,
                                                  kVersion1 | 1ull << 13 | 1ull << 14 |
                                                      1ull << 15}; // ioctl
constexpr std::uint64_t kReadFolder = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

} // namespace

LandlockResult restrictFiles(const std::vector<std::filesystem::path>& readable) {
    const long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        return {false, "This computer's kernel has no Landlock (Linux 5.13 or later with Landlock "
                       "switched on): the reader can open every file that you can, for reading"};
    }
    const std::size_t known =
        std::min<std::size_t>(static_cast<std::size_t>(version), kAllRights.size() - 1);
    // Only the field that version 1 had: a longer structure would be refused by old kernels.
    struct {
        std::uint64_t handled;
    } attributes{kAllRights.at(known)};
    const Descriptor rules(static_cast<int>(
        ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
    if (!rules.valid()) {
        return {false, std::string("Landlock refused its rules: ") + std::strerror(errno)};
    }
    for (const auto& path : readable) {
        const Descriptor folder(::open(path.c_str(), O_PATH | O_CLOEXEC));
        struct stat info {};
        if (!folder.valid() || ::fstat(folder.get(), &info) != 0) {
            continue;
        }
        landlock_path_beneath_attr rule{};
        rule.parent_fd = folder.get();
        rule.allowed_access = S_ISDIR(info.st_mode) ? kReadFolder : LANDLOCK_ACCESS_FS_READ_FILE;
        ::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
    if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) {
        return {false, std::string("Landlock could not be switched on: ") + std::strerror(errno)};
    }
    return {true, "Landlock (version " + std::to_string(version) +
                      "): reads the fonts, data and libraries of the system and what it is handed, "
                      "writes nothing else"};
}

} // namespace dossier::ingest
