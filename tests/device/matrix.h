/* device/matrix.h: naive products for the suites of src/device. */
#ifndef CLY_TEST_MATRIX_H
#define CLY_TEST_MATRIX_H

#include "device/internal.h"

#define CLY_TEST_GUARD 4321.25f

/* Which of the ways of GEMM is called. */
typedef clayer_status cly_test_gemm(clayer_context *context, const cly_gemm *gemm);

/* Runs the product with its matrices laid out as `shape` says (offsets, leading dimensions, strides, beta; buffers are
 * made here), C between guards. Returns "" or what is wrong: a failed call, a wrong value, a changed guard. Static text
 * of the thread. */
const char *cly_test_product(clayer_context *context, cly_test_gemm *call, const cly_gemm *shape);

#endif
