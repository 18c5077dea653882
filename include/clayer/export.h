/* clayer/export.h: CLAYER_API marks what the shared library shows; everything else is hidden. */
#ifndef CLAYER_EXPORT_H
#define CLAYER_EXPORT_H

#ifdef __cplusplus
#define CLAYER_BEGIN_DECLS extern "C" {
#define CLAYER_END_DECLS }
#else
#define CLAYER_BEGIN_DECLS
#define CLAYER_END_DECLS
#endif

#if defined(_WIN32)
#define CLAYER_API
#else
#define CLAYER_API __attribute__((visibility("default")))
#endif

#endif
