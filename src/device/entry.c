/* device/entry.c: the form of a cache entry's file.
 *
 *   bytes  0 ..  7  "CLAYPRG" and a line feed, which a transfer as text would spoil
 *          8 .. 11  format version, little endian
 *         12 .. 75  the key, 64 hexadecimal digits
 *         76 .. 83  length of the payload, little endian
 *         84 .. ..  the payload: what the driver gave for this program
 *          32 more  SHA-256 over all bytes before */
#include "device/internal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#define MAGIC "CLAYPRG\n"
#define FORMAT_VERSION 1u
#define HEADER_BYTES ((size_t)84)
#define CHECKSUM_BYTES ((size_t)32)

static void put_little(unsigned char *bytes, int count, uint64_t value) {
    for (int i = 0; i < count; i++) {
        bytes[i] = (unsigned char)(value >> (8 * i));
    }
}

static uint64_t get_little(const unsigned char *bytes, int count) {
    uint64_t value = 0;
    for (int i = count - 1; i >= 0; i--) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static bool checksum(const void *bytes, size_t length, unsigned char sum_out[32]) {
    unsigned int size = 0;
    return EVP_Digest(bytes, length, sum_out, &size, EVP_sha256(), NULL) == 1 && size == CHECKSUM_BYTES;
}

clayer_status cly_device_entry_pack(const char *key, const void *payload, size_t length, void **file_out,
                                    size_t *file_length_out) {
    void *memory = NULL;
    size_t total = HEADER_BYTES + length + CHECKSUM_BYTES;
    clayer_status status = cly_base_alloc(total, 1, &memory);
    if (status != CLAYER_OK) {
        return status;
    }
    unsigned char *file = memory;
    memcpy(file, MAGIC, 8);
    put_little(file + 8, 4, FORMAT_VERSION);
    memcpy(file + 12, key, 64);
    put_little(file + 76, 8, length);
    memcpy(file + HEADER_BYTES, payload, length);
    if (!checksum(file, HEADER_BYTES + length, file + HEADER_BYTES + length)) {
        free(file);
        return cly_base_fail(CLAYER_OUT_OF_MEMORY, "out of host memory for a SHA-256 digest");
    }
    *file_out = file;
    *file_length_out = total;
    return CLAYER_OK;
}

const char *cly_device_entry_check(const void *file, size_t file_length, const char *key, const void **payload_out,
                                   size_t *length_out) {
    const unsigned char *bytes = file;
    unsigned char sum[32];
    if (file_length < HEADER_BYTES + CHECKSUM_BYTES) {
        return "the entry is cut off";
    }
    if (memcmp(bytes, MAGIC, 8) != 0) {
        return "the entry is not one of ours";
    }
    if (get_little(bytes + 8, 4) != FORMAT_VERSION) {
        return "the entry is of another format version";
    }
    if (memcmp(bytes + 12, key, 64) != 0) {
        return "the entry is of another program";
    }
    if (get_little(bytes + 76, 8) != file_length - HEADER_BYTES - CHECKSUM_BYTES) {
        return "the entry's length is wrong";
    }
    if (!checksum(bytes, file_length - CHECKSUM_BYTES, sum) ||
        memcmp(sum, bytes + file_length - CHECKSUM_BYTES, CHECKSUM_BYTES) != 0) {
        return "the entry's checksum is wrong";
    }
    *payload_out = bytes + HEADER_BYTES;
    *length_out = file_length - HEADER_BYTES - CHECKSUM_BYTES;
    return NULL;
}
