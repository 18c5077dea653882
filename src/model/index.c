/* model/index.c: hash tables with open addressing over a model's layers and their names. Names are never taken back, so
 * the lowest free number of an automatic name only grows. Keras: keras/src/utils/naming.py. */
#include "model/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* ---- tables ---- */

static uint64_t hash_text(const char *text) { /* FNV-1a */
    uint64_t hash = 0xcbf29ce484222325U;
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3U;
    }
    return hash;
}

static uint64_t hash_key(const void *key, bool text) {
    const uint64_t hash = text ? hash_text(key) : (uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15U;
    return hash ^ hash >> 32;
}

static bool is_key(const cly_model_slot *slot, const void *key, bool text) {
    return slot->key == key || (text && strcmp(slot->key, key) == 0);
}

/* The slot of `key`, or the free one where it would stand. */
static cly_model_slot *probe(const cly_model_table *table, const void *key, bool text) {
    size_t at = (size_t)hash_key(key, text) & (table->capacity - 1);
    while (table->slots[at].key != NULL && !is_key(&table->slots[at], key, text)) {
        at = (at + 1) & (table->capacity - 1);
    }
    return &table->slots[at];
}

cly_model_slot *cly_model_table_find(const cly_model_table *table, const void *key, bool text) {
    cly_model_slot *slot = table->capacity == 0 ? NULL : probe(table, key, text);
    return slot == NULL || slot->key == NULL ? NULL : slot;
}

clayer_status cly_model_table_reserve(cly_model_table *table, bool text) {
    clayer_status status = CLAYER_OK;
    cly_model_table larger = {.count = table->count, .capacity = table->capacity == 0 ? 16 : 2 * table->capacity};
    void *memory = NULL;
    if (2 * (table->count + 1) <= table->capacity) {
        return CLAYER_OK;
    }
    CLY_TRY(cly_base_alloc(larger.capacity, sizeof(cly_model_slot), &memory));
    larger.slots = memory;
    for (size_t i = 0; i < table->capacity; i++) {
        if (table->slots[i].key != NULL) {
            *probe(&larger, table->slots[i].key, text) = table->slots[i];
        }
    }
    free(table->slots);
    *table = larger;
done:
    return status;
}

cly_model_slot *cly_model_table_put(cly_model_table *table, const void *key, bool text) {
    cly_model_slot *slot = probe(table, key, text);
    if (slot->key == NULL) {
        slot->key = key;
        table->count++;
    }
    return slot;
}

void cly_model_table_free(cly_model_table *table) {
    free(table->slots);
    *table = (cly_model_table){0};
}

/* ---- a model's layers ---- */

clayer_status cly_model_index_reserve(cly_model_index *index) {
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_model_table_reserve(&index->names, true));
    CLY_TRY(cly_model_table_reserve(&index->calls, false));
done:
    return status;
}

void cly_model_index_free(cly_model_index *index) {
    cly_model_table_free(&index->names);
    cly_model_table_free(&index->calls);
    cly_model_table_free(&index->prefixes);
}

clayer_layer *cly_model_index_find(const cly_model_index *index, const char *name) {
    const cly_model_slot *slot = cly_model_table_find(&index->names, name, true);
    return slot == NULL ? NULL : slot->item;
}

bool cly_model_index_has(const cly_model_index *index, const clayer_layer *layer) {
    return cly_model_table_find(&index->calls, layer, false) != NULL;
}

size_t cly_model_index_call(cly_model_index *index, clayer_layer *layer, bool nameless) {
    const size_t calls = cly_model_table_put(&index->calls, layer, false)->number++;
    if (calls == 0 && !nameless) {
        cly_model_table_put(&index->names, layer->name, true)->item = layer;
    }
    return calls;
}

/* ---- names ---- */

static clayer_status number_name(const char *prefix, size_t number, char **name_out) {
    clayer_status status = CLAYER_OK;
    cly_base_text text = {0};
    if (number == 0) {
        CLY_TRY(cly_base_text_add(&text, "%s", prefix));
    } else {
        CLY_TRY(cly_base_text_add(&text, "%s_%zu", prefix, number));
    }
    *name_out = text.chars;
    text.chars = NULL;
done:
    cly_base_text_free(&text);
    return status;
}

clayer_status cly_model_index_new_name(cly_model_index *index, const char *prefix, char **name_out) {
    clayer_status status = CLAYER_OK;
    char *name = NULL;
    CLY_TRY(cly_model_table_reserve(&index->prefixes, true));
    cly_model_slot *slot = cly_model_table_put(&index->prefixes, prefix, true);
    for (;; slot->number++) {
        CLY_TRY(number_name(prefix, slot->number, &name));
        if (cly_model_index_find(index, name) == NULL) {
            break;
        }
        free(name);
        name = NULL;
    }
    *name_out = name;
done:
    return status;
}
