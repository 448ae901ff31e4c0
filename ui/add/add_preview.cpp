// SPDX-License-Identifier: GPL-3.0-or-later
// The add preview.
#include "ui/add/add_preview.h"

#include <QBoxLayout>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <algorithm>

#include "app/asking/text_encoder.h"
#include "app/reading/changed.h"
#include "ui/add/add_tree.h"
#include "ui/async.h"
#include "ui/widgets/basics.h"
#include "ui/widgets/controls.h"

namespace dossier::ui {
/// Reads and counts files on a worker; shared with the jobs so that it outlives the tab.
class AddPreview::Counter {
  public:
    Counter(std::shared_ptr<ingest::Reader> reader, std::filesystem::path model)
        : m_reader(std::move(reader)), m_model(std::move(model)) {}

    AddCount count(const std::filesystem::path& file, std::stop_token stop) {
        AddCount result;
        try {
            auto document =
                std::make_shared<ingest::Document>(m_reader->read(file, {}, {}, std::move(stop)));
            result.pages = document->pages.size();
            result.lines = static_cast<std::uint64_t>(
                std::count(document->text.begin(), document->text.end(), '\n'));
            for (const ingest::Page& page : document->pages) {
                result.pagesWithoutText += page.hasText ? 0 : 1;
            }
            if (const auto encoder = this->encoder()) {
                result.tokens = encoder->count(document->text);
            }
            if (document->text.size() < (1u << 20)) {
                result.document = std::move(document);
            }
        } catch (const Error& error) {
            result.problem = QString::fromStdString(error.failed());
        } catch (const std::exception& error) {
            result.problem = QString::fromLocal8Bit(error.what());
        }
        return result;
    }

    bool canCount() const { return !m_model.empty(); }
    const std::shared_ptr<ingest::Reader>& reader() const { return m_reader; }

  private:
    /// Only one job counts at a time, so there is no race on the member.
    std::shared_ptr<const app::TextEncoder> encoder() {
        if (!m_encoder && !m_model.empty()) {
            m_encoder = app::loadEncoder(m_model);
        }
        return m_encoder;
    }

    std::shared_ptr<ingest::Reader> m_reader;
    std::filesystem::path m_model;
    std::shared_ptr<const app::TextEncoder> m_encoder;
};

AddPreview::AddPreview(std::vector<std::filesystem::path> paths, app::Session* session,
                       const std::filesystem::path& model, QWidget* parent)
    : QWidget(parent),
      m_paths(std::move(paths)),
      m_session(session),
      m_counter(std::make_shared<Counter>(session->reader(), model)),
      m_model(new AddModel(this)),
      m_tree(new AddTree(this)) {
    setObjectName(QStringLiteral("addPreview"));
    auto* columns = rowLayout(this);
    auto* left = new Panel(&Tokens::base, {}, this);
    columns->addWidget(left, 1);
    auto* layout = left->column();
    layout->addWidget(buildMeter());
    layout->addWidget(buildTools());
    layout->addWidget(new AddHeader(left));
    m_tree->setModel(m_model);
    layout->addWidget(m_tree, 1);
    layout->addWidget(buildLeftOut());
    layout->addWidget(buildFoot());
    m_side = buildSide();
    columns->addWidget(m_side);
    connect(m_model, &AddModel::totalsChanged, this, &AddPreview::refreshTotals);
    connect(m_tree->selectionModel(), &QItemSelectionModel::currentChanged, this,
            [this](const QModelIndex& index) { showFile(index.data(AddModel::FileRole).toInt()); });
    refreshTotals();
    walk();
}

QString AddPreview::title() const {
    if (m_paths.size() == 1) {
        return tr("Add: %1").arg(QString::fromStdString(m_paths.front().filename().string()));
    }
    return tr("Add: %1 items").arg(m_paths.size());
}

QWidget* AddPreview::buildMeter() {
    auto* part = new Panel(&Tokens::base, Qt::BottomEdge, this);
    auto* column = part->column(16, 14, 16, 13, 0);
    auto* top = rowIn(column, 10);
    m_title = new Label({}, Type::Heading, &Tokens::text, part);
    m_title->setElide(Qt::ElideMiddle, 80);
    m_state = new Label({}, Type::Small, &Tokens::text2, part);
    top->addWidget(m_title, 1);
    top->addWidget(m_state);
    addGap(column, 9);
    m_meter = new MeterBar(0, 16, 3, part);
    column->addWidget(m_meter);
    addGap(column, 9);
    m_legend = new BudgetLegend(part);
    column->addWidget(m_legend);
    m_warning = new Label({}, Type::SmallMedium, &Tokens::warn, part);
    m_warning->setWordWrap(true);
    m_warning->hide();
    column->addWidget(m_warning);
    m_price = new Label({}, Type::Small, &Tokens::text2, part);
    m_price->setWordWrap(true);
    m_price->hide();
    column->addWidget(m_price);
    return part;
}

QWidget* AddPreview::buildTools() {
    auto* part = new Panel(&Tokens::window, Qt::BottomEdge, this);
    part->setBarHeight(40);
    auto* row = part->row(10, 0, 10, 1, 6);
    auto* filter = new SearchField(tr("Filter names"), 26, Type::Small, 190, part);
    connect(filter->edit(), &QLineEdit::textChanged, this, [this](const QString& words) {
        // Hiding rows keeps the model's indices, which choosing and selecting rely on.
        const auto apply = [&](const QModelIndex& parent, const auto& self) -> bool {
            bool any = false;
            for (int i = 0; i < m_model->rowCount(parent); ++i) {
                const QModelIndex index = m_model->index(i, 0, parent);
                const bool own =
                    index.data().toString().contains(words.trimmed(), Qt::CaseInsensitive);
                const bool below = self(index, self);
                m_tree->setRowHidden(i, parent, !(own || below));
                any = any || own || below;
            }
            return any;
        };
        apply({}, apply);
        if (!words.trimmed().isEmpty()) {
            m_tree->expandAll();
        }
    });
    row->addWidget(filter);
    row->addStretch(1);
    auto* hint = new Label(tr("Space chooses or leaves out"), Type::Small, &Tokens::text2, part);
    row->addWidget(hint);
    return part;
}

QWidget* AddPreview::buildLeftOut() {
    auto* part = new Panel(&Tokens::side, Qt::TopEdge, this);
    m_leftOutPart = part;
    auto* column = part->column(12, 6, 12, 11, 4);
    auto* top = rowIn(column, 8);
    top->addWidget(new Label(tr("Left out"), Type::Medium, &Tokens::text, part));
    m_leftOutText = new Label({}, Type::Small, &Tokens::text2, part);
    top->addWidget(m_leftOutText);
    top->addStretch(1);
    m_groups = rowIn(column, 7);
    return part;
}

QWidget* AddPreview::buildFoot() {
    auto* part = new Panel(&Tokens::window, Qt::TopEdge, this);
    part->setBarHeight(56);
    auto* row = part->row(14, 1, 14, 0, 8);
    m_accept = new Button(tr("Read now"), QStringLiteral("lane"), Button::Primary, part);
    m_accept->setHeight(32, Type::Body, 15);
    connect(m_accept, &Button::clicked, this, &AddPreview::accept);
    auto* cancel = new Button(tr("Cancel"), {}, Button::Normal, part);
    cancel->setHeight(32);
    connect(cancel, &Button::clicked, this, &AddPreview::cancelled);
    row->addWidget(m_accept);
    row->addWidget(cancel);
    row->addStretch(1);
    auto* hint = new Label(tr("Copies go into the dossier; your files stay as they are.\n"
                              "Questions work meanwhile on what is already read."),
                           Type::Small, &Tokens::text2, part);
    hint->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    row->addWidget(hint);
    return part;
}

QWidget* AddPreview::buildSide() {
    auto* part = new Panel(&Tokens::side, Qt::LeftEdge, this);
    onThemeChange(part, [part] { part->setFixedWidth(px(424)); });
    auto* column = part->column(1, 0, 0, 0);
    auto* head = new Panel(&Tokens::side, Qt::BottomEdge, part);
    head->setBarHeight(36);
    m_sideTitle = new Label(tr("No file is chosen"), Type::Strong, &Tokens::text, head);
    m_sideTitle->setElide(Qt::ElideMiddle, 80);
    head->row(12, 0, 12, 1)->addWidget(m_sideTitle, 1);
    column->addWidget(head);
    auto* facts = new Panel(&Tokens::side, Qt::BottomEdge, part);
    facts->setBarHeight(34);
    m_sideFacts = new Label({}, Type::Small, &Tokens::text2, facts);
    m_sideFacts->setElide(Qt::ElideRight, 80);
    facts->row(12, 0, 12, 1)->addWidget(m_sideFacts, 1);
    column->addWidget(facts);
    auto* textHead = new Panel(&Tokens::side, Qt::BottomEdge, part);
    textHead->setBarHeight(30);
    auto* textRow = textHead->row(12, 0, 12, 1);
    textRow->addWidget(
        new Label(tr("Text the model gets"), Type::SmallMedium, &Tokens::text, textHead));
    textRow->addStretch(1);
    column->addWidget(textHead);
    auto* ground = new Panel(&Tokens::base, {}, part);
    m_text = new QPlainTextEdit(ground);
    m_text->setReadOnly(true);
    m_text->setFrameShape(QFrame::NoFrame);
    m_text->setAccessibleName(tr("Text the model gets"));
    onThemeChange(m_text, [this] { m_text->setFont(fontOf(Type::CodeSmall)); });
    ground->row(10, 8, 4, 0)->addWidget(m_text);
    column->addWidget(ground, 1);
    auto* foot = new Panel(&Tokens::side, Qt::TopEdge, part);
    foot->setBarHeight(32);
    m_sideFoot = new Label({}, Type::Small, &Tokens::text2, foot);
    m_sideFoot->setTabular();
    foot->row(12, 1, 12, 0)->addWidget(m_sideFoot);
    column->addWidget(foot);
    return part;
}

void AddPreview::setCompact(bool compact) {
    m_side->setVisible(!compact);
}

// ---------------------------------------------------------------- work

void AddPreview::setModel(const std::filesystem::path& model) {
    if (model.empty() || m_counter->canCount()) {
        return;
    }
    m_counter = std::make_shared<Counter>(m_counter->reader(), model);
    m_model->forgetCounts();
    m_next = 0;
    ++m_round;
    if (m_walked) {
        countNext();
    }
}

void AddPreview::walk() {
    m_state->setText(tr("Looking through the folders…"));
    runChecked(
        this,
        [paths = m_paths, reader = m_counter->reader()](std::stop_token stop) {
            std::vector<AddFile> files;
            for (const std::filesystem::path& path : paths) {
                const QString name = QString::fromStdString(path.filename().string());
                std::error_code error;
                if (!std::filesystem::is_directory(path, error)) {
                    AddFile file;
                    file.path = path;
                    file.shown = name;
                    file.bytes = std::filesystem::file_size(path, error);
                    files.push_back(std::move(file));
                    continue;
                }
                for (const ingest::WalkEntry& entry : reader->walk(path, {}, {}, stop)) {
                    files.push_back({path / (entry.file.empty() ? std::filesystem::path(entry.path)
                                                                : entry.file),
                                     name + QLatin1Char('/') + QString::fromStdString(entry.path),
                                     entry.bytes, entry.included, entry.folder, entry.kind,
                                     QString::fromStdString(entry.reason)});
                }
            }
            return files;
        },
        [this](std::vector<AddFile> files) {
            m_walked = true;
            m_model->setFiles(std::move(files));
            m_tree->expandToDepth(m_model->files().size() > 300 ? 0 : 2);
            refreshLeftOut();
            countNext();
            priceChanges();
        },
        [this](const app::Failure& failure) {
            m_walked = true;
            refreshTotals();
            emit message(failure, QStringLiteral("walk"));
        });
}

void AddPreview::priceChanges() {
    if (!m_session) {
        return;
    }
    app::AddRequest request;
    request.paths = m_paths;
    runAsync(
        this,
        [request, present = m_session->sources()](std::stop_token stop) {
            return app::changedSources(request, present, stop);
        },
        [this](const std::vector<app::SourceId>& changed) {
            if (changed.empty() || !m_session) {
                return;
            }
            m_session->priceOf(
                app::SourceChange::Replaced, changed, this,
                [this, files = changed.size()](const std::optional<app::LanePrice>& price) {
                    if (price && price->again > 0) {
                        const QString text = QString::fromStdString(price->text());
                        m_price->setText(
                            files == 1
                                ? tr("1 file changed since it was added. Of what is read this %1.")
                                      .arg(text)
                                : tr("%1 files changed since they were added. Of what is read "
                                     "this %2.")
                                      .arg(number(files), text));
                        m_price->show();
                    }
                });
        });
}

void AddPreview::countNext() {
    while (m_next < m_model->files().size() &&
           (!m_model->chosen(m_next) || m_model->files()[m_next].folder ||
            m_model->count(m_next) != nullptr)) {
        ++m_next;
    }
    refreshTotals();
    if (m_next >= m_model->files().size()) {
        return;
    }
    const std::size_t file = m_next++;
    runAsync(
        this,
        [counter = m_counter, path = m_model->files()[file].path](std::stop_token stop) {
            return counter->count(path, stop);
        },
        [this, file, round = m_round](AddCount count) {
            if (round != m_round) {
                return;
            }
            m_model->setCount(file, std::move(count));
            if (m_tree->currentIndex().data(AddModel::FileRole).toInt() == static_cast<int>(file)) {
                showFile(static_cast<int>(file));
            }
            countNext();
        });
}

void AddPreview::refreshTotals() {
    const std::size_t files = m_model->chosenFiles();
    const QString from =
        m_paths.size() == 1
            ? tr(" from “%1”").arg(QString::fromStdString(m_paths.front().filename().string()))
            : QString();
    m_title->setText(!m_walked    ? title()
                     : files == 1 ? tr("Add 1 file%1").arg(from)
                                  : tr("Add %1 files%2").arg(number(files), from));
    const app::ContextUse use = m_session ? m_session->contextUse() : app::ContextUse{};
    const std::uint64_t now = m_model->chosenTokens();
    const bool exact = m_model->exact();
    if (m_walked) {
        m_state->setText(!m_counter->canCount() ? tr("Tokens are counted once a model is loaded")
                         : exact                ? tr("Counted with the model's own tokenizer")
                                 : tr("Counting · %1 left").arg(number(m_model->uncounted())));
    }
    m_accept->setEnabled(m_walked && files > 0);
    const QString selection = (exact ? QString() : QStringLiteral("≥ ")) + number(now);
    m_warning->hide();
    if (!use.whole || use.maxTokens == 0) {
        m_meter->setParts({}, tr("%1 tokens in this selection").arg(selection));
        m_meter->hide();
        m_legend->set({{{1, tokens().accent, MeterPart::Solid},
                        tr("Already read"),
                        number(use.documentTokens)},
                       {{1, tokens().cKv, MeterPart::Solid}, tr("This selection"), selection}},
                      {});
        return;
    }
    m_meter->show();
    const auto total = static_cast<double>(use.maxTokens);
    const std::uint64_t taken = use.documentTokens + use.reserveTokens;
    const std::uint64_t free = use.maxTokens > taken ? use.maxTokens - taken : 0;
    const bool over = now > free;
    const bool nearly = !over && static_cast<double>(free - now) < 0.03 * total;
    const QColor fill = over ? tokens().err : nearly ? tokens().cExp : tokens().cKv;
    const auto share = [total](std::uint64_t value) { return static_cast<double>(value) / total; };
    m_meter->setParts({{share(use.documentTokens), tokens().accent, MeterPart::Solid},
                       {share(std::min(now, free)), fill, MeterPart::Solid},
                       {share(free - std::min(now, free)), {}, MeterPart::Solid},
                       {share(use.reserveTokens), {}, MeterPart::HatchReserve}},
                      tr("%1 tokens free after this").arg(number(free - std::min(now, free))));
    m_legend->set(
        {{{1, tokens().accent, MeterPart::Solid}, tr("Already read"), number(use.documentTokens)},
         {{1, fill, MeterPart::Solid}, tr("This selection"), selection},
         {{1, tokens().cFree, MeterPart::Solid}, tr("Free"), number(free - std::min(now, free))},
         {{1, {}, MeterPart::HatchReserve}, tr("Kept for the answer"), number(use.reserveTokens)}},
        tr("of %1 tokens").arg(number(use.maxTokens)));
    if (over) {
        const auto largest = m_model->largestFolders();
        QString text = tr("%1 too many").arg(number(now - free));
        if (!largest.empty()) {
            text += tr(": leave out %1")
                        .arg(QStringList(largest.begin(), largest.end()).join(tr(" or ")));
        }
        m_warning->setRole(Type::SmallMedium, &Tokens::err);
        m_warning->setText(text);
        m_warning->show();
    } else if (nearly) {
        m_warning->setRole(Type::SmallMedium, &Tokens::warn);
        m_warning->setText(tr("Nearly full: %1 tokens free").arg(number(free - now)));
        m_warning->show();
    }
}

void AddPreview::refreshLeftOut() {
    while (QLayoutItem* item = m_groups->takeAt(0)) {
        delete item->widget();
        delete item;
    }
    std::size_t count = 0;
    for (const auto& [group, files] : m_model->leftOut()) {
        count += files;
        auto* button = new Button(group, QStringLiteral("check"), Button::Normal, m_leftOutPart);
        button->setIconName(QStringLiteral("check"), 11, &Tokens::accentT);
        button->setHeight(24, Type::Small, 8, 6);
        button->setSecondText(number(files));
        button->setToolTip(tr("Left out; click to take these files after all"));
        connect(button, &Button::clicked, this, [this, button, group = group] {
            const bool take = !button->property("taken").toBool();
            button->setProperty("taken", take);
            button->setIconName(take ? QString() : QStringLiteral("check"), 11, &Tokens::accentT);
            button->setToolTip(take ? tr("Taken; click to leave these files out")
                                    : tr("Left out; click to take these files after all"));
            m_model->chooseGroup(group, take);
            m_next = 0;
            countNext();
        });
        m_groups->addWidget(button);
    }
    m_groups->addStretch(1);
    m_leftOutText->setText(count == 1 ? tr("1 file") : tr("%1 files").arg(number(count)));
    m_leftOutPart->setVisible(count > 0);
}

void AddPreview::showFile(int file) {
    if (file < 0) {
        m_sideTitle->setText(tr("No file is chosen"));
        m_sideFacts->clear();
        m_text->clear();
        m_sideFoot->clear();
        return;
    }
    const auto index = static_cast<std::size_t>(file);
    const AddFile& entry = m_model->files()[index];
    m_sideTitle->setText(entry.shown.section(QLatin1Char('/'), -1));
    const AddCount* count = m_model->count(index);
    if (count == nullptr) {
        m_sideFacts->setText(m_model->chosen(index) ? tr("Not read yet") : entry.reason);
        m_text->clear();
        m_sideFoot->clear();
        return;
    }
    if (!count->problem.isEmpty()) {
        m_sideFacts->setText(count->problem);
    } else if (count->pages > 0) {
        m_sideFacts->setText(
            tr("text layer on %1 of %2 pages")
                .arg(number(count->pages - count->pagesWithoutText), number(count->pages)));
    } else {
        m_sideFacts->setText(tr("%1 lines").arg(number(count->lines)));
    }
    m_text->setPlainText(count->document
                             ? QString::fromStdString(count->document->text.substr(0, 60'000))
                             : tr("Too long to show here; open the source after adding it."));
    m_sideFoot->setText(count->tokens ? tr("File: %1 tokens").arg(number(*count->tokens))
                                      : QString());
}

void AddPreview::accept() {
    app::AddRequest request;
    request.paths = m_paths;
    for (std::size_t i = 0; i < m_model->files().size(); ++i) {
        const AddFile& file = m_model->files()[i];
        if (m_model->chosen(i) && !file.proposed) {
            request.alsoTake.push_back(file.path);
        } else if (!m_model->chosen(i) && file.proposed) {
            request.leaveOut.push_back(file.path);
        }
    }
    emit accepted(request);
}

} // namespace dossier::ui
