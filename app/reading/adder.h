// SPDX-License-Identifier: GPL-3.0-or-later
// Adding sources: files and folders -> originals in the dossier -> documents with their search
// passages. Runs on a job's thread; one file's failure never ends the job.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/job_list.h"
#include "app/session.h"
#include "app/store/store.h"

namespace dossier::app {

/// A file that is to become a source.
struct FileToAdd {
    std::filesystem::path file;
    std::string folder; ///< in the tree
    std::string name;

    std::string path() const { return folder.empty() ? name : folder + "/" + name; }
};

/// Files of the request, folders walked; what a walk leaves out is noted in the job. Files that are
/// in the dossier already keep their place in the tree; others never share one. Throws Error only
/// when cancelled.
std::vector<FileToAdd> expandRequest(const AddRequest&, ingest::Reader&,
                                     const std::vector<Source>& present, RunningJob&);

class Adder {
  public:
    struct Callbacks {
        std::function<void(const std::vector<Source>&)> added; ///< stored, Queued
        std::function<void(const Source&)> changed;            ///< stored, or Reading
        std::function<void(const std::vector<Replacement>&)> replaced;
        std::function<void(const Requoted&)> requoted; ///< what a new text changed of quotations
        /// Tokens of a text, if a model is loaded; with the tokenizer's fingerprint.
        std::function<std::optional<std::pair<std::string, std::uint64_t>>(const std::string&)>
            count;
    };
    Adder(Store& store, ingest::Reader& reader, Callbacks callbacks);

    /// Copies the files in and reads them. A file that is there already, with the same bytes, is
    /// left alone unless its source could not be read or its text is damaged: then it is read
    /// again. Throws Error(Cancelled), or what ends all (disk full).
    void add(const AddRequest&, RunningJob&);
    /// Reads sources whose originals are in the dossier. One that was not reached, since the job
    /// was cancelled or the disk is full, stays Queued: the next opening goes on with it.
    void read(std::vector<Source> sources, const std::string& password, RunningJob&);
    /// The same of sources that were read before, or could not be.
    void readAgain(std::vector<Source> sources, const std::string& password, RunningJob&);

  private:
    std::vector<Source> copyIn(const std::vector<FileToAdd>&, const std::vector<Source>& present,
                               RunningJob&);
    /// What is stored at once.
    struct Batch {
        std::vector<Source> added, again;
        std::vector<Replacement> replaced;
        std::size_t size() const { return added.size() + again.size(); }
    };
    void takeIn(const FileToAdd&, const Source* former, Batch&, RunningJob&);
    void store(Batch&, std::vector<Source>& all);
    void queue(std::vector<Source>&); ///< to be read again
    bool isRead(const Source&);       ///< its text is there and whole
    void readOne(Source& source, const std::string& password, RunningJob&);
    void keep(Source& source, const DocumentPtr& read);

    Store& m_store;
    StoreReader m_texts;
    ingest::Reader& m_reader;
    Callbacks m_callbacks;
};

} // namespace dossier::app
