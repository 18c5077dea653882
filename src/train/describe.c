/* train/describe.c: what a model was compiled with, as the texts that clayer_model_compile takes, so that a part of it
 * can be changed and the rest kept. */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/compiled.h"

/* Lives in the model's compiled state. Metrics' names are borrowed from there; everything else is owned. */
struct cly_train_texts {
    size_t count; /* of the outputs */
    char *optimizer, *schedule;
    char **losses; /* an entry NULL: none */
    double *loss_weights;
    const char ***metrics, ***weighted_metrics; /* for each output a list that NULL ends */
};

static void free_lists(const char ***lists, size_t count) {
    for (size_t i = 0; lists != NULL && i < count; i++) {
        free((void *)lists[i]);
    }
    free((void *)lists);
}

void cly_train_free_texts(struct cly_train_texts *texts) {
    if (texts == NULL) {
        return;
    }
    for (size_t i = 0; texts->losses != NULL && i < texts->count; i++) {
        free(texts->losses[i]);
    }
    free(texts->losses);
    free(texts->optimizer);
    free(texts->schedule);
    free(texts->loss_weights);
    free_lists(texts->metrics, texts->count);
    free_lists(texts->weighted_metrics, texts->count);
    free(texts);
}

/* *text_out stays NULL where there is no spec. */
static clayer_status format_spec(const cly_spec *spec, char **text_out) {
    cly_base_text text = {0};
    if (spec == NULL || spec->entry == NULL) {
        return CLAYER_OK;
    }
    clayer_status status = cly_base_spec_format(spec, &text);
    if (status == CLAYER_OK) {
        *text_out = text.chars;
    } else {
        cly_base_text_free(&text);
    }
    return status;
}

static clayer_status make_list(char *const *names, size_t count, const char ***list_out) {
    void *memory = NULL;
    clayer_status status = cly_base_alloc(count + 1, sizeof(char *), &memory);
    if (status == CLAYER_OK) {
        const char **list = memory;
        for (size_t i = 0; i < count; i++) {
            list[i] = names[i];
        }
        *list_out = list;
    }
    return status;
}

static clayer_status make_texts(const cly_train_compiled *compiled, struct cly_train_texts **texts_out) {
    struct cly_train_texts *texts = NULL;
    const size_t count = compiled->output_count;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(1, sizeof(*texts), (void **)&texts));
    texts->count = count;
    CLY_TRY(cly_base_alloc(count, sizeof(*texts->losses), (void **)&texts->losses));
    CLY_TRY(cly_base_alloc(count, sizeof(*texts->loss_weights), (void **)&texts->loss_weights));
    CLY_TRY(cly_base_alloc(count, sizeof(*texts->metrics), (void **)&texts->metrics));
    CLY_TRY(cly_base_alloc(count, sizeof(*texts->weighted_metrics), (void **)&texts->weighted_metrics));
    CLY_TRY(format_spec(cly_train_optimizer_spec(compiled->optimizer), &texts->optimizer));
    CLY_TRY(format_spec(cly_train_optimizer_schedule(compiled->optimizer), &texts->schedule));
    for (size_t i = 0; i < count; i++) {
        const cly_train_output *output = &compiled->outputs[i];
        texts->loss_weights[i] = output->weight;
        CLY_TRY(format_spec(&output->loss, &texts->losses[i]));
        CLY_TRY(make_list(output->metrics, output->metric_count, &texts->metrics[i]));
        CLY_TRY(make_list(output->weighted_metrics, output->weighted_metric_count, &texts->weighted_metrics[i]));
    }
    *texts_out = texts;
    texts = NULL;
done:
    cly_train_free_texts(texts);
    return status;
}

clayer_status clayer_model_get_compile_config(clayer_model *model, clayer_compile_config *config_out) {
    cly_train_compiled *compiled = NULL;
    struct cly_train_texts *texts = NULL;
    clayer_status status = CLAYER_OK;
    if (config_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_model_get_compile_config: config_out is NULL");
    }
    CLY_TRY(cly_train_get_compiled(model, &compiled));
    CLY_TRY(make_texts(compiled, &texts));
    cly_train_free_texts(compiled->texts);
    compiled->texts = texts;
    *config_out = (clayer_compile_config){
        .struct_size = sizeof(*config_out),
        .optimizer = texts->optimizer,
        .learning_rate_schedule = texts->schedule,
        .loss = compiled->one_loss && texts->count > 0 ? texts->losses[0] : NULL,
        .losses = compiled->one_loss ? NULL : (const char *const *)texts->losses,
        .loss_weights = compiled->loss_weights ? texts->loss_weights : NULL,
        .output_metrics = (const char *const *const *)texts->metrics,
        .output_weighted_metrics = (const char *const *const *)texts->weighted_metrics,
    };
done:
    return status;
}
