// SPDX-License-Identifier: GPL-3.0-or-later
// What the locator finds: sources, headings, questions, actions, pages, words.
#include <algorithm>

#include "ui/main/locator.h"
#include "ui/main/main_window.h"
#include "ui/sources/sources_model.h"
#include "ui/thread/thread_panel.h"

namespace dossier::ui {

void MainWindow::showLocator(const QString& start) {
    auto* locator = new Locator(locatorCategories(), start, this);
    const QWidget* field = m_toolBar->locator();
    const QPoint at = field->isVisible() ? field->mapToGlobal(QPoint(0, 0))
                                         : mapToGlobal(QPoint(width() / 2 - px(280), px(80)));
    locator->showAt(
        QPoint(std::min(at.x(), mapToGlobal(QPoint(width() - px(570), 0)).x()), at.y()));
}

std::vector<LocatorCategory> MainWindow::locatorCategories() {
    constexpr std::size_t kMost = 40;
    const auto best = [](std::vector<std::pair<int, LocatorItem>> scored, std::size_t most) {
        std::stable_sort(scored.begin(), scored.end(),
                         [](const auto& a, const auto& b) { return a.first > b.first; });
        std::vector<LocatorItem> items;
        for (std::size_t i = 0; i < scored.size() && i < most; ++i) {
            items.push_back(std::move(scored[i].second));
        }
        return items;
    };
    std::vector<LocatorCategory> categories;
    categories.push_back(
        {QStringLiteral("s"), tr("Sources"),
         [this, best](const QString& words, const LocatorGive& give) {
             std::vector<std::pair<int, LocatorItem>> found;
             for (const app::Source& source :
                  m_session ? m_session->sources() : std::vector<app::Source>{}) {
                 const QString name = QString::fromStdString(source.name);
                 const int score =
                     std::max(2 * locatorScore(name, words),
                              locatorScore(QString::fromStdString(source.path()), words));
                 if (score > 0) {
                     found.push_back({score,
                                      {iconOf(source), name, QString::fromStdString(source.folder),
                                       [this, id = source.id] {
                                           if (const auto from = m_viewer->here()) {
                                               pushVisit(*from);
                                           }
                                           setMode(Mode::Read);
                                           m_viewer->openSource(id);
                                       }}});
                 }
             }
             give(best(std::move(found), words.isEmpty() ? 6 : kMost));
         }});
    categories.push_back(
        {QStringLiteral(":"), tr("Headings and symbols"),
         [this, best](const QString& words, const LocatorGive& give) {
             std::vector<std::pair<int, LocatorItem>> found;
             for (DocumentTab* tab : m_viewer->documents()) {
                 for (const OutlineItem& item : m_viewer->outline(tab->sourceId())) {
                     const int score = words.isEmpty() ? (tab == m_viewer->current() ? 1 : 0)
                                                       : locatorScore(item.title, words);
                     if (score > 0) {
                         found.push_back(
                             {score,
                              {item.symbol ? QStringLiteral("symbol") : QStringLiteral("page"),
                               item.number.isEmpty() ? item.title
                                                     : item.number + QLatin1Char(' ') + item.title,
                               QStringLiteral("%1 %2").arg(
                                   QString::fromStdString(tab->source().name), item.place),
                               [this, id = tab->sourceId(), range = item.range] {
                                   if (const auto from = m_viewer->here()) {
                                       pushVisit(*from);
                                   }
                                   m_viewer->openSource(id, range);
                               }}});
                     }
                 }
             }
             give(best(std::move(found), words.isEmpty() ? 0 : kMost));
         }});
    categories.push_back(
        {QStringLiteral("q"), tr("Questions"),
         [this](const QString& words, const LocatorGive& give) {
             if (!m_session) {
                 return;
             }
             std::vector<LocatorItem> recent;
             const auto item = [this](app::QuestionId id, const QString& detail) -> LocatorItem {
                 const app::Question* question = m_session->question(id);
                 return {QStringLiteral("ask"),
                         question != nullptr ? QString::fromStdString(question->text).simplified()
                                             : QString(),
                         detail, [this, id] {
                             setMode(Mode::Read);
                             setThreadShown(true);
                             m_thread->showQuestion(id);
                         }};
             };
             if (words.isEmpty()) {
                 for (const app::Thread& thread : m_session->threads()) {
                     for (const app::Question& question : m_session->questions(thread.id)) {
                         recent.insert(recent.begin(),
                                       item(question.id, QString::fromStdString(thread.name)));
                     }
                 }
                 recent.resize(std::min<std::size_t>(recent.size(), 6));
                 give(std::move(recent));
                 return;
             }
             m_session->searchHistory(
                 words.toStdString(), kMost, this,
                 [give, item](std::vector<app::Session::HistoryHit> hits) {
                     std::vector<LocatorItem> items;
                     for (const auto& hit : hits) {
                         items.push_back(
                             item(hit.question, QString::fromStdString(hit.snippet).simplified()));
                     }
                     give(std::move(items));
                 });
         }});
    categories.push_back({QStringLiteral(">"), tr("Actions"),
                          [this, best](const QString& words, const LocatorGive& give) {
                              std::vector<std::pair<int, LocatorItem>> found;
                              for (const auto& [name, entry] : m_actions) {
                                  const int score = locatorScore(name, words);
                                  if (score > 0 && entry->isEnabled()) {
                                      found.push_back(
                                          {score,
                                           {QStringLiteral("chevron-right"), name,
                                            entry->shortcut().toString(QKeySequence::NativeText),
                                            [entry = QPointer<QAction>(entry)] {
                                                if (entry) {
                                                    entry->trigger();
                                                }
                                            }}});
                                  }
                              }
                              give(best(std::move(found), words.isEmpty() ? 6 : kMost));
                          }});
    categories.push_back({QStringLiteral("p"), tr("Page or line"),
                          [this](const QString& words, const LocatorGive& give) {
                              DocumentTab* tab = m_viewer->current();
                              bool number = false;
                              const uint value = words.toUInt(&number);
                              if (tab == nullptr || !number || value == 0) {
                                  return;
                              }
                              const QString name = QString::fromStdString(tab->source().name);
                              give({{QStringLiteral("page"),
                                     tab->pageView() != nullptr ? tr("Page %1").arg(value)
                                                                : tr("Line %1").arg(value),
                                     name, [this, value] {
                                         DocumentTab* now = m_viewer->current();
                                         if (now == nullptr) {
                                             return;
                                         }
                                         if (const auto from = m_viewer->here()) {
                                             pushVisit(*from);
                                         }
                                         if (now->pageView() != nullptr) {
                                             now->pageView()->showPage(value - 1);
                                         } else {
                                             now->textView()->showLine(value);
                                         }
                                     }}});
                          }});
    categories.push_back(
        {QStringLiteral("f"), tr("Words in all sources"),
         [this](const QString& words, const LocatorGive& give) {
             if (!m_session || words.size() < 2) {
                 return;
             }
             m_session->searchSources(
                 words.toStdString(), kMost, this, [this, give](std::vector<app::SearchHit> hits) {
                     std::vector<LocatorItem> items;
                     for (const app::SearchHit& hit : hits) {
                         const app::Source* source =
                             m_session ? m_session->source(hit.place.source) : nullptr;
                         if (source == nullptr) {
                             continue;
                         }
                         items.push_back(
                             {iconOf(*source), QString::fromStdString(hit.snippet),
                              QStringLiteral("%1 %2").arg(
                                  QString::fromStdString(source->name),
                                  placeText(hit.place, {}, source->format == ingest::Format::Code)),
                              [this, place = hit.place] { openPlace(place); }});
                     }
                     give(std::move(items));
                 });
         },
         3});
    return categories;
}

} // namespace dossier::ui
