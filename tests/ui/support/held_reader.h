// SPDX-License-Identifier: GPL-3.0-or-later
// A reader that keeps one file waiting until a test lets it go on: for what happens to the window
// while something is being read.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "ingest/ingest.h"

namespace dossier::test {

class HeldReader final : public ingest::Reader {
  public:
    explicit HeldReader(std::unique_ptr<ingest::Reader> reader) : m_reader(std::move(reader)) {}

    /// From now on read() of a file of this name waits.
    void hold(const std::string& name) {
        const std::lock_guard lock(m_mutex);
        m_name = name;
    }
    void release() {
        const std::lock_guard lock(m_mutex);
        m_name.clear();
        m_changed.notify_all();
    }
    bool holds() const {
        const std::lock_guard lock(m_mutex);
        return m_waiting > 0;
    }

    std::vector<ingest::ConfinementLayer> confinement() override { return m_reader->confinement(); }
    ingest::Document read(const std::filesystem::path& file, const ingest::ReadOptions& options,
                          ingest::ReadProgressFn progress, std::stop_token stop) override {
        {
            std::unique_lock lock(m_mutex);
            ++m_waiting;
            m_changed.wait(lock, [&] { return m_name.empty() || file.filename() != m_name; });
            --m_waiting;
        }
        return m_reader->read(file, options, std::move(progress), std::move(stop));
    }
    ingest::PageImage renderPage(const std::filesystem::path& pdf,
                                 const ingest::ReadOptions& options, std::uint32_t page,
                                 std::uint32_t pageWidth, ingest::Box clip,
                                 std::stop_token stop) override {
        return m_reader->renderPage(pdf, options, page, pageWidth, clip, std::move(stop));
    }
    std::vector<ingest::OutlineEntry> outline(const std::filesystem::path& pdf,
                                              const ingest::ReadOptions& options) override {
        return m_reader->outline(pdf, options);
    }
    std::vector<ingest::WalkEntry> walk(const std::filesystem::path& folder,
                                        const ingest::WalkOptions& options,
                                        ingest::ReadProgressFn progress,
                                        std::stop_token stop) override {
        return m_reader->walk(folder, options, std::move(progress), std::move(stop));
    }
    void writeAnnotatedCopy(const std::filesystem::path& pdf, const ingest::ReadOptions& options,
                            const std::vector<ingest::PdfMark>& marks,
                            const std::filesystem::path& output) override {
        m_reader->writeAnnotatedCopy(pdf, options, marks, output);
    }

  private:
    std::unique_ptr<ingest::Reader> m_reader;
    mutable std::mutex m_mutex;
    std::condition_variable m_changed;
    std::string m_name; ///< of the file that waits; empty: none
    int m_waiting = 0;
};

} // namespace dossier::test
