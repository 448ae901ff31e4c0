// SPDX-License-Identifier: GPL-3.0-or-later
// What floats beside a chip while the pointer rests on it: the passage in its surroundings.
#pragma once

#include "ui/thread/citation_list.h"
#include "ui/widgets/popup.h"

namespace dossier::ui {

class CitationPreview : public PopupFrame {
    Q_OBJECT

  public:
    /// `before`, `passage`, `after`: text of the source around the place; empty when there is none.
    CitationPreview(const CitationRow& row, const QString& before, const QString& passage,
                    const QString& after, QWidget* parent = nullptr);
};

/// Text around a place of a document, cut at sentence or line ends.
struct Surroundings {
    QString before, passage, after;
};
Surroundings surroundingsOf(const ingest::Document& document, ingest::TextRange range);

/// In which respects a quotation differs from its passage: "line break evened out", ...
QString normalisationText(const QString& quote, const QString& passage);

} // namespace dossier::ui
