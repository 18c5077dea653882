/* model/outputs.c: which nodes are a model's outputs, and their names.
 *
 * An output has the name of its layer; of several from one layer, called more than once or a nested model, the later
 * ones are numbered as Keras 2 does (tf_keras/src/engine/functional.py, _set_output_names), so that each has a name of
 * its own. Keras 3 leaves them alike. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/model.h"

void cly_model_free_names(char **names, size_t count) {
    for (size_t i = 0; names != NULL && i < count; i++) {
        free(names[i]);
    }
    free(names);
}

/* `name`, or with the first number from *number on that no output in `taken` has. */
static clayer_status make_name(const cly_model_table *taken, const char *name, size_t *number, char **name_out) {
    clayer_status status = CLAYER_OK;
    char *proposal = NULL;
    CLY_TRY(cly_base_copy_string(name, &proposal));
    while (cly_model_table_find(taken, proposal, true) != NULL) {
        cly_base_text text = {0};
        free(proposal);
        proposal = NULL;
        status = cly_base_text_add(&text, "%s_%zu", name, ++*number);
        proposal = text.chars;
        CLY_TRY(status);
    }
    *name_out = proposal;
    proposal = NULL;
done:
    free(proposal);
    return status;
}

static clayer_status make_names(clayer_node *const *nodes, size_t count, char ***names_out) {
    clayer_status status = CLAYER_OK;
    cly_model_table taken = {0}, numbers = {0}; /* names; the last number after each layer's name */
    char **names = NULL;
    void *memory = NULL;
    CLY_TRY(cly_base_alloc(count, sizeof(*names), &memory));
    names = memory;
    for (size_t i = 0; i < count; i++) {
        const char *name = nodes[i]->layer->name;
        CLY_TRY(cly_model_table_reserve(&taken, true));
        CLY_TRY(cly_model_table_reserve(&numbers, true));
        CLY_TRY(make_name(&taken, name, &cly_model_table_put(&numbers, name, true)->number, &names[i]));
        (void)cly_model_table_put(&taken, names[i], true);
    }
    *names_out = names;
    names = NULL;
done:
    cly_model_table_free(&taken);
    cly_model_table_free(&numbers);
    cly_model_free_names(names, count);
    return status;
}

clayer_status clayer_model_set_outputs(clayer_model *model, clayer_node *const *nodes, size_t count) {
    clayer_status status = CLAYER_OK;
    char **names = NULL;
    void *memory = NULL;
    if (model == NULL || nodes == NULL || count == 0) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_set_outputs: %s",
                             model == NULL ? "model is NULL" : "no nodes are given");
    }
    for (size_t i = 0; i < count; i++) {
        if (nodes[i] == NULL || nodes[i]->model != model) {
            return cly_base_fail(CLAYER_INVALID_ARGUMENT, "model '%s': output %zu is %s", model->name, i,
                                 nodes[i] == NULL ? "NULL" : "a node of another model");
        }
    }
    CLY_TRY(cly_model_check_changeable(model));
    CLY_TRY(make_names(nodes, count, &names));
    CLY_TRY(cly_base_alloc(count, sizeof(*nodes), &memory));
    memcpy(memory, nodes, count * sizeof(*nodes));
    free(model->outputs);
    cly_model_free_names(model->output_names, model->output_count);
    cly_model_free_names(model->output_keys, model->output_count);
    free(model->outputs_form);
    model->outputs_form = NULL;
    model->output_keys = NULL;
    model->outputs = memory;
    model->output_names = names;
    model->output_count = count;
    names = NULL;
    model->sequential = model->sequential && count == 1 && nodes[0]->index == model->node_count - 1;
    cly_model_graph_changed(model);
done:
    cly_model_free_names(names, count);
    return status;
}

size_t cly_model_outputs(const clayer_model *model, clayer_node *const **nodes_out) {
    if (model->output_count > 0) {
        *nodes_out = model->outputs;
        return model->output_count;
    }
    *nodes_out = model->node_count == 0 ? NULL : &model->nodes[model->node_count - 1];
    return model->node_count == 0 ? 0 : 1;
}
