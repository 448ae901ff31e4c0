// SPDX-License-Identifier: GPL-3.0-or-later
// The look in force: theme, text size, fonts, palette and style sheet. Window thread only.
//
// Every length is a logical pixel at 96 dpi and text size 100 %, and goes through px(); widgets
// that keep lengths or colours set them in a function given to onThemeChange().
#pragma once

#include <QFont>
#include <QObject>
#include <functional>

#include "ui/theme/tokens.h"

class QFontMetricsF;

namespace dossier::ui {

enum class ThemeChoice { System, Light, Dark };

/// Text roles of docs/design-tokens.md section 2.
enum class Type {
    Display,        // 19 / 600
    Title,          // 15 / 600
    Heading,        // 12 / 600
    Panel,          // 11 / 600
    Question,       // 10.5 / 600
    Strong,         // 10 / 600
    Medium,         // 10 / 500
    Body,           // 10 / 400
    Lead,           // 10.5 / 400
    Small,          // 9 / 400
    SmallMedium,    // 9 / 500
    SmallStrong,    // 9 / 600
    Caption,        // 8 / 400
    Chip,           // 8 / 700: light on a tinted ground
    ChipWord,       // 8 / 500
    Code,           // 10
    CodeSmall,      // 9
    Snippet,        // 8.5
    Quotation,      // 10 italic Pagella
    QuotationSmall, // 9.5 italic Pagella
};

class Theme : public QObject {
    Q_OBJECT

  public:
    static constexpr int kMinTextPercent = 80, kMaxTextPercent = 200;

    static Theme& instance();

    /// Loads fonts and tokens and dresses the application. Called once after QApplication.
    void apply();

    ThemeChoice choice() const { return m_choice; }
    int textPercent() const { return m_textPercent; }
    bool isDark() const { return m_tokens.dark; }
    /// No flash and no smooth motion: the desktop's wish or the person's.
    bool reduceMotion() const { return m_reduceMotion; }

    void setChoice(ThemeChoice);
    void setTextPercent(int percent); ///< clamped to 80..200
    void setReduceMotion(bool);

    const Tokens& tokens() const { return m_tokens; }
    const Tokens& lightTokens() const { return m_light; }

    /// The style sheet template with its colours and lengths filled in (public for tests).
    static QString fillSheet(QString sheet, const Tokens&, double scale);

  signals:
    void changed();

  private:
    Theme() = default;
    void dress();

    Tokens m_tokens, m_light;
    ThemeChoice m_choice = ThemeChoice::System;
    int m_textPercent = 100;
    bool m_reduceMotion = false;
    bool m_applied = false;
};

/// Runs `refresh` now and after every change of theme or text size, as long as `owner` lives.
void onThemeChange(QObject* owner, std::function<void()> refresh);

/// Lengths by the text size, rounded to whole pixels / exact.
int px(double length);
double pxF(double length);

/// A font of the role in the current text size.
QFont fontOf(Type);

/// Advance of text whose digits all get the width of "0" (Inter's are proportional).
double tabularWidth(const QFontMetricsF&, QStringView text);

} // namespace dossier::ui
