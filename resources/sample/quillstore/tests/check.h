// The smallest possible test library: CHECK, and a folder that is gone afterwards.
#pragma once

#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <string>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                   \
            return 1;                                                                              \
        }                                                                                          \
    } while (false)

class TempFolder {
  public:
    TempFolder() {
        char name[] = "/tmp/quill-test-XXXXXX";
        m_path = mkdtemp(name);
    }
    ~TempFolder() { std::filesystem::remove_all(m_path); }
    const std::string& path() const { return m_path; }

  private:
    std::string m_path;
};
