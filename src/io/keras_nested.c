/* io/keras_nested.c: models as layers of other models, and layers that stand in several of them.
 *
 * Keras writes a nested model as any layer, with the whole model as its config. A layer that several models of a file
 * share is written in each; the places after the first have a shared_object_id
 * (keras/src/saving/serialization_lib.py, ObjectSharingScope, and Keras 2's SharedObjectSavingScope), which the first
 * one often lost when its model's config was copied: then name, class and config tell that it is the same. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras.h"

#define DEPTH_LIMIT 32

bool cly_io_keras_is_model(const cJSON *json) {
    static const char *const classes[] = {"Sequential", "Functional", "Model"};
    const char *class_name = cly_io_keras_text(json, "class_name");
    for (size_t i = 0; class_name != NULL && i < CLY_COUNT(classes); i++) {
        if (strcmp(class_name, classes[i]) == 0) {
            return true;
        }
    }
    return false;
}

const cJSON *cly_io_keras_distributed_model(const cJSON *json) {
    const char *class_name = cly_io_keras_text(json, "class_name");
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "config"), "layer");
    const bool distributes = class_name != NULL && strcmp(class_name, "TimeDistributed") == 0;
    return distributes && cly_io_keras_is_model(inner) ? inner : NULL;
}

void cly_io_keras_close_scope(cly_io_keras_scope *scope) {
    for (size_t i = 0; i < scope->seen_count; i++) {
        clayer_layer_destroy(scope->seen[i].layer);
    }
    free(scope->seen);
    scope->seen = NULL;
    scope->seen_count = scope->seen_capacity = 0;
}

/* ---- layers that are the same ---- */

static bool same_value(const cJSON *a, const cJSON *b);

/* Every member of `a` but its identity is in `b`. */
static bool holds_members(const cJSON *a, const cJSON *b) {
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, a) {
        if (strcmp(item->string, "shared_object_id") != 0 && strcmp(item->string, CLY_IO_KERAS_SHARED) != 0 &&
            !same_value(item, cJSON_GetObjectItemCaseSensitive(b, item->string))) {
            return false;
        }
    }
    return true;
}

/* Objects within objects have identities of their own, in some places and not in others. */
static bool same_value(const cJSON *a, const cJSON *b) {
    if (cJSON_IsObject(a) && cJSON_IsObject(b)) {
        return holds_members(a, b) && holds_members(b, a);
    }
    if (!cJSON_IsArray(a) || !cJSON_IsArray(b)) {
        return cJSON_Compare(a, b, 1);
    }
    const cJSON *other = b->child;
    for (const cJSON *item = a->child; item != NULL; item = item->next, other = other->next) {
        if (other == NULL || !same_value(item, other)) {
            return false;
        }
    }
    return other == NULL;
}

static bool same_member(const cJSON *a, const cJSON *b, const char *key) {
    return same_value(cJSON_GetObjectItemCaseSensitive(a, key), cJSON_GetObjectItemCaseSensitive(b, key));
}

/* Keras' number of an object, or ours; NULL: none. */
static const cJSON *identity(const cJSON *json) {
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(json, CLY_IO_KERAS_SHARED);
    return own != NULL ? own : cJSON_GetObjectItemCaseSensitive(json, "shared_object_id");
}

/* The layer that `json` stands for once more, or NULL. */
static clayer_layer *find_seen(const cly_io_keras_scope *scope, const cJSON *json) {
    for (size_t i = 0; identity(json) != NULL && i < scope->seen_count; i++) {
        const cJSON *other = scope->seen[i].json;
        bool same = identity(other) == NULL || same_value(identity(json), identity(other));
        if (same && same_member(json, other, "class_name") && same_member(json, other, "config")) {
            return scope->seen[i].layer;
        }
    }
    return NULL;
}

static clayer_status note_seen(cly_io_keras_scope *scope, const cJSON *json, clayer_layer *layer) {
    void *items = scope->seen;
    clayer_status status = cly_base_grow(&items, &scope->seen_capacity, scope->seen_count, sizeof(*scope->seen));
    if (status == CLAYER_OK) {
        scope->seen = items;
        scope->seen[scope->seen_count++] = (cly_io_keras_seen){.json = json, .layer = cly_layers_retain(layer)};
    }
    return status;
}

/* ---- layers ---- */

static clayer_status read_nested(cly_io_keras_scope *scope, const cJSON *json, const clayer_shape *shape,
                                 clayer_layer **layer_out) {
    const char *class_name = cly_io_keras_text(json, "class_name");
    const char *name = cly_io_keras_text(cJSON_GetObjectItemCaseSensitive(json, "config"), "name");
    clayer_model *model = NULL;
    clayer_status status = CLAYER_OK;
    name = name == NULL ? cly_io_keras_text(json, "name") : name;
    if (scope->depth >= DEPTH_LIMIT) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "models are nested more than %d deep", DEPTH_LIMIT);
    }
    const uint64_t outside = scope->place;
    scope->place = cly_layers_place(outside, name == NULL ? "" : name);
    scope->depth++;
    status = cly_io_keras_read_model(scope, json, shape, &model);
    scope->depth--;
    scope->place = outside;
    if (status != CLAYER_OK) {
        return cly_base_prefix(status, "%s '%s'", class_name, name == NULL ? "?" : name);
    }
    CLY_TRY(cly_model_wrap(model, name, layer_out));
done:
    clayer_model_destroy(model);
    return status;
}

/* A TimeDistributed of a model, on an input of that shape, perhaps unknown. */
static clayer_status read_distributed(cly_io_keras_scope *scope, const cJSON *json, const cJSON *inner,
                                      const clayer_shape *shape, clayer_layer **layer_out) {
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
    const char *name = cly_io_keras_text(config, "name");
    clayer_layer *model = NULL, *layer = NULL;
    clayer_shape step = {0};
    const uint64_t outside = scope->place;
    clayer_status status =
        name != NULL ? cly_io_keras_own(json, "layer") : cly_base_fail(CLAYER_BAD_FILE, "its config has no name");
    CLY_TRY(status);
    if (shape != NULL && shape->rank > 2) {
        step = (clayer_shape){.rank = shape->rank - 1, .dims = {-1}};
        memcpy(step.dims + 1, shape->dims + 2, (size_t)(step.rank - 1) * sizeof(*step.dims));
    }
    scope->place = cly_layers_place(outside, name);
    status = cly_io_keras_read_layer(scope, inner, step.rank > 0 ? &step : NULL, &model);
    scope->place = outside;
    CLY_TRY(status);
    CLY_TRY(cly_model_distribute(model->nested, model->name, name, &layer));
    if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(config, "trainable"))) {
        clayer_layer_set_trainable(layer, false);
    }
    layer->generation = scope->generation;
    *layer_out = layer;
done:
    clayer_layer_destroy(model);
    return status == CLAYER_OK ? status : cly_base_prefix(status, "TimeDistributed '%s'", name == NULL ? "" : name);
}

static clayer_status read_any(cly_io_keras_scope *scope, const cJSON *json, const clayer_shape *shape,
                              clayer_layer **layer_out) {
    const cJSON *inner = cly_io_keras_distributed_model(json);
    if (cly_io_keras_is_operation(json)) {
        return cly_io_keras_operation(scope->context, json, scope->generation, scope->inputs, scope->input_count,
                                      layer_out);
    }
    return inner != NULL                 ? read_distributed(scope, json, inner, shape, layer_out)
           : cly_io_keras_is_model(json) ? read_nested(scope, json, shape, layer_out)
                                         : cly_io_keras_layer(scope->context, json, scope->generation, layer_out);
}

clayer_status cly_io_keras_read_layer(cly_io_keras_scope *scope, const cJSON *json, const clayer_shape *shape,
                                      clayer_layer **layer_out) {
    clayer_layer *layer = find_seen(scope, json);
    clayer_status status = CLAYER_OK;
    if (layer != NULL) {
        *layer_out = cly_layers_retain(layer);
        return CLAYER_OK;
    }
    CLY_TRY(read_any(scope, json, shape, &layer));
    layer->place = scope->place;
    CLY_TRY(note_seen(scope, json, layer));
    *layer_out = layer;
    layer = NULL;
done:
    clayer_layer_destroy(layer);
    return status;
}
