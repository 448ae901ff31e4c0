// SPDX-License-Identifier: GPL-3.0-or-later
// Rendering of the SVG icons.
#include "ui/theme/icons.h"

#include <QFile>
#include <QHash>
#include <QIconEngine>
#include <QPainter>
#include <QPixmapCache>
#include <QSvgRenderer>
#include <cmath>

#include "ui/theme/theme.h"

namespace dossier::ui {
namespace {

const QByteArray& source(const QString& name) {
    static QHash<QString, QByteArray> sources;
    auto it = sources.find(name);
    if (it == sources.end()) {
        QFile file(QStringLiteral(":/icons/%1.svg").arg(name));
        it = sources.insert(name, file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray());
    }
    return it.value();
}

class Engine : public QIconEngine {
  public:
    Engine(QString name, ColorRole normal) : m_name(std::move(name)), m_normal(normal) {}

    void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode,
               QIcon::State state) override {
        const double side = std::min(rect.width(), rect.height());
        const QRectF square(rect.x() + (rect.width() - side) / 2,
                            rect.y() + (rect.height() - side) / 2, side, side);
        paintIcon(*painter, m_name, square, color(mode, state));
    }
    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
        return iconPixmap(m_name, color(mode, state), std::min(size.width(), size.height()));
    }
    QPixmap scaledPixmap(const QSize& size, QIcon::Mode mode, QIcon::State state,
                         qreal scale) override {
        const double side = std::min(size.width(), size.height());
        return iconPixmap(m_name, color(mode, state), side / scale, scale);
    }
    QIconEngine* clone() const override { return new Engine(m_name, m_normal); }
    QString key() const override { return QStringLiteral("dossier"); }

  private:
    QColor color(QIcon::Mode mode, QIcon::State state) const {
        if (mode == QIcon::Disabled) {
            return tokens().text3;
        } else if (m_normal != nullptr) {
            return tokens().*m_normal;
        }
        return state == QIcon::On || mode == QIcon::Selected ? tokens().text : tokens().text2;
    }

    QString m_name;
    ColorRole m_normal;
};

} // namespace

QIcon icon(const QString& name) {
    return QIcon(new Engine(name, nullptr));
}
QIcon icon(const QString& name, ColorRole normal) {
    return QIcon(new Engine(name, normal));
}

QPixmap iconPixmap(const QString& name, const QColor& color, double size, double ratio,
                   double strokeWidth) {
    const QString key = QStringLiteral("icon/%1/%2/%3/%4/%5")
                            .arg(name, color.name(QColor::HexArgb))
                            .arg(size)
                            .arg(ratio)
                            .arg(strokeWidth);
    QPixmap pixmap;
    if (QPixmapCache::find(key, &pixmap)) {
        return pixmap;
    }
    const int side = std::max(1, static_cast<int>(std::ceil(size * ratio)));
    pixmap = QPixmap(side, side);
    pixmap.fill(Qt::transparent);
    QByteArray svg = source(name);
    svg.replace("currentColor", color.name(QColor::HexRgb).toLatin1());
    if (strokeWidth != 1.5) {
        svg.replace("stroke-width=\"1.5\"",
                    QByteArray("stroke-width=\"") + QByteArray::number(strokeWidth) + '"');
    }
    if (!svg.isEmpty()) {
        QSvgRenderer renderer(svg);
        QPainter painter(&pixmap);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setOpacity(color.alphaF());
        renderer.render(&painter, QRectF(0, 0, size * ratio, size * ratio));
    }
    pixmap.setDevicePixelRatio(ratio);
    QPixmapCache::insert(key, pixmap);
    return pixmap;
}

void paintIcon(QPainter& painter, const QString& name, const QRectF& square, const QColor& color,
               double strokeWidth) {
    const double ratio = painter.device()->devicePixelRatioF();
    // Whole device pixels keep the strokes crisp.
    const QPointF at(std::round(square.x() * ratio) / ratio,
                     std::round(square.y() * ratio) / ratio);
    painter.drawPixmap(at, iconPixmap(name, color, square.width(), ratio, strokeWidth));
}

QPixmap applicationPixmap(double size, double ratio) {
    return iconPixmap(size * ratio <= 16 ? QStringLiteral("dossier-app-16")
                                         : QStringLiteral("dossier-app"),
                      Qt::black, size, ratio);
}

QIcon applicationIcon() {
    QIcon result;
    for (const int size : {16, 22, 32, 48, 64, 128, 256}) {
        result.addPixmap(applicationPixmap(size, 1));
    }
    return result;
}

} // namespace dossier::ui
