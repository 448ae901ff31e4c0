// SPDX-License-Identifier: Apache-2.0
// Watches the text of an answer outside quotations for a known label followed by the opening mark.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace dossier::engine {

class LabelScanner {
  public:
    struct State {
        enum class Phase : std::uint8_t { Idle, Label, Opening } phase = Phase::Idle;
        std::uint32_t text = 0;    ///< Opening: index of the label that was read
        std::string pending;       ///< bytes of an unfinished mark or label
        bool afterClosing = false; ///< the byte before closed a quotation
    };

    LabelScanner(const std::vector<std::string>& labels, std::string labelOpen,
                 std::string labelClose, std::string quoteOpen);

    /// One more byte. The index of the label whose quotation this byte opens; the state is then as
    /// new. Between label and opening mark only white space may stand.
    std::optional<std::uint32_t> step(State& state, char byte) const;

  private:
    void idle(State& state, char byte) const;
    void label(State& state, char byte) const;

    std::unordered_map<std::string, std::uint32_t> m_labels;
    std::size_t m_longestLabel = 0;
    std::string m_labelOpen, m_labelClose, m_quoteOpen;
};

} // namespace dossier::engine
