/* weights/support.h: buffers on the device for the suites of penalties and constraints. */
#ifndef TEST_WEIGHTS_SUPPORT_H
#define TEST_WEIGHTS_SUPPORT_H

#include <clayer/tensor.h>

#include "base/spec.h"
#include "device/device.h"

int64_t shape_count(const clayer_shape *shape);

/* A buffer with these floats; NULL: room for `count`, not initialised, and never less than one float. */
cl_mem buffer_of(clayer_context *context, const float *values, int64_t count);
void read_buffer(clayer_context *context, cl_mem buffer, float *values, int64_t count);

/* The text against the list, or the test fails. */
cly_spec parse(const cly_spec_list *list, const char *text);

/* A penalty on w, added to *value and to `gradient` (either may be NULL). */
clayer_status run_penalty(clayer_context *context, const cly_spec *spec, const clayer_shape *shape, const float *w,
                          float scale, float *value, float *gradient);
/* Constrains w in place. */
clayer_status run_constraint(clayer_context *context, const cly_spec *spec, const clayer_shape *shape, float *w);

#endif
