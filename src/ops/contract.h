/* ops/contract.h: batches of matrix products whose rows, columns and sums run over any axes of tensors. */
#ifndef CLY_OPS_CONTRACT_H
#define CLY_OPS_CONTRACT_H

#include <stdint.h>

#include "ops/operator.h"

/* Where index i lies: i / low * high + i % low, in floats: i runs over the axes around another one, whose elements are
 * `low` apart. With low = 1: i * high. */
typedef struct cly_ops_contract_axis {
    int64_t low, high;
} cly_ops_contract_axis;

/* y[n, r, c] = the sum over d < depth of a[n, r, d] b[n, c, d]. Operands: 0 a, 1 b, 2 y. */
typedef struct cly_ops_contract_shape {
    int64_t batch, rows, columns, depth;
    int64_t a_batch, b_batch, y_batch; /* floats of one of the batch */
    cly_ops_contract_axis a_row, a_depth, b_column, b_depth, y_row, y_column;
} cly_ops_contract_shape;
extern const cly_ops_operator cly_ops_contract_operator; /* "contract": "reference" */

#endif
