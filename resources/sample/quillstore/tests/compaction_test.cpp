// Old versions go, current ones stay, and the store still opens.
#include "check.h"
#include "quill/store.h"

int main() {
    TempFolder folder;
    quill::Options options;
    options.segmentBytes = 256;
    std::unique_ptr<quill::Store> store;
    CHECK(quill::Store::open(folder.path(), options, store));
    for (int i = 0; i < 100; ++i)
        CHECK(store->put("key" + std::to_string(i % 5), std::to_string(i)));
    const auto files = [&] {
        return std::distance(std::filesystem::directory_iterator(folder.path()), {});
    };
    const auto before = files();
    CHECK(store->maintain());
    CHECK(files() < before);
    store.reset();
    CHECK(quill::Store::open(folder.path(), options, store));
    std::string value;
    CHECK(store->get("key4", value) && value == "99");
    CHECK(store->size() == 5);

    // What a crash before the deletion leaves: a replaced segment beside the packed one.
    store.reset();
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
        if (entry.path().string().ends_with(".packed.quill"))
            std::filesystem::copy_file(entry.path(), folder.path() + "/000001.quill");
    }
    CHECK(quill::Store::open(folder.path(), options, store));
    CHECK(store->size() == 5);
    return 0;
}
