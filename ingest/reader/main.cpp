// SPDX-License-Identifier: GPL-3.0-or-later
// dossier-reader: the only program of Dossier that opens untrusted files. Serves the requests of
// ingest/client over the socket that is its standard input and output, and ends with it.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <thread>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ingest/reader/confine.h"
#include "ingest/reader/service.h"

namespace {

using dossier::ingest::ConfineOptions;

/// The other end may go away in the midst of a long page: nobody would read the result.
void endWithInput() {
    pollfd input{STDIN_FILENO, POLLRDHUP, 0};
    while (::poll(&input, 1, -1) <= 0) {
    }
    ::_exit(0);
}

int usage() {
    std::fputs("dossier-reader is started by dossier. For people:\n"
               "  dossier-reader --confinement   say what confines it on this computer\n",
               stderr);
    return 2;
}

int printConfinement() {
    bool all = true;
    for (const auto& layer : dossier::ingest::confine({})) {
        std::printf("%-13s %-4s %s\n", layer.name.c_str(), layer.active ? "yes" : "NO",
                    layer.detail.c_str());
        all = all && layer.active;
    }
    std::fflush(stdout);
    ::_exit(all ? 0 : 1); // no clean-up handlers in a confined process
}

} // namespace

int main(int argc, char** argv) {
    ConfineOptions options;
    bool serve = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--confinement") {
            return printConfinement();
        }
        if (argument == "--serve") {
            serve = true;
        } else if (argument == "--memory-mib" && i + 1 < argc) {
            std::uint64_t mib = 0;
            std::from_chars(argv[i + 1], argv[i + 1] + std::strlen(argv[i + 1]), mib);
            options.memoryBytes = mib << 20;
            ++i;
        } else if (argument == "--folder" && i + 1 < argc) {
            options.readable.emplace_back(argv[++i]);
        } else {
            return usage();
        }
    }
    int type = 0;
    socklen_t size = sizeof type;
    if (!serve || ::getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
        return usage();
    }
    ::close_range(3, ~0U, 0);
    const auto layers = dossier::ingest::confine(options);
    std::thread(endWithInput).detach();
    dossier::ingest::serve(STDIN_FILENO, layers);
    ::_exit(0);
}
