// What was put is there, also after opening again; a second writer is refused.
#include "check.h"
#include "quill/store.h"

int main() {
    TempFolder folder;
    std::unique_ptr<quill::Store> store, second;
    CHECK(quill::Store::open(folder.path(), {}, store));
    CHECK(quill::Store::open(folder.path(), {}, second).code() == quill::Code::Locked);
    CHECK(store->put("b", "2"));
    CHECK(store->put("a", "1"));
    CHECK(store->put("b", "3"));
    CHECK(store->erase("missing").code() == quill::Code::NotFound);
    store.reset();

    CHECK(quill::Store::open(folder.path(), {}, store));
    std::string value;
    CHECK(store->get("b", value) && value == "3");
    quill::Cursor cursor = store->keys();
    CHECK(cursor.valid() && cursor.key() == "a");
    cursor.seek("aa");
    CHECK(cursor.valid() && cursor.key() == "b");
    CHECK(store->erase("b"));
    CHECK(store->get("b", value).code() == quill::Code::NotFound);
    return 0;
}
