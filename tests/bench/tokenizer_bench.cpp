// SPDX-License-Identifier: GPL-3.0-or-later
// Encodes a corpus on one core and prints the median speed in processor time; with --ids writes the
// tokens, so that tokenizer_bench.py can hold them against another implementation.
//   tokenizer_bench TOKENIZER CORPUS [--repeat N] [--ids OUT]
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/tokenizer/tokenizer.h"

namespace {

using namespace dossier;

std::vector<std::string> readDocuments(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) {
        throw systemError("read " + path, errno);
    }
    std::vector<std::string> documents;
    std::istringstream lines(text.str());
    for (std::string document; std::getline(lines, document, '\xFF');) {
        documents.push_back(document);
    }
    return documents;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// Processor time: unlike wall time it does not depend on what else the machine is doing.
double secondsOf(const auto& work) {
    const std::clock_t start = std::clock();
    work();
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

void writeIds(const engine::Tokenizer& tokenizer, const std::vector<std::string>& documents,
              const std::string& path) {
    std::ofstream out(path, std::ios::binary);
    for (const std::string& document : documents) {
        std::vector<engine::Token> ids = tokenizer.encode(document, engine::AddedTokens::On);
        ids.insert(ids.begin(), static_cast<engine::Token>(ids.size()));
        out.write(reinterpret_cast<const char*>(ids.data()),
                  static_cast<std::streamsize>(ids.size() * sizeof(engine::Token)));
    }
}

void run(const std::vector<std::string>& arguments) {
    int repeat = 5;
    std::string idsPath;
    for (std::size_t i = 2; i + 1 < arguments.size(); i += 2) {
        if (arguments[i] == "--repeat") {
            repeat = std::max(1, std::atoi(arguments[i + 1].c_str()));
        } else if (arguments[i] == "--ids") {
            idsPath = arguments[i + 1];
        }
    }
    std::shared_ptr<const engine::Tokenizer> tokenizer;
    const double load = secondsOf([&] { tokenizer = engine::Tokenizer::load(arguments[0]); });
    const std::vector<std::string> documents = readDocuments(arguments[1]);
    std::uint64_t bytes = 0, tokens = 0;
    for (const std::string& document : documents) {
        bytes += document.size();
    }
    std::vector<double> encode, count;
    for (int i = 0; i < repeat; ++i) {
        tokens = 0;
        encode.push_back(secondsOf([&] {
            for (const std::string& document : documents) {
                tokens += tokenizer->encode(document, engine::AddedTokens::On).size();
            }
        }));
        count.push_back(secondsOf([&] {
            for (const std::string& document : documents) {
                tokenizer->count(document, engine::AddedTokens::Off);
            }
        }));
    }
    const double megabytes = static_cast<double>(bytes) / 1e6;
    std::cout << "{\"documents\": " << documents.size() << ", \"bytes\": " << bytes
              << ", \"tokens\": " << tokens << ", \"load_seconds\": " << load
              << ", \"encode_seconds\": " << median(encode)
              << ", \"encode_mb_per_s\": " << megabytes / median(encode)
              << ", \"count_mb_per_s\": " << megabytes / median(count) << "}\n";
    if (!idsPath.empty()) {
        writeIds(*tokenizer, documents, idsPath);
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::cerr << "usage: tokenizer_bench TOKENIZER CORPUS [--repeat N] [--ids OUT]\n";
        return 2;
    }
    try {
        run({argv + 1, argv + argc});
        return 0;
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 2;
    }
}
