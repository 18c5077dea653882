/* model/support.h: short ways to build models and to check what they refuse. */
#ifndef CLY_TEST_MODEL_SUPPORT_H
#define CLY_TEST_MODEL_SUPPORT_H

#include <check.h>
#include <clayer/array.h>
#include <clayer/context.h>
#include <clayer/model.h>
#include <stdint.h>
#include <string.h>

#include "support/random.h"

#define DIMS(...)       \
    (const int64_t[]) { \
        __VA_ARGS__     \
    }
#define RANK(...) (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* MUST(call) succeeds; REFUSED(call, status, "part of the message") does not. */
#define MUST(call) ck_assert_msg((call) == CLAYER_OK, "%s", clayer_last_error())
#define REFUSED(call, expected, part)                                                                              \
    do {                                                                                                           \
        ck_assert_int_eq((call), (expected));                                                                      \
        ck_assert_msg(strstr(clayer_last_error(), (part)) != NULL, "message '%s' lacks '%s'", clayer_last_error(), \
                      (part));                                                                                     \
    } while (0)

/* The suite's context, made by the fixture that open_context and close_context are. */
extern clayer_context *context;
void open_context(void);
void close_context(void);

clayer_model *new_model(const char *name);
clayer_node *add_input(clayer_model *model, const char *name, int rank, const int64_t *dims);
/* Each with `input` NULL for the node added last; padding "same", so that shapes stay. */
clayer_node *add_conv(clayer_model *model, clayer_node *input, int64_t filters, int64_t size, const char *activation);
clayer_node *add_activation(clayer_model *model, clayer_node *input, const char *activation);
clayer_node *add_flatten(clayer_model *model, clayer_node *input);
clayer_node *add_sum(clayer_model *model, clayer_node *a, clayer_node *b);
clayer_node *join(clayer_model *model, clayer_node *a, clayer_node *b);

clayer_tensor *new_tensor(int rank, const int64_t *dims);
/* The tensor with random values in [-1, 1). */
clayer_tensor *random_tensor(test_random *random, int rank, const int64_t *dims);
/* Its values, to be freed. */
float *read_tensor(const clayer_tensor *tensor);
clayer_array *random_array(test_random *random, clayer_type type, int rank, const int64_t *dims);

/* What the context holds now. */
uint64_t device_bytes(void);

#endif
