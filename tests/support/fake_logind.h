// SPDX-License-Identifier: GPL-3.0-or-later
// A private message bus with a logind that hands out inhibitors and sees which are still held.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

namespace dossier::test {

/// From its making on, this process and its children find it as the system's bus; make it before
/// anything else looks for that.
class FakeLogind {
  public:
    FakeLogind();
    ~FakeLogind();
    FakeLogind(const FakeLogind&) = delete;
    FakeLogind& operator=(const FakeLogind&) = delete;

    bool running() const; ///< false: this computer has no dbus-daemon
    int held() const;     ///< inhibitors that nobody has let go of yet
    int taken() const;    ///< ever
    /// Of the last one: "what|who|why|mode".
    std::string last() const;

  private:
    struct Bus;
    std::unique_ptr<Bus> m_bus;
};

} // namespace dossier::test
