// SPDX-License-Identifier: GPL-3.0-or-later
// Dialogs.
#include "ui/main/dialogs.h"

#include <QBoxLayout>
#include <QCheckBox>
#include <QComboBox>
#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QHeaderView>
#include <QLineEdit>
#include <QSet>
#include <QSettings>
#include <QTableWidget>

#include "ui/widgets/basics.h"
#include "ui/widgets/controls.h"

namespace dossier::ui {
namespace {

void closeOnEscape(QDialog* dialog) {
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setModal(false);
}

/// Inodes of the network sockets of the system, from /proc/net.
QSet<QString> networkInodes() {
    QSet<QString> inodes;
    for (const char* table : {"tcp", "tcp6", "udp", "udp6", "raw", "raw6"}) {
        QFile file(QStringLiteral("/proc/self/net/") + QLatin1String(table));
        if (!file.open(QIODevice::ReadOnly)) {
            continue;
        }
        const QStringList lines = QString::fromLatin1(file.readAll()).split(QLatin1Char('\n'));
        for (qsizetype i = 1; i < lines.size(); ++i) {
            const QStringList fields = lines[i].simplified().split(QLatin1Char(' '));
            if (fields.size() > 9) {
                inodes.insert(fields[9]);
            }
        }
    }
    return inodes;
}

} // namespace

int openNetworkSockets() {
    const QSet<QString> network = networkInodes();
    int count = 0;
    const QDir descriptors(QStringLiteral("/proc/self/fd"));
    for (const QFileInfo& entry :
         descriptors.entryInfoList(QDir::NoDotAndDotDot | QDir::AllEntries | QDir::System)) {
        const QString target = QFile::symLinkTarget(entry.filePath());
        const qsizetype open = target.indexOf(QStringLiteral("socket:["));
        if (open >= 0) {
            const QString inode = target.mid(open + 8).chopped(1);
            count += network.contains(inode) ? 1 : 0;
        }
    }
    return count;
}

void applySavedLook() {
    const QSettings settings;
    Theme& theme = Theme::instance();
    theme.setTextPercent(settings.value(QStringLiteral("textPercent"), 100).toInt());
    theme.setChoice(static_cast<ThemeChoice>(settings.value(QStringLiteral("theme"), 0).toInt()));
    theme.setReduceMotion(theme.reduceMotion() ||
                          settings.value(QStringLiteral("reduceMotion"), false).toBool());
}

SettingsDialog::SettingsDialog(QWidget* parent) : QDialog(parent) {
    closeOnEscape(this);
    setWindowTitle(tr("Settings"));
    auto* layout = columnLayout(this, 20, 18, 20, 16, 10);
    const auto row = [&](const QString& name, QWidget* editor) {
        auto* line = rowIn(layout, 12);
        auto* label = new Label(name, Type::Body, &Tokens::text, this);
        label->setBuddy(editor);
        editor->setAccessibleName(name);
        onThemeChange(label, [label] { label->setFixedWidth(px(180)); });
        onThemeChange(editor, [editor] { editor->setMinimumWidth(px(220)); });
        line->addWidget(label);
        line->addWidget(editor, 1);
    };
    auto* theme = new QComboBox(this);
    theme->addItems({tr("As the system"), tr("Light"), tr("Dark")});
    theme->setCurrentIndex(static_cast<int>(Theme::instance().choice()));
    connect(theme, &QComboBox::activated, this, [](int index) {
        QSettings().setValue(QStringLiteral("theme"), index);
        Theme::instance().setChoice(static_cast<ThemeChoice>(index));
    });
    row(tr("Theme"), theme);
    auto* size = new QComboBox(this);
    const QList<int> sizes{80, 90, 100, 110, 125, 150, 175, 200};
    for (const int percent : sizes) {
        size->addItem(tr("%1 %").arg(percent));
    }
    size->setCurrentIndex(
        static_cast<int>(std::max<qsizetype>(0, sizes.indexOf(Theme::instance().textPercent()))));
    connect(size, &QComboBox::activated, this, [sizes](int index) {
        QSettings().setValue(QStringLiteral("textPercent"), sizes[index]);
        Theme::instance().setTextPercent(sizes[index]);
    });
    row(tr("Text size"), size);
    auto* author = new QLineEdit(QSettings().value(QStringLiteral("author")).toString(), this);
    author->setPlaceholderText(tr("Login name"));
    connect(author, &QLineEdit::editingFinished, this,
            [author] { QSettings().setValue(QStringLiteral("author"), author->text().trimmed()); });
    row(tr("Author of notes and reports"), author);
    auto* motion = new QCheckBox(tr("No flash after a jump"), this);
    motion->setChecked(Theme::instance().reduceMotion());
    connect(motion, &QCheckBox::toggled, this, [](bool on) {
        QSettings().setValue(QStringLiteral("reduceMotion"), on);
        Theme::instance().setReduceMotion(on);
    });
    layout->addWidget(motion);
    auto* hint =
        new Label(tr("The author takes effect with the next dossier. What the model may use, and "
                     "what it leaves free for other programs, is set on the model page."),
                  Type::Small, &Tokens::text2, this);
    hint->setWordWrap(true);
    layout->addWidget(hint);
    auto* buttons = rowIn(layout, 8);
    auto* model = new Button(tr("Model page…"), QStringLiteral("model"), Button::Normal, this);
    connect(model, &Button::clicked, this, [this] {
        emit modelRequested();
        close();
    });
    auto* done = new Button(tr("Close"), {}, Button::Primary, this);
    connect(done, &Button::clicked, this, &QDialog::close);
    buttons->addWidget(model);
    buttons->addStretch(1);
    buttons->addWidget(done);
}

ShortcutsDialog::ShortcutsDialog(const std::vector<std::pair<QString, QString>>& actions,
                                 QWidget* parent)
    : QDialog(parent) {
    closeOnEscape(this);
    setWindowTitle(tr("Keyboard shortcuts"));
    auto* layout = columnLayout(this, 16, 14, 16, 14, 8);
    auto* filter = new SearchField(tr("Filter"), 28, Type::Body, 0, this);
    layout->addWidget(filter);
    auto* table = new QTableWidget(0, 2, this);
    table->setHorizontalHeaderLabels({tr("Action"), tr("Keys")});
    table->horizontalHeader()->setHighlightSections(false);
    table->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft);
    table->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Stretch);
    table->verticalHeader()->hide();
    table->setShowGrid(false);
    table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    table->setSelectionBehavior(QAbstractItemView::SelectRows);
    table->setTabKeyNavigation(false); // Tab leads out of it
    table->setAccessibleName(windowTitle());
    std::vector<std::pair<QString, QString>> all = actions;
    const std::pair<QString, QString> inPage[] = {
        {tr("In a document: highlight, underline, strike out, note"), QStringLiteral("h, u, s, n")},
        {tr("In a document: select by words"), QStringLiteral("Shift+Right, Shift+Left")},
        {tr("In the question: send, new line, recall"), QStringLiteral("Enter, Shift+Enter, Up")},
        {tr("In the question: name a source, choose a playbook question"), QStringLiteral("@, /")},
        {tr("In the tree: use or leave out, open, remove"), QStringLiteral("Space, Enter, Del")},
        {tr("In a note: save"), QStringLiteral("Ctrl+Enter")},
    };
    all.insert(all.end(), std::begin(inPage), std::end(inPage));
    table->setRowCount(static_cast<int>(all.size()));
    for (int i = 0; i < static_cast<int>(all.size()); ++i) {
        const auto& [name, keys] = all[static_cast<std::size_t>(i)];
        table->setItem(i, 0, new QTableWidgetItem(name));
        table->setItem(i, 1, new QTableWidgetItem(keys));
    }
    table->resizeColumnToContents(1);
    layout->addWidget(table, 1);
    connect(filter->edit(), &QLineEdit::textChanged, this, [table](const QString& words) {
        for (int i = 0; i < table->rowCount(); ++i) {
            table->setRowHidden(
                i, !table->item(i, 0)->text().contains(words, Qt::CaseInsensitive) &&
                       !table->item(i, 1)->text().contains(words, Qt::CaseInsensitive));
        }
    });
    resize(px(560), px(560));
}

OfflineDialog::OfflineDialog(QWidget* parent) : QDialog(parent) {
    closeOnEscape(this);
    setWindowTitle(tr("How to check that nothing leaves the computer"));
    auto* layout = columnLayout(this, 20, 18, 20, 16, 10);
    const int sockets = openNetworkSockets();
    auto* row = rowIn(layout, 8);
    row->addWidget(
        new IconLabel(sockets == 0 ? QStringLiteral("verified") : QStringLiteral("warning"), 18,
                      sockets == 0 ? &Tokens::ok : &Tokens::warn, this));
    row->addWidget(
        new Label(tr("This process holds %1 network sockets at this moment.").arg(sockets),
                  Type::Medium, &Tokens::text, this));
    row->addStretch(1);
    const QString program = QCoreApplication::applicationDirPath();
    const QString text =
        tr("The window, the engine and the reader are three programs; none links a network module. "
           "To see it for yourself:\n\n"
           "1. ldd %1/dossier | grep -i -e network -e curl -e ssl\n"
           "    prints nothing.\n"
           "2. ss -xtup | grep dossier\n"
           "    shows only sockets of the desktop (unix), none of tcp or udp.\n"
           "3. unshare -rn %1/dossier\n"
           "    starts it without any network: everything works.")
            .arg(program);
    auto* words = new Label(text, Type::Body, &Tokens::text, this);
    words->setWordWrap(true);
    words->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    onThemeChange(words, [words] { words->setMinimumWidth(px(520)); });
    layout->addWidget(words);
    auto* buttons = rowIn(layout, 8);
    buttons->addStretch(1);
    auto* done = new Button(tr("Close"), {}, Button::Primary, this);
    connect(done, &Button::clicked, this, &QDialog::close);
    buttons->addWidget(done);
}

} // namespace dossier::ui
