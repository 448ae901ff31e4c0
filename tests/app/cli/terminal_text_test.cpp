// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/terminal_text.h"

#include <gtest/gtest.h>

namespace dossier::app::cli {
namespace {

TEST(TerminalText, EscapesWhatATerminalObeys) {
    EXPECT_EQ(printable("a\nready  b.pdf"), "a\\nready  b.pdf") << "no forged line";
    EXPECT_EQ(printable("\x1b[2Jx\r\x07\x7f"), "\\x1b[2Jx\\x0d\\x07\\x7f");
    EXPECT_EQ(printable("a\u009b2J"), "a\\x9b2J") << "C1: a control sequence in one character";
    EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(TerminalText, KeepsLettersAndTheLinesOfABody) {
    EXPECT_EQ(printable("Überlassung § 5 “租约” 🏠"), "Überlassung § 5 “租约” 🏠");
    EXPECT_EQ(printable("a\tb\nc\x1b", Lines::Many), "a\tb\nc\\x1b");
    EXPECT_EQ(printable("bad\xff.txt"), "bad\\xff.txt");
    EXPECT_NE(printable("bad\xff.txt"), printable("bad\xfe.txt"));
}

} // namespace
} // namespace dossier::app::cli
