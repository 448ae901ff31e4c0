// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/lanes/lane_keeper.h"

#include <algorithm>

#include "app/lanes/reading_board.h"
#include "engine/base/sha256.h"

namespace dossier::app {
namespace {

std::vector<WantedPiece> wantedOf(std::span<const LanePiece> pieces) {
    std::vector<WantedPiece> wanted;
    for (const LanePiece& piece : pieces) {
        wanted.push_back({piece.id, piece.tokens.size()});
    }
    return wanted;
}

/// For the view of the lanes; a dossier that cannot be written is no reason not to read.
void recordCheck(const std::filesystem::path& file, const engine::LaneRestore& restore) {
    try {
        ReadingBoard(file.parent_path().parent_path())
            .setLaneCheck(file.stem().string(), restore.note.empty() ? "good" : restore.note);
    } catch (const Error&) {
        // The check itself was made, and its note goes to the answer.
    }
}

} // namespace

std::filesystem::path laneFile(const std::filesystem::path& folder, const std::string& model,
                               const std::string& tokenizer, const std::string& effort) {
    constexpr std::size_t kDigits = 16;
    return folder /
           (Sha256::hexOf(model + "\n" + tokenizer + "\n" + effort).substr(0, kDigits) + ".lane");
}

void requireReachable(const std::filesystem::path& file) {
    std::error_code error;
    if (std::filesystem::is_symlink(file, error) && !std::filesystem::exists(file, error)) {
        throw Error(ErrorCode::NotFound,
                    "The lane " + file.filename().string() + " was moved to " +
                        std::filesystem::read_symlink(file, error).string() +
                        ", which is not there now",
                    "Connect that disk; or delete the lane and read the sources again");
    }
}

LaneKeeper::Kept* LaneKeeper::find(const std::filesystem::path& file, const std::string& effort) {
    const auto it = std::find_if(m_lanes.begin(), m_lanes.end(), [&](const auto& kept) {
        return kept->file == file && kept->effort == effort;
    });
    return it == m_lanes.end() ? nullptr : it->get();
}

void LaneKeeper::drop(Kept& kept) {
    m_branches.forget(kept.id);
    try {
        kept.engine->closeLane(kept.id);
    } catch (const Error&) {
        // A dead engine has no lanes.
    }
    std::erase_if(m_lanes, [&](const auto& one) { return one.get() == &kept; });
}

LaneKeeper::Appending::Appending(LaneKeeper& keeper, const Kept& kept) : m_keeper(keeper) {
    const std::lock_guard guard(keeper.m_holdMutex);
    if (keeper.m_held) {
        kept.engine->pauseReading(kept.id, true);
    }
    keeper.m_appendingWith = kept.engine;
    keeper.m_appendingTo = kept.id;
}

LaneKeeper::Appending::~Appending() {
    const std::lock_guard guard(m_keeper.m_holdMutex);
    const auto engine = std::move(m_keeper.m_appendingWith);
    if (m_keeper.m_held) {
        try {
            engine->pauseReading(m_keeper.m_appendingTo, false);
        } catch (const Error&) {
            // The engine is dead; its lanes are gone.
        }
    }
}

void LaneKeeper::hold(bool held) {
    const std::lock_guard guard(m_holdMutex);
    m_held = held;
    if (m_appendingWith) {
        m_appendingWith->pauseReading(m_appendingTo, held);
    }
}

void LaneKeeper::closeAll() {
    while (!m_lanes.empty()) {
        drop(*m_lanes.back());
    }
}

LanePlan LaneKeeper::planFor(const Loaded& loaded, const LaneRequest& request,
                             const std::filesystem::path& file) {
    std::vector<engine::LaneMark> marks;
    std::vector<engine::Token> tail;
    std::error_code error;
    if (const Kept* kept = find(file, request.effort)) {
        marks = kept->marks;
        tail = kept->tail;
    } else if (!file.empty() && std::filesystem::exists(file, error)) {
        try {
            engine::LaneFileInfo info =
                loaded.engine->inspectLane(file, engine::Verify::Directory, {}, {});
            marks = std::move(info.contents.marks);
            tail = std::move(info.tail);
        } catch (const Error& e) {
            if (e.code() != ErrorCode::NotFound) {
                throw;
            }
        }
    }
    return planLane(marks, tail, wantedOf(request.pieces),
                    [&](std::size_t piece, std::span<const engine::Token> begin) {
                        const auto& tokens = request.pieces[piece].tokens;
                        return begin.size() < tokens.size() &&
                               std::equal(begin.begin(), begin.end(), tokens.begin());
                    });
}

LanePlan LaneKeeper::plan(const Loaded& loaded, const LaneRequest& request) {
    const auto file = request.folder.empty()
                          ? std::filesystem::path()
                          : laneFile(request.folder, loaded.model.fingerprint,
                                     loaded.encoder->fingerprint(), request.effort);
    requireReachable(file);
    return planFor(loaded, request, file);
}

/// Enters that the lane holds the first `tokens` tokens of what the plan wants in it.
void LaneKeeper::nowHolds(Kept& kept, const LaneRequest& request, const LanePlan& plan,
                          std::uint64_t tokens) {
    kept.tokens = tokens;
    kept.marks.clear();
    kept.tail.clear();
    std::uint64_t begin = 0;
    for (std::size_t i = 0; i < plan.order.size() && begin < tokens; ++i) {
        const LanePiece& piece = request.pieces[plan.order[i]];
        if (plan.ends[i] <= tokens) {
            kept.marks.push_back({plan.ends[i], piece.id});
        } else {
            kept.tail.assign(piece.tokens.begin(),
                             piece.tokens.begin() + static_cast<std::ptrdiff_t>(tokens - begin));
        }
        begin = plan.ends[i];
    }
}

LaneKeeper::Kept& LaneKeeper::open(const Loaded& loaded, const LaneRequest& request,
                                   const std::filesystem::path& file, const LanePlan& plan,
                                   const engine::ProgressFn& progress,
                                   const std::stop_token& stop) {
    engine::LaneOptions options;
    options.prefix = request.effort;
    options.file = file;
    const bool complete = plan.toRead() == 0;
    if (!file.empty()) {
        std::filesystem::create_directories(file.parent_path());
        // Whoever only looks into a lane does not keep others from writing it.
        options.readOnly = complete;
        options.keep = complete ? UINT64_MAX : plan.keep;
    }
    engine::LaneInfo info;
    try {
        info = loaded.engine->openLane(options, progress, stop);
    } catch (const Error& error) {
        std::error_code missing;
        if (error.code() != ErrorCode::Busy || !request.partial ||
            !std::filesystem::exists(file, missing)) {
            throw;
        }
        options.readOnly = true;
        options.keep = UINT64_MAX;
        info = loaded.engine->openLane(options, progress, stop);
    }
    auto kept = std::make_unique<Kept>();
    kept->generation = loaded.generation;
    kept->engine = loaded.engine;
    kept->file = file;
    kept->effort = request.effort;
    kept->id = info.id;
    kept->writable = !options.readOnly;
    kept->note = info.restored ? info.restored->note : "";
    if (!file.empty() && info.restored && info.restored->tokens > 0) {
        recordCheck(file, *info.restored);
    }
    if (kept->writable) {
        nowHolds(*kept, request, plan, info.tokens);
    } else {
        kept->tokens = info.tokens;
        kept->marks = loaded.engine->laneContents(info.id).marks;
    }
    m_lanes.push_back(std::move(kept));
    return *m_lanes.back();
}

void LaneKeeper::append(const Loaded& loaded, Kept& kept, const LaneRequest& request,
                        const LanePlan& plan, const engine::ProgressFn& progress,
                        const std::stop_token& stop) {
    std::vector<engine::Token> tokens;
    std::vector<engine::LaneMark> marks;
    std::uint64_t begin = 0;
    for (std::size_t i = 0; i < plan.order.size(); ++i) {
        const LanePiece& piece = request.pieces[plan.order[i]];
        if (plan.ends[i] > kept.tokens) {
            const std::uint64_t from = kept.tokens > begin ? kept.tokens - begin : 0;
            tokens.insert(tokens.end(), piece.tokens.begin() + static_cast<std::ptrdiff_t>(from),
                          piece.tokens.end());
            marks.push_back({plan.ends[i], piece.id});
        }
        begin = plan.ends[i];
    }
    try {
        const Appending here(*this, kept);
        nowHolds(kept, request, plan,
                 loaded.engine->append(kept.id, tokens, progress, stop, marks).tokens);
    } catch (const Error&) {
        try {
            nowHolds(kept, request, plan, loaded.engine->lane(kept.id).tokens);
        } catch (const Error&) {
            std::erase_if(m_lanes, [&](const auto& one) { return one.get() == &kept; });
        }
        throw;
    }
    if (kept.tokens < plan.total()) {
        throw Error(ErrorCode::Cancelled, "Reading was stopped");
    }
}

LaneReading LaneKeeper::read(const Loaded& loaded, const LaneRequest& request,
                             const engine::ProgressFn& progress, const std::stop_token& stop) {
    std::erase_if(m_lanes, [&](const auto& k) { return k->generation != loaded.generation; });
    m_branches.use(loaded.engine, loaded.generation);
    std::filesystem::path file;
    if (!request.folder.empty()) {
        file = laneFile(request.folder, loaded.model.fingerprint, loaded.encoder->fingerprint(),
                        request.effort);
        requireReachable(file);
    }
    LanePlan plan = planFor(loaded, request, file);
    if (!file.empty() && !plan.allowedBy(request.change)) {
        file.clear(); // other documents than the dossier's lane holds: not worth a place on the
                      // disk
        plan = planFor(loaded, request, file);
    }
    Kept* kept = find(file, request.effort);
    if (kept && plan.toRead() > 0 && (!kept->writable || kept->tokens != plan.keep)) {
        drop(*kept);
        kept = nullptr;
        plan = planFor(loaded, request, file);
    }
    if (!kept) {
        kept = &open(loaded, request, file, plan, progress, stop);
        if (!kept->writable) {
            plan = planFor(loaded, request, file);
            if (plan.toRead() > 0 && !request.partial) { // damaged behind what is whole
                const std::string note = kept->note;
                drop(*kept);
                kept = &open(loaded, request, file, plan, progress, stop);
                kept->note = kept->note.empty() ? note : kept->note;
            }
        }
        if (kept->writable && kept->tokens != plan.keep) {
            plan = planFor(loaded, request, file); // something was lost
        }
    }
    if (plan.toRead() > 0 && kept->writable) {
        append(loaded, *kept, request, plan, progress, stop);
    }
    LaneReading reading;
    reading.id = kept->id;
    reading.note = kept->note;
    for (std::size_t i = 0; i < plan.order.size(); ++i) {
        const bool there = plan.ends[i] <= kept->tokens && reading.missing == 0 &&
                           (kept->writable || i < plan.keptPieces);
        if (there) {
            reading.order.push_back(plan.order[i]);
            reading.position = plan.ends[i];
        } else {
            ++reading.missing;
        }
    }
    if (reading.missing > 0 && reading.order.size() < 2) {
        throw Error(ErrorCode::Busy, "No document has been read completely yet",
                    "Ask again when the first one is; the reading goes on");
    }
    return reading;
}

} // namespace dossier::app
