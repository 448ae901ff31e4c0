// The command line of the tool.
#pragma once

#include <string>
#include <vector>

struct Args {
    std::string command; ///< put, get, erase, list, check or compact
    std::string store;
    std::vector<std::string> rest;
};

/// Returns false, with a sentence in `problem`, when something is missing or too much.
bool parseArgs(int argc, char** argv, Args& args, std::string& problem);
const char* usage();
