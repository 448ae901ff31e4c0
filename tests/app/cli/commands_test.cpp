// SPDX-License-Identifier: GPL-3.0-or-later
// The program's commands as a person in a terminal or a script has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/dossier_program.h"
#include "tests/support/temp_folder.h"

namespace dossier::app {
namespace {

using ::testing::HasSubstr;

class Commands : public ::testing::Test {
  protected:
    int run(const std::vector<std::string>& words) { return program.run(words); }

    /// A dossier with one small document.
    std::string newDossier() {
        const std::string dossier = (folder.path() / "lease.dossier").string();
        const auto file = folder.write("lease.txt", "The Tenant shall pay a rent of 900 pounds.\n");
        EXPECT_EQ(run({"new", dossier}), 0) << err;
        EXPECT_EQ(run({"add", "-d", dossier, file.string()}), 0) << err;
        return dossier;
    }

    test::TempFolder folder;
    test::DossierProgram program{folder.path()};
    std::string &out = program.out, &err = program.err;
};

TEST_F(Commands, SayWhenTheirOutputIsLost) {
    const std::string dossier = newDossier();
    program.output = "/dev/full";
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"sources", "-d", dossier},
          {"sources", "-d", dossier, "--json"},
          {"lanes", "-d", dossier},
          {"--help"},
          {"--version"}}) {
        EXPECT_EQ(run(words), 2) << words.front();
        EXPECT_THAT(err, HasSubstr("Could not write the results")) << words.front();
    }
}

} // namespace
} // namespace dossier::app
