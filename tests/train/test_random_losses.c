/* train/test_random_losses.c: losses on random shapes, weights and arguments against plain sums in double, their
 * gradients against differences of these; and that runs repeat. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/random.h"
#include "support/runner.h"
#include "train/loss_bench.h"
#include "train/plain_loss.h"

typedef struct drawn {
    cly_spec spec;
    cly_train_loss_shape shape;
    int axis; /* of the classes or of the mean */
    int64_t outer, inner;
    int n;
    bool weight_of_entry, binary;
    float *y_pred, *y_true, *weight;
} drawn;

static bool is_sparse(const cly_spec *spec) {
    return spec->entry->id == CLY_SPARSE_CATEGORICAL_CROSSENTROPY;
}

static bool has_argument(const cly_spec *spec, const char *name) {
    bool found = false;
    for (int p = 0; p < CLY_SPEC_PARAMETERS && spec->entry->parameters[p].name != NULL; p++) {
        found = found || strcmp(spec->entry->parameters[p].name, name) == 0;
    }
    return found;
}

static void set(cly_spec *spec, const char *name, double value) {
    if (has_argument(spec, name)) {
        ck_assert_int_eq(cly_base_spec_set_number(&cly_train_losses, spec, name, value), CLAYER_OK);
    }
}

/* Targets of a kind that the loss is made for; probabilities stay away from the clips. */
static void draw_values(test_random *random, drawn *d) {
    const bool logits = d->shape.logits || cly_base_spec_get(&d->spec, "from_logits") != 0.0;
    const bool crossentropy = cly_train_loss_undoes(&d->spec) != CLY_LOGITS_NONE;
    const bool positive = d->spec.entry->id == CLY_POISSON || d->spec.entry->id == CLY_KL_DIVERGENCE ||
                          d->spec.entry->id == CLY_MEAN_SQUARED_LOGARITHMIC_ERROR;
    const bool bounded = (crossentropy && !logits) || d->spec.entry->id == CLY_KL_DIVERGENCE;
    const int64_t count = bench_count(&d->shape.y_pred), labels = bench_count(&d->shape.y_true);
    d->y_pred = test_random_floats(random, count, bounded || positive ? 0.05f : -3.0f, bounded ? 0.95f : 3.0f);
    d->y_true = test_random_floats(random, labels, positive || crossentropy ? 0.05f : -3.0f,
                                   bounded || crossentropy ? 0.95f : 3.0f);
    d->binary = test_random_chance(random, 50);
    const bool hinge = d->spec.entry->id == CLY_HINGE || d->spec.entry->id == CLY_SQUARED_HINGE;
    for (int64_t i = 0; i < labels; i++) {
        d->y_true[i] = is_sparse(&d->spec)  ? (float)test_random_int(random, 0, d->n - 1)
                       : hinge && d->binary ? (float)test_random_int(random, 0, 1)
                                            : d->y_true[i];
    }
    if (logits && d->spec.entry->id == CLY_CATEGORICAL_CROSSENTROPY) { /* its gradient wants labels that add up to 1 */
        for (int64_t e = 0; e < d->outer * d->inner; e++) {
            const int64_t first = e / d->inner * d->inner * d->n + e % d->inner;
            for (int j = 0; j < d->n; j++) {
                d->y_true[first + j * d->inner] = (float)(j == e % d->n);
            }
        }
    }
    d->weight = d->shape.weight.rank > 0 ? test_random_floats(random, bench_count(&d->shape.weight), 0.0f, 3.0f) : NULL;
}

static void draw(test_random *random, int number, drawn *d) {
    *d = (drawn){.axis = -1};
    const cly_spec_entry *entry = &cly_train_losses.entries[(size_t)number % (cly_train_losses.count - 1)];
    ck_assert_int_eq(cly_base_spec_find(&cly_train_losses, entry->name, &d->spec), CLAYER_OK);
    const int rank = (int)test_random_int(random, 2, 4);
    const bool large = test_random_chance(random, 30);
    d->shape = (cly_train_loss_shape){.loss = &d->spec, .generation = (int)test_random_int(random, 2, 3)};
    d->shape.logits = cly_train_loss_undoes(&d->spec) != CLY_LOGITS_NONE && test_random_chance(random, 40);
    d->shape.y_pred.rank = rank;
    for (int i = 0; i < rank; i++) {
        d->shape.y_pred.dims[i] = test_random_int(random, 1, i == 0 && large ? 9000 / (rank * rank) : 7);
    }
    const bool other_axis = has_argument(&d->spec, "axis") && !is_sparse(&d->spec) && test_random_chance(random, 40);
    d->axis = other_axis ? (int)test_random_int(random, 1, rank - 1) : rank - 1;
    d->shape.y_pred.dims[d->axis] = test_random_int(random, 2, large ? 5 : 70);
    set(&d->spec, "axis", other_axis ? d->axis : -1);
    set(&d->spec, "from_logits", test_random_chance(random, 40));
    set(&d->spec, "delta", 0.75);
    if (!d->shape.logits && cly_base_spec_get(&d->spec, "from_logits") == 0.0 && d->axis == rank - 1) {
        set(&d->spec, "label_smoothing", test_random_chance(random, 50) ? 0.25 : 0.0);
    }
    d->outer = d->inner = 1;
    for (int i = 0; i < rank; i++) {
        *(i < d->axis ? &d->outer : &d->inner) *= i == d->axis ? 1 : d->shape.y_pred.dims[i];
        if (i != d->axis || !is_sparse(&d->spec)) {
            d->shape.y_true.dims[d->shape.y_true.rank++] = d->shape.y_pred.dims[i];
        }
    }
    d->n = (int)d->shape.y_pred.dims[d->axis];
    const int weights = (int)test_random_int(random, 0, 2);
    d->weight_of_entry = weights == 2;
    for (int i = 0; weights > 0 && i < rank; i++) {
        if (i != d->axis) {
            d->shape.weight.dims[d->shape.weight.rank++] = i == 0 || weights == 2 ? d->shape.y_pred.dims[i] : 1;
        }
    }
    draw_values(random, d);
}

static void read_entry(const drawn *d, int64_t e, double *p, double *t) {
    const int64_t first = e / d->inner * d->inner * d->n + e % d->inner;
    for (int j = 0; j < d->n; j++) {
        p[j] = (double)d->y_pred[first + j * d->inner];
        t[j] = (double)d->y_true[is_sparse(&d->spec) ? e : first + j * d->inner];
    }
}

/* Value, gradient (by central differences) and single values of one case. */
static void compare_drawn(const drawn *d, int number, float scale) {
    const int64_t entries = d->outer * d->inner;
    const bool logits = d->shape.logits || cly_base_spec_get(&d->spec, "from_logits") != 0.0;
    const double h = 1e-5;
    double p[80], t[80], total = 0.0;
    outcome out = bench_evaluate(&d->shape, d->y_pred, d->y_true, d->weight, scale);
    for (int64_t e = 0; e < entries; e++) {
        const double weight = d->weight == NULL    ? 1.0
                              : d->weight_of_entry ? (double)d->weight[e]
                                                   : (double)d->weight[e / (entries / d->shape.y_pred.dims[0])];
        const double factor = (double)scale * weight / (double)entries;
        read_entry(d, e, p, t);
        const double value = plain_loss(&d->spec, d->shape.generation, logits, d->binary, p, t, d->n);
        total += factor * value;
        ck_assert_msg(fabs((double)out.values[e] - value) <= 2e-6 * (1.0 + d->n / 8.0) * (1.0 + fabs(value)),
                      "case %d, %s: entry %lld is %.9g, not %.9g", number, d->spec.entry->name, (long long)e,
                      (double)out.values[e], value);
        for (int j = 0; j < d->n; j++) {
            const double middle = p[j];
            p[j] = middle + h;
            const double above = plain_loss(&d->spec, d->shape.generation, logits, d->binary, p, t, d->n);
            p[j] = middle - h;
            const double below = plain_loss(&d->spec, d->shape.generation, logits, d->binary, p, t, d->n);
            p[j] = middle;
            const double slope = (above - below) / (2.0 * h);
            const double kink = fabs((above + below - 2.0 * value) / h); /* about 0 where there is none */
            const int64_t at = e / d->inner * d->inner * d->n + j * d->inner + e % d->inner;
            const double error = fabs((double)out.gradient[at] - factor * slope);
            ck_assert_msg(error <= fabs(factor) * (1e-5 * (1.0 + fabs(slope)) + kink),
                          "case %d, %s: gradient %lld is %.9g, not %.9g", number, d->spec.entry->name, (long long)at,
                          (double)out.gradient[at], factor * slope);
        }
    }
    ck_assert_msg(fabs((double)out.value - total) <= 1e-5 * (1.0 + fabs(total)), "case %d, %s: %.9g, not %.9g", number,
                  d->spec.entry->name, (double)out.value, total);
    bench_drop(&out);
}

static void drop_drawn(drawn *d) {
    free(d->y_pred);
    free(d->y_true);
    free(d->weight);
}

START_TEST(losses_are_plain_sums) {
    const uint64_t seed = test_seed("train.random_losses");
    for (int number = 0; number < test_cases(120); number++) {
        test_random random = test_random_start(seed, (uint64_t)number);
        drawn d;
        draw(&random, number, &d);
        compare_drawn(&d, number, number % 3 == 0 ? 0.5f : 1.0f);
        drop_drawn(&d);
    }
}
END_TEST

START_TEST(runs_repeat_bit_for_bit) {
    for (int number = 0; number < 20; number++) {
        test_random random = test_random_start(77, (uint64_t)number);
        drawn d;
        draw(&random, number, &d);
        outcome first = bench_evaluate(&d.shape, d.y_pred, d.y_true, d.weight, 1.0f);
        outcome second = bench_evaluate(&d.shape, d.y_pred, d.y_true, d.weight, 1.0f);
        const size_t bytes = (size_t)bench_count(&d.shape.y_pred) * sizeof(float);
        ck_assert(memcmp(&first.value, &second.value, sizeof(float)) == 0);
        ck_assert(memcmp(first.gradient, second.gradient, bytes) == 0);
        bench_drop(&first);
        bench_drop(&second);
        drop_drawn(&d);
    }
}
END_TEST

static Suite *make(void) {
    Suite *suite = suite_create("train.random_losses");
    TCase *tests = tcase_create("random");
    tcase_set_timeout(tests, 300);
    tcase_add_unchecked_fixture(tests, bench_open, bench_close);
    tcase_add_test(tests, losses_are_plain_sums);
    tcase_add_test(tests, runs_repeat_bit_for_bit);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make);
}
