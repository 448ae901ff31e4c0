// SPDX-License-Identifier: GPL-3.0-or-later
// Report mode.
#include "ui/report/report_page.h"

#include <QAbstractListModel>
#include <QBoxLayout>
#include <QCheckBox>
#include <QCoreApplication>
#include <QDir>
#include <QFileDialog>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListView>
#include <QLocale>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>
#include <QStyledItemDelegate>
#include <QTemporaryDir>
#include <algorithm>

#include "ui/async.h"
#include "ui/theme/icons.h"
#include "ui/theme/paint.h"
#include "ui/viewer/page_view.h"
#include "ui/widgets/message_bar.h"

namespace dossier::ui {

/// The answers of the dossier as blocks that can be left out.
class ReportPage::Blocks : public QAbstractListModel {
  public:
    struct Block {
        app::QuestionId question{};
        QString title, detail;
        bool on = true;
        bool ready = true; ///< has a final answer
    };
    using QAbstractListModel::QAbstractListModel;

    void set(std::vector<Block> blocks) {
        beginResetModel();
        for (Block& block : blocks) {
            for (const Block& old : m_blocks) {
                if (old.question == block.question) {
                    block.on = old.on;
                }
            }
        }
        m_blocks = std::move(blocks);
        endResetModel();
    }
    const Block& block(int row) const { return m_blocks[static_cast<std::size_t>(row)]; }
    void toggle(int row) {
        m_blocks[static_cast<std::size_t>(row)].on = !block(row).on;
        emit dataChanged(index(row), index(row));
    }
    int rowCount(const QModelIndex& = {}) const override {
        return static_cast<int>(m_blocks.size());
    }
    QVariant data(const QModelIndex& index, int role) const override {
        if (!index.isValid()) {
            return {};
        }
        const Block& b = block(index.row());
        if (role == Qt::DisplayRole || role == Qt::ToolTipRole) {
            return b.title;
        } else if (role == Qt::AccessibleTextRole) {
            return QStringLiteral("%1, %2, %3")
                .arg(b.title, b.detail, b.on ? tr("in the report") : tr("left out"));
        }
        return role == Qt::CheckStateRole ? QVariant(b.on ? Qt::Checked : Qt::Unchecked)
                                          : QVariant();
    }

  private:
    std::vector<Block> m_blocks;
};

namespace {

class BlockDelegate : public QStyledItemDelegate {
  public:
    using QStyledItemDelegate::QStyledItemDelegate;
    QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override {
        return {px(100), px(44)};
    }
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        QPainter& p = *painter;
        const PainterScope scope(p);
        const Tokens& t = tokens();
        const QRectF row = option.rect;
        if (option.state.testFlag(QStyle::State_Selected) ||
            option.state.testFlag(QStyle::State_MouseOver)) {
            p.fillRect(row, option.state.testFlag(QStyle::State_Selected) ? t.soft : t.hover);
        }
        const bool on = index.data(Qt::CheckStateRole).toInt() == Qt::Checked;
        paintCheck(p, QRectF(row.x() + pxF(14), row.center().y() - pxF(7.5), pxF(15), pxF(15)),
                   on ? Check::On : Check::Off);
        paintIcon(p, QStringLiteral("quote"),
                  QRectF(row.x() + pxF(37), row.center().y() - pxF(8), pxF(16), pxF(16)), t.text2);
        const double x = row.x() + pxF(62), wide = row.right() - pxF(12) - x;
        const QString spoken = index.data(Qt::AccessibleTextRole).toString();
        drawElided(p, QRectF(x, row.y() + pxF(4), wide, pxF(19)), index.data().toString(),
                   fontOf(Type::Body), on ? t.text : t.text3, Qt::ElideRight);
        drawElided(p, QRectF(x, row.y() + pxF(22), wide, pxF(17)),
                   spoken.section(QStringLiteral(", "), -2, -2), fontOf(Type::Small), t.text2,
                   Qt::ElideRight);
        if (option.state.testFlag(QStyle::State_HasFocus)) {
            paintRowFocus(p, row);
        }
    }
};

class BlockList : public QListView {
  public:
    using QListView::QListView;

  protected:
    void keyPressEvent(QKeyEvent* event) override {
        if (event->key() == Qt::Key_Space && currentIndex().isValid()) {
            emit clicked(currentIndex());
            return;
        }
        QListView::keyPressEvent(event);
    }
};

} // namespace

ReportPage::ReportPage(QWidget* parent) : QWidget(parent), m_blocks(new Blocks(this)) {
    setObjectName(QStringLiteral("report"));
    auto* columns = rowLayout(this);
    columns->addWidget(buildOutline());
    columns->addWidget(buildPreview(), 1);
    columns->addWidget(buildOptions());
    m_debounce.setSingleShot(true);
    m_debounce.setInterval(400);
    connect(&m_debounce, &QTimer::timeout, this, &ReportPage::makePreview);
    refreshFormat();
}

ReportPage::~ReportPage() = default;

QWidget* ReportPage::buildOutline() {
    m_outlinePanel = new Panel(&Tokens::side, Qt::RightEdge, this);
    m_outlinePanel->setColumnWidth(308);
    auto* column = m_outlinePanel->column(0, 0, 1, 0);
    auto* head = new Panel(&Tokens::side, {}, m_outlinePanel);
    head->setBarHeight(36);
    auto* row = head->row(12, 0, 12, 0);
    row->addWidget(new Label(tr("Outline"), Type::Strong, &Tokens::text, head));
    row->addStretch(1);
    column->addWidget(head);
    m_list = new BlockList(m_outlinePanel);
    m_list->setModel(m_blocks);
    m_list->setItemDelegate(new BlockDelegate(this));
    m_list->setFrameShape(QFrame::NoFrame);
    m_list->setUniformItemSizes(true);
    m_list->setMouseTracking(true);
    m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_list->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_list->setAccessibleName(tr("Answers in the report"));
    onThemeChange(m_list, [this] {
        m_list->setStyleSheet(QStringLiteral("QListView{background:%1}").arg(tokens().side.name()));
        m_list->doItemsLayout();
    });
    connect(m_list, &QListView::clicked, this, [this](const QModelIndex& index) {
        m_blocks->toggle(index.row());
        m_debounce.start();
        refreshChecks();
    });
    column->addWidget(m_list, 1);
    auto* checks = new Panel(&Tokens::side, Qt::TopEdge, m_outlinePanel);
    auto* checkColumn = checks->column(14, 12, 14, 14, 6);
    checkColumn->addWidget(new Label(tr("Checks"), Type::Medium, &Tokens::text, checks));
    const auto line = [&](const char* glyph, ColorRole color) {
        auto* checkRow = rowIn(checkColumn, 6);
        checkRow->addWidget(new IconLabel(QString::fromLatin1(glyph), 14, color, checks));
        auto* label = new Label({}, Type::SmallMedium, color, checks);
        checkRow->addWidget(label);
        checkRow->addStretch(1);
        return label;
    };
    m_verified = line("verified", &Tokens::ok);
    m_normalised = line("normalised", &Tokens::norm);
    m_bad = line("not-found", &Tokens::neutral);
    column->addWidget(checks);
    return m_outlinePanel;
}

QWidget* ReportPage::buildPreview() {
    m_centre = new Panel(&Tokens::desk, {}, this);
    m_previewLayout = m_centre->column();
    m_previewLayout->addWidget(m_messages = new MessageArea(m_centre));
    m_previewState = new Label({}, Type::Body, &Tokens::text2, m_centre);
    m_previewState->setAlignment(Qt::AlignCenter);
    m_previewState->setWordWrap(true);
    m_previewLayout->addWidget(m_previewState, 1);
    auto* foot = new Panel(&Tokens::window, Qt::TopEdge, m_centre);
    foot->setBarHeight(34);
    auto* row = foot->row(12, 1, 12, 0, 8);
    m_pages = new Label({}, Type::Small, &Tokens::text2, foot);
    row->addWidget(m_pages);
    row->addStretch(1);
    row->addWidget(new IconLabel(QStringLiteral("verified"), 14, &Tokens::text2, foot));
    row->addWidget(
        new Label(tr("Preview is the exported page"), Type::Small, &Tokens::text2, foot));
    m_previewLayout->addWidget(foot);
    return m_centre;
}

QWidget* ReportPage::buildOptions() {
    auto* side = new Panel(&Tokens::side, Qt::LeftEdge, this);
    side->setColumnWidth(364);
    auto* column = side->column(1, 0, 0, 0);
    auto* head = new Panel(&Tokens::side, Qt::BottomEdge, side);
    head->setBarHeight(36);
    head->row(12, 0, 12, 1)->addWidget(new Label(tr("Export"), Type::Strong, &Tokens::text, head));
    column->addWidget(head);
    auto* formats = columnIn(column, 6);
    scaleLayout(formats, 16, 12, 16, 12, 8);
    const auto format = [&](const QString& title, const QString& detail, bool on) {
        auto* box = new QCheckBox(title, side);
        box->setAccessibleDescription(detail);
        box->setChecked(on);
        connect(box, &QCheckBox::toggled, this, &ReportPage::refreshFormat);
        auto* part = columnIn(formats, 0);
        part->addWidget(box);
        auto* text = new Label(detail, Type::Small, &Tokens::text2, side);
        text->setElide(Qt::ElideRight, 60);
        auto* textRow = rowIn(part);
        scaleLayout(textRow, 23, 0, 0, 0, 0);
        textRow->addWidget(text);
        return box;
    };
    m_pdf = format(tr("PDF report"), tr("Outline, links, how it was made"), true);
    m_annotated = format(tr("Annotated sources"),
                         tr("PDF copies with the passages marked; originals stay"), true);
    m_markdown = format(tr("Markdown"), tr("One file, for editing"), false);
    m_html = format(tr("HTML"), tr("One file, links to the places"), false);
    column->addWidget(new Line(Qt::Horizontal, &Tokens::line, 0, side));
    auto* checks = columnIn(column, 8);
    scaleLayout(checks, 16, 12, 16, 12, 9);
    const auto check = [&](const QString& text, bool on) {
        auto* box = new QCheckBox(text, side);
        box->setChecked(on);
        connect(box, &QCheckBox::toggled, this, [this] {
            refreshChecks();
            m_debounce.start();
        });
        checks->addWidget(box);
        return box;
    };
    m_unverified = check(tr("Statements that are not verified"), false);
    m_thinking = check(tr("Thinking"), false);
    m_notes = check(tr("My notes and highlights"), true);
    m_labels = check(tr("Page labels as printed"), true);
    column->addWidget(new Line(Qt::Horizontal, &Tokens::line, 0, side));
    auto* fields = columnIn(column, 6);
    scaleLayout(fields, 16, 12, 16, 12, 6);
    const auto field = [&](const QString& name, QWidget* editor) {
        auto* row = rowIn(fields, 8);
        auto* label = new Label(name, Type::Body, &Tokens::text2, side);
        label->setBuddy(editor);
        onThemeChange(label, [label] { label->setFixedWidth(px(86)); });
        editor->setAccessibleName(name);
        row->addWidget(label);
        row->addWidget(editor, 1);
    };
    m_title = new QLineEdit(side);
    m_author = new QLineEdit(side);
    m_footer = new QLineEdit(side);
    field(tr("Title"), m_title);
    field(tr("Author"), m_author);
    field(tr("Footer"), m_footer);
    for (QLineEdit* edit : {m_title, m_author, m_footer}) {
        connect(edit, &QLineEdit::editingFinished, this, [this] { m_debounce.start(); });
    }
    column->addStretch(1);
    auto* foot = new Panel(&Tokens::side, Qt::TopEdge, side);
    auto* footColumn = foot->column(16, 12, 16, 14, 8);
    m_sizeText = new WrapLabel({}, Type::Small, &Tokens::text2, 17, foot);
    footColumn->addWidget(m_sizeText);
    m_export = new Button(tr("Export…"), QStringLiteral("export"), Button::Primary, foot);
    m_export->setHeight(32, Type::Body, 15);
    m_export->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    connect(m_export, &Button::clicked, this, [this] { askTarget(); });
    footColumn->addWidget(m_export);
    column->addWidget(foot);
    return side;
}

void ReportPage::setServices(const WindowServices& services) {
    m_services = services;
    m_author->setText(QString::fromStdString(services.session.author));
}

void ReportPage::setSession(app::Session* session, PageRenderer* renderer) {
    if (m_session) {
        m_session->disconnect(this);
    }
    m_session = session;
    m_renderer = renderer;
    delete m_view;
    m_messages->clear(); // of another dossier
    m_previewState->show();
    m_stale = true;
    if (session != nullptr) {
        m_title->setText(QString::fromStdString(session->name()));
        const auto changed = [this] {
            refreshBlocks();
            if (isVisible()) {
                m_debounce.start();
            } else {
                m_stale = true;
            }
        };
        connect(session, &app::Session::questionAdded, this, changed);
        connect(session, &app::Session::answerChanged, this, [this, changed](app::AnswerId id) {
            const app::Answer* answer = m_session->answer(id);
            if (answer != nullptr && app::isFinal(answer->state)) {
                changed();
            }
        });
        connect(session, &app::Session::marksChanged, this, changed);
        connect(session, &app::Session::sourcesChanged, this, changed);
        connect(session, &app::Session::jobChanged, this, [this](app::JobId id) {
            if (id != m_previewJob) {
                return;
            }
            for (const app::Job& job : m_session->jobs()) {
                if (job.id != id || job.state == app::JobState::Running) {
                    continue;
                }
                const bool done = job.state == app::JobState::Done;
                if (done) {
                    showPreview(previewFolder(m_previewNumber) / "report.pdf");
                } else if (job.failure) {
                    m_previewState->setText(
                        QString::fromStdString(job.failure->failed + ". " + job.failure->remedy));
                }
                m_previewJob = {};
                m_session->dismissJob(id);
                return;
            }
        });
    }
    refreshBlocks();
}

void ReportPage::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    refreshBlocks();
    if (m_stale) {
        if (!m_view && m_session && m_blocks->rowCount() > 0) {
            m_previewState->setText(tr("Setting the pages…"));
        }
        m_debounce.start();
    }
}

int ReportPage::blockCount() const {
    return m_blocks->rowCount();
}

void ReportPage::refreshBlocks() {
    std::vector<Blocks::Block> blocks;
    if (m_session) {
        for (const app::Thread& thread : m_session->threads()) {
            for (const app::Question& question : m_session->questions(thread.id)) {
                const app::Answer* answer =
                    question.answers.empty() ? nullptr : m_session->answer(question.answers.back());
                if (answer == nullptr || !app::isFinal(answer->state)) {
                    continue;
                }
                Blocks::Block block;
                block.question = question.id;
                block.title = QString::fromStdString(question.text).simplified();
                const auto quotes = answer->citations.size();
                block.detail =
                    quotes == 1
                        ? tr("question %1 · 1 quotation").arg(question.number)
                        : tr("question %1 · %2 quotations").arg(question.number).arg(quotes);
                blocks.push_back(std::move(block));
            }
        }
    }
    m_blocks->set(std::move(blocks));
    refreshChecks();
}

void ReportPage::refreshChecks() {
    int verified = 0, normalised = 0, bad = 0;
    for (int i = 0; m_session && i < m_blocks->rowCount(); ++i) {
        const app::Question* question = m_session->question(m_blocks->block(i).question);
        const app::Answer* answer = question != nullptr && !question->answers.empty()
                                        ? m_session->answer(question->answers.back())
                                        : nullptr;
        if (answer == nullptr || !m_blocks->block(i).on) {
            continue;
        }
        for (const app::Citation& citation : answer->citations) {
            citation.verdict == app::Verdict::Verified             ? ++verified
            : citation.verdict == app::Verdict::VerifiedNormalised ? ++normalised
                                                                   : ++bad;
        }
    }
    m_verified->setText(tr("%1 verified").arg(verified));
    m_normalised->setText(tr("%1 after normalisation").arg(normalised));
    m_bad->setText(m_unverified->isChecked() || bad == 0
                       ? tr("%1 not verified").arg(bad)
                       : tr("%1 not verified, left out").arg(bad));
    m_export->setEnabled(m_session && m_blocks->rowCount() > 0 &&
                         (m_pdf->isChecked() || m_annotated->isChecked() ||
                          m_markdown->isChecked() || m_html->isChecked()));
}

app::report::ReportOptions ReportPage::reportOptions() const {
    app::report::ReportOptions result;
    result.title = m_title->text().trimmed().toStdString();
    result.author = m_author->text().trimmed().toStdString();
    result.confidentiality = m_footer->text().trimmed().toStdString();
    result.withUnverified = m_unverified->isChecked();
    result.withThinking = m_thinking->isChecked();
    result.withNotes = m_notes->isChecked();
    result.printedLabels = m_labels->isChecked();
    for (int i = 0; i < m_blocks->rowCount(); ++i) {
        if (m_blocks->block(i).on) {
            result.questions.push_back(m_blocks->block(i).question);
        }
    }
    if (m_services.engine != nullptr) {
        result.engine = m_services.engine->status().device.name;
    }
    result.program = "Dossier " + QCoreApplication::applicationVersion().toStdString();
    return result;
}

app::report::ExportRequest ReportPage::request() const {
    app::report::ExportRequest result;
    result.pdf = m_pdf->isChecked();
    result.annotatedSources = m_annotated->isChecked();
    result.markdown = m_markdown->isChecked();
    result.html = m_html->isChecked();
    result.options = reportOptions();
    return result;
}

void ReportPage::setFormats(bool pdf, bool annotated, bool markdown, bool html) {
    m_pdf->setChecked(pdf);
    m_annotated->setChecked(annotated);
    m_markdown->setChecked(markdown);
    m_html->setChecked(html);
}

void ReportPage::refreshFormat() {
    if (m_export == nullptr) {
        return;
    }
    QStringList files;
    for (const auto& [box, name] : {std::pair(m_pdf, QStringLiteral("report.pdf")),
                                    std::pair(m_markdown, QStringLiteral("report.md")),
                                    std::pair(m_html, QStringLiteral("report.html")),
                                    std::pair(m_annotated, QStringLiteral("sources/"))}) {
        if (box->isChecked()) {
            files << name;
        }
    }
    m_sizeText->setText(files.isEmpty()
                            ? tr("Choose what to write")
                            : tr("Into a new folder: %1").arg(files.join(QStringLiteral(", "))));
    refreshChecks();
}

void ReportPage::makePreview() {
    m_stale = false;
    if (!m_session || m_blocks->rowCount() == 0) {
        delete m_view;
        m_previewState->setText(m_session
                                    ? tr("Ask a question first: its answer becomes the report.")
                                    : tr("No dossier is open."));
        m_previewState->show();
        m_pages->clear();
        return;
    }
    if (m_previewJob != app::JobId{}) {
        m_session->cancelJob(m_previewJob);
    }
    if (!m_temporary) {
        m_temporary = std::make_unique<QTemporaryDir>();
    }
    app::report::ExportRequest wanted;
    wanted.markdown = wanted.html = wanted.annotatedSources = false;
    wanted.options = reportOptions();
    wanted.folder = previewFolder(++m_previewNumber);
    if (!m_view) {
        m_previewState->setText(tr("Setting the pages…"));
        m_previewState->show();
    }
    m_previewJob = m_session->runExport(tr("Preview of the report").toStdString(),
                                        [wanted](const app::ExportContext& context) {
                                            app::report::exportReport(context, wanted);
                                        });
}

void ReportPage::showPreview(const std::filesystem::path& file) {
    runChecked(
        this,
        [reader = m_services.reader, file](std::stop_token stop) {
            return std::make_shared<const ingest::Document>(reader->read(file, {}, {}, stop));
        },
        [this, file, session = m_session](std::shared_ptr<const ingest::Document> document) {
            if (!session || session != m_session) {
                return; // its dossier was closed while the pages were read
            }
            const bool first = !m_view;
            const int top = m_view ? m_view->verticalScrollBar()->value() : 0;
            if (first) {
                m_view = new PageView(m_renderer, m_centre);
                m_previewLayout->insertWidget(1, m_view, 1);
                connect(m_view, &DocumentView::positionChanged, this, [this] {
                    m_pages->setText(tr("%1 of %2 pages")
                                         .arg(m_view->currentPage() + 1)
                                         .arg(m_view->pageCount()));
                });
            }
            m_previewState->hide();
            m_view->setFile(file);
            m_view->setDocument(document);
            if (!first) {
                m_view->verticalScrollBar()->setValue(top);
            }
        },
        [this, session = m_session](const app::Failure& failure) {
            if (!session || session != m_session) {
                return;
            }
            m_previewState->setText(QString::fromStdString(failure.failed + ". " + failure.remedy));
            m_previewState->show();
        });
}

std::filesystem::path ReportPage::previewFolder(int number) const {
    return std::filesystem::path(m_temporary->path().toStdString()) /
           ("preview-" + std::to_string(number));
}

void ReportPage::askTarget() {
    auto* dialog = new QFileDialog(this, tr("Export into a new folder"), QDir::homePath());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setLabelText(QFileDialog::FileName, tr("Folder"));
    dialog->selectFile(m_title->text().trimmed().isEmpty() ? tr("report")
                                                           : m_title->text().trimmed());
    connect(dialog, &QFileDialog::fileSelected, this,
            [this](const QString& chosen) { exportTo(chosen.toStdString()); });
    dialog->open();
}

void ReportPage::exportTo(const std::filesystem::path& folder) {
    if (!m_session) {
        return;
    }
    if (folder.empty()) {
        askTarget();
        return;
    }
    app::report::ExportRequest wanted = request();
    wanted.folder = folder;
    const app::JobId id = m_session->runExport(
        tr("Export to %1").arg(QString::fromStdString(folder.filename().string())).toStdString(),
        [wanted](const app::ExportContext& context) {
            app::report::exportReport(context, wanted);
        });
    auto* watch = new QObject(this);
    connect(m_session, &app::Session::jobChanged, watch,
            [this, id, watch, folder](app::JobId changed) {
                if (changed != id || !m_session) {
                    return;
                }
                for (const app::Job& job : m_session->jobs()) {
                    if (job.id == id && job.state != app::JobState::Running) {
                        watch->deleteLater();
                        if (job.state == app::JobState::Done) {
                            emit exported(QString::fromStdString(folder.string()));
                        } else if (job.failure) {
                            emit message(*job.failure, QStringLiteral("export"));
                        }
                        return;
                    }
                }
            });
}

void ReportPage::setCompact(bool compact) {
    m_outlinePanel->setVisible(!compact);
}

} // namespace dossier::ui
