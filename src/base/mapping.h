/* base/mapping.h: a file's bytes without reading the file: pages come from the disk as they are touched. */
#ifndef CLY_BASE_MAPPING_H
#define CLY_BASE_MAPPING_H

#include <stddef.h>

#include <clayer/status.h>

typedef struct cly_base_mapping cly_base_mapping;

/* The whole file, privately: writing to the bytes changes memory and never the file. What has no size to map (a pipe, a
 * file of /proc, an empty one) is read instead. The caller holds the mapping once. */
clayer_status cly_base_map_file(const char *path, cly_base_mapping **mapping_out);

/* Bytes borrowed from the mapping, `length_out` of them. */
void *cly_base_mapping_bytes(const cly_base_mapping *mapping, size_t *length_out);

/* One more and one fewer that holds it, from any thread; the last one unmaps it. release(NULL) does nothing. */
void cly_base_mapping_retain(cly_base_mapping *mapping);
void cly_base_mapping_release(cly_base_mapping *mapping);

#endif
