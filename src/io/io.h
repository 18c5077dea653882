/* io/io.h: what the files of src/io share: strict JSON, HDF5 and zip behind small readers, Keras' files on top. */
#ifndef CLY_IO_H
#define CLY_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <clayer/array.h>
#include <clayer/model.h>

#include "base/error.h"

/* ---- JSON (json.c) ---- */

/* Strict: no trailing text, no duplicate keys, finite numbers only, depth at most 200. `where` names the source in
 * messages. Freed with cJSON_Delete. */
clayer_status cly_io_json_parse(const char *text, size_t length, const char *where, cJSON **json_out);

/* Takes `item` over and gives it to `object` under `key`, to a list where key is NULL. item NULL: out of memory. */
clayer_status cly_io_json_put(cJSON *object, const char *key, cJSON *item);
/* A number that is read as a float: 1.0, where cJSON would write 1. */
cJSON *cly_io_json_float(double value);
/* The text of a tree, freed with free(). */
clayer_status cly_io_json_print(const cJSON *json, char **text_out);

/* ---- HDF5 (hdf5.c): all access to libhdf5 stands behind these names, shapes and bytes ---- */

/* Around every group of calls of libhdf5; for hdf5.c and hdf5_write.c. */
void cly_io_hdf5_enter(void);
void cly_io_hdf5_leave(void);

typedef struct cly_io_hdf5 cly_io_hdf5;

clayer_status cly_io_hdf5_open(const char *path, cly_io_hdf5 **file_out);
/* A file image in memory (the member of a .keras); `where` names it in messages. The bytes are copied. */
clayer_status cly_io_hdf5_open_bytes(const void *bytes, size_t length, const char *where, cly_io_hdf5 **file_out);
void cly_io_hdf5_close(cly_io_hdf5 *file);
bool cly_io_hdf5_exists(cly_io_hdf5 *file, const char *path);
/* Names of a group's members in the file's order of names; freed by cly_io_free_strings. */
clayer_status cly_io_hdf5_list(cly_io_hdf5 *file, const char *group, char ***names_out, size_t *count_out);
/* A string attribute (fixed or variable length) of an object; *text_out NULL if there is none. */
clayer_status cly_io_hdf5_get_text(cly_io_hdf5 *file, const char *object, const char *attribute, char **text_out);
/* A list of strings; attributes split by Keras (name0, name1, ...) are joined. count 0 if there is none. */
clayer_status cly_io_hdf5_get_texts(cly_io_hdf5 *file, const char *object, const char *attribute, char ***texts_out,
                                    size_t *count_out);
clayer_status cly_io_hdf5_get_shape(cly_io_hdf5 *file, const char *dataset, clayer_shape *shape_out);
/* Any float or integer dataset as float32; `count` must be the dataset's number of elements. */
clayer_status cly_io_hdf5_read_floats(cly_io_hdf5 *file, const char *dataset, float *values, int64_t count);
clayer_status cly_io_hdf5_read_doubles(cly_io_hdf5 *file, const char *dataset, double *values, int64_t count);
void cly_io_free_strings(char **strings, size_t count);

/* A file made in memory (hdf5_write.c). Paths begin without "/", but the root is "/"; groups on the way are made. */
typedef struct cly_io_hdf5_image cly_io_hdf5_image;

clayer_status cly_io_hdf5_create(cly_io_hdf5_image **image_out);
void cly_io_hdf5_discard(cly_io_hdf5_image *image);
/* The bytes of the file so far; freed with free(). */
clayer_status cly_io_hdf5_get_image(cly_io_hdf5_image *image, void **bytes_out, size_t *length_out);
clayer_status cly_io_hdf5_add_group(cly_io_hdf5_image *image, const char *path);
clayer_status cly_io_hdf5_add_floats(cly_io_hdf5_image *image, const char *path, const clayer_shape *shape,
                                     const float *values);
/* An int64 without axes. */
clayer_status cly_io_hdf5_add_integer(cly_io_hdf5_image *image, const char *path, int64_t value);
clayer_status cly_io_hdf5_set_text(cly_io_hdf5_image *image, const char *object, const char *attribute,
                                   const char *text);
/* A list, split into attribute0, attribute1, ... where it exceeds 64 KiB, as Keras does. */
clayer_status cly_io_hdf5_set_texts(cly_io_hdf5_image *image, const char *object, const char *attribute,
                                    const char *const *texts, size_t count);

/* ---- zip (zip.c) ---- */

typedef struct cly_io_zip cly_io_zip;

clayer_status cly_io_zip_open(const char *path, cly_io_zip **zip_out);
/* An archive in memory; the bytes are borrowed until it is closed. `where` names it in messages. */
clayer_status cly_io_zip_open_bytes(const void *bytes, size_t length, const char *where, cly_io_zip **zip_out);
void cly_io_zip_close(cly_io_zip *zip);
size_t cly_io_zip_get_count(const cly_io_zip *zip);
const char *cly_io_zip_get_name(const cly_io_zip *zip, size_t index);
/* The whole member, freed with free(), one NUL behind its end; CLAYER_BAD_FILE if there is none of that name, its
 * checksum is wrong, or it unpacks to more than `limit_bytes`. */
clayer_status cly_io_zip_read(cly_io_zip *zip, const char *name, uint64_t limit_bytes, void **bytes_out,
                              size_t *length_out);
/* Where the member lies in an archive that was opened from bytes, if it is stored uncompressed and its checksum is
 * right; else, whatever the reason, *data_out is NULL and cly_io_zip_read is to be asked. */
clayer_status cly_io_zip_find_stored(cly_io_zip *zip, const char *name, const void **data_out, size_t *length_out);

/* A member of a new archive: two blocks of bytes behind each other, borrowed. */
typedef struct cly_io_zip_member {
    const char *name;
    const void *bytes, *more_bytes;
    size_t length, more_length;
    bool deflate; /* else stored as it is */
} cly_io_zip_member;

/* A new archive in memory, of the same bytes for the same members: all are dated 1 January 1980, as NumPy does.
 * *bytes_out is freed with free(). */
clayer_status cly_io_zip_write(const cly_io_zip_member *members, size_t count, void **bytes_out, size_t *length_out);

/* ---- Keras (keras_*.c) ---- */

/* One layer from {"class_name": ..., "config": {...}} as Keras' get_config writes it; `generation` 2 or 3 tells what
 * hard_sigmoid means. Unknown class, unknown argument, Lambda and registered objects are CLAYER_UNSUPPORTED. */
clayer_status cly_io_keras_layer(clayer_context *context, const cJSON *json, int generation, clayer_layer **layer_out);

/* The graph of a Sequential or Functional config. */
clayer_status cly_io_keras_model(clayer_context *context, const cJSON *json, int generation, clayer_model **model_out);

/* Fills the weights of `model` from an HDF5 file in any of Keras' three layouts (legacy model_weights, legacy
 * weights-only, Keras 3's layers/.../vars), found out by content. */
clayer_status cly_io_keras_weights(clayer_model *model, cly_io_hdf5 *file);

#endif
