// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/reader/channel.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace dossier::ingest {
namespace {

constexpr std::size_t kHeader = 5; // payload size (4 bytes), message type
constexpr std::size_t kChunk = 1 << 20;
constexpr std::size_t kMaxDescriptors = 2;

} // namespace

void Channel::send(wire::Message type, std::string_view payload,
                   const std::vector<int>& descriptors) {
    if (payload.size() > UINT32_MAX) {
        throw Error(ErrorCode::TooLarge, "The result is larger than 4 GiB",
                    "Split the file and add the parts");
    }
    std::array<char, kHeader> header{};
    for (std::size_t i = 0; i < 4; ++i) {
        header.at(i) = static_cast<char>(payload.size() >> (8 * i));
    }
    header.at(4) = static_cast<char>(type);

    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control{};
    std::array<iovec, 2> parts{
        {{header.data(), header.size()}, {const_cast<char*>(payload.data()), payload.size()}}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    if (!descriptors.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
        cmsghdr* item = CMSG_FIRSTHDR(&message);
        item->cmsg_level = SOL_SOCKET;
        item->cmsg_type = SCM_RIGHTS;
        item->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
        std::memcpy(CMSG_DATA(item), descriptors.data(), sizeof(int) * descriptors.size());
    }
    while (parts[0].iov_len + parts[1].iov_len > 0) {
        const ssize_t sent = ::sendmsg(m_socket.get(), &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            throw Closed{};
        }
        message.msg_control = nullptr;
        message.msg_controllen = 0;
        auto rest = static_cast<std::size_t>(sent);
        for (iovec& part : parts) {
            const std::size_t done = std::min(rest, part.iov_len);
            part.iov_base = static_cast<char*>(part.iov_base) + done;
            part.iov_len -= done;
            rest -= done;
        }
    }
}

/// Receives once. False if nothing was there and `wait` is off.
bool Channel::fill(bool wait) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxDescriptors)> control{};
    char* target = nullptr;
    std::size_t room = 0;
    std::array<char, kHeader> header{};
    if (!m_haveHeader) {
        target = header.data();
        room = kHeader - m_header.size();
    } else {
        // The payload grows as it arrives: a lying length costs nothing.
        const std::size_t have = m_packet.payload.size();
        room = std::min(m_size - have, kChunk);
        m_packet.payload.resize(have + room);
        target = m_packet.payload.data() + have;
    }
    iovec part{target, room};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t got = 0;
    do {
        got = ::recvmsg(m_socket.get(), &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    } while (got < 0 && errno == EINTR);
    const int reason = errno;
    if (m_haveHeader) {
        m_packet.payload.resize(m_packet.payload.size() - room +
                                static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    } else {
        m_header.append(header.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
    if (got < 0 && (reason == EAGAIN || reason == EWOULDBLOCK)) {
        return false;
    }
    if (got <= 0) {
        throw Closed{};
    }
    for (cmsghdr* item = CMSG_FIRSTHDR(&message); item != nullptr;
         item = CMSG_NXTHDR(&message, item)) {
        if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_RIGHTS) {
            std::array<int, kMaxDescriptors> fds{};
            const std::size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            std::memcpy(fds.data(), CMSG_DATA(item), count * sizeof(int));
            for (std::size_t i = 0; i < count; ++i) {
                m_packet.descriptors.emplace_back(fds.at(i));
            }
        }
    }
    if (!m_haveHeader && m_header.size() == kHeader) {
        m_size = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            m_size |= std::size_t{static_cast<unsigned char>(m_header[i])} << (8 * i);
        }
        m_packet.type = static_cast<wire::Message>(m_header[4]);
        m_packet.payload.clear();
        m_haveHeader = true;
        m_header.clear();
    }
    return true;
}

bool Channel::poll(Packet& packet) {
    while (!(m_haveHeader && m_packet.payload.size() == m_size)) {
        if (!fill(false)) {
            return false;
        }
    }
    packet = std::move(m_packet);
    m_packet = Packet();
    m_haveHeader = false;
    return true;
}

Packet Channel::receive() {
    while (!(m_haveHeader && m_packet.payload.size() == m_size)) {
        fill(true);
    }
    Packet packet = std::move(m_packet);
    m_packet = Packet();
    m_haveHeader = false;
    return packet;
}

Channel::Wait Channel::waitFor(std::chrono::milliseconds limit, int wake) const {
    std::array<pollfd, 2> watched{{{m_socket.get(), POLLIN, 0}, {wake, POLLIN, 0}}};
    const auto end = std::chrono::steady_clock::now() + limit;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            end - std::chrono::steady_clock::now());
        const int ready = ::poll(watched.data(), wake >= 0 ? 2 : 1,
                                 static_cast<int>(std::clamp<long>(left.count(), 0, 3'600'000)));
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (wake >= 0 && watched[1].revents != 0) {
            return Wait::Woken;
        }
        return ready > 0 ? Wait::Ready : Wait::TimedOut;
    }
}

} // namespace dossier::ingest
