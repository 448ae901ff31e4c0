// SPDX-License-Identifier: GPL-3.0-or-later
// Tiles of PDF pages.
#include "ui/viewer/page_renderer.h"

#include <QRectF>
#include <algorithm>
#include <array>
#include <cmath>

#include "ui/theme/tokens.h"

namespace dossier::ui {

size_t qHash(const TileKey& key, size_t seed) {
    return qHashMulti(seed, key.file, key.page, key.pageWidth, key.column, key.row, key.night);
}

PageRenderer::PageRenderer(std::shared_ptr<ingest::Reader> reader, QObject* parent)
    : QObject(parent), m_reader(std::move(reader)) {
    for (int i = 0; i < 2; ++i) {
        m_workers.emplace_back([this](std::stop_token stop) { work(stop); });
    }
}

PageRenderer::~PageRenderer() {
    for (std::jthread& worker : m_workers) {
        worker.request_stop();
    }
    m_wake.notify_all();
    m_workers.clear();
}

quint32 PageRenderer::fileId(const std::filesystem::path& pdf, const std::string& password) {
    const auto it = std::find_if(m_files.begin(), m_files.end(),
                                 [&](const auto& file) { return file.first == pdf; });
    if (it != m_files.end()) {
        it->second = password.empty() ? it->second : password;
        return static_cast<quint32>(it - m_files.begin());
    }
    m_files.emplace_back(pdf, password);
    return static_cast<quint32>(m_files.size() - 1);
}

const QImage* PageRenderer::tile(const TileKey& key, quint32 pageHeight) {
    const auto it = m_cache.find(key);
    if (it != m_cache.end()) {
        it->used = ++m_clock;
        return &it->image;
    }
    if (!m_reader || m_problems.contains(key.file)) {
        return nullptr;
    }
    const std::lock_guard lock(m_mutex);
    const auto same = [&](const Request& r) { return r.key == key; };
    const auto queued = std::find_if(m_queue.begin(), m_queue.end(), same);
    if (queued != m_queue.end()) {
        return nullptr;
    }
    if (std::find(m_busy.begin(), m_busy.end(), key) == m_busy.end()) {
        const auto& [path, password] = m_files[key.file];
        m_queue.push_back(
            {key, pageHeight, path, password, tokens().paper.rgb(), tokens().ink.rgb()});
        m_wake.notify_one();
    }
    return nullptr;
}

const QImage* PageRenderer::standIn(const TileKey& key, QRectF* part) const {
    const QImage* best = nullptr;
    quint64 newest = 0;
    for (auto it = m_cache.begin(); it != m_cache.end(); ++it) {
        const TileKey& other = it.key();
        if (other.file != key.file || other.page != key.page || other.night != key.night ||
            it->used < newest) {
            continue;
        }
        // The tile asked for, in pixels of the other width.
        const double scale = static_cast<double>(other.pageWidth) / key.pageWidth;
        const QRectF wanted(key.column * kTile * scale, key.row * kTile * scale, kTile * scale,
                            kTile * scale);
        const QRectF have(other.column * kTile, other.row * kTile, it->image.width(),
                          it->image.height());
        if (have.contains(wanted.intersected(QRectF(0, 0, other.pageWidth, 1e9)).center())) {
            best = &it->image;
            newest = it->used;
            *part = QRectF(wanted.topLeft() - have.topLeft(), wanted.size());
        }
    }
    return best;
}

void PageRenderer::keepOnly(quint32 file, const std::vector<TileKey>& wanted) {
    const std::lock_guard lock(m_mutex);
    std::erase_if(m_queue, [&](const Request& request) {
        return request.key.file == file &&
               std::find(wanted.begin(), wanted.end(), request.key) == wanted.end();
    });
}

void PageRenderer::clearCache() {
    m_cache.clear();
    m_cacheBytes = 0;
}

void PageRenderer::work(std::stop_token stop) {
    for (;;) {
        Request request;
        {
            std::unique_lock lock(m_mutex);
            if (!m_wake.wait(lock, stop, [this] { return !m_queue.empty(); })) {
                return;
            }
            // What was asked for last is what the person looks at now.
            request = std::move(m_queue.back());
            m_queue.pop_back();
            m_busy.push_back(request.key);
        }
        QImage image;
        QString problem;
        const TileKey& key = request.key;
        const double w = key.pageWidth, h = std::max(1u, request.pageHeight);
        const auto fraction = [](double v) { return static_cast<float>(std::min(1.0, v)); };
        const ingest::Box clip{fraction(key.column * kTile / w), fraction(key.row * kTile / h),
                               fraction((key.column + 1) * kTile / w),
                               fraction((key.row + 1) * kTile / h)};
        try {
            const ingest::PageImage page = m_reader->renderPage(
                request.path, {request.password}, key.page, key.pageWidth, clip, stop);
            image = QImage(reinterpret_cast<const uchar*>(page.pixels),
                           static_cast<int>(page.width), static_cast<int>(page.height),
                           static_cast<qsizetype>(page.width) * 4, QImage::Format_RGB32)
                        .copy();
            if (key.night) {
                toNight(image, request.paper, request.ink);
            }
        } catch (const Error& error) {
            problem = QString::fromStdString(error.failed() + ". " + error.remedy());
        } catch (const std::exception& error) {
            problem = QString::fromLocal8Bit(error.what());
        }
        {
            const std::lock_guard lock(m_mutex);
            std::erase(m_busy, request.key);
        }
        if (stop.stop_requested()) {
            return;
        }
        QMetaObject::invokeMethod(
            this, [this, request, image, problem] { deliver(request, image, problem); },
            Qt::QueuedConnection);
    }
}

void PageRenderer::deliver(const Request& request, const QImage& image, const QString& problem) {
    if (image.isNull()) {
        if (!m_problems.contains(request.key.file)) {
            m_problems.insert(request.key.file, problem);
            emit failed(request.key.file, problem);
        }
        return;
    }
    Entry entry{image, ++m_clock};
    m_cacheBytes += static_cast<qint64>(image.sizeInBytes());
    m_cache.insert(request.key, entry);
    trim();
    emit tileReady(request.key.file, request.key.page);
}

void PageRenderer::trim() {
    if (m_cacheBytes <= kCacheBytes) {
        return;
    }
    std::vector<std::pair<quint64, TileKey>> byAge;
    for (auto it = m_cache.begin(); it != m_cache.end(); ++it) {
        byAge.emplace_back(it->used, it.key());
    }
    std::sort(byAge.begin(), byAge.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [used, key] : byAge) {
        if (m_cacheBytes <= kCacheBytes * 3 / 4) {
            break;
        }
        m_cacheBytes -= static_cast<qint64>(m_cache[key].image.sizeInBytes());
        m_cache.remove(key);
    }
}

void PageRenderer::toNight(QImage& image, QRgb paper, QRgb ink) {
    std::array<QRgb, 256> ramp;
    for (int i = 0; i < 256; ++i) {
        const auto channel = [i](int dark, int light) { return dark + (light - dark) * i / 255; };
        ramp[static_cast<std::size_t>(i)] =
            qRgb(channel(qRed(ink), qRed(paper)), channel(qGreen(ink), qGreen(paper)),
                 channel(qBlue(ink), qBlue(paper)));
    }
    for (int y = 0; y < image.height(); ++y) {
        auto* line = reinterpret_cast<QRgb*>(image.scanLine(y));
        for (int x = 0; x < image.width(); ++x) {
            const int r = qRed(line[x]), g = qGreen(line[x]), b = qBlue(line[x]);
            const int high = std::max({r, g, b}), low = std::min({r, g, b});
            if ((high - low) * 5 > high) {
                continue; // saturation over 20 %: a picture or a coloured sign
            }
            line[x] = ramp[static_cast<std::size_t>(qGray(line[x]))];
        }
    }
}

} // namespace dossier::ui
