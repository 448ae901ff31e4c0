// SPDX-License-Identifier: GPL-3.0-or-later
// The colours of the window by role, read from resources/themes/tokens.json: nowhere typed twice.
// Roles and contrasts are explained in docs/design-tokens.md. Window thread only.
#pragma once

#include <QColor>
#include <QHash>
#include <QString>

namespace dossier::ui {

/// One theme. Member names are the token names, with "c-kv" written cKv and "else" written
/// elsewhere.
struct Tokens {
    bool dark = false;
    // areas
    QColor window, side, base, desk, band, raised, button, hover, pressed, menu;
    // lines and text
    QColor line, line2, ctl, text, text2, text3;
    // what can be done, and selection
    QColor accent, accentH, onaccent, focus, accentT, soft, soft2, sel;
    // states; a name with S is the ground, with L the line under a bar
    QColor ok, okS, norm, normS, part, elsewhere, neutral, neutralS;
    QColor warn, warnS, warnL, err, errS, errL;
    // highlights and pages
    QColor hl, hlC, hlB, paper, ink;
    // owners of memory
    QColor cDense, cExp, cKv, cScr, cText, cUi, cOth, cFree;
    // syntax: keyword, type, string, comment, constant, function, preprocessor, line number
    QColor kw, ty, st, cm, nu, fn, pp, gut;

    /// Segment track, selected segment and the hairline around a page, which differ by theme.
    QColor track, segment, pageEdge;
};

/// A role by pointer to member: `&Tokens::text2`.
using ColorRole = QColor Tokens::*;

/// The theme in force.
const Tokens& tokens();
/// The light theme, for what stays white paper in both.
const Tokens& lightTokens();

/// Reads one theme ("light" or "dark") of the JSON text. Throws dossier::Error(Corrupt) when a
/// token is missing, unknown or no colour.
Tokens readTokens(const QByteArray& json, const QString& theme);

/// Token name ("c-kv") to member, for the style sheet and for tests.
const QHash<QString, ColorRole>& tokenNames();

/// Mix: `share` of a, the rest of b.
QColor mixed(const QColor& a, const QColor& b, double share);
/// Ground of text that the person marked: the mark's colour on `ground`, so faint on a dark one
/// that the text stays readable.
QColor markGround(const QColor& mark, const QColor& ground);
QColor withAlpha(QColor color, double alpha);

} // namespace dossier::ui
