/* layers/shape.c: axes of channels_last and channels_first, shapes in messages, and the default data_format, which
 * Keras takes from image_data_format of $KERAS_HOME/keras.json, else ~/.keras/keras.json. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "layers/layer.h"

/* Keras' file has four short entries. */
#define KERAS_JSON_LIMIT_BYTES (1 << 20)

/* ---- the default data_format ---- */

/* *path_out NULL: there is no place to look. */
static clayer_status find_keras_json(char **path_out) {
    const char *home = getenv("KERAS_HOME");
    char *folder = NULL;
    clayer_status status = CLAYER_OK;
    if (home == NULL || home[0] == '\0') {
        home = getenv("HOME");
        if (home == NULL || home[0] == '\0') {
            *path_out = NULL;
            return CLAYER_OK;
        }
        CLY_TRY(cly_base_path_join(home, ".keras", &folder));
        home = folder;
    }
    CLY_TRY(cly_base_path_join(home, "keras.json", path_out));
done:
    free(folder);
    return status;
}

static clayer_status read_data_format(const char *path, const char *text, size_t length, const char **format_out) {
    const char *end = NULL;
    clayer_status status = CLAYER_OK;
    cJSON *json = cJSON_ParseWithLengthOpts(text, length, &end, false);
    const cJSON *format = NULL;
    size_t rest = json == NULL ? 0 : (size_t)(end - text);
    while (rest < length && strchr(" \t\r\n", text[rest]) != NULL && text[rest] != '\0') {
        rest++;
    }
    if (!cJSON_IsObject(json) || rest != length) {
        status = cly_base_fail(CLAYER_BAD_FILE, "'%s' is not a JSON object", path);
        goto done;
    }
    format = cJSON_GetObjectItemCaseSensitive(json, "image_data_format");
    if (format == NULL) {
        *format_out = "channels_last";
    } else if (cJSON_IsString(format) && strcmp(format->valuestring, "channels_first") == 0) {
        *format_out = "channels_first";
    } else if (cJSON_IsString(format) && strcmp(format->valuestring, "channels_last") == 0) {
        *format_out = "channels_last";
    } else {
        status =
            cly_base_fail(CLAYER_BAD_FILE, "'%s': image_data_format must be 'channels_last' or 'channels_first'", path);
    }
done:
    cJSON_Delete(json);
    return status;
}

clayer_status cly_layers_default_data_format(const char **format_out) {
    clayer_status status = CLAYER_OK;
    char *path = NULL;
    void *bytes = NULL;
    size_t length = 0;
    CLY_TRY(find_keras_json(&path));
    if (path == NULL || (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))) {
        *format_out = "channels_last";
        goto done;
    }
    CLY_TRY(cly_base_read_file(path, KERAS_JSON_LIMIT_BYTES, &bytes, &length));
    CLY_TRY(read_data_format(path, bytes, length, format_out));
done:
    free(bytes);
    free(path);
    return status;
}

/* ---- shapes ---- */

const char *cly_layers_shape_text(const clayer_shape *shape, char *text, size_t capacity) {
    size_t used = (size_t)snprintf(text, capacity, "(");
    for (int i = 0; i < shape->rank && used < capacity; i++) {
        const char *before = i == 0 ? "" : ", ";
        int added = shape->dims[i] == -1
                        ? snprintf(text + used, capacity - used, "%sNone", before)
                        : snprintf(text + used, capacity - used, "%s%lld", before, (long long)shape->dims[i]);
        used += (size_t)added;
    }
    if (used < capacity) {
        (void)snprintf(text + used, capacity - used, "%s)", shape->rank == 1 ? "," : "");
    }
    return text;
}

int cly_layers_channel_axis(const clayer_layer *layer) {
    return layer->channels_first ? 1 : layer->class->rank + 1;
}

int cly_layers_spatial_axis(const clayer_layer *layer, int i) {
    return layer->channels_first ? i + 2 : i + 1;
}

clayer_status cly_layers_expect_rank(const clayer_layer *layer, const clayer_shape *shape) {
    static const char *const axes[3] = {"steps", "rows, cols", "dim1, dim2, dim3"};
    char text[CLY_LAYERS_SHAPE_TEXT];
    int rank = layer->class->rank;
    if (shape->rank == rank + 2) {
        return CLAYER_OK;
    }
    return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "input %s has %d axes, expects %d: (N, %s%s%s)",
                           cly_layers_shape_text(shape, text, sizeof(text)), shape->rank, rank + 2,
                           layer->channels_first ? "C, " : "", axes[rank - 1], layer->channels_first ? "" : ", C");
}

clayer_status cly_layers_expect_axis(const clayer_layer *layer, int64_t axis, const clayer_shape *shape,
                                     int *axis_out) {
    char text[CLY_LAYERS_SHAPE_TEXT];
    if (axis < -shape->rank || axis >= shape->rank) {
        return cly_layers_fail(layer, CLAYER_INVALID_SHAPE, "axis %lld is outside the input %s", (long long)axis,
                               cly_layers_shape_text(shape, text, sizeof(text)));
    }
    *axis_out = (int)(axis < 0 ? axis + shape->rank : axis);
    return CLAYER_OK;
}

void cly_layers_lead(const clayer_layer *layer, const int64_t values[3], int64_t fill, int64_t sizes[3]) {
    int rank = layer->class->rank;
    for (int i = 0; i < 3; i++) {
        sizes[i] = i < 3 - rank ? fill : values[i - (3 - rank)];
    }
}

void cly_layers_spatial(const clayer_layer *layer, const clayer_shape *shape, int64_t sizes[3]) {
    int64_t values[3] = {1, 1, 1};
    for (int i = 0; i < layer->class->rank; i++) {
        values[i] = shape->dims[cly_layers_spatial_axis(layer, i)];
    }
    cly_layers_lead(layer, values, 1, sizes);
}

void cly_layers_outer_inner(const clayer_layer *layer, const clayer_shape *shape, int64_t *outer_out,
                            int64_t *inner_out) {
    int64_t channels = shape->dims[cly_layers_channel_axis(layer)];
    *outer_out = layer->channels_first ? shape->dims[0] * channels : shape->dims[0];
    *inner_out = layer->channels_first ? 1 : channels;
}

int64_t cly_layers_product(const clayer_shape *shape, int from, int to) {
    int64_t product = 1;
    bool unknown = false;
    for (int i = from; i < to; i++) {
        if (shape->dims[i] == -1) {
            unknown = true;
        } else if (!cly_base_multiply(&product, shape->dims[i])) {
            return -2;
        }
    }
    return unknown ? -1 : product;
}

bool cly_layers_same_shape(const clayer_shape *a, const clayer_shape *b) {
    bool same = a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++) {
        same = a->dims[i] == b->dims[i];
    }
    return same;
}
