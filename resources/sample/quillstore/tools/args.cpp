// How many words each command wants.
#include "args.h"

#include <map>

const char* usage() {
    return "usage: quill put STORE KEY VALUE | get STORE KEY | erase STORE KEY | list STORE [PREFIX]\n"
           "       quill check STORE | compact STORE\n";
}

bool parseArgs(int argc, char** argv, Args& args, std::string& problem) {
    struct Range {
        std::size_t least, most;
    };
    static const std::map<std::string, Range> commands = {
        {"put", {2, 2}},  {"get", {1, 1}},   {"erase", {1, 1}},
        {"list", {0, 1}}, {"check", {0, 0}}, {"compact", {0, 0}},
    };
    if (argc < 3) {
        problem = "a command and a store are needed";
        return false;
    }
    args.command = argv[1];
    args.store = argv[2];
    args.rest.assign(argv + 3, argv + argc);
    const auto found = commands.find(args.command);
    if (found == commands.end()) {
        problem = "there is no command " + args.command;
        return false;
    }
    if (args.rest.size() < found->second.least || args.rest.size() > found->second.most) {
        problem = "wrong number of words for " + args.command;
        return false;
    }
    return true;
}
