/* ops/range.c: global sizes by device. */
#include "ops/range.h"

#include <stdio.h>
#include <string.h>

#include "base/integer.h"

/* Work-items a compute unit of a CPU gets: enough to level uneven threads, few enough that starting one is nothing. */
#define CPU_ITEMS 4
/* Some drivers allow no more work-groups on the second axis. */
#define MOST_ROWS 65535
/* Work-items of a group of rows.h; the second is for llvmpipe, whose kernels may have no more. */
#define ROWS_GROUP 64
#define ROWS_GROUP_LLVMPIPE 32
/* Below this many floats a CPU's work-item is not worth starting. */
#define CPU_LEAST 1024

/* Mesa's llvmpipe calls itself a CPU, but runs work-items in lanes as a GPU does, and ends a work-item's loops without
 * a word after 65,535 rounds in all: long loops would leave part of the result out. */
static bool is_llvmpipe(const clayer_context *context) {
    return strncmp(cly_device_info(context)->name, "llvmpipe", strlen("llvmpipe")) == 0;
}

bool cly_ops_is_cpu(const clayer_context *context) {
    return cly_device_info(context)->type == CLAYER_DEVICE_CPU && !is_llvmpipe(context);
}

int cly_ops_vector(const clayer_context *context) {
    return cly_ops_is_cpu(context) ? 16 : 4;
}

void cly_ops_options(const clayer_context *context, const cly_ops_activation *activation, int64_t count,
                     char options[CLY_OPS_OPTIONS]) {
    const int length = snprintf(options, CLY_OPS_OPTIONS, "-DVECTOR=%d %s", cly_ops_vector(context),
                                count > INT32_MAX ? "-DWIDE " : "");
    if (activation != NULL) {
        cly_ops_activation_options(activation, options + length, (size_t)(CLY_OPS_OPTIONS - length));
    } else {
        options[length - 1] = '\0';
    }
}

/* How many work-items a CPU gets for `count` floats. */
static int64_t cpu_items(const clayer_context *context, int64_t count) {
    const int64_t most = (int64_t)cly_base_larger(cly_device_info(context)->compute_units, 1) * CPU_ITEMS;
    return cly_base_larger(cly_base_smaller(most, count / CPU_LEAST), 1);
}

cly_arg cly_ops_rows(const clayer_context *context, int64_t rows, int64_t width, cly_launch *launch) {
    int64_t multiplier = 1, step = 1, each = 1;
    if (cly_ops_is_cpu(context)) {
        /* neighbouring rows in one work-item, which runs through whole rows */
        each = cly_base_divide_up(rows, cly_base_smaller(cpu_items(context, rows * width), rows));
        multiplier = each;
        launch->global[0] = launch->local[0] = launch->local[1] = launch->local[2] = 1;
        launch->global[1] = (size_t)cly_base_divide_up(rows, each);
    } else {
        /* neighbouring rows in neighbouring work-items */
        each = cly_base_divide_up(rows, MOST_ROWS);
        step = cly_base_divide_up(rows, each);
        launch->global[0] = (size_t)cly_base_divide_up(width, cly_ops_vector(context));
        launch->global[1] = (size_t)step;
    }
    return CLY_INT4(multiplier, step, each, 0);
}

void cly_ops_share_rows(const clayer_context *context, int64_t rows, int64_t length, char options[CLY_OPS_OPTIONS],
                        cly_launch *launch) {
    const size_t used = strlen(options), most = cly_device_info(context)->max_work_group_size;
    int items = is_llvmpipe(context) ? ROWS_GROUP_LLVMPIPE : ROWS_GROUP, lanes = 8;
    while ((size_t)items > most) {
        items /= 2;
    }
    if (cly_ops_is_cpu(context) || items < lanes) { /* a row a work-item */
        launch->global[0] = 1;
        return;
    }
    while (lanes < items && (int64_t)lanes * cly_ops_vector(context) < length) {
        lanes *= 2;
    }
    (void)snprintf(options + used, CLY_OPS_OPTIONS - used, " -DITEMS=%d -DLANES=%d", items, lanes);
    launch->local[0] = launch->global[0] = (size_t)lanes;
    launch->local[1] = (size_t)(items / lanes);
    launch->local[2] = 1;
    launch->global[1] = (size_t)cly_base_smaller(rows, MOST_ROWS);
}

cly_arg cly_ops_span(const clayer_context *context, int64_t count, cly_launch *launch) {
    const int64_t vector = cly_ops_vector(context);
    int64_t each = vector;
    if (cly_ops_is_cpu(context)) {
        each = cly_base_divide_up(cly_base_divide_up(count, cpu_items(context, count)), vector) * vector;
        launch->local[0] = launch->local[1] = launch->local[2] = 1;
    }
    launch->global[0] = (size_t)cly_base_divide_up(count, each);
    return CLY_LONG(each);
}

void cly_ops_each(const clayer_context *context, int64_t count, cly_launch *launch) {
    (void)context;
    launch->global[0] = (size_t)count; /* the launch chooses one of few group sizes, within what the kernel allows */
}
