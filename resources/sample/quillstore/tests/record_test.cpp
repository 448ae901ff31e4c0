// Every single flipped bit of a record is noticed.
#include "check.h"
#include "quill/record.h"

int main() {
    const quill::Record written{41, quill::RecordKind::Put, "price:apple", "120"};
    std::string bytes;
    quill::encode(written, bytes);
    quill::Record read;
    std::size_t used = 0;
    CHECK(quill::decode(bytes, read, used));
    CHECK(used == bytes.size());
    CHECK(read.sequence == 41 && read.key == "price:apple" && read.value == "120");
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        std::string damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        CHECK(!quill::decode(damaged, read, used));
    }
    CHECK(!quill::checkSizes("", "value"));
    CHECK(!quill::checkSizes(std::string(1025, 'k'), "value"));
    return 0;
}
