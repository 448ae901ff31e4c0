// SPDX-License-Identifier: GPL-3.0-or-later
// Reading tokens.json.
#include "ui/theme/tokens.h"

#include <QJsonDocument>
#include <QJsonObject>

#include "engine/base/error.h"

namespace dossier::ui {

const QHash<QString, ColorRole>& tokenNames() {
    static const QHash<QString, ColorRole> names = {
        {"window", &Tokens::window},
        {"side", &Tokens::side},
        {"base", &Tokens::base},
        {"desk", &Tokens::desk},
        {"band", &Tokens::band},
        {"raised", &Tokens::raised},
        {"button", &Tokens::button},
        {"hover", &Tokens::hover},
        {"pressed", &Tokens::pressed},
        {"menu", &Tokens::menu},
        {"line", &Tokens::line},
        {"line2", &Tokens::line2},
        {"ctl", &Tokens::ctl},
        {"text", &Tokens::text},
        {"text2", &Tokens::text2},
        {"text3", &Tokens::text3},
        {"accent", &Tokens::accent},
        {"accentH", &Tokens::accentH},
        {"onaccent", &Tokens::onaccent},
        {"focus", &Tokens::focus},
        {"accentT", &Tokens::accentT},
        {"soft", &Tokens::soft},
        {"soft2", &Tokens::soft2},
        {"sel", &Tokens::sel},
        {"ok", &Tokens::ok},
        {"okS", &Tokens::okS},
        {"norm", &Tokens::norm},
        {"normS", &Tokens::normS},
        {"part", &Tokens::part},
        {"else", &Tokens::elsewhere},
        {"neutral", &Tokens::neutral},
        {"neutralS", &Tokens::neutralS},
        {"warn", &Tokens::warn},
        {"warnS", &Tokens::warnS},
        {"warnL", &Tokens::warnL},
        {"err", &Tokens::err},
        {"errS", &Tokens::errS},
        {"errL", &Tokens::errL},
        {"hl", &Tokens::hl},
        {"hlC", &Tokens::hlC},
        {"hlB", &Tokens::hlB},
        {"paper", &Tokens::paper},
        {"ink", &Tokens::ink},
        {"c-dense", &Tokens::cDense},
        {"c-exp", &Tokens::cExp},
        {"c-kv", &Tokens::cKv},
        {"c-scr", &Tokens::cScr},
        {"c-text", &Tokens::cText},
        {"c-ui", &Tokens::cUi},
        {"c-oth", &Tokens::cOth},
        {"c-free", &Tokens::cFree},
        {"kw", &Tokens::kw},
        {"ty", &Tokens::ty},
        {"st", &Tokens::st},
        {"cm", &Tokens::cm},
        {"nu", &Tokens::nu},
        {"fn", &Tokens::fn},
        {"pp", &Tokens::pp},
        {"gut", &Tokens::gut},
        {"track", &Tokens::track},
        {"segment", &Tokens::segment},
        {"pageEdge", &Tokens::pageEdge},
    };
    return names;
}

Tokens readTokens(const QByteArray& json, const QString& theme) {
    const QString remedy = QStringLiteral("Install the program again");
    const auto fail = [&](const QString& what) {
        throw Error(ErrorCode::Corrupt,
                    "tokens.json, theme " + theme.toStdString() + ": " + what.toStdString(),
                    remedy.toStdString());
    };
    const QJsonObject object = QJsonDocument::fromJson(json).object().value(theme).toObject();
    if (object.isEmpty()) {
        fail(QStringLiteral("the theme is missing or is no JSON object"));
    }
    Tokens result;
    result.dark = theme == QStringLiteral("dark");
    for (auto it = object.begin(); it != object.end(); ++it) {
        const auto role = tokenNames().find(it.key());
        const QColor color(it.value().toString());
        if (role == tokenNames().end()) {
            fail(QStringLiteral("unknown token %1").arg(it.key()));
        } else if (!color.isValid()) {
            fail(QStringLiteral("%1 is no colour").arg(it.key()));
        }
        result.*role.value() = color;
    }
    for (auto it = tokenNames().begin(); it != tokenNames().end(); ++it) {
        if (!(result.*it.value()).isValid()) {
            fail(QStringLiteral("token %1 is missing").arg(it.key()));
        }
    }
    return result;
}

QColor mixed(const QColor& a, const QColor& b, double share) {
    const auto channel = [share](int x, int y) {
        return static_cast<int>(x * share + y * (1 - share) + 0.5);
    };
    return QColor(channel(a.red(), b.red()), channel(a.green(), b.green()),
                  channel(a.blue(), b.blue()));
}

QColor markGround(const QColor& mark, const QColor& ground) {
    return mixed(mark, ground, ground.lightness() < 128 ? 0.18 : 0.75);
}

QColor withAlpha(QColor color, double alpha) {
    color.setAlphaF(static_cast<float>(alpha));
    return color;
}

} // namespace dossier::ui
