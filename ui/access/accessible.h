// SPDX-License-Identifier: GPL-3.0-or-later
// What assistive technology sees of the painted widgets: the mode switch as a list of page tabs,
// meters and progress as progress bars with a value, charts as charts with their numbers, and the
// open document as text with the place of every word.
#pragma once

namespace dossier::ui {

/// Once, before the first window.
void installAccessibility();

} // namespace dossier::ui
