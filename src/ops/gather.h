/* ops/gather.h: rows of a table by their numbers, the gradient of the table, and which rows of a tensor count.
 * Keras: keras/src/layers/core/{embedding,masking}.py. */
#ifndef CLY_OPS_GATHER_H
#define CLY_OPS_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/operator.h"

/* y (count, width) = table (rows, width) by the numbers x (count), floats whose fraction is cut off. Outside of the
 * table, where TensorFlow fails on a CPU, y is NaN; with `wraps` (Keras 3) the numbers from -rows to -1 count from the
 * end. Operands: 0 x, 1 table, 2 y. */
typedef struct cly_ops_gather_shape {
    int64_t count, rows, width;
    bool wraps;
} cly_ops_gather_shape;
extern const cly_ops_operator cly_ops_gather_operator; /* "gather": "vector", "reference" */

/* The gradient of the table: row r is the sum, with compensation and in the order of i, of those dy[i] that x[i] took
 * from there; numbers outside have none. Operands: 0 x, 1 dy, 2 dtable. */
extern const cly_ops_operator cly_ops_gather_gradient_operator; /* "gather_gradient": "vector", "reference" */

/* Whether any of a row's `width` floats differs from `value`, in x (rows, width): as numbers 1 and 0, y (rows); or with
 * `keeps` those rows of z (rows, width) that do, and zeros for the others. Operands: 0 x, 1 z or NULL, 2 y (may be x or
 * z with `keeps`). */
typedef struct cly_ops_differs_shape {
    int64_t rows, width;
    float value;
    bool keeps;
} cly_ops_differs_shape;
extern const cly_ops_operator cly_ops_differs_operator; /* "differs": "reference" */

#endif
