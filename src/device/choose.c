/* device/choose.c: which device is meant: by number, by a part of a name, or the best there is. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "device/internal.h"

/* GPU before accelerator before CPU, then the one that does most in a second. */
static uint64_t rank(const clayer_device_info *info) {
    uint64_t speed = (uint64_t)info->compute_units * (info->clock_mhz == 0 ? 1u : info->clock_mhz);
    uint64_t limit = ((uint64_t)1 << 56) - 1;
    return ((uint64_t)info->type << 56) + (speed > limit ? limit : speed);
}

/* The number that `text` is, or -1. */
static int64_t as_index(const char *text) {
    int64_t value = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || value > INT32_MAX / 10) {
            return -1;
        }
        value = value * 10 + (*c - '0');
    }
    return text[0] == '\0' ? -1 : value;
}

static bool matches(const clayer_device_info *info, const char *wanted) {
    return cly_base_contains_word(info->name, wanted) || cly_base_contains_word(info->platform, wanted);
}

/* "no available OpenCL device matches 'x': there are 0 'name' (platform), ...; without a device: ..." */
static clayer_status fail_none(const char *wanted, const cly_device_entry *entries, size_t count,
                               const cly_base_text *problems) {
    cly_base_text text = {0};
    clayer_status status = CLAYER_OK;
    if (wanted != NULL) {
        CLY_TRY(cly_base_text_add(&text, "no available OpenCL device matches '%s': ", wanted));
    } else {
        CLY_TRY(cly_base_text_add(&text, "no OpenCL device is available: "));
    }
    CLY_TRY(cly_base_text_add(&text, "there %s", count == 0 ? "is none" : count == 1 ? "is " : "are "));
    for (size_t i = 0; i < count; i++) {
        const clayer_device_info *info = &entries[i].info;
        CLY_TRY(cly_base_text_add(&text, "%s%d '%s' (%s%s)", i == 0 ? "" : ", ", info->index, info->name,
                                  info->platform, info->available ? "" : ", not available"));
    }
    if (problems->length > 0) {
        CLY_TRY(cly_base_text_add(&text, "; platforms without: %s", problems->chars));
    } else if (count == 0) {
        CLY_TRY(cly_base_text_add(&text, ", and no platform (is a driver with an ICD file installed?)"));
    }
    status = cly_base_fail(CLAYER_NO_DEVICE, "%s", text.chars);
done:
    cly_base_text_free(&text);
    return status;
}

clayer_status cly_device_choose(const char *wanted, cly_device_entry *entry_out) {
    if (wanted == NULL || wanted[0] == '\0') {
        wanted = getenv("CLAYER_DEVICE");
    }
    if (wanted != NULL && wanted[0] == '\0') {
        wanted = NULL;
    }
    cly_device_entry *entries = NULL;
    size_t count = 0;
    cly_base_text problems = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_device_list(&entries, &count, &problems));
    int64_t index = wanted != NULL ? as_index(wanted) : -1;
    const cly_device_entry *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const cly_device_entry *entry = &entries[i];
        bool fits = wanted == NULL || (index >= 0 ? entry->info.index == index : matches(&entry->info, wanted));
        if (fits && entry->info.available && (best == NULL || rank(&entry->info) > rank(&best->info))) {
            best = entry;
        }
    }
    if (best == NULL) {
        status = fail_none(wanted, entries, count, &problems);
    } else {
        *entry_out = *best;
    }
done:
    cly_base_text_free(&problems);
    free(entries);
    return status;
}
