// SPDX-License-Identifier: GPL-3.0-or-later
// The bar below the menus: dossier, adding, back and forward, modes, locator, depth, stop.
#pragma once

#include "ui/widgets/basics.h"
#include "ui/widgets/controls.h"

class QSpacerItem;

namespace dossier::ui {

enum class Mode { Read, Review, Report, Memory };

class ToolBar : public Panel {
    Q_OBJECT

  public:
    explicit ToolBar(QWidget* parent = nullptr);

    void setDossier(const QString& name); ///< empty = none open
    void setMode(Mode mode);
    void setDepth(const QString& title, bool enabled);
    void setDepthOpen(bool open) { m_depth->setDown(open); }
    void setCanStop(bool can);
    void setHistory(bool back, bool forward);
    void setPanels(bool sources, bool thread);
    void setColumns(int left, int right); ///< widths of the columns below, real pixels
    /// Narrow: only the current mode keeps its name, the locator shrinks.
    void setCompact(bool compact);
    /// Without a dossier: only what makes sense then.
    void setEmpty(bool empty);

    Button* depthButton() const { return m_depth; }
    Button* dossierButton() const { return m_dossier; }
    SearchField* locator() const { return m_locator; }
    SegmentSwitch* modes() const { return m_modes; }
    Button* stopButton() const { return m_stop; }

  signals:
    void sourcesToggled(bool on);
    void threadToggled(bool on);
    void dossierMenuRequested();
    void addFilesRequested();
    void addFolderRequested();
    void backRequested();
    void forwardRequested();
    void modeChosen(dossier::ui::Mode mode);
    void locatorRequested();
    void depthRequested();
    void stopRequested();

  protected:
    void resizeEvent(QResizeEvent*) override;

  private:
    void arrange();
    void arrange(bool narrow);
    int roomAtRight() const; ///< that left and middle leave

    QWidget *m_left, *m_middle, *m_right;
    IconButton *m_sources, *m_addFile, *m_addFolder, *m_back, *m_forward, *m_thread;
    Button *m_dossier, *m_depth, *m_stop;
    SegmentSwitch* m_modes;
    SearchField* m_locator;
    int m_leftWidth = 0, m_rightWidth = 0;
    bool m_compact = false, m_empty = false;
    QBoxLayout* m_middleRow;
    QSpacerItem* m_emptyLeft;
    QSpacerItem* m_emptyRight;
};

} // namespace dossier::ui
