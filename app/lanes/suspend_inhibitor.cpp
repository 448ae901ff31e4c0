// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/lanes/suspend_inhibitor.h"

#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusReply>
#include <QDBusUnixFileDescriptor>

namespace dossier::app {

struct SuspendInhibitor::Held {
    QDBusUnixFileDescriptor descriptor; ///< closing it lets go
};

SuspendInhibitor::SuspendInhibitor(const std::string& why) {
    constexpr int kPatienceMs = 1000;
    QDBusConnection bus = QDBusConnection::systemBus();
    if (!bus.isConnected()) {
        return;
    }
    QDBusMessage call =
        QDBusMessage::createMethodCall("org.freedesktop.login1", "/org/freedesktop/login1",
                                       "org.freedesktop.login1.Manager", "Inhibit");
    call << "sleep:idle"
         << "Dossier" << QString::fromStdString(why) << "block";
    const QDBusReply<QDBusUnixFileDescriptor> reply = bus.call(call, QDBus::Block, kPatienceMs);
    if (reply.isValid() && reply.value().isValid()) {
        m_held = std::make_unique<Held>(Held{reply.value()});
    }
}

SuspendInhibitor::~SuspendInhibitor() = default;

bool SuspendInhibitor::active() const {
    return m_held != nullptr;
}

} // namespace dossier::app
