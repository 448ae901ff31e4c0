// SPDX-License-Identifier: GPL-3.0-or-later
// What an ordinary user meets, also where the tests run as the administrator, who may write
// anywhere.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

namespace dossier::test {

constexpr uid_t kOrdinaryUser = 65534; ///< "nobody"

/// Runs `action` in a child process as an ordinary user (as this one, when it is no administrator);
/// returns its result, of which 4,096 bytes.
inline std::string asOrdinaryUser(const std::function<std::string()>& action) {
    int ends[2];
    if (pipe(ends) != 0) {
        return "no pipe";
    }
    const pid_t child = fork();
    if (child == 0) {
        std::string text;
        if (geteuid() == 0 && setresuid(kOrdinaryUser, kOrdinaryUser, kOrdinaryUser) != 0) {
            text = "cannot change the user";
        } else {
            text = action();
        }
        [[maybe_unused]] const auto n = write(ends[1], text.data(), text.size());
        _exit(0);
    }
    close(ends[1]);
    std::string text(4096, '\0');
    const auto n = read(ends[0], text.data(), text.size());
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    close(ends[0]);
    waitpid(child, nullptr, 0);
    return text;
}

} // namespace dossier::test
