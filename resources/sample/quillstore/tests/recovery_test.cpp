// A torn end is cut off; a missing segment is a lost record; a flipped byte is damage.
#include <fstream>

#include "check.h"
#include "quill/store.h"

namespace {

quill::Options smallSegments() {
    quill::Options options;
    options.segmentBytes = 40; // one record each
    return options;
}

int fill(const std::string& path) {
    std::unique_ptr<quill::Store> store;
    CHECK(quill::Store::open(path, smallSegments(), store));
    for (int i = 0; i < 10; ++i)
        CHECK(store->put("key" + std::to_string(i), "value"));
    return 0;
}

int tornEnd() {
    TempFolder folder;
    CHECK(fill(folder.path()) == 0);
    std::ofstream(folder.path() + "/000010.quill", std::ios::app) << "half a rec";
    std::unique_ptr<quill::Store> store;
    CHECK(quill::Store::open(folder.path(), smallSegments(), store));
    CHECK(store->size() == 10);
    return 0;
}

int missingSegment() {
    TempFolder folder;
    CHECK(fill(folder.path()) == 0);
    std::filesystem::remove(folder.path() + "/000004.quill");
    std::unique_ptr<quill::Store> store;
    CHECK(quill::Store::open(folder.path(), smallSegments(), store).code() ==
          quill::Code::LostRecord);
    return 0;
}

int flippedByte() {
    TempFolder folder;
    CHECK(fill(folder.path()) == 0);
    std::fstream file(folder.path() + "/000003.quill", std::ios::in | std::ios::out);
    file.seekp(20);
    file.put('!');
    file.close();
    std::unique_ptr<quill::Store> store;
    CHECK(quill::Store::open(folder.path(), smallSegments(), store).code() ==
          quill::Code::Damaged);
    return 0;
}

} // namespace

int main() { return tornEnd() + missingSegment() + flippedByte(); }
