// SPDX-License-Identifier: GPL-3.0-or-later
// Least recently used documents go first; who holds one keeps it alive.
#include "app/asking/corpus.h"

namespace dossier::app {
namespace {

std::uint64_t bytesOf(const ingest::Document& document) {
    return document.text.capacity() + document.words.capacity() * sizeof(ingest::Word) +
           document.blocks.capacity() * sizeof(ingest::Block) +
           document.glyphEdges.capacity() * sizeof(std::uint16_t) +
           document.lineStarts.capacity() * sizeof(std::uint64_t) +
           document.pages.capacity() * sizeof(ingest::Page);
}

} // namespace

Corpus::Corpus(Load load, std::uint64_t budgetBytes)
    : m_load(std::move(load)), m_budget(budgetBytes) {}

Corpus::Entry& Corpus::touch(SourceId id) {
    const auto it = m_entries.find(id);
    if (it != m_entries.end()) {
        m_order.splice(m_order.begin(), m_order, it->second.use);
        return it->second;
    }
    Entry& entry = m_entries[id];
    entry.use = m_order.insert(m_order.begin(), id);
    return entry;
}

void Corpus::trim(SourceId keep) {
    std::uint64_t bytes = 0;
    for (const auto& [id, entry] : m_entries) {
        bytes += entry.bytes();
    }
    while (bytes > m_budget && m_order.back() != keep) {
        const auto oldest = m_entries.find(m_order.back());
        bytes -= oldest->second.bytes();
        m_entries.erase(oldest);
        m_order.pop_back();
    }
}

DocumentPtr Corpus::document(SourceId id) {
    {
        const std::lock_guard lock(m_mutex);
        if (const auto it = m_entries.find(id); it != m_entries.end() && it->second.document) {
            return touch(id).document;
        }
    }
    // Not under the lock: another document may be wanted meanwhile. Two threads that load the same
    // one both get a good copy.
    DocumentPtr document = m_load(id);
    const std::lock_guard lock(m_mutex);
    Entry& entry = touch(id);
    entry.document = document;
    entry.documentBytes = bytesOf(*document);
    trim(id);
    return document;
}

CheckedDocumentPtr Corpus::checked(SourceId id, const std::string& name) {
    {
        const std::lock_guard lock(m_mutex);
        const auto it = m_entries.find(id);
        if (it != m_entries.end() && it->second.checked && it->second.checked->name() == name) {
            return touch(id).checked;
        }
    }
    auto checked = std::make_shared<const CheckedDocument>(id, name, document(id));
    const std::lock_guard lock(m_mutex);
    Entry& entry = touch(id);
    entry.checked = checked;
    entry.checkedBytes = checked->bytesHeld();
    trim(id);
    return checked;
}

PassageIndexPtr Corpus::passages(SourceId id, const std::string& name, const PassageLimits& limits,
                                 const StopWords& stop) {
    {
        const std::lock_guard lock(m_mutex);
        const auto it = m_entries.find(id);
        if (it != m_entries.end() && it->second.passages && it->second.passages->path() == name) {
            return touch(id).passages;
        }
    }
    const DocumentPtr document = this->document(id);
    auto index = std::make_shared<const PassageIndex>(id, cutPassages(*document, limits), stop,
                                                      name, document->title);
    const std::lock_guard lock(m_mutex);
    Entry& entry = touch(id);
    entry.passages = index;
    entry.passageBytes = index->bytesHeld();
    trim(id);
    return index;
}

void Corpus::forget(SourceId id) {
    const std::lock_guard lock(m_mutex);
    if (const auto it = m_entries.find(id); it != m_entries.end()) {
        m_order.erase(it->second.use);
        m_entries.erase(it);
    }
}

std::vector<engine::MemoryRow> Corpus::memory() const {
    const std::lock_guard lock(m_mutex);
    std::uint64_t documents = 0, checks = 0, passages = 0;
    for (const auto& [id, entry] : m_entries) {
        documents += entry.documentBytes;
        checks += entry.checkedBytes;
        passages += entry.passageBytes;
    }
    return {{"documents", "ram", documents},
            {"quotation check", "ram", checks},
            {"passage search", "ram", passages}};
}

} // namespace dossier::app
