/* io/hdf5.c: HDF5 files read through libhdf5: groups, string attributes and datasets by name. hdf5_write.c is the only
 * other file that knows libhdf5.
 *
 * libhdf5 keeps global state without locks of its own, so one lock of the process guards every call here (an
 * application that uses libhdf5 from other threads at the same time must hold its own). It also prints errors unless
 * told not to, and follows links into other files: both are switched off. Sizes are checked before memory is taken;
 * beyond that libhdf5 is not safe on files made to harm it. */
#define H5_USE_18_API 1 /* one spelling of the calls from version 1.8 to 1.14 */
#include <hdf5.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/io.h"

#define NAME_LIMIT 1000000             /* names in a group or list */
#define CHUNK_LIMIT ((hsize_t)1 << 30) /* bytes that libhdf5 takes to unpack one chunk */

struct cly_io_hdf5 {
    hid_t file;
    char *where;
    /* The group that the last path led through, which the next one mostly does too: files have thousands of them, and
     * libhdf5 begins at the root. */
    hid_t group;      /* -1: none */
    char *group_path; /* NULL: none */
};

/* ---- files ---- */

static clayer_status take_file(hid_t file, const char *where, cly_io_hdf5 **file_out) {
    cly_io_hdf5 *opened = NULL;
    clayer_status status = CLAYER_OK;
    if (file < 0) {
        return cly_base_fail(CLAYER_BAD_FILE, "'%s': not an HDF5 file, or a damaged or truncated one", where);
    }
    CLY_TRY(cly_base_alloc(1, sizeof(*opened), (void **)&opened));
    CLY_TRY(cly_base_copy_string(where, &opened->where));
    opened->file = file;
    opened->group = -1;
    *file_out = opened;
    return CLAYER_OK;
done:
    free(opened);
    (void)H5Fclose(file);
    return status;
}

clayer_status cly_io_hdf5_open(const char *path, cly_io_hdf5 **file_out) {
    if (access(path, R_OK) != 0) {
        return cly_base_fail_errno("open", path);
    }
    cly_io_hdf5_enter();
    hid_t access_list = H5Pcreate(H5P_FILE_ACCESS);
    (void)H5Pset_fclose_degree(access_list, H5F_CLOSE_STRONG);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access_list);
    clayer_status status = take_file(file, path, file_out);
    (void)H5Pclose(access_list);
    cly_io_hdf5_leave();
    return status;
}

/* libhdf5 takes two images of one name for the same open file, so each gets a name of its own. */
clayer_status cly_io_hdf5_open_bytes(const void *bytes, size_t length, const char *where, cly_io_hdf5 **file_out) {
    static unsigned long opened; /* guarded by the lock */
    char name[64];
    cly_io_hdf5_enter();
    (void)snprintf(name, sizeof(name), "clayer-image-%lu", opened++);
    hid_t access_list = H5Pcreate(H5P_FILE_ACCESS);
    hid_t file = -1;
    (void)H5Pset_fclose_degree(access_list, H5F_CLOSE_STRONG);
    if (H5Pset_fapl_core(access_list, 65536, 0) >= 0 && length > 0 &&
        H5Pset_file_image(access_list, (void *)(uintptr_t)bytes, length) >= 0) {
        file = H5Fopen(name, H5F_ACC_RDONLY, access_list);
    }
    clayer_status status = take_file(file, where, file_out);
    (void)H5Pclose(access_list);
    cly_io_hdf5_leave();
    return status;
}

static void close_object(hid_t object) {
    if (object >= 0) {
        (void)H5Oclose(object);
    }
}

void cly_io_hdf5_close(cly_io_hdf5 *file) {
    if (file != NULL) {
        cly_io_hdf5_enter();
        close_object(file->group);
        (void)H5Fclose(file->file);
        cly_io_hdf5_leave();
        free(file->group_path);
        free(file->where);
        free(file);
    }
}

/* ---- objects; all from here to the public functions is called with the lock held ---- */

/* Whether the link is there and a hard one: others may lead out of the file. */
static bool is_hard(hid_t group, const char *name) {
    H5L_info_t info;
    return H5Lget_info(group, name, &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_HARD;
}

/* Opens the first `length` characters of a path as a group; every link on the way must be a hard one. -1: there is
 * none. */
static hid_t open_group(const cly_io_hdf5 *file, const char *path, size_t length) {
    char *part = calloc(length + 1, 1); /* layers' names may be long: no fixed length will do */
    bool exists = part != NULL;
    hid_t group = -1;
    for (size_t end = 1; exists && end <= length; end++) {
        if ((end < length && path[end] != '/') || path[end - 1] == '/') {
            continue;
        }
        memcpy(part, path, end);
        exists = is_hard(file->file, part);
    }
    if (exists) {
        group = H5Oopen(file->file, length == 0 ? "/" : part, H5P_DEFAULT);
    }
    if (group >= 0 && H5Iget_type(group) != H5I_GROUP) {
        close_object(group);
        group = -1;
    }
    free(part);
    return group;
}

/* The group that holds the path's last link, and that link's name within it. */
static bool find_link(cly_io_hdf5 *file, const char *path, hid_t *group_out, const char **name_out) {
    const char *slash = strrchr(path, '/');
    const size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    *name_out = slash == NULL ? path : slash + 1;
    if (file->group_path == NULL || strlen(file->group_path) != length ||
        strncmp(file->group_path, path, length) != 0) {
        hid_t group = open_group(file, path, length);
        char *copy = group < 0 ? NULL : calloc(length + 1, 1);
        if (copy == NULL) {
            close_object(group);
            return false;
        }
        memcpy(copy, path, length);
        close_object(file->group);
        free(file->group_path);
        file->group = group;
        file->group_path = copy;
    }
    *group_out = file->group;
    return is_hard(file->group, *name_out);
}

static bool path_exists(cly_io_hdf5 *file, const char *path) {
    hid_t group = -1;
    const char *name = NULL;
    return find_link(file, path, &group, &name);
}

/* "" and "/" are the file's root. */
static hid_t open_object(cly_io_hdf5 *file, const char *path) {
    hid_t group = -1;
    const char *name = NULL;
    if (path[0] == '\0' || strcmp(path, "/") == 0) {
        return H5Oopen(file->file, "/", H5P_DEFAULT);
    }
    return find_link(file, path, &group, &name) ? H5Oopen(group, name, H5P_DEFAULT) : -1;
}

static clayer_status fail_object(const cly_io_hdf5 *file, const char *path, const char *reason) {
    return cly_base_fail(CLAYER_BAD_FILE, "'%s': '%s' %s", file->where, path, reason);
}

typedef struct names {
    char **names;
    size_t count, capacity;
    clayer_status status;
} names;

static clayer_status add_name(names *list, const char *name) {
    char *copy = NULL;
    clayer_status status = CLAYER_OK;
    if (list->count == NAME_LIMIT) {
        return cly_base_fail(CLAYER_BAD_FILE, "a list of more than %d names", NAME_LIMIT);
    }
    CLY_TRY(cly_base_grow((void **)&list->names, &list->capacity, list->count, sizeof(char *)));
    CLY_TRY(cly_base_copy_string(name, &copy));
    list->names[list->count++] = copy;
done:
    return status;
}

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *data) {
    names *list = data;
    (void)group;
    (void)info;
    list->status = add_name(list, name);
    return list->status == CLAYER_OK ? 0 : -1;
}

/* ---- strings of an attribute ---- */

/* The attribute's strings appended to the list. A list without entries has whatever type its writer liked. */
static clayer_status read_strings(const cly_io_hdf5 *file, hid_t attribute, names *list) {
    hid_t type = H5Aget_type(attribute);
    hid_t space = H5Aget_space(attribute);
    hssize_t count =
        space < 0 ? -1 : (H5Sget_simple_extent_type(space) == H5S_NULL ? 0 : H5Sget_simple_extent_npoints(space));
    bool variable = H5Tis_variable_str(type) > 0;
    size_t size = H5Tget_size(type);
    hsize_t file_size = 0;
    char *block = NULL, *text = NULL;
    clayer_status status = CLAYER_OK;
    if (count == 0) {
        goto done;
    }
    (void)H5Fget_filesize(file->file, &file_size);
    if (count < 0 || type < 0 || H5Tget_class(type) != H5T_STRING || size == 0 ||
        (hsize_t)count > file_size / (variable ? 1 : size)) {
        status = cly_base_fail(CLAYER_BAD_FILE, "it is not a list of strings");
        goto done;
    }
    CLY_TRY(cly_base_alloc((size_t)count, size, (void **)&block));
    CLY_TRY(cly_base_alloc(size + 1, 1, (void **)&text));
    if (H5Aread(attribute, type, block) < 0) {
        status = cly_base_fail(CLAYER_BAD_FILE, "it cannot be read");
        goto done;
    }
    bool blanks = H5Tget_strpad(type) == H5T_STR_SPACEPAD;
    for (hssize_t i = 0; i < count && status == CLAYER_OK; i++) {
        const char *entry = block + (size_t)i * size;
        if (variable) {
            memcpy(&entry, block + (size_t)i * size, sizeof(entry));
            status = add_name(list, entry == NULL ? "" : entry);
            continue;
        }
        memcpy(text, entry, size);
        for (size_t end = size; blanks && end > 0 && text[end - 1] == ' '; end--) {
            text[end - 1] = '\0';
        }
        status = add_name(list, text);
    }
    if (variable) {
        (void)H5Dvlen_reclaim(type, space, H5P_DEFAULT, block);
    }
done:
    free(block);
    free(text);
    if (space >= 0) {
        (void)H5Sclose(space);
    }
    if (type >= 0) {
        (void)H5Tclose(type);
    }
    return status;
}

static clayer_status read_attribute(const cly_io_hdf5 *file, hid_t object, const char *name, names *list) {
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    clayer_status status =
        attribute < 0 ? cly_base_fail(CLAYER_BAD_FILE, "it cannot be read") : read_strings(file, attribute, list);
    if (attribute >= 0) {
        (void)H5Aclose(attribute);
    }
    return status == CLAYER_OK ? status : cly_base_prefix(status, "'%s': attribute '%s'", file->where, name);
}

/* The attribute, or its parts name0, name1, ...: HDF5 limits one to 64 KiB, so Keras splits long lists. */
static clayer_status read_parts(const cly_io_hdf5 *file, hid_t object, const char *name, names *list) {
    if (H5Aexists(object, name) > 0) {
        return read_attribute(file, object, name, list);
    }
    clayer_status status = CLAYER_OK;
    for (int i = 0; i < NAME_LIMIT && status == CLAYER_OK; i++) {
        char part[256];
        (void)snprintf(part, sizeof(part), "%s%d", name, i);
        if (H5Aexists(object, part) <= 0) {
            break;
        }
        status = read_attribute(file, object, part, list);
    }
    return status;
}

/* ---- datasets ---- */

static hid_t open_dataset(cly_io_hdf5 *file, const char *path) {
    hid_t object = open_object(file, path);
    if (object >= 0 && H5Iget_type(object) != H5I_DATASET) {
        close_object(object);
        object = -1;
    }
    return object;
}

static clayer_status read_shape(const cly_io_hdf5 *file, hid_t dataset, const char *path, clayer_shape *shape_out) {
    hid_t space = H5Dget_space(dataset);
    hsize_t dims[H5S_MAX_RANK];
    int rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, dims, NULL);
    bool none = space >= 0 && H5Sget_simple_extent_type(space) == H5S_NULL;
    if (space >= 0) {
        (void)H5Sclose(space);
    }
    if (none) {
        *shape_out = (clayer_shape){.rank = 1};
        return CLAYER_OK;
    }
    if (rank < 0 || rank > CLAYER_MAX_RANK) {
        return fail_object(file, path, "has no shape, or more than 8 axes");
    }
    clayer_shape shape = {.rank = rank};
    for (int i = 0; i < rank; i++) {
        if (dims[i] > INT64_MAX) {
            return fail_object(file, path, "has a dimension that is too large");
        }
        shape.dims[i] = (int64_t)dims[i];
    }
    *shape_out = shape;
    return CLAYER_OK;
}

/* bfloat16, the upper half of a float, of which HDF5 knows nothing: h5py writes two bytes of no type. */
static bool is_bfloat16(hid_t type) {
    return H5Tget_class(type) == H5T_OPAQUE && H5Tget_size(type) == 2;
}

/* Storage and filters that Keras uses: data inside this file, packed by what libhdf5 has built in. */
static clayer_status check_storage(const cly_io_hdf5 *file, hid_t dataset, const char *path) {
    hid_t list = H5Dget_create_plist(dataset);
    hid_t type = H5Dget_type(dataset);
    H5T_class_t class = H5Tget_class(type);
    const bool numbers = class == H5T_FLOAT || class == H5T_INTEGER || is_bfloat16(type);
    const char *problem = numbers ? NULL : "holds neither floats nor integers";
    H5D_layout_t layout = H5Pget_layout(list);
    if (H5Pget_external_count(list) > 0 ||
        (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED)) {
        problem = "keeps its data in another file";
    }
    hsize_t chunk[H5S_MAX_RANK];
    int rank = layout == H5D_CHUNKED ? H5Pget_chunk(list, H5S_MAX_RANK, chunk) : 0;
    hsize_t bytes = H5Tget_size(type);
    for (int i = 0; i < rank && problem == NULL; i++) {
        problem = chunk[i] == 0 || bytes > CHUNK_LIMIT / chunk[i] ? "has chunks of more than 1 GiB" : NULL;
        bytes *= chunk[i];
    }
    for (int i = 0; i < H5Pget_nfilters(list) && problem == NULL; i++) {
        unsigned flags = 0;
        size_t values = 0;
        H5Z_filter_t filter = H5Pget_filter2(list, (unsigned)i, &flags, &values, NULL, 0, NULL, NULL);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32) {
            problem = "is compressed by a filter other than gzip, shuffle and fletcher32";
        }
    }
    (void)H5Tclose(type);
    (void)H5Pclose(list);
    return problem == NULL ? CLAYER_OK : fail_object(file, path, problem);
}

/* ---- the public functions ---- */

bool cly_io_hdf5_exists(cly_io_hdf5 *file, const char *path) {
    cly_io_hdf5_enter();
    bool exists = path_exists(file, path);
    cly_io_hdf5_leave();
    return exists;
}

clayer_status cly_io_hdf5_list(cly_io_hdf5 *file, const char *group, char ***names_out, size_t *count_out) {
    names list = {.status = CLAYER_OK};
    cly_io_hdf5_enter();
    hid_t object = open_object(file, group);
    if (object < 0 || H5Iget_type(object) != H5I_GROUP) {
        list.status = fail_object(file, group, "is no group");
    } else if (H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_link, &list) < 0 &&
               list.status == CLAYER_OK) {
        list.status = fail_object(file, group, "cannot be read");
    }
    close_object(object);
    cly_io_hdf5_leave();
    if (list.status != CLAYER_OK) {
        cly_io_free_strings(list.names, list.count);
        return list.status;
    }
    *names_out = list.names;
    *count_out = list.count;
    return CLAYER_OK;
}

clayer_status cly_io_hdf5_get_texts(cly_io_hdf5 *file, const char *object, const char *attribute, char ***texts_out,
                                    size_t *count_out) {
    names list = {.status = CLAYER_OK};
    cly_io_hdf5_enter();
    hid_t opened = open_object(file, object);
    list.status = opened < 0 ? fail_object(file, object, "is not there") : read_parts(file, opened, attribute, &list);
    close_object(opened);
    cly_io_hdf5_leave();
    if (list.status != CLAYER_OK) {
        cly_io_free_strings(list.names, list.count);
        return list.status;
    }
    *texts_out = list.names;
    *count_out = list.count;
    return CLAYER_OK;
}

clayer_status cly_io_hdf5_get_text(cly_io_hdf5 *file, const char *object, const char *attribute, char **text_out) {
    char **texts = NULL;
    size_t count = 0;
    clayer_status status = cly_io_hdf5_get_texts(file, object, attribute, &texts, &count);
    if (status == CLAYER_OK && count > 1) {
        status = cly_base_fail(CLAYER_BAD_FILE, "'%s': attribute '%s' is a list where one string is wanted",
                               file->where, attribute);
    }
    if (status == CLAYER_OK) {
        *text_out = count == 1 ? texts[0] : NULL;
        free(texts);
    } else {
        cly_io_free_strings(texts, count);
    }
    return status;
}

clayer_status cly_io_hdf5_get_shape(cly_io_hdf5 *file, const char *dataset, clayer_shape *shape_out) {
    cly_io_hdf5_enter();
    hid_t object = open_dataset(file, dataset);
    clayer_status status =
        object < 0 ? fail_object(file, dataset, "is no dataset") : read_shape(file, object, dataset, shape_out);
    close_object(object);
    cly_io_hdf5_leave();
    return status;
}

/* `type` is that of the values in memory. */
/* `type` is that of a float or a double. */
static bool read_stored(hid_t object, hid_t type, void *values, int64_t count) {
    const hid_t stored = H5Dget_type(object);
    const bool widen = is_bfloat16(stored), doubles = H5Tget_size(type) == sizeof(double);
    uint8_t(*halves)[2] = widen ? malloc((size_t)count * sizeof(*halves)) : NULL;
    void *target = widen ? (void *)halves : values;
    const bool read =
        target != NULL && H5Dread(object, widen ? stored : type, H5S_ALL, H5S_ALL, H5P_DEFAULT, target) >= 0;
    for (int64_t i = 0; widen && read && i < count; i++) {
        const uint32_t bits = (uint32_t)halves[i][0] << 16 | (uint32_t)halves[i][1] << 24;
        float value = 0.0f;
        memcpy(&value, &bits, sizeof(value));
        doubles ? (void)(((double *)values)[i] = value) : (void)(((float *)values)[i] = value);
    }
    free(halves);
    (void)H5Tclose(stored);
    return read;
}

static clayer_status read_values(cly_io_hdf5 *file, const char *dataset, hid_t type, void *values, int64_t count) {
    clayer_shape shape = {0};
    int64_t elements = 1;
    hid_t object = open_dataset(file, dataset);
    clayer_status status =
        object < 0 ? fail_object(file, dataset, "is no dataset") : read_shape(file, object, dataset, &shape);
    for (int i = 0; i < shape.rank && status == CLAYER_OK; i++) {
        status = cly_base_multiply(&elements, shape.dims[i]) ? CLAYER_OK : fail_object(file, dataset, "is too large");
    }
    if (status == CLAYER_OK && elements != count) {
        status = fail_object(file, dataset, "has another number of elements than is wanted");
    }
    if (status == CLAYER_OK) {
        status = check_storage(file, object, dataset);
    }
    if (status == CLAYER_OK && count > 0 && !read_stored(object, type, values, count)) {
        status = fail_object(file, dataset, "cannot be read: damaged or truncated");
    }
    close_object(object);
    return status;
}

/* The types of libhdf5 are known once it has been entered. */
clayer_status cly_io_hdf5_read_floats(cly_io_hdf5 *file, const char *dataset, float *values, int64_t count) {
    cly_io_hdf5_enter();
    clayer_status status = read_values(file, dataset, H5T_NATIVE_FLOAT, values, count);
    cly_io_hdf5_leave();
    return status;
}

clayer_status cly_io_hdf5_read_doubles(cly_io_hdf5 *file, const char *dataset, double *values, int64_t count) {
    cly_io_hdf5_enter();
    clayer_status status = read_values(file, dataset, H5T_NATIVE_DOUBLE, values, count);
    cly_io_hdf5_leave();
    return status;
}
