/* rows.h: LANES work-items share a row: on a GPU part of a work-group of ITEMS, on a CPU one, which runs through it in
 * vectors. */

#ifndef LANES
#define LANES 1
#endif

#define TAKE(pointer, index, is_vector) ((is_vector) ? LOADV((pointer) + (index)) : (FLOATV)((pointer)[index]))

#if LANES > 1
#define GROUP __attribute__((reqd_work_group_size(LANES, ITEMS / LANES, 1)))
#define LANE ((int)get_local_id(0))
/* All work-items of a group take the same number of rounds, past the last row too, where they touch nothing. */
#define FOR_SHARED_ROWS(row, rows, split)                                                               \
    for (long row##_base = (long)get_group_id(1) * (ITEMS / LANES), row = row##_base + get_local_id(1); \
         row##_base < (rows);                                                                           \
         row##_base += (long)get_num_groups(1) * (ITEMS / LANES), row = row##_base + get_local_id(1))
#define SCRATCH __local float scratch[ITEMS];
/* The lanes' values put together in one order; every lane gets the result. */
#define SHARE(value, together)                                                     \
    {                                                                              \
        const int place = (int)get_local_id(1) * LANES + LANE;                     \
        barrier(CLK_LOCAL_MEM_FENCE);                                              \
        scratch[place] = (value);                                                  \
        for (int apart = LANES / 2; apart > 0; apart /= 2) {                       \
            barrier(CLK_LOCAL_MEM_FENCE);                                          \
            if (LANE < apart) {                                                    \
                scratch[place] = together(scratch[place], scratch[place + apart]); \
            }                                                                      \
        }                                                                          \
        barrier(CLK_LOCAL_MEM_FENCE);                                              \
        (value) = scratch[(int)get_local_id(1) * LANES];                           \
    }
#else
#define GROUP
#define LANE 0
#define FOR_SHARED_ROWS(row, rows, split) FOR_ROWS(row, rows, split)
#define SCRATCH
#define SHARE(value, together)
#endif
#define TOGETHER_SUM(a, b) ((a) + (b))

static float across(const FLOATV v) {
    float lanes[VECTOR];
    float sum = 0.0f;
    PASTE(vstore, VECTOR)(v, 0, lanes);
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        sum += lanes[i];
    }
    return sum;
}

/* The sum over a lane's part of a row: of the expression `term` of T and of `at`, for vectors and for what is left. */
#define SUM_OF(result, length, term)                                        \
    {                                                                       \
        FLOATV vectors = (FLOATV)(0.0f);                                    \
        float rest = 0.0f;                                                  \
        for (int at = LANE * VECTOR; at < (length); at += LANES * VECTOR) { \
            if (at + VECTOR <= (length)) {                                  \
                vectors += term(FLOATV, LOADV, at);                         \
            } else {                                                        \
                for (int one = at; one < (length); one++) {                 \
                    rest += term(float, *, one);                            \
                }                                                           \
            }                                                               \
        }                                                                   \
        result = across(vectors) + rest;                                    \
        SHARE(result, TOGETHER_SUM)                                         \
    }
