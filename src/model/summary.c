/* model/summary.c: what both generations' summary() share: counts, sizes and shapes as text. */
#include "model/summary.h"

#include "base/error.h"
#include "base/memory.h"

/* ---- what both tables print ---- */

const clayer_node *cly_model_next_call(const cly_model_map *map, const clayer_layer *layer, size_t from) {
    for (size_t i = from; i < map->model->node_count; i++) {
        if (map->relevant[i] && map->model->nodes[i]->layer == layer && map->model->nodes[i]->tensor == 0) {
            return map->model->nodes[i];
        }
    }
    return NULL;
}

/* Two decimals, as Python rounds them: to nearest, and an exact half to even. Bytes and powers of 1024 are exact in
 * binary, so whole numbers give the same digits without the locale's decimal point. */
clayer_status cly_model_add_size(cly_base_text *text, uint64_t bytes, const char *unit) {
    static const char *const larger[] = {"KB", "MB", "GB", "TB", "PB"};
    int shift = 0;
    size_t scale = 0;
    while (bytes >> shift >= 1024 && scale < CLY_COUNT(larger)) {
        shift += 10;
        unit = larger[scale++];
    }
    uint64_t whole = bytes >> shift;
    uint64_t rest = (bytes - (whole << shift)) * 100;
    uint64_t hundredths = rest >> shift;
    uint64_t left = rest - (hundredths << shift), half = shift == 0 ? 1 : (uint64_t)1 << (shift - 1);
    if (left > half || (left == half && hundredths % 2 == 1)) {
        hundredths++;
    }
    if (hundredths == 100) {
        whole++;
        hundredths = 0;
    }
    return cly_base_text_add(text, "%llu.%02llu %s", (unsigned long long)whole, (unsigned long long)hundredths, unit);
}

clayer_status cly_model_add_shape(cly_base_text *text, const clayer_shape *shape, bool python_tuple) {
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_text_add(text, "("));
    for (int i = 0; i < shape->rank; i++) {
        CLY_TRY(cly_base_text_add(text, i == 0 ? "" : ", "));
        if (shape->dims[i] == -1) {
            CLY_TRY(cly_base_text_add(text, "None"));
        } else {
            CLY_TRY(cly_base_text_add(text, "%lld", (long long)shape->dims[i]));
        }
    }
    CLY_TRY(cly_base_text_add(text, python_tuple && shape->rank == 1 ? ",)" : ")"));
done:
    return status;
}

clayer_status clayer_model_summary(clayer_model *model, const clayer_summary_config *config,
                                   clayer_print_callback *print, void *data) {
    clayer_status status = CLAYER_OK;
    cly_model_map map = {0};
    static const clayer_summary_config defaults = {.struct_size = sizeof(defaults)};
    cly_model_printer printer = {print, data};
    if (model == NULL || print == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_summary: %s is NULL",
                             model == NULL ? "model" : "print");
    }
    config = config == NULL ? &defaults : config;
    if (config->struct_size != sizeof(*config)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_summary: struct_size is %zu, must be %zu",
                             config->struct_size, sizeof(*config));
    }
    if (config->line_length < 0 || (config->style != CLAYER_SUMMARY_KERAS2 && config->style != CLAYER_SUMMARY_KERAS3)) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_summary: %s %d",
                             config->line_length < 0 ? "line_length is negative:" : "unknown style",
                             config->line_length < 0 ? config->line_length : (int)config->style);
    }
    CLY_TRY(cly_model_map_create(model, &map));
    if (config->style == CLAYER_SUMMARY_KERAS2) {
        CLY_TRY(cly_model_summary_keras2(&map, config, printer));
    } else {
        CLY_TRY(cly_model_summary_keras3(&map, config, printer));
    }
done:
    cly_model_map_free(&map);
    return status;
}
