/* model/test_nested_random.c: random graphs, cut into models within models at random places, give bit for bit what they
 * give uncut: outputs, and the gradients of all weights. */
#include <stdio.h>
#include <stdlib.h>

#include "model/nested_support.h"
#include "support/runner.h"

#define OPS 24
#define GRAPHS 40

/* What node i of a graph is: a call of `layer` on one or two earlier nodes. The first two are inputs. */
typedef struct op {
    clayer_layer *layer;
    size_t inputs[2], input_count;
} op;

typedef struct recipe {
    op ops[OPS];
    clayer_shape shapes[OPS];
    size_t count;
    size_t outputs[3], output_count;
    test_random random;
    int models; /* made so far, for names */
} recipe;

/* ---- the graph uncut ---- */

static size_t pick(test_random *random, size_t low, size_t high) {
    return (size_t)test_random_int(random, (int64_t)low, (int64_t)high);
}

/* One more node of `model`, as it is added there: a new layer, or one that was called before. */
static clayer_node *add_random(recipe *r, clayer_model *model) {
    op *own = &r->ops[r->count];
    clayer_node *node = NULL, *a = model->nodes[pick(&r->random, 0, r->count - 1)];
    clayer_node *b = model->nodes[pick(&r->random, 0, r->count - 1)];
    own->inputs[0] = a->index;
    own->inputs[1] = b->index;
    own->input_count = 1;
    clayer_layer *again = r->ops[pick(&r->random, 0, r->count - 1)].layer;
    if (again != NULL && test_random_chance(&r->random, 30) && again->class == &cly_layers_conv2d) {
        MUST(clayer_model_add(model, again, &a, 1, &node));
    } else if (test_random_chance(&r->random, 40)) {
        node = add_conv(model, a, 2, 3, test_random_chance(&r->random, 50) ? "tanh" : NULL);
    } else if (test_random_chance(&r->random, 40)) {
        node = add_activation(model, a, test_random_chance(&r->random, 80) ? "relu" : "linear");
    } else {
        node = add_sum(model, a, b);
        own->input_count = 2;
    }
    own->layer = node->layer;
    r->shapes[r->count++] = node->shape;
    return node;
}

static clayer_model *new_whole(recipe *r) {
    clayer_model *model = new_model("whole");
    clayer_node *outputs[3];
    for (; r->count < 2; r->count++) {
        r->shapes[r->count] = add_input(model, r->count == 0 ? "a" : "b", 3, DIMS(4, 3, 2))->shape;
    }
    add_conv(model, model->nodes[0], 2, 1, NULL); /* so that there is a weight */
    r->ops[2] = (op){.layer = model->nodes[2]->layer, .input_count = 1};
    r->shapes[r->count++] = model->nodes[2]->shape;
    while (r->count < OPS) {
        add_random(r, model);
    }
    r->output_count = pick(&r->random, 1, 3);
    for (size_t i = 0; i < r->output_count; i++) {
        r->outputs[i] = i == 0 ? OPS - 1 : pick(&r->random, 0, OPS - 1);
        outputs[i] = model->nodes[r->outputs[i]];
    }
    MUST(clayer_model_set_outputs(model, outputs, r->output_count));
    return model;
}

/* ---- the graph cut ---- */

static bool is_output(const recipe *r, size_t node) {
    bool any = false;
    for (size_t i = 0; i < r->output_count; i++) {
        any = any || r->outputs[i] == node;
    }
    return any;
}

/* Whether a node outside of from .. to - 1 reads `node`, or the caller does. */
static bool leaves(const recipe *r, size_t node, size_t from, size_t to) {
    bool any = is_output(r, node);
    for (size_t i = 0; i < OPS; i++) {
        for (size_t j = 0; j < r->ops[i].input_count && (i < from || i >= to); j++) {
            any = any || r->ops[i].inputs[j] == node;
        }
    }
    return any;
}

static void add_range(recipe *r, clayer_model *model, clayer_node **nodes, size_t from, size_t to, int depth);

/* Nodes from .. to - 1 as a model of their own, called in `model`. */
static void add_cut(recipe *r, clayer_model *model, clayer_node **nodes, size_t from, size_t to, int depth) {
    char name[16];
    clayer_node *inner[OPS] = {NULL}, *outer[OPS], *results[OPS];
    size_t inputs = 0, outputs = 0, taken[OPS];
    (void)snprintf(name, sizeof(name), "cut%d", r->models++);
    clayer_model *cut = new_model(name);
    for (size_t i = 0; i < from; i++) {
        bool read = false;
        for (size_t k = from; k < to; k++) {
            for (size_t j = 0; j < r->ops[k].input_count; j++) {
                read = read || r->ops[k].inputs[j] == i;
            }
        }
        if (read) {
            const clayer_shape *shape = &r->shapes[i];
            const bool open = test_random_chance(&r->random, 50);
            inner[i] = add_input(cut, NULL, 3, DIMS(open ? -1 : shape->dims[1], shape->dims[2], shape->dims[3]));
            taken[inputs] = i;
            outer[inputs++] = nodes[i];
        }
    }
    add_range(r, cut, inner, from, to, depth + 1);
    for (size_t i = from; i < to; i++) {
        if (leaves(r, i, from, to)) {
            taken[inputs + outputs] = i;
            results[outputs++] = inner[i];
        }
    }
    if (test_random_chance(&r->random, 30) || outputs == 0) { /* an input as it came */
        taken[inputs + outputs] = taken[0];
        results[outputs++] = inner[taken[0]];
    }
    MUST(clayer_model_set_outputs(cut, results, outputs));
    MUST(clayer_model_add_model(model, cut, outer, inputs, results));
    for (size_t i = 0; i < outputs; i++) {
        nodes[taken[inputs + i]] = results[i];
    }
    clayer_model_destroy(cut);
}

/* Adds nodes from .. to - 1, some of them cut out. */
static void add_range(recipe *r, clayer_model *model, clayer_node **nodes, size_t from, size_t to, int depth) {
    for (size_t i = from; i < to;) {
        if (depth < 3 && test_random_chance(&r->random, 30)) {
            const size_t end = pick(&r->random, i + 1, to);
            add_cut(r, model, nodes, i, end, depth);
            i = end;
            continue;
        }
        clayer_node *inputs[2] = {nodes[r->ops[i].inputs[0]], nodes[r->ops[i].inputs[1]]};
        MUST(clayer_model_add(model, r->ops[i].layer, inputs, r->ops[i].input_count, &nodes[i]));
        i++;
    }
}

START_TEST(cut_graphs_give_the_same) {
    int cut_models = 0;
    size_t gradients = 0;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        recipe r = {.random = test_random_start(seed, 0)};
        clayer_model *whole = new_whole(&r), *outer = new_model("outer");
        clayer_node *nodes[OPS] = {NULL}, *outputs[3];
        nodes[0] = add_input(outer, "a", 3, DIMS(4, 3, 2));
        nodes[1] = add_input(outer, "b", 3, DIMS(4, 3, 2));
        add_range(&r, outer, nodes, 2, OPS, 0);
        for (size_t i = 0; i < r.output_count; i++) {
            outputs[i] = nodes[r.outputs[i]];
        }
        MUST(clayer_model_set_outputs(outer, outputs, r.output_count));
        check_same(outer, whole, 4, DIMS(2, 4, 3, 2), seed);
        gradients += check_same_gradients(outer, whole, 2);
        cut_models += r.models;
        clayer_model_destroy(outer);
        clayer_model_destroy(whole);
    }
    ck_assert_int_gt(cut_models, 3 * GRAPHS);
    ck_assert_uint_gt(gradients, 3 * GRAPHS);
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("model.nested_random");
    TCase *tcase = tcase_create("nested_random");
    tcase_set_timeout(tcase, 120);
    tcase_add_unchecked_fixture(tcase, open_context, close_context);
    tcase_add_test(tcase, cut_graphs_give_the_same);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
