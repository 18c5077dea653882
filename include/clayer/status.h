/* clayer/status.h: what a function that can fail returns, and the sentence behind it. */
#ifndef CLAYER_STATUS_H
#define CLAYER_STATUS_H

#include <clayer/export.h>

CLAYER_BEGIN_DECLS

typedef enum clayer_status {
    CLAYER_OK = 0,
    CLAYER_INVALID_ARGUMENT, /* an argument is wrong by itself: a NULL, a negative count, an unknown name */
    CLAYER_INVALID_SHAPE,    /* shapes that do not fit each other, or a size that overflows */
    CLAYER_UNSUPPORTED,      /* well formed, but this version cannot do it */
    CLAYER_IO_ERROR,         /* the operating system refused to open, read or write a file */
    CLAYER_BAD_FILE,         /* a file's content is not what it must be */
    CLAYER_NO_DEVICE,        /* no OpenCL device, or none of the wanted name */
    CLAYER_DEVICE_ERROR,     /* an OpenCL call failed */
    CLAYER_BUILD_FAILED,     /* the device's compiler refused a kernel */
    CLAYER_OUT_OF_MEMORY,    /* on the host or on the device */
    CLAYER_NOT_FINITE,       /* a NaN or an infinity where training needs a number */
    CLAYER_CHECK_FAILED      /* a file's check: the device computes another output than the one stored */
} clayer_status;

/* "invalid argument" for CLAYER_INVALID_ARGUMENT, and so on. Static memory; any thread. */
CLAYER_API const char *clayer_status_string(clayer_status status);

/* One sentence about the last failure on this thread, naming the layer, parameter, value and limit:
 * "Conv2D 'conv2d_1': kernel 7 exceeds the padded input 5 on axis 2". Empty if nothing failed yet.
 * Borrowed; valid until the next failure on the same thread. A success does not clear it. */
CLAYER_API const char *clayer_last_error(void);

CLAYER_END_DECLS

#endif
