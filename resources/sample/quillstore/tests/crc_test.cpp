// The published check value of CRC-32C is that of the nine digits.
#include "check.h"
#include "crc32c.h"

int main() {
    CHECK(quill::crc32c("123456789") == 0xE3069283u);
    CHECK(quill::crc32c("") == 0);
    return 0;
}
