// SPDX-License-Identifier: GPL-3.0-or-later
// A reader that behaves as badly as the name of the file asks for: what the client must survive.
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "ingest/reader/channel.h"

using namespace dossier::ingest;
using wire::Message;

namespace {

void sendProgress(Channel& channel, std::uint64_t done) {
    wire::Encoder out;
    out.number(done);
    out.number<std::uint64_t>(100);
    channel.send(Message::Progress, out.bytes());
}

void behave(Channel& channel, const std::string& name) {
    if (name.starts_with("crash")) {
        std::abort();
    }
    if (name.starts_with("quit")) {
        ::_exit(3);
    }
    if (name.starts_with("hang")) {
        std::this_thread::sleep_for(std::chrono::hours(1));
    }
    if (name.starts_with("busy")) {
        for (std::uint64_t i = 0;; ++i) {
            sendProgress(channel, i % 100);
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }
    if (name.starts_with("greedy")) {
        std::vector<char> memory(200 << 20, 1);
        // Written somewhere, so that the memory is really used.
        [[maybe_unused]] const auto sent = ::write(STDERR_FILENO, memory.data(), memory.size());
        std::abort();
    }
    if (name.starts_with("lie")) {
        const char header[] = {'\xFF', '\xFF', '\xFF', '\x7F', static_cast<char>(Message::Result),
                               'x'};
        [[maybe_unused]] const auto sent = ::write(STDOUT_FILENO, header, sizeof header);
        ::_exit(0);
    }
    if (name.starts_with("shrinking")) {
        // A picture that could be cut off under the application's feet.
        const int memory = ::memfd_create("picture", MFD_ALLOW_SEALING);
        [[maybe_unused]] const int done = ::ftruncate(memory, 400);
        wire::Encoder out;
        out.number<std::uint32_t>(10);
        out.number<std::uint32_t>(10);
        channel.send(Message::Result, out.bytes(), {memory});
        return;
    }
    channel.send(Message::Result, "this is no document");
}

} // namespace

int main() {
    Channel channel{Descriptor(STDIN_FILENO)};
    try {
        channel.send(Message::Hello, wire::encodeLayers({}));
        for (;;) {
            const Packet request = channel.receive();
            behave(channel, wire::Decoder(request.payload).string());
        }
    } catch (const Channel::Closed&) {
        return 0;
    }
}
