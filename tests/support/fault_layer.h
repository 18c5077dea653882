/* support/fault_layer.h: an OpenCL layer (for OPENCL_LAYERS) that makes a chosen call fail, and counts live objects.
 *
 * The variable CLY_FAULT=clCreateBuffer:3 makes the third call of that name fail. A test in the same process finds the
 * functions below in the loaded layer by dlsym. */
#ifndef CLY_TEST_FAULT_LAYER_H
#define CLY_TEST_FAULT_LAYER_H

/* Makes the call of this number fail, counted from here on and from 1; 0: none. Releases are not counted. */
void cly_fault_arm(long call);
/* Calls since then. */
long cly_fault_calls(void);
/* The name of the call that was made to fail, or NULL. */
const char *cly_fault_fired(void);
/* OpenCL objects created and retained, less those released. */
long cly_fault_live(void);

#endif
