// SPDX-License-Identifier: GPL-3.0-or-later
// Renders tiles of PDF pages on worker threads through the confined reader, newest request first,
// and keeps the most recent ones. Window thread, but for the workers inside.
#pragma once

#include <QHash>
#include <QImage>
#include <QObject>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "ingest/ingest.h"

namespace dossier::ui {

/// One tile: `column`, `row` of kTile x kTile device pixels of the page at `pageWidth` device
/// pixels. `night`: colours mapped to the dark page.
struct TileKey {
    quint32 file = 0; ///< from PageRenderer::fileId
    quint32 page = 0;
    quint32 pageWidth = 0;
    quint16 column = 0, row = 0;
    bool night = false;
    bool operator==(const TileKey&) const = default;
};
size_t qHash(const TileKey& key, size_t seed = 0);

class PageRenderer : public QObject {
    Q_OBJECT

  public:
    static constexpr int kTile = 1024; ///< device pixels
    static constexpr qint64 kCacheBytes = 128 << 20;

    explicit PageRenderer(std::shared_ptr<ingest::Reader> reader, QObject* parent = nullptr);
    ~PageRenderer() override; ///< stops the workers and waits for them

    quint32 fileId(const std::filesystem::path& pdf, const std::string& password = {});

    /// The tile if it is there; otherwise null and the tile is asked for (`heightPx`: of the whole
    /// page). `tileReady` follows.
    const QImage* tile(const TileKey& key, quint32 pageHeight);
    /// Any older rendering of the same place to show meanwhile: a tile of another width.
    const QImage* standIn(const TileKey& key, QRectF* part) const;
    /// Forgets requests that are not yet begun and not in `wanted`.
    void keepOnly(quint32 file, const std::vector<TileKey>& wanted);
    /// Why pages of this file cannot be drawn; empty = they can.
    QString problem(quint32 file) const { return m_problems.value(file); }
    void clearCache();

    /// The colours of a rendered tile mapped by luminance from white..black to paper..ink; colours
    /// with a saturation over 20 % stay. Public for tests; any thread.
    static void toNight(QImage& image, QRgb paper, QRgb ink);

  signals:
    void tileReady(quint32 file, quint32 page);
    void failed(quint32 file, const QString& text);

  private:
    struct Request {
        TileKey key;
        quint32 pageHeight = 0;
        std::filesystem::path path;
        std::string password;
        QRgb paper = 0, ink = 0;
    };
    struct Entry {
        QImage image;
        quint64 used = 0;
    };

    void work(std::stop_token stop);
    void deliver(const Request& request, const QImage& image, const QString& problem);
    void trim();

    std::shared_ptr<ingest::Reader> m_reader;
    QHash<TileKey, Entry> m_cache;
    qint64 m_cacheBytes = 0;
    quint64 m_clock = 0;
    QHash<quint32, QString> m_problems;
    std::vector<std::pair<std::filesystem::path, std::string>> m_files;

    std::mutex m_mutex; // guards m_queue and m_busy
    std::condition_variable_any m_wake;
    std::deque<Request> m_queue;
    std::vector<TileKey> m_busy;
    std::vector<std::jthread> m_workers;
};

} // namespace dossier::ui
