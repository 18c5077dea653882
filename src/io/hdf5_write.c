/* io/hdf5_write.c: HDF5 files made in memory, as h5py writes them for Keras: groups, string attributes and datasets of
 * floats and integers. Nothing touches the disk here: the finished image goes into a .keras archive or is written as a
 * whole, so that no failure can leave half a file. hdf5.c reads, and owns the lock that is taken around libhdf5. */
#define H5_USE_18_API 1 /* one spelling of the calls from version 1.8 to 1.14 */
#include <hdf5.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/io.h"

#define IMAGE_STEP ((size_t)1 << 20) /* bytes by which libhdf5 enlarges the image */
#define ATTRIBUTE_LIMIT 64512        /* HDF5_OBJECT_HEADER_LIMIT of Keras: a longer list is split */

struct cly_io_hdf5_image {
    hid_t file;
};

static clayer_status fail_write(const char *what, const char *name) {
    return cly_base_fail(CLAYER_OUT_OF_MEMORY, "HDF5: %s '%s' cannot be made", what, name);
}

clayer_status cly_io_hdf5_create(cly_io_hdf5_image **image_out) {
    static unsigned long made; /* guarded by the lock; images of one name would be one file */
    char name[64];
    void *memory = NULL;
    clayer_status status = cly_base_alloc(1, sizeof(cly_io_hdf5_image), &memory);
    if (status != CLAYER_OK) {
        return status;
    }
    cly_io_hdf5_enter();
    (void)snprintf(name, sizeof(name), "clayer-new-image-%lu", made++);
    hid_t access_list = H5Pcreate(H5P_FILE_ACCESS);
    hid_t file = -1;
    (void)H5Pset_fclose_degree(access_list, H5F_CLOSE_STRONG);
    if (H5Pset_fapl_core(access_list, IMAGE_STEP, 0) >= 0) {
        file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access_list);
    }
    (void)H5Pclose(access_list);
    cly_io_hdf5_leave();
    if (file < 0) {
        free(memory);
        return fail_write("the file", name);
    }
    *image_out = memory;
    (*image_out)->file = file;
    return CLAYER_OK;
}

void cly_io_hdf5_discard(cly_io_hdf5_image *image) {
    if (image != NULL) {
        cly_io_hdf5_enter();
        (void)H5Fclose(image->file);
        cly_io_hdf5_leave();
        free(image);
    }
}

clayer_status cly_io_hdf5_get_image(cly_io_hdf5_image *image, void **bytes_out, size_t *length_out) {
    void *bytes = NULL;
    clayer_status status = CLAYER_OK;
    cly_io_hdf5_enter();
    ssize_t length = H5Fflush(image->file, H5F_SCOPE_GLOBAL) < 0 ? -1 : H5Fget_file_image(image->file, NULL, 0);
    if (length <= 0) {
        status = fail_write("the image of", "the file");
        goto done;
    }
    CLY_TRY(cly_base_alloc((size_t)length, 1, &bytes));
    if (H5Fget_file_image(image->file, bytes, (size_t)length) != length) {
        status = fail_write("the image of", "the file");
        goto done;
    }
    *bytes_out = bytes;
    *length_out = (size_t)length;
    bytes = NULL;
done:
    cly_io_hdf5_leave();
    free(bytes);
    return status;
}

/* ---- groups and datasets; groups on the way to an object are made ---- */

static hid_t link_list(void) {
    hid_t list = H5Pcreate(H5P_LINK_CREATE);
    (void)H5Pset_create_intermediate_group(list, 1);
    return list;
}

clayer_status cly_io_hdf5_add_group(cly_io_hdf5_image *image, const char *path) {
    cly_io_hdf5_enter();
    hid_t links = link_list();
    hid_t group = H5Gcreate2(image->file, path, links, H5P_DEFAULT, H5P_DEFAULT);
    (void)H5Pclose(links);
    if (group < 0) { /* it came with one below it: "block/conv" after "block/conv/pad" */
        group = H5Gopen2(image->file, path, H5P_DEFAULT);
    }
    if (group >= 0) {
        (void)H5Gclose(group);
    }
    cly_io_hdf5_leave();
    return group >= 0 ? CLAYER_OK : fail_write("the group", path);
}

/* Little-endian in the file, as h5py writes on the machines that there are. */
static clayer_status add_dataset(cly_io_hdf5_image *image, const char *path, const clayer_shape *shape, hid_t stored,
                                 hid_t native, const void *values) {
    hsize_t dims[CLAYER_MAX_RANK];
    bool empty = false;
    for (int i = 0; i < shape->rank; i++) {
        dims[i] = (hsize_t)shape->dims[i];
        empty = empty || shape->dims[i] == 0;
    }
    hid_t space = shape->rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(shape->rank, dims, NULL);
    hid_t links = link_list();
    hid_t dataset = H5Dcreate2(image->file, path, stored, space, links, H5P_DEFAULT, H5P_DEFAULT);
    bool written = dataset >= 0 && (empty || H5Dwrite(dataset, native, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    if (dataset >= 0) {
        (void)H5Dclose(dataset);
    }
    (void)H5Pclose(links);
    (void)H5Sclose(space);
    return written ? CLAYER_OK : fail_write("the dataset", path);
}

clayer_status cly_io_hdf5_add_floats(cly_io_hdf5_image *image, const char *path, const clayer_shape *shape,
                                     const float *values) {
    cly_io_hdf5_enter();
    clayer_status status = add_dataset(image, path, shape, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, values);
    cly_io_hdf5_leave();
    return status;
}

clayer_status cly_io_hdf5_add_integer(cly_io_hdf5_image *image, const char *path, int64_t value) {
    const clayer_shape scalar = {.rank = 0};
    cly_io_hdf5_enter();
    clayer_status status = add_dataset(image, path, &scalar, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
    cly_io_hdf5_leave();
    return status;
}

/* ---- attributes ---- */

static clayer_status add_attribute(hid_t object, const char *name, hid_t type, hid_t space, const void *values) {
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool written = attribute >= 0 && H5Awrite(attribute, type, values) >= 0;
    if (attribute >= 0) {
        (void)H5Aclose(attribute);
    }
    return written ? CLAYER_OK : fail_write("the attribute", name);
}

/* `size` is the length of every string, H5T_VARIABLE for pointers to strings of any length. */
static hid_t string_type(size_t size) {
    hid_t type = H5Tcopy(H5T_C_S1);
    (void)H5Tset_size(type, size);
    (void)H5Tset_cset(type, H5T_CSET_UTF8);
    (void)H5Tset_strpad(type, H5T_STR_NULLPAD);
    return type;
}

static clayer_status add_strings(hid_t object, const char *name, const char *const *texts, size_t count) {
    const hsize_t dims[1] = {count};
    hid_t type = string_type(H5T_VARIABLE);
    hid_t space = H5Screate_simple(1, dims, NULL);
    clayer_status status = add_attribute(object, name, type, space, texts);
    (void)H5Sclose(space);
    (void)H5Tclose(type);
    return status;
}

/* One part of a list that was split: strings of one size, which is how Keras counts the bytes of a part. */
static clayer_status add_part(hid_t object, const char *name, const char *const *texts, size_t count, size_t size) {
    const hsize_t dims[1] = {count};
    void *block = NULL;
    clayer_status status = cly_base_alloc(count, size, &block);
    if (status != CLAYER_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy((char *)block + i * size, texts[i], strlen(texts[i]));
    }
    hid_t type = string_type(size);
    hid_t space = H5Screate_simple(1, dims, NULL);
    status = add_attribute(object, name, type, space, block);
    (void)H5Sclose(space);
    (void)H5Tclose(type);
    free(block);
    return status;
}

/* numpy.array_split into the fewest parts that fit an object's header: the first `count % parts` have one more. */
static clayer_status add_parts(hid_t object, const char *name, const char *const *texts, size_t count, size_t size) {
    size_t parts = 1;
    while ((count + parts - 1) / parts * size > ATTRIBUTE_LIMIT) {
        parts++;
    }
    clayer_status status = CLAYER_OK;
    for (size_t i = 0, start = 0; i < parts && status == CLAYER_OK; i++) {
        char part[256];
        size_t length = count / parts + (i < count % parts ? 1 : 0);
        (void)snprintf(part, sizeof(part), "%s%zu", name, i);
        status = add_part(object, part, texts + start, length, size);
        start += length;
    }
    return status;
}

/* A list without names has numpy's type of one, float64. */
static clayer_status add_nothing(hid_t object, const char *name) {
    const hsize_t dims[1] = {0};
    hid_t space = H5Screate_simple(1, dims, NULL);
    hid_t attribute = H5Acreate2(object, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0) {
        (void)H5Aclose(attribute);
    }
    (void)H5Sclose(space);
    return attribute >= 0 ? CLAYER_OK : fail_write("the attribute", name);
}

clayer_status cly_io_hdf5_set_texts(cly_io_hdf5_image *image, const char *object, const char *attribute,
                                    const char *const *texts, size_t count) {
    size_t longest = 1;
    for (size_t i = 0; i < count; i++) {
        longest = strlen(texts[i]) > longest ? strlen(texts[i]) : longest;
    }
    if (longest > ATTRIBUTE_LIMIT) {
        return cly_base_fail(CLAYER_UNSUPPORTED, "a name of %zu bytes; HDF5 holds %d in an attribute", longest,
                             ATTRIBUTE_LIMIT);
    }
    cly_io_hdf5_enter();
    hid_t opened = H5Oopen(image->file, object, H5P_DEFAULT);
    clayer_status status = CLAYER_OK;
    if (opened < 0) {
        status = fail_write("the group", object);
    } else if (count == 0) {
        status = add_nothing(opened, attribute);
    } else if (count * longest > ATTRIBUTE_LIMIT) {
        status = add_parts(opened, attribute, texts, count, longest);
    } else {
        status = add_strings(opened, attribute, texts, count);
    }
    if (opened >= 0) {
        (void)H5Oclose(opened);
    }
    cly_io_hdf5_leave();
    return status;
}

clayer_status cly_io_hdf5_set_text(cly_io_hdf5_image *image, const char *object, const char *attribute,
                                   const char *text) {
    cly_io_hdf5_enter();
    hid_t opened = H5Oopen(image->file, object, H5P_DEFAULT);
    clayer_status status = fail_write("the group", object);
    if (opened >= 0) {
        /* Of variable length: those lie outside the object's header, which is limited to 64 KiB. */
        hid_t type = string_type(H5T_VARIABLE);
        hid_t space = H5Screate(H5S_SCALAR);
        status = add_attribute(opened, attribute, type, space, &text);
        (void)H5Sclose(space);
        (void)H5Tclose(type);
        (void)H5Oclose(opened);
    }
    cly_io_hdf5_leave();
    return status;
}
