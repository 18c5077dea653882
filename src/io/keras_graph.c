/* io/keras_graph.c: the graph of a Functional config.
 *
 * As in keras/src/models/functional.py, functional_from_config: every layer is made once, then its calls are made in
 * their order as soon as the tensors that they need exist, whatever order the file lists the layers in. What can never
 * be called is a cycle. A Sequential that does not say its input's shape is made for its first call, which has one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/keras.h"
#include "model/model.h"

#define LAYER_LIMIT 10000
#define CALL_LIMIT 100000 /* numbers of calls in a file */

/* One layer of the file. */
typedef struct entry {
    const cJSON *json;
    const char *name;
    bool input, model;
    bool stray;          /* something refers to a call that it has not */
    clayer_layer *layer; /* owned; NULL for an input, and for what its first call makes */
    cly_io_keras_refs *calls;
    clayer_node **nodes; /* of the first `made` calls, the first output of each */
    size_t call_count, made;
} entry;

typedef struct graph {
    cly_io_keras_scope *scope;
    clayer_model *model;
    entry *entries; /* in the file's order */
    size_t count;
    entry **by_name;
    cly_io_keras_refs inputs, outputs;
} graph;

static int compare_entries(const void *a, const void *b) {
    return strcmp((*(const entry *const *)a)->name, (*(const entry *const *)b)->name);
}

static entry *find_entry(const graph *in, const char *name) {
    const entry key = {.name = name};
    const entry *key_pointer = &key;
    entry **found = bsearch(&key_pointer, in->by_name, in->count, sizeof(*in->by_name), compare_entries);
    return found == NULL ? NULL : *found;
}

static void free_graph(graph *in) {
    for (size_t i = 0; in->entries != NULL && i < in->count; i++) {
        entry *item = &in->entries[i];
        for (size_t c = 0; item->calls != NULL && c < item->call_count; c++) {
            free(item->calls[c].refs);
        }
        clayer_layer_destroy(item->layer);
        free(item->calls);
        free(item->nodes);
    }
    free(in->entries);
    free(in->by_name);
    free(in->inputs.refs);
    free(in->outputs.refs);
}

/* ---- reading ---- */

static clayer_status read_calls(entry *item) {
    const cJSON *calls = cJSON_GetObjectItemCaseSensitive(item->json, "inbound_nodes");
    clayer_status status = CLAYER_OK;
    size_t count = item->input ? 1 : (size_t)cJSON_GetArraySize(calls);
    if (!item->input && (!cJSON_IsArray(calls) || count == 0)) {
        return cly_base_fail(CLAYER_BAD_FILE, "layer '%s' is not called on anything: it has no inbound_nodes",
                             item->name);
    }
    CLY_TRY(cly_base_alloc(count, sizeof(*item->nodes), (void **)&item->nodes));
    CLY_TRY(cly_base_alloc(count, sizeof(*item->calls), (void **)&item->calls));
    item->call_count = count;
    const cJSON *call = item->input ? NULL : calls->child;
    for (size_t i = 0; call != NULL; call = call->next, i++) {
        status = cly_io_keras_is_operation(item->json) ? cly_io_keras_operation_tensors(call, &item->calls[i])
                                                       : cly_io_keras_call(call, &item->calls[i]);
        if (status == CLAYER_OK && item->calls[i].count == 0) {
            status = cly_base_fail(CLAYER_BAD_FILE, "it is called on nothing");
        }
        if (status != CLAYER_OK) {
            return cly_base_prefix(status, "layer '%s'", item->name);
        }
    }
done:
    return status;
}

static clayer_status read_entries(graph *in, const cJSON *layers) {
    const cJSON *json = NULL;
    clayer_status status = CLAYER_OK;
    size_t count = cJSON_IsArray(layers) ? (size_t)cJSON_GetArraySize(layers) : 0;
    if (count == 0 || count > LAYER_LIMIT) {
        return cly_base_fail(CLAYER_BAD_FILE, "model '%s' has %s", in->model->name,
                             count == 0 ? "no layers" : "more than 10000 layers");
    }
    CLY_TRY(cly_base_alloc(count, sizeof(*in->entries), (void **)&in->entries));
    CLY_TRY(cly_base_alloc(count, sizeof(*in->by_name), (void **)&in->by_name));
    cJSON_ArrayForEach(json, layers) {
        entry *item = &in->entries[in->count];
        in->by_name[in->count++] = item;
        const char *name = cly_io_keras_text(json, "name");
        const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "config");
        *item = (entry){.json = json, .input = cly_io_keras_is_input(json), .model = cly_io_keras_is_model(json)};
        item->name = name != NULL ? name : cly_io_keras_text(config, "name");
        if (item->name == NULL) {
            status = cly_base_fail(CLAYER_BAD_FILE, "layer %zu of model '%s' has no name", in->count, in->model->name);
            goto done;
        }
        CLY_TRY(read_calls(item));
    }
    qsort(in->by_name, count, sizeof(*in->by_name), compare_entries);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(in->by_name[i - 1]->name, in->by_name[i]->name) == 0) {
            status = cly_base_fail(CLAYER_BAD_FILE, "two layers are named '%s'", in->by_name[i]->name);
            goto done;
        }
    }
done:
    return status;
}

/* ---- how the file counts the calls of a nested model ---- */

/* Which numbers the calls of `item` go by: those of the calls' inputs that match `objects`, and of the outputs. */
typedef struct span {
    size_t low, high;
    bool any;
} span;

static void widen(span *found, const entry *item, const cly_io_keras_refs *refs) {
    for (size_t i = 0; i < refs->count; i++) {
        size_t call = refs->refs[i].call;
        if (strcmp(refs->refs[i].layer, item->name) == 0) {
            found->low = !found->any || call < found->low ? call : found->low;
            found->high = !found->any || call > found->high ? call : found->high;
            found->any = true;
        }
    }
}

/* The number of the first call: `expected`, or what else makes sense of all that are there. */
static size_t first_call(const span *found, size_t expected, size_t calls) {
    size_t other = 1 - expected;
    bool fits = found->low >= expected && found->high - expected < calls;
    bool other_fits = found->low >= other && found->high - other < calls;
    return !found->any || fits || !other_fits ? expected : other;
}

static void count_from(const entry *item, cly_io_keras_refs *refs, size_t first) {
    for (size_t i = 0; i < refs->count; i++) {
        if (strcmp(refs->refs[i].layer, item->name) == 0 && refs->refs[i].call >= first) {
            refs->refs[i].call -= first;
        }
    }
}

/* A model made of Inputs had a call before its first: Keras 2 counts that (_should_skip_first_node), Keras 3 in
 * output_layers of a Functional alone. Here all count from 0. */
static void renumber_calls(graph *in, const entry *item) {
    const bool functional = strcmp(cly_io_keras_text(item->json, "class_name"), "Sequential") != 0;
    span inputs = {0}, outputs = {0};
    bool objects = false;
    for (size_t i = 0; i < in->count; i++) {
        for (size_t c = 0; c < in->entries[i].call_count; c++) {
            widen(&inputs, item, &in->entries[i].calls[c]);
            objects = objects || in->entries[i].calls[c].objects;
        }
    }
    widen(&outputs, item, &in->outputs);
    if (!objects) { /* one way of counting for both */
        widen(&inputs, item, &in->outputs);
        outputs = inputs;
    }
    const size_t first_output = first_call(&outputs, !objects || functional ? 1 : 0, item->call_count);
    const size_t first = objects ? first_call(&inputs, 0, item->call_count) : first_output;
    for (size_t i = 0; i < in->count; i++) {
        for (size_t c = 0; c < in->entries[i].call_count; c++) {
            count_from(item, &in->entries[i].calls[c], first);
        }
    }
    count_from(item, &in->outputs, first_output);
}

/* ---- how Keras 3.0 and 3.1 count the calls of a layer that other models share ---- */

/* Calls `visit` for all references to the layer, or to any where `item` is NULL. */
typedef void visit_function(cly_io_keras_ref *ref, void *data);

static void visit_refs(const entry *item, cly_io_keras_refs *refs, visit_function *visit, void *data) {
    for (size_t i = 0; i < refs->count; i++) {
        if (item == NULL || strcmp(refs->refs[i].layer, item->name) == 0) {
            visit(&refs->refs[i], data);
        }
    }
}

static void visit_all(graph *in, const entry *item, visit_function *visit, void *data) {
    for (size_t i = 0; i < in->count; i++) {
        for (size_t c = 0; c < in->entries[i].call_count; c++) {
            visit_refs(item, &in->entries[i].calls[c], visit, data);
        }
    }
    visit_refs(item, &in->outputs, visit, data);
}

static void find_stray(cly_io_keras_ref *ref, void *data) {
    entry *item = find_entry(data, ref->layer);
    if (item != NULL && ref->call >= item->call_count && ref->call < CALL_LIMIT) {
        item->stray = true;
    }
}

static void note_number(cly_io_keras_ref *ref, void *data) {
    size_t *numbers = data;
    if (ref->call < CALL_LIMIT) {
        numbers[ref->call] = 1;
    }
}

static void renumber(cly_io_keras_ref *ref, void *data) {
    const size_t *numbers = data;
    ref->call = ref->call < CALL_LIMIT ? numbers[ref->call] : ref->call;
}

/* They counted the calls in those models too. The numbers that are there are this model's calls in their order, if they
 * are as many; else the file stays as it is, and is refused. */
static clayer_status close_gaps(graph *in) {
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    visit_all(in, NULL, find_stray, in);
    for (size_t i = 0; i < in->count; i++) {
        const entry *item = &in->entries[i];
        size_t count = 0;
        if (!item->stray || item->input || item->model || in->scope->generation == 2) {
            continue;
        }
        free(memory);
        memory = NULL;
        CLY_TRY(cly_base_alloc(CALL_LIMIT, sizeof(size_t), &memory));
        size_t *numbers = memory;
        visit_all(in, item, note_number, numbers);
        for (size_t n = 0; n < CALL_LIMIT; n++) {
            const bool used = numbers[n] == 1;
            numbers[n] = count;
            count += used;
        }
        if (count == item->call_count) {
            visit_all(in, item, renumber, numbers);
        }
    }
done:
    free(memory);
    return status;
}

/* ---- checking ---- */

/* Every name exists, and the layer is called often enough. */
static clayer_status check_refs(const graph *in, const cly_io_keras_refs *refs, const char *what) {
    for (size_t i = 0; i < refs->count; i++) {
        const entry *from = find_entry(in, refs->refs[i].layer);
        if (from == NULL) {
            return cly_base_fail(CLAYER_BAD_FILE, "%s refers to a layer '%s', which is not there", what,
                                 refs->refs[i].layer);
        }
        if (refs->refs[i].call >= from->call_count) {
            return cly_base_fail(CLAYER_BAD_FILE, "%s refers to call %zu of layer '%s', which is called %zu times",
                                 what, refs->refs[i].call, from->name, from->call_count);
        }
        if (refs->refs[i].tensor > 0 && !from->model && !cly_io_keras_is_operation(from->json)) {
            return cly_base_fail(CLAYER_BAD_FILE, "%s refers to output %zu of layer '%s', which has one output", what,
                                 refs->refs[i].tensor, from->name);
        }
    }
    return CLAYER_OK;
}

static clayer_status check_all_refs(const graph *in) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < in->count; i++) {
        char what[300];
        (void)snprintf(what, sizeof(what), "layer '%s'", in->entries[i].name);
        for (size_t c = 0; c < in->entries[i].call_count; c++) {
            CLY_TRY(check_refs(in, &in->entries[i].calls[c], what));
        }
    }
    CLY_TRY(check_refs(in, &in->inputs, "input_layers"));
    CLY_TRY(check_refs(in, &in->outputs, "output_layers"));
    if (in->inputs.count == 0 || in->outputs.count == 0) {
        status = cly_base_fail(CLAYER_BAD_FILE, "model '%s' has no inputs or no outputs", in->model->name);
    }
done:
    return status;
}

/* ---- building ---- */

/* The model's inputs, in the order of input_layers. */
static clayer_status add_inputs(graph *in) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < in->inputs.count; i++) {
        entry *item = find_entry(in, in->inputs.refs[i].layer);
        if (!item->input || item->made > 0) {
            return cly_base_fail(CLAYER_BAD_FILE, "input_layers: '%s' %s", item->name,
                                 item->input ? "stands there twice" : "is no InputLayer");
        }
        CLY_TRY(cly_io_keras_input(in->model, item->json, in->scope->generation, &item->nodes[0]));
        item->made = 1;
    }
    for (size_t i = 0; i < in->count; i++) {
        if (in->entries[i].input && in->entries[i].made == 0) {
            return cly_base_fail(CLAYER_BAD_FILE, "InputLayer '%s' is not among input_layers", in->entries[i].name);
        }
    }
done:
    return status;
}

static bool is_ready(const graph *in, const cly_io_keras_refs *call) {
    for (size_t i = 0; i < call->count; i++) {
        if (call->refs[i].call >= find_entry(in, call->refs[i].layer)->made) {
            return false;
        }
    }
    return true;
}

/* The node of a tensor whose call is made. */
static clayer_status find_node(const graph *in, const cly_io_keras_ref *ref, clayer_node **node_out) {
    const entry *from = find_entry(in, ref->layer);
    clayer_node *first = from->nodes[ref->call];
    size_t count = cly_model_count_tensors(first->layer);
    if (ref->tensor >= count) {
        return cly_base_fail(CLAYER_BAD_FILE, "output %zu of layer '%s' is used, which has %zu", ref->tensor,
                             from->name, count);
    }
    *node_out = in->model->nodes[first->index + ref->tensor];
    return CLAYER_OK;
}

/* A model that takes a list of inputs may be called on a dict: by their names. */
static void order_inputs(const entry *item, const cly_io_keras_refs *call, clayer_node **inputs) {
    const clayer_model *nested = cly_layers_called_model(item->layer);
    clayer_node *ordered[CLY_LAYERS_MAX_INPUTS];
    bool dict = nested != NULL && nested->inputs_form != NULL && nested->inputs_form[0] == '{';
    if (nested == NULL || dict || call->count > CLY_LAYERS_MAX_INPUTS || call->count != nested->input_count) {
        return;
    }
    for (size_t i = 0; i < call->count; i++) {
        ordered[i] = NULL;
        for (size_t r = 0; r < call->count; r++) {
            const char *key = call->refs[r].key;
            bool named = key != NULL && strcmp(key, clayer_model_get_input_name(nested, i)) == 0;
            ordered[i] = named ? inputs[r] : ordered[i];
        }
        if (ordered[i] == NULL) {
            return;
        }
    }
    memcpy(inputs, ordered, call->count * sizeof(clayer_node *));
}

/* training=True is of no effect in Keras 3, whose models pass their own, and matters to few layers of Keras 2. */
static clayer_status check_training(const graph *in, const entry *item, const cly_io_keras_refs *call) {
    const cly_layers_class *class = item->layer->class;
    bool matters = item->layer->nested != NULL || cly_layers_param_find(class->params, "seed") != NULL ||
                   strcmp(class->name, "BatchNormalization") == 0;
    if (call->training && matters && in->scope->generation == 2) {
        return cly_base_fail(CLAYER_UNSUPPORTED,
                             "%s '%s': it is called with training=True: its training form in predictions is not "
                             "supported",
                             class->name, item->name);
    }
    return CLAYER_OK;
}

static clayer_status make_call(graph *in, entry *item) {
    const cly_io_keras_refs *call = &item->calls[item->made];
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(call->count, sizeof(clayer_node *), &memory));
    clayer_node **inputs = memory;
    for (size_t i = 0; i < call->count; i++) {
        CLY_TRY(find_node(in, &call->refs[i], &inputs[i]));
    }
    if (item->layer == NULL) {
        in->scope->inputs = inputs;
        in->scope->input_count = call->count;
        CLY_TRY(cly_io_keras_read_layer(in->scope, item->json, &inputs[0]->shape, &item->layer));
    }
    CLY_TRY(check_training(in, item, call));
    order_inputs(item, call, inputs);
    CLY_TRY(clayer_model_add(in->model, item->layer, inputs, call->count, &item->nodes[item->made]));
    for (size_t i = 0; i < cly_model_count_tensors(item->layer); i++) {
        clayer_node *node = in->model->nodes[item->nodes[item->made]->index + i];
        node->inference = call->inference;
        node->has_mask = call->has_mask;
    }
    item->made++;
done:
    free(memory);
    return status;
}

/* Passes over the layers until all calls are made. */
static clayer_status make_calls(graph *in) {
    clayer_status status = CLAYER_OK;
    for (;;) {
        const entry *waiting = NULL;
        bool progress = false;
        for (size_t i = 0; i < in->count; i++) {
            entry *item = &in->entries[i];
            while (item->made < item->call_count && is_ready(in, &item->calls[item->made])) {
                CLY_TRY(make_call(in, item));
                progress = true;
            }
            waiting = item->made < item->call_count ? item : waiting;
        }
        if (waiting == NULL) {
            break;
        }
        if (!progress) {
            status = cly_base_fail(CLAYER_BAD_FILE, "layer '%s' is called on its own output: the graph has a cycle",
                                   waiting->name);
            goto done;
        }
    }
done:
    return status;
}

static clayer_status set_outputs(graph *in) {
    void *memory = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(in->outputs.count, sizeof(clayer_node *), &memory));
    clayer_node **nodes = memory;
    for (size_t i = 0; i < in->outputs.count; i++) {
        status = find_node(in, &in->outputs.refs[i], &nodes[i]);
        if (status != CLAYER_OK) {
            status = cly_base_prefix(status, "output_layers");
            goto done;
        }
    }
    CLY_TRY(clayer_model_set_outputs(in->model, nodes, in->outputs.count));
done:
    free(memory);
    return status;
}

/* The file's order of layers is the order of Keras' summary and of the weights in a file, which for layers that are
 * called several times may differ from the order of the first calls. */
static void order_layers(graph *in) {
    for (size_t i = 0; i < in->count && in->count == in->model->layer_count; i++) {
        in->model->layers[i] = in->entries[i].nodes[0]->layer;
    }
}

clayer_status cly_io_keras_graph(cly_io_keras_scope *scope, clayer_model *model, const cJSON *config) {
    graph in = {.scope = scope, .model = model};
    clayer_status status = CLAYER_OK;
    CLY_TRY(read_entries(&in, cJSON_GetObjectItemCaseSensitive(config, "layers")));
    CLY_TRY(cly_io_keras_tensors(cly_io_keras_get(config, "input_layers"), &in.inputs));
    CLY_TRY(cly_io_keras_tensors(cly_io_keras_get(config, "output_layers"), &in.outputs));
    for (size_t i = 0; i < in.count; i++) {
        if (in.entries[i].model) {
            renumber_calls(&in, &in.entries[i]);
        }
    }
    CLY_TRY(close_gaps(&in));
    CLY_TRY(check_all_refs(&in));
    CLY_TRY(add_inputs(&in));
    for (size_t i = 0; i < in.count; i++) {
        entry *item = &in.entries[i];
        if (!item->input && !cly_io_keras_needs_shape(item->json)) {
            CLY_TRY(cly_io_keras_read_layer(scope, item->json, NULL, &item->layer));
        }
    }
    CLY_TRY(make_calls(&in));
    CLY_TRY(set_outputs(&in));
    CLY_TRY(cly_io_keras_keep_forms(model, config, &in.outputs));
    order_layers(&in);
done:
    free_graph(&in);
    return status;
}
