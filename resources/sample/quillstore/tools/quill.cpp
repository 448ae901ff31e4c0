// The command line tool. Exit status: 0 done, 1 not found, 2 anything else.
#include <iostream>

#include "args.h"
#include "quill/store.h"

namespace {

int report(const quill::Status& status) {
    if (status)
        return 0;
    std::cerr << "quill: " << status.text() << '\n';
    return status.code() == quill::Code::NotFound ? 1 : 2;
}

int run(const Args& args, quill::Store& store) {
    if (args.command == "put")
        return report(store.put(args.rest[0], args.rest[1]));
    if (args.command == "erase")
        return report(store.erase(args.rest[0]));
    if (args.command == "compact")
        return report(store.maintain());
    if (args.command == "get") {
        std::string value;
        const quill::Status status = store.get(args.rest[0], value);
        if (status)
            std::cout << value << '\n';
        return report(status);
    }
    if (args.command == "list") {
        const std::string prefix = args.rest.empty() ? "" : args.rest[0];
        for (quill::Cursor cursor = store.keys(prefix); cursor.valid(); cursor.next())
            std::cout << cursor.key() << '\n';
        return 0;
    }
    std::cout << store.size() << " keys, nothing damaged or lost\n"; // check: opening did the work
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    Args args;
    std::string problem;
    if (!parseArgs(argc, argv, args, problem)) {
        std::cerr << "quill: " << problem << '\n' << usage();
        return 2;
    }
    quill::Options options;
    options.readOnly = args.command == "get" || args.command == "list" || args.command == "check";
    std::unique_ptr<quill::Store> store;
    if (const quill::Status status = quill::Store::open(args.store, options, store); !status)
        return report(status);
    return run(args, *store);
}
