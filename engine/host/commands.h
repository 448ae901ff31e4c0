// SPDX-License-Identifier: Apache-2.0
// The subcommands of dossier-engine that end by themselves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace dossier::engine {

/// "command --name value --flag ..." Unknown names are refused by `finish`.
class Arguments {
  public:
    explicit Arguments(std::vector<std::string> words);

    /// The value behind --name, absent when it is not given. Error(InvalidArgument) without value.
    std::optional<std::string> value(const std::string& name) const;
    std::string required(const std::string& name) const; ///< Error(InvalidArgument) when absent
    std::uint64_t number(const std::string& name, std::uint64_t otherwise) const;
    bool flag(const std::string& name) const;
    /// Error(InvalidArgument) for a word that no call above has asked for.
    void finish() const;

  private:
    std::vector<std::string> m_words;
    mutable std::vector<bool> m_used;
};

/// --device auto|cpu|cuda. Error(InvalidArgument) for anything else.
Device deviceOption(const Arguments&);
/// The device's name, and why there is no GPU when one was looked for.
std::string describeDevice(const DeviceInfo&);

/// Logits of every position: JSON lines on standard output, and with --out all of them as
/// little-endian float32 [positions, vocabulary].
int evalCommand(const Arguments&);
int inspectCommand(const Arguments&);
int forecastCommand(const Arguments&);
/// Reading and answering speed with the bounds of this machine.
int speedCommand(const Arguments&);
/// Bytes, restore, forks and resuming of a long lane of full-size rows.
int laneBenchCommand(const Arguments&);

} // namespace dossier::engine
