/* ops/sums.c: long sums by reduce.cl: first in slots over the whole device, then the slots. */
#include "ops/sums.h"

#include <limits.h>

#include "base/integer.h"
#include "base/memory.h"
#include "ops/range.h"

#define MOST_LANES 64    /* work-items of a GPU that share one inner axis */
#define ITEMS_A_UNIT 512 /* that a compute unit of a GPU is given */
#define CPU_ITEMS_A_UNIT 4
#define LEAST_TERMS 64 /* a slot of fewer is not worth its place */
#define MOST_SLOTS 2048
#define MOST_PARTS 64   /* that the sum of a whole tensor is cut into */
#define MOST_AT_ONCE 64 /* slots that one work-item adds up */
#define SLOTS_A_GROUP 32

/* ---- slots ---- */

int64_t cly_ops_slots_floats(int64_t slot_count, int64_t count) {
    return slot_count > MOST_AT_ONCE ? cly_base_divide_up(slot_count, SLOTS_A_GROUP) * count : 0;
}

/* One pass: the sums of `each` slots each. Offsets in floats. */
static clayer_status add_slots(clayer_context *context, cl_mem slots, int64_t slots_offset, int64_t slot_count,
                               int64_t each, int64_t count, float divisor, cl_mem y, int64_t y_offset) {
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, 1, options);
    cly_launch launch = {.program = "reduce", .options = options, .kernel = "sum_slots"};
    const cly_arg span = cly_ops_span(context, count, &launch);
    launch.global[1] = (size_t)cly_base_divide_up(slot_count, each);
    return cly_device_run(context, &launch, CLY_BUFFER(slots), CLY_LONG(slots_offset), CLY_BUFFER(y),
                          CLY_LONG(y_offset), CLY_LONG(count), span, CLY_INT(slot_count), CLY_INT(each),
                          CLY_FLOAT(divisor));
}

clayer_status cly_ops_slots_add(clayer_context *context, cl_mem slots, int64_t offset, int64_t slot_count,
                                int64_t count, float divisor, cl_mem y, int64_t y_offset) {
    if (slot_count <= MOST_AT_ONCE) {
        return add_slots(context, slots, offset, slot_count, slot_count, count, divisor, y, y_offset);
    }
    /* Few sums of many slots would keep few work-items busy for long: groups of slots first. */
    clayer_status status = CLAYER_OK;
    const int64_t groups = cly_base_divide_up(slot_count, SLOTS_A_GROUP), behind = offset + slot_count * count;
    CLY_TRY(add_slots(context, slots, offset, slot_count, SLOTS_A_GROUP, count, 1.0f, slots, behind));
    CLY_TRY(add_slots(context, slots, behind, groups, groups, count, divisor, y, y_offset));
done:
    return status;
}

/* ---- sums ---- */

/* How the terms are dealt out: `parts` of outer, of `each` positions, and `lanes` of inner. */
typedef struct partition {
    int64_t lanes, parts, each;
} partition;

static int64_t floats_of(const cly_ops_sums *s, const partition *p) {
    const int64_t slots = p->lanes * p->parts, kept = s->kept0 * s->kept1;
    return slots > 1 ? slots * kept + cly_ops_slots_floats(slots, kept) : 0;
}

static partition partition_of(const clayer_context *context, const cly_ops_sums *s) {
    const bool cpu = cly_ops_is_cpu(context);
    const int64_t units = cly_base_clamp((int64_t)cly_device_info(context)->compute_units, 1, INT_MAX);
    const int64_t wanted = units * (cpu ? CPU_ITEMS_A_UNIT : ITEMS_A_UNIT);
    const int64_t vectors = cly_base_divide_up(s->inner > 1 ? s->inner : s->kept1, cly_ops_vector(context));
    const int64_t limit = (int64_t)(cly_device_workspace_limit(context) / sizeof(float) / 4);
    partition p = {.lanes = 1};
    int64_t items = s->kept0 * (s->inner > 1 ? s->kept1 : cpu ? 1 : vectors); /* of one part and lane */
    if (s->inner > 1) {
        p.lanes = cpu ? cly_base_clamp(wanted / (items * s->outer), 1, vectors / LEAST_TERMS)
                      : cly_base_clamp(vectors, 1, MOST_LANES);
        items *= p.lanes;
    }
    p.parts =
        cly_base_clamp(cly_base_divide_up(wanted, items), 1, cly_base_divide_up(s->outer * s->inner, LEAST_TERMS));
    p.parts = cly_base_clamp(p.parts, 1, s->outer < MOST_SLOTS / p.lanes ? s->outer : MOST_SLOTS / p.lanes);
    while (floats_of(s, &p) > limit && p.parts * p.lanes > 1) {
        *(p.parts > 1 ? &p.parts : &p.lanes) /= 2;
    }
    p.each = cly_base_divide_up(s->outer, p.parts);
    p.parts = cly_base_divide_up(s->outer, p.each);
    return p;
}

/* A GPU deals out outer and inner, a CPU inner alone: as many parts as the count can be cut into evenly. */
cly_ops_sums cly_ops_sums_of_all(const clayer_context *context, int64_t count) {
    int64_t outer = cly_ops_is_cpu(context) ? 1 : MOST_PARTS;
    while (outer > 1 && (count % outer != 0 || count / outer < LEAST_TERMS)) {
        outer--;
    }
    return (cly_ops_sums){
        .kept0 = 1, .outer = outer, .kept1 = 1, .inner = count / outer, .term = CLY_TERM_VALUE, .divisor = 1.0f};
}

bool cly_ops_sums_can(const cly_ops_sums *s) {
    const int64_t most = INT_MAX / 2;
    return s->kept1 <= most && s->inner <= most;
}

int64_t cly_ops_sums_workspace(const clayer_context *context, const cly_ops_sums *s) {
    const partition p = partition_of(context, s);
    return floats_of(s, &p);
}

clayer_status cly_ops_sums_run(clayer_context *context, const cly_ops_sums *s, cl_mem workspace) {
    clayer_status status = CLAYER_OK;
    const partition p = partition_of(context, s);
    const int64_t slots = p.lanes * p.parts, kept = s->kept0 * s->kept1;
    const bool columns = s->inner == 1, has_mean = s->term == CLY_TERM_SQUARE || s->term == CLY_TERM_PRODUCT;
    const int64_t rows = p.parts * (columns ? s->kept0 : kept);
    char options[CLY_OPS_OPTIONS];
    cly_ops_options(context, NULL, rows, options);
    cly_launch launch = {.program = "reduce", .options = options, .kernel = columns ? "sum_columns" : "sum_rows"};
    const cly_arg split = cly_ops_rows(context, rows, columns ? s->kept1 : p.lanes, &launch);
    if (!columns) {
        launch.global[0] = (size_t)p.lanes;
    }
    const cly_arg args[] = {CLY_BUFFER(s->x),
                            CLY_BUFFER(s->term == CLY_TERM_PRODUCT || s->term == CLY_TERM_FACTOR ? s->dy : s->x),
                            CLY_BUFFER(has_mean ? s->mean : s->x),
                            CLY_BUFFER(s->term == CLY_TERM_PRODUCT ? s->variance : s->x),
                            CLY_BUFFER(slots > 1 ? workspace : s->y),
                            CLY_LONG(slots > 1 ? s->workspace_offset : s->y_offset),
                            CLY_LONG(rows),
                            split,
                            CLY_LONG(s->kept0),
                            CLY_LONG(s->outer),
                            CLY_LONG(p.each),
                            CLY_INT(s->kept1),
                            CLY_INT(s->term),
                            CLY_FLOAT(s->epsilon),
                            CLY_FLOAT(slots > 1 ? 1.0f : s->divisor),
                            CLY_INT(s->inner),
                            CLY_INT(p.lanes)};
    CLY_TRY(cly_device_launch(context, &launch, args, CLY_COUNT(args) - (columns ? 2 : 0)));
    if (slots > 1) {
        CLY_TRY(cly_ops_slots_add(context, workspace, s->workspace_offset, slots, kept, s->divisor, s->y, s->y_offset));
    }
done:
    return status;
}
