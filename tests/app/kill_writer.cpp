// SPDX-License-Identifier: GPL-3.0-or-later
// A process that works in a dossier until it is killed: adds sources, asks, streams answers, writes
// notes, and tells on its output, one line each, what a person would have seen as saved.
//
//   app_kill_writer DOSSIER FOLDER-FOR-FILES
#include <QCoreApplication>
#include <QTimer>
#include <cstdio>
#include <fstream>

#include <unistd.h>

#include "app/session.h"
#include "tests/support/fake_encoder.h"
#include "tests/support/fake_engine.h"
#include "tests/support/fake_reader.h"

namespace dossier::app {
namespace {

/// One write, so that a line is there whole or not at all.
void tell(std::string line) {
    line += '\n';
    if (write(STDOUT_FILENO, line.data(), line.size()) < 0) {
        _exit(3);
    }
}

template<class Id>
std::string numberOf(Id id) {
    return std::to_string(static_cast<long long>(id));
}

class Writer {
  public:
    Writer(const std::filesystem::path& dossier, std::filesystem::path files)
        : m_files(std::move(files)),
          m_host([] { return std::make_unique<test::FakeEngine>(script()); },
                 [](const engine::ModelInfo&) { return std::make_shared<test::FakeEncoder>(); }) {
        SessionOptions options;
        options.reader = std::make_shared<test::FakeReader>();
        options.engine = &m_host;
        options.profiles = DOSSIER_SOURCE_DIR "/resources/profiles";
        options.author = "ab";
        m_session = std::filesystem::exists(dossier) ? Session::open(dossier, options)
                                                     : Session::create(dossier, options);
        listen();
        engine::LoadOptions model;
        model.model = m_files / "model";
        m_host.load(model);
        m_timer.setInterval(15);
        QObject::connect(&m_timer, &QTimer::timeout, m_session.get(), [this] { step(); });
        m_timer.start();
    }

  private:
    static test::FakeScript script() {
        test::FakeScript made = test::aprilScript();
        made.answerTokensPerSecond = 150;
        made.answer = [](std::span<const engine::Token> prompt) {
            return test::wordsToStream(20 + prompt.size() % 200, "kept in good repair");
        };
        return made;
    }

    void listen() {
        Session* session = m_session.get();
        QObject::connect(session, &Session::sourcesChanged, session, [session](const auto& ids) {
            for (const SourceId id : ids) {
                const Source* source = session->source(id);
                if (source != nullptr && source->state == SourceState::Ready) {
                    tell("source " + numberOf(id) + " " + source->name);
                }
            }
        });
        QObject::connect(session, &Session::questionAdded, session, [session](QuestionId id) {
            tell("question " + numberOf(id) + " " + session->question(id)->text);
        });
        QObject::connect(session, &Session::answerStreamed, session,
                         [session](AnswerId id, const QString&, const QString&) {
                             tell("streamed " + numberOf(id) + " " +
                                  std::to_string(session->answer(id)->text.size()));
                         });
        QObject::connect(session, &Session::answerChanged, session, [session](AnswerId id) {
            const Answer* answer = session->answer(id);
            if (isFinal(answer->state)) {
                tell("answer " + numberOf(id) + " " + std::to_string(answer->text.size()));
            }
        });
        QObject::connect(session, &Session::marksChanged, session, [session](SourceId id) {
            for (const Mark& mark : session->marksOf(id)) {
                tell("mark " + numberOf(mark.id) + " " + mark.note);
            }
        });
    }

    void step() {
        ++m_step;
        if (m_step % 3 == 1) {
            const std::string name =
                std::to_string(getpid()).append("-").append(std::to_string(m_step).append(".txt"));
            std::ofstream(m_files / name)
                << "The Structure is kept in good repair by number " << name << ".\n";
            AddRequest add;
            add.paths = {m_files / name};
            m_session->addSources(add);
        }
        if (m_session->sources().empty() || m_session->levels().empty()) {
            return;
        }
        if (!m_session->answering()) {
            AskRequest ask;
            ask.text = "Question of step " + std::to_string(m_step);
            ask.level = "none";
            m_session->ask(ask);
        }
        if (m_step % 4 == 0) {
            Mark mark;
            mark.source = m_session->sources().front().id;
            mark.range = {4, 13};
            mark.note = "Note of step " + std::to_string(m_step);
            m_session->addMark(mark);
        }
    }

    std::filesystem::path m_files;
    EngineHost m_host;
    std::unique_ptr<Session> m_session;
    QTimer m_timer;
    int m_step = 0;
};

} // namespace
} // namespace dossier::app

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: app_kill_writer DOSSIER FOLDER-FOR-FILES\n", stderr);
        return 2;
    }
    QCoreApplication application(argc, argv);
    try {
        const dossier::app::Writer writer(argv[1], argv[2]);
        return QCoreApplication::exec();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "app_kill_writer: %s\n", error.what());
        return 2;
    }
}
