// SPDX-License-Identifier: GPL-3.0-or-later
// Length-prefixed messages over a Unix socket, with descriptors beside them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/base/descriptor.h"
#include "ingest/reader/wire.h"

namespace dossier::ingest {

struct Packet {
    wire::Message type{};
    std::string payload;
    std::vector<Descriptor> descriptors;
};

/// One end of the socket. Not for use by two threads at once.
class Channel {
  public:
    /// The other end closed: it ended, or was killed.
    struct Closed {};
    /// Nothing came in time, or `wake` became readable.
    enum class Wait { Ready, TimedOut, Woken };

    explicit Channel(Descriptor socket) : m_socket(std::move(socket)) {}

    int descriptor() const { return m_socket.get(); }

    /// Throws Closed; Error(TooLarge) beyond 4 GiB.
    void send(wire::Message type, std::string_view payload,
              const std::vector<int>& descriptors = {});

    /// Blocks until a whole message is there. Throws Closed, Error(Corrupt).
    Packet receive();

    /// Takes in what has arrived, without waiting; true when a whole message is ready for `packet`.
    bool poll(Packet& packet);

    /// Waits for something to arrive. `wake`: a descriptor that ends the wait, or -1.
    Wait waitFor(std::chrono::milliseconds limit, int wake) const;

  private:
    bool fill(bool wait);

    Descriptor m_socket;
    std::string m_header;   ///< bytes of the next header so far
    Packet m_packet;        ///< being received
    std::size_t m_size = 0; ///< of its payload
    bool m_haveHeader = false;
};

} // namespace dossier::ingest
