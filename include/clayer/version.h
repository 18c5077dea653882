/* clayer/version.h: the version of these headers and of the library that is linked. */
#ifndef CLAYER_VERSION_H
#define CLAYER_VERSION_H

#include <clayer/export.h>

#define CLAYER_VERSION_MAJOR 0
#define CLAYER_VERSION_MINOR 1
#define CLAYER_VERSION_PATCH 0
#define CLAYER_VERSION "0.1.0"

CLAYER_BEGIN_DECLS

/* The version of the linked library, such as "0.1.0". Static memory; any thread. */
CLAYER_API const char *clayer_version(void);

CLAYER_END_DECLS

#endif
