// SPDX-License-Identifier: GPL-3.0-or-later
// Work off the window thread: a function runs on a worker, its result arrives in the window thread
// unless the context object is gone.
#pragma once

#include <QMetaObject>
#include <QObject>
#include <QPointer>
#include <QThreadPool>
#include <QtGlobal>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include "app/model_types.h"
#include "engine/base/error.h"

namespace dossier::ui {

/// The pool of the window's own small jobs (searching, indexing, symbols), apart from the global
/// one so that nobody else can fill it.
QThreadPool& workers();

/// Receiver that lives in the window thread as long as `context`; results are posted through it.
class AsyncGate;
std::shared_ptr<AsyncGate> gateOf(QObject* context);
/// Any thread. Drops the call when the context is gone.
void post(const std::shared_ptr<AsyncGate>& gate, std::function<void()> call);
std::stop_token stopTokenOf(const std::shared_ptr<AsyncGate>& gate);

/// Runs `work(stop_token)` on a worker and `done(result)` in the window thread. `work` must not
/// throw; use runChecked for what may.
template<typename Work, typename Done>
void runAsync(QObject* context, Work work, Done done) {
    auto gate = gateOf(context);
    workers().start([gate, work = std::move(work), done = std::move(done)]() mutable {
        const std::stop_token stop = stopTokenOf(gate);
        if (stop.stop_requested()) {
            return;
        }
        using Result = decltype(work(stop));
        auto result = std::make_shared<Result>(work(stop));
        post(gate, [result, done = std::move(done)]() mutable { done(std::move(*result)); });
    });
}

/// The same for work that throws dossier::Error: `failed(Failure)` instead of `done`.
template<typename Work, typename Done, typename Failed>
void runChecked(QObject* context, Work work, Done done, Failed failed) {
    using Result = decltype(work(std::stop_token{}));
    struct Outcome {
        std::optional<Result> value;
        app::Failure failure;
    };
    runAsync(
        context,
        [work = std::move(work)](std::stop_token stop) mutable {
            Outcome outcome;
            try {
                outcome.value.emplace(work(stop));
            } catch (const Error& error) {
                outcome.failure = app::failureOf(error);
            } catch (const std::exception& error) {
                outcome.failure = {ErrorCode::Internal, error.what(), {}};
            }
            return outcome;
        },
        [done = std::move(done), failed = std::move(failed)](Outcome outcome) mutable {
            if (outcome.value) {
                done(std::move(*outcome.value));
            } else {
                failed(outcome.failure);
            }
        });
}

} // namespace dossier::ui
