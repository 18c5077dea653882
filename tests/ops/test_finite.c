/* Looks for NaNs and infinities: each is found wherever it lies, and nothing else is taken for one. */
#include "ops/finite.h"

#include <check.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "ops/harness.h"
#include "support/random.h"

static harness h;
static uint64_t seed;

#define OK(call) ck_assert_msg((call) == CLAYER_OK, "%s", clayer_last_error())
#define LOOKS 4

START_TEST(each_is_found_wherever_it_lies) {
    static const float finite[] = {0.0f, -0.0f, FLT_MAX, -FLT_MAX, FLT_MIN, 1e-45f};
    for (uint64_t i = 0; i < (uint64_t)harness_cases(&h, 100); i++) {
        test_random random = test_random_start(seed, i);
        const int64_t count = test_random_int(&random, 1, i % 10 == 0 ? 100000 : 200);
        const int64_t look = test_random_int(&random, 0, LOOKS - 1);
        const bool nan = test_random_chance(&random, 50), infinity = test_random_chance(&random, 50);
        int marks[LOOKS * CLY_OPS_FINITE_MARKS];
        cl_mem x = NULL, found = NULL;
        /* One more, which is not looked at. */
        float *values = test_random_floats(&random, count + 1, -1, 1);
        for (size_t j = 0; j < sizeof(finite) / sizeof(finite[0]); j++) {
            values[test_random_int(&random, 0, count - 1)] = finite[j];
        }
        values[count] = NAN;
        int64_t at = test_random_int(&random, 0, count - 1), other = test_random_int(&random, 0, count - 1);
        values[at] = nan ? (test_random_chance(&random, 50) ? NAN : -NAN) : values[at];
        if (infinity && !(nan && at == other)) {
            values[other] = test_random_chance(&random, 50) ? INFINITY : -INFINITY;
        }
        OK(cly_device_buffer_create(h.context, (uint64_t)(count + 1) * sizeof(float), &x));
        OK(cly_device_write(h.context, x, 0, values, (uint64_t)(count + 1) * sizeof(float)));
        OK(cly_device_buffer_create(h.context, sizeof(marks), &found));
        OK(cly_device_zero(h.context, found, 0, sizeof(marks)));
        OK(cly_ops_finite(h.context, x, count, found, look));
        OK(cly_device_read(h.context, found, 0, marks, sizeof(marks)));
        for (int64_t j = 0; j < LOOKS * CLY_OPS_FINITE_MARKS; j++) {
            const bool own = j / CLY_OPS_FINITE_MARKS == look;
            const bool wanted = own && (j % 2 == 0 ? nan : infinity && !(nan && at == other));
            ck_assert_msg(marks[j] == wanted, "case %" PRIu64 ", %" PRId64 " floats: mark %" PRId64 " is %d", i, count,
                          j, marks[j]);
        }
        free(values);
        cly_device_buffer_destroy(h.context, x);
        cly_device_buffer_destroy(h.context, found);
    }
}
END_TEST

int main(void) {
    const harness_test tests[] = {
        {each_is_found_wherever_it_lies, HARNESS_PLAIN | HARNESS_AS_GPU},
        {NULL, 0},
    };
    return harness_main("ops.finite", tests, 0, &h, &seed);
}
