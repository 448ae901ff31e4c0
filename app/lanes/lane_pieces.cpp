// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/lanes/lane_pieces.h"

#include "engine/base/sha256.h"

namespace dossier::app {
namespace {

constexpr std::size_t kIdDigits = 32;

/// Lengths go in, so that texts cannot run into each other.
void add(Sha256& digest, std::string_view text) {
    digest.update(std::to_string(text.size()) + ":");
    digest.update(text);
}

std::string idOf(Sha256& digest) {
    return Sha256::hex(digest.finish()).substr(0, kIdDigits);
}

} // namespace

std::string PieceMaker::preludeText(const ProfileLevel& level) const {
    return level.effort + fillIn(m_profile.system, {{"not_found", m_profile.notFound}});
}

std::string PieceMaker::preludeId(const ProfileLevel& level) const {
    Sha256 digest;
    add(digest, "prelude");
    add(digest, preludeText(level));
    return idOf(digest);
}

std::string PieceMaker::documentId(const std::string& name, std::string_view text) const {
    Sha256 digest;
    add(digest, "document");
    add(digest, fillIn(m_profile.documentHeader, {{"name", name}}));
    add(digest, text);
    add(digest, fillIn(m_profile.documentFooter, {{"name", name}}));
    return idOf(digest);
}

LanePiece PieceMaker::prelude(const ProfileLevel& level) const {
    LanePiece piece;
    piece.id = preludeId(level);
    piece.tokens.push_back(m_encoder.control(Control::Begin));
    const auto text = m_encoder.encode(preludeText(level));
    piece.tokens.insert(piece.tokens.end(), text.begin(), text.end());
    piece.tokens.push_back(m_encoder.control(Control::User));
    piece.textBegin = piece.textEnd = piece.tokens.size();
    return piece;
}

LanePiece PieceMaker::document(SourceId source, const std::string& name,
                               const std::string& text) const {
    LanePiece piece;
    piece.id = documentId(name, text);
    piece.name = name;
    piece.source = source;
    piece.tokens = m_encoder.encode(fillIn(m_profile.documentHeader, {{"name", name}}));
    piece.textBegin = piece.tokens.size();
    const auto own = m_encoder.encode(text);
    piece.tokens.insert(piece.tokens.end(), own.begin(), own.end());
    piece.textEnd = piece.tokens.size();
    const auto footer = m_encoder.encode(fillIn(m_profile.documentFooter, {{"name", name}}));
    piece.tokens.insert(piece.tokens.end(), footer.begin(), footer.end());
    return piece;
}

} // namespace dossier::app
