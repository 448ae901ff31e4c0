// SPDX-License-Identifier: GPL-3.0-or-later
// Report mode: which answers, the very pages that will be written, and the export.
#pragma once

#include <QPointer>
#include <QTimer>
#include <memory>

#include "app/report/export_report.h"
#include "app/session.h"
#include "ui/widgets/basics.h"
#include "ui/window_services.h"

class QCheckBox;
class QLineEdit;
class QListView;
class QTemporaryDir;

namespace dossier::ui {

class MessageArea;
class PageRenderer;
class PageView;

class ReportPage : public QWidget {
    Q_OBJECT

  public:
    explicit ReportPage(QWidget* parent = nullptr);
    ~ReportPage() override;

    void setServices(const WindowServices& services);
    void setSession(app::Session* session, PageRenderer* renderer);
    void setCompact(bool compact);
    /// Exports into a new folder with what is chosen now; empty asks for a place.
    void exportTo(const std::filesystem::path& folder);
    app::report::ExportRequest request() const;
    int blockCount() const;
    /// Bars above the pages: what the person is told while this page is in front.
    MessageArea* messages() const { return m_messages; }
    /// What to write; `annotated`: copies of the PDF sources.
    void setFormats(bool pdf, bool annotated, bool markdown, bool html);

  signals:
    void message(const dossier::app::Failure& failure, const QString& cause);
    void exported(const QString& path);

  protected:
    void showEvent(QShowEvent*) override;

  private:
    class Blocks;

    QWidget* buildOutline();
    QWidget* buildPreview();
    QWidget* buildOptions();
    void refreshBlocks();
    void refreshChecks();
    void refreshFormat();
    app::report::ReportOptions reportOptions() const;
    void makePreview();
    std::filesystem::path previewFolder(int number) const;
    void showPreview(const std::filesystem::path& file);
    void askTarget();

    WindowServices m_services;
    QPointer<app::Session> m_session;
    PageRenderer* m_renderer = nullptr;
    Blocks* m_blocks = nullptr;
    QListView* m_list = nullptr;
    Panel *m_outlinePanel = nullptr, *m_centre = nullptr;
    Label *m_verified = nullptr, *m_normalised = nullptr, *m_bad = nullptr;
    QVBoxLayout* m_previewLayout = nullptr;
    MessageArea* m_messages = nullptr;
    QPointer<PageView> m_view;
    Label *m_previewState = nullptr, *m_pages = nullptr;
    WrapLabel* m_sizeText = nullptr;
    QCheckBox *m_pdf = nullptr, *m_annotated = nullptr, *m_markdown = nullptr, *m_html = nullptr;
    QCheckBox *m_unverified = nullptr, *m_thinking = nullptr, *m_notes = nullptr,
              *m_labels = nullptr;
    QLineEdit *m_title = nullptr, *m_author = nullptr, *m_footer = nullptr;
    Button* m_export = nullptr;
    QTimer m_debounce;
    std::unique_ptr<QTemporaryDir> m_temporary;
    app::JobId m_previewJob{};
    int m_previewNumber = 0;
    bool m_stale = true;
};

} // namespace dossier::ui
