// SPDX-License-Identifier: GPL-3.0-or-later
// Posting results of workers to the window thread.
#include "ui/async.h"

#include <QCoreApplication>

namespace dossier::ui {

/// Shared by a context object and its running jobs. The context's destruction closes the gate and
/// asks the jobs to stop.
class AsyncGate {
  public:
    void close() {
        m_stop.request_stop();
        m_open = false;
    }

    void post(std::function<void()> call, const std::shared_ptr<AsyncGate>& self) {
        // Checked and closed in the window thread only, where the context lives.
        QMetaObject::invokeMethod(
            qApp,
            [self, call = std::move(call)] {
                if (self->m_open) {
                    call();
                }
            },
            Qt::QueuedConnection);
    }

    std::stop_token token() const { return m_stop.get_token(); }

  private:
    bool m_open = true;
    std::stop_source m_stop;
};

namespace {

class GateHolder : public QObject {
  public:
    explicit GateHolder(QObject* parent) : QObject(parent), gate(std::make_shared<AsyncGate>()) {
        setObjectName(QStringLiteral("asyncGate"));
    }
    ~GateHolder() override { gate->close(); }
    std::shared_ptr<AsyncGate> gate;
};

} // namespace

QThreadPool& workers() {
    static QThreadPool* pool = [] {
        auto* created = new QThreadPool(qApp);
        created->setMaxThreadCount(3);
        created->setExpiryTimeout(10'000);
        return created;
    }();
    return *pool;
}

std::shared_ptr<AsyncGate> gateOf(QObject* context) {
    auto* holder = static_cast<GateHolder*>(
        context->findChild<QObject*>(QStringLiteral("asyncGate"), Qt::FindDirectChildrenOnly));
    if (holder == nullptr) {
        holder = new GateHolder(context);
    }
    return holder->gate;
}

void post(const std::shared_ptr<AsyncGate>& gate, std::function<void()> call) {
    gate->post(std::move(call), gate);
}

std::stop_token stopTokenOf(const std::shared_ptr<AsyncGate>& gate) {
    return gate->token();
}

} // namespace dossier::ui
