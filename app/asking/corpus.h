// SPDX-License-Identifier: GPL-3.0-or-later
// The documents of a dossier in the forms that asking needs: text, folded for checking quotations,
// cut into passages for the search. Made when first needed, kept within a budget of memory.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>

#include "app/asking/passages.h"
#include "app/asking/quote_verifier.h"
#include "app/asking/retrieval.h"
#include "app/model_types.h"

namespace dossier::app {

/// Thread-safe.
class Corpus {
  public:
    /// `load` reads a document from the store; it is called from any thread and throws Error.
    using Load = std::function<DocumentPtr(SourceId)>;
    explicit Corpus(Load load, std::uint64_t budgetBytes = 1ull << 30);

    DocumentPtr document(SourceId);
    CheckedDocumentPtr checked(SourceId, const std::string& name);
    PassageIndexPtr passages(SourceId, const std::string& name, const PassageLimits&,
                             const StopWords&);
    /// After the source was read again or removed.
    void forget(SourceId);
    /// For the memory panel.
    std::vector<engine::MemoryRow> memory() const;

  private:
    struct Entry {
        DocumentPtr document;
        CheckedDocumentPtr checked;
        PassageIndexPtr passages;
        std::uint64_t documentBytes = 0, checkedBytes = 0, passageBytes = 0;
        std::list<SourceId>::iterator use;
        std::uint64_t bytes() const { return documentBytes + checkedBytes + passageBytes; }
    };
    Entry& touch(SourceId);
    void trim(SourceId keep);

    Load m_load;
    std::uint64_t m_budget;
    mutable std::mutex m_mutex;
    std::map<SourceId, Entry> m_entries;
    std::list<SourceId> m_order; ///< most recently used first
};

} // namespace dossier::app
