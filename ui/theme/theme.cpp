// SPDX-License-Identifier: GPL-3.0-or-later
// Dressing the application in tokens, fonts, palette and sheet.
#include "ui/theme/theme.h"

#include <QApplication>
#include <QFile>
#include <QFontDatabase>
#include <QFontInfo>
#include <QFontMetricsF>
#include <QHash>
#include <QPalette>
#include <QPixmapCache>
#include <QRegularExpression>
#include <QWidget>
#include <array>
#include <cmath>

#include "ui/theme/style.h"

// Resources of a static library are registered by name; the macro must stand outside namespaces.
static void registerResources() {
    Q_INIT_RESOURCE(dossier_ui);
    Q_INIT_RESOURCE(dossier_ui_theme);
}

namespace dossier::ui {
namespace {

QByteArray resource(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

void loadFonts() {
    for (const char* name :
         {"Inter-Regular.otf", "Inter-Italic.otf", "Inter-Medium.otf", "Inter-SemiBold.otf",
          "Inter-Bold.otf", "JetBrainsMono-Regular.ttf", "JetBrainsMono-Italic.ttf",
          "texgyrepagella-regular.otf", "texgyrepagella-italic.otf"}) {
        // A font that does not load is replaced by the families behind it; nothing to report.
        QFontDatabase::addApplicationFont(QStringLiteral(":/fonts/") + QLatin1String(name));
    }
}

QPalette paletteOf(const Tokens& t) {
    QPalette palette;
    const std::array<std::pair<QPalette::ColorRole, QColor>, 20> roles = {{
        {QPalette::Window, t.window},    {QPalette::WindowText, t.text},
        {QPalette::Base, t.base},        {QPalette::AlternateBase, t.band},
        {QPalette::Text, t.text},        {QPalette::Button, t.button},
        {QPalette::ButtonText, t.text},  {QPalette::PlaceholderText, t.text3},
        {QPalette::Highlight, t.accent}, {QPalette::HighlightedText, t.onaccent},
        {QPalette::ToolTipBase, t.menu}, {QPalette::ToolTipText, t.text},
        {QPalette::Link, t.accentT},     {QPalette::LinkVisited, t.accentT},
        {QPalette::Mid, t.line},         {QPalette::Dark, t.line2},
        {QPalette::Light, t.raised},     {QPalette::Midlight, t.hover},
        {QPalette::Shadow, t.line2},     {QPalette::BrightText, t.err},
    }};
    for (const auto& [role, color] : roles) {
        palette.setColor(role, color);
    }
    for (const auto role : {QPalette::Text, QPalette::WindowText, QPalette::ButtonText}) {
        palette.setColor(QPalette::Disabled, role, t.text3);
    }
    return palette;
}

struct Face {
    double points;
    QFont::Weight weight;
    enum Family { Interface, Mono, Quote } family;
    bool italic;
};

Face faceOf(Type type) {
    switch (type) {
    case Type::Display:
        return {19, QFont::DemiBold, Face::Interface, false};
    case Type::Title:
        return {15, QFont::DemiBold, Face::Interface, false};
    case Type::Heading:
        return {12, QFont::DemiBold, Face::Interface, false};
    case Type::Panel:
        return {11, QFont::DemiBold, Face::Interface, false};
    case Type::Question:
        return {10.5, QFont::DemiBold, Face::Interface, false};
    case Type::Strong:
        return {10, QFont::DemiBold, Face::Interface, false};
    case Type::Medium:
        return {10, QFont::Medium, Face::Interface, false};
    case Type::Body:
        return {10, QFont::Normal, Face::Interface, false};
    case Type::Lead:
        return {10.5, QFont::Normal, Face::Interface, false};
    case Type::Small:
        return {9, QFont::Normal, Face::Interface, false};
    case Type::SmallMedium:
        return {9, QFont::Medium, Face::Interface, false};
    case Type::SmallStrong:
        return {9, QFont::DemiBold, Face::Interface, false};
    case Type::Caption:
        return {8, QFont::Normal, Face::Interface, false};
    case Type::Chip:
        return {8, QFont::Bold, Face::Interface, false};
    case Type::ChipWord:
        return {8, QFont::Medium, Face::Interface, false};
    case Type::Code:
        return {10, QFont::Normal, Face::Mono, false};
    case Type::CodeSmall:
        return {9, QFont::Normal, Face::Mono, false};
    case Type::Snippet:
        return {8.5, QFont::Normal, Face::Mono, false};
    case Type::Quotation:
        return {10, QFont::Normal, Face::Quote, true};
    case Type::QuotationSmall:
        return {9.5, QFont::Normal, Face::Quote, true};
    }
    return {10, QFont::Normal, Face::Interface, false};
}

QStringList familiesOf(Face::Family family) {
    switch (family) {
    case Face::Mono:
        return {QStringLiteral("JetBrains Mono"), QStringLiteral("DejaVu Sans Mono"),
                QStringLiteral("Droid Sans Fallback")};
    case Face::Quote:
        return {QStringLiteral("TeX Gyre Pagella"), QStringLiteral("P052"),
                QStringLiteral("DejaVu Serif"), QStringLiteral("Droid Sans Fallback")};
    case Face::Interface:
        break;
    }
    return {QStringLiteral("Inter"), QStringLiteral("Noto Sans"), QStringLiteral("DejaVu Sans"),
            QStringLiteral("Droid Sans Fallback")};
}

bool systemIsDark() {
    // Qt 6.4 has no colour scheme hint; the palette the desktop gave us before we set our own has.
    static const bool dark = QApplication::palette().color(QPalette::Window).lightness() < 128;
    return dark;
}

} // namespace

const Tokens& tokens() {
    return Theme::instance().tokens();
}
const Tokens& lightTokens() {
    return Theme::instance().lightTokens();
}

Theme& Theme::instance() {
    static Theme theme;
    return theme;
}

void Theme::apply() {
    if (!m_applied) {
        registerResources();
        systemIsDark();
        loadFonts();
        m_reduceMotion = qEnvironmentVariableIntValue("DOSSIER_REDUCE_MOTION") != 0;
        QApplication::setStyle(new DossierStyle);
        m_applied = true;
    }
    dress();
}

void Theme::setChoice(ThemeChoice choice) {
    m_choice = choice;
    dress();
}

void Theme::setTextPercent(int percent) {
    m_textPercent = std::clamp(percent, kMinTextPercent, kMaxTextPercent);
    dress();
}

void Theme::setReduceMotion(bool reduce) {
    m_reduceMotion = reduce;
}

static void clearFontCache();

void Theme::dress() {
    if (!m_applied) {
        return;
    }
    const bool dark =
        m_choice == ThemeChoice::Dark || (m_choice == ThemeChoice::System && systemIsDark());
    const QByteArray json = resource(QStringLiteral(":/themes/tokens.json"));
    m_light = readTokens(json, QStringLiteral("light"));
    m_tokens = dark ? readTokens(json, QStringLiteral("dark")) : m_light;
    QPixmapCache::clear();
    clearFontCache();
    QApplication::setFont(fontOf(Type::Body));
    QApplication::setPalette(paletteOf(m_tokens));
    const QString sheet = QString::fromUtf8(resource(QStringLiteral(":/themes/dossier.qss.in")));
    qApp->setStyleSheet(fillSheet(sheet, m_tokens, m_textPercent / 100.0));
    emit changed();
}

QString Theme::fillSheet(QString sheet, const Tokens& t, double scale) {
    static const QRegularExpression comment(QStringLiteral(R"(/\*.*?\*/)"),
                                            QRegularExpression::DotMatchesEverythingOption);
    static const QRegularExpression token(QStringLiteral(R"(@([\w-]+)@)"));
    static const QRegularExpression length(QStringLiteral(R"((?<![\w.])(\d+)px)"));
    sheet.remove(comment);
    sheet.replace(QStringLiteral("@theme@"),
                  t.dark ? QStringLiteral("dark") : QStringLiteral("light"));
    QString filled;
    qsizetype from = 0;
    for (auto it = token.globalMatch(sheet); it.hasNext();) {
        const auto match = it.next();
        filled += QStringView(sheet).mid(from, match.capturedStart() - from);
        const auto role = tokenNames().find(match.captured(1));
        // An unknown name stays visible; a test looks for left-over at signs.
        filled += role == tokenNames().end() ? match.captured(0) : (t.*role.value()).name();
        from = match.capturedEnd();
    }
    filled += QStringView(sheet).mid(from);
    if (qFuzzyCompare(scale, 1.0)) {
        return filled;
    }
    QString scaled;
    from = 0;
    for (auto it = length.globalMatch(filled); it.hasNext();) {
        const auto match = it.next();
        scaled += QStringView(filled).mid(from, match.capturedStart() - from);
        const int value = match.captured(1).toInt();
        // Hairlines and borders of 1 and 2 px keep their weight.
        scaled += QString::number(value <= 2 ? value : std::max(1, qRound(value * scale)));
        scaled += QStringLiteral("px");
        from = match.capturedEnd();
    }
    scaled += QStringView(filled).mid(from);
    return scaled;
}

void onThemeChange(QObject* owner, std::function<void()> refresh) {
    refresh();
    QObject::connect(&Theme::instance(), &Theme::changed, owner, std::move(refresh));
}

double pxF(double length) {
    return length * Theme::instance().textPercent() / 100.0;
}

int px(double length) {
    return qRound(pxF(length));
}

namespace {

QFont makeFont(Type type) {
    const Face face = faceOf(type);
    QFont result;
    result.setFamilies(familiesOf(face.family));
    result.setPointSizeF(face.points * Theme::instance().textPercent() / 100.0);
    result.setWeight(face.weight);
    result.setItalic(face.italic);
    result.setHintingPreference(QFont::PreferNoHinting);
    if (face.family == Face::Mono) {
        // JetBrains Mono would draw "!=" as one sign.
        result.setStyleHint(QFont::Monospace, QFont::PreferNoShaping);
        result.setFixedPitch(true);
    } else {
        result.setStyleHint(face.family == Face::Quote ? QFont::Serif : QFont::SansSerif);
    }
    // Qt rounds glyphs to whole pixels (10 pt = 13.33 px become 13): the advances are stretched
    // back, so that text is as wide, and breaks, as it was designed. Always set: a painter or
    // widget would inherit the application's stretch otherwise.
    const double given = QFontInfo(result).pointSizeF();
    const double stretch = given > 0 ? result.pointSizeF() / given : 1;
    if (type == Type::Display || type == Type::Title) {
        const double tight = pxF(type == Type::Display ? -0.4 : -0.2);
        const double wider = (stretch - 1) * QFontMetricsF(result).averageCharWidth();
        result.setLetterSpacing(QFont::AbsoluteSpacing, tight + wider);
    } else {
        result.setLetterSpacing(QFont::PercentageSpacing, 100 * stretch);
    }
    return result;
}

QHash<int, QFont>& fontCache() {
    static QHash<int, QFont> cache;
    return cache;
}

} // namespace

static void clearFontCache() {
    fontCache().clear();
}

QFont fontOf(Type type) {
    auto it = fontCache().constFind(static_cast<int>(type));
    if (it == fontCache().constEnd()) {
        it = fontCache().insert(static_cast<int>(type), makeFont(type));
    }
    return it.value();
}

double tabularWidth(const QFontMetricsF& metrics, QStringView text) {
    const double digit = metrics.horizontalAdvance(QLatin1Char('0'));
    double width = 0;
    for (const QChar c : text) {
        width += c.isDigit() ? digit : metrics.horizontalAdvance(c);
    }
    return width;
}

} // namespace dossier::ui
