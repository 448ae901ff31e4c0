// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/fake_logind.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <vector>

#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusUnixFileDescriptor>
#include <QDBusVirtualObject>
#include <QThread>

namespace dossier::test {
namespace {

constexpr const char* kName = "org.freedesktop.login1";
constexpr const char* kConnection = "fake-logind";

class Manager final : public QDBusVirtualObject {
  public:
    QString introspect(const QString&) const override { return {}; }

    bool handleMessage(const QDBusMessage& message, const QDBusConnection& connection) override {
        int ends[2];
        if (message.member() != "Inhibit" || message.arguments().size() != 4 || pipe(ends) != 0) {
            return false;
        }
        {
            const std::lock_guard guard(m_mutex);
            m_readers.push_back(ends[0]);
            m_last.clear();
            for (const QVariant& argument : message.arguments()) {
                m_last.append(m_last.empty() ? "" : "|").append(argument.toString().toStdString());
            }
        }
        const QDBusUnixFileDescriptor theirs(ends[1]);
        ::close(ends[1]); // that was copied
        return connection.send(message.createReply(QVariant::fromValue(theirs)));
    }
    int held() const {
        const std::lock_guard guard(m_mutex);
        return static_cast<int>(std::count_if(m_readers.begin(), m_readers.end(), [](int reader) {
            pollfd look{reader, POLLIN, 0};
            return poll(&look, 1, 0) == 0; // a pipe that nobody can write to any more has ended
        }));
    }
    int taken() const {
        const std::lock_guard guard(m_mutex);
        return static_cast<int>(m_readers.size());
    }
    std::string last() const {
        const std::lock_guard guard(m_mutex);
        return m_last;
    }

  private:
    mutable std::mutex m_mutex; ///< of what follows
    std::vector<int> m_readers;
    std::string m_last;
};

} // namespace

struct FakeLogind::Bus {
    pid_t daemon = -1;
    std::string address;
    Manager manager;
    QThread thread; ///< messages are handled here
};

FakeLogind::FakeLogind() : m_bus(std::make_unique<Bus>()) {
    int ends[2];
    if (pipe(ends) != 0) {
        return;
    }
    m_bus->daemon = fork();
    if (m_bus->daemon == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDOUT_FILENO);
        ::close(ends[0]);
        ::close(ends[1]);
        execlp("dbus-daemon", "dbus-daemon", "--session", "--nofork", "--print-address=1", nullptr);
        _exit(127);
    }
    ::close(ends[1]);
    char c = 0;
    while (::read(ends[0], &c, 1) == 1 && c != '\n') {
        m_bus->address += c;
    }
    ::close(ends[0]);
    if (!running()) {
        return;
    }
    setenv("DBUS_SYSTEM_BUS_ADDRESS", m_bus->address.c_str(), 1);
    m_bus->manager.moveToThread(&m_bus->thread);
    m_bus->thread.start();
    QDBusConnection bus =
        QDBusConnection::connectToBus(QString::fromStdString(m_bus->address), kConnection);
    if (!bus.registerVirtualObject("/org/freedesktop/login1", &m_bus->manager) ||
        !bus.registerService(kName)) {
        m_bus->address.clear();
    }
}

FakeLogind::~FakeLogind() {
    QDBusConnection::disconnectFromBus(kConnection);
    m_bus->thread.quit();
    m_bus->thread.wait();
    if (m_bus->daemon > 0) {
        ::kill(m_bus->daemon, SIGTERM);
        waitpid(m_bus->daemon, nullptr, 0);
    }
}

bool FakeLogind::running() const {
    return !m_bus->address.empty();
}
int FakeLogind::held() const {
    return m_bus->manager.held();
}
int FakeLogind::taken() const {
    return m_bus->manager.taken();
}
std::string FakeLogind::last() const {
    return m_bus->manager.last();
}

} // namespace dossier::test
