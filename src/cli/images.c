/* cli/images.c: pictures and folders of them as inputs of a model: which go to which input, in which layout, and the
 * arithmetic of Keras' preprocess_input functions (scale, mean, std, reversed channels) in float32. */
#include "image.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- names of files ---- */

void cly_cli_free_names(cly_cli_names *names) {
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
    *names = (cly_cli_names){NULL, 0, 0};
}

/* Appends "folder/name", or `name` where folder is NULL. */
static int add_name(cly_cli_names *names, const char *folder, const char *name) {
    if (names->count == names->capacity) {
        const size_t capacity = names->capacity > 0 ? names->capacity * 2 : 16;
        char **items = realloc(names->items, capacity * sizeof *items);
        if (items != NULL) {
            names->items = items;
            names->capacity = capacity;
        }
    }
    const size_t size = (folder != NULL ? strlen(folder) + 1 : 0) + strlen(name) + 1;
    char *text = names->count < names->capacity ? malloc(size) : NULL;
    if (text == NULL) {
        return cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the names of files");
    }
    const bool slash = folder != NULL && folder[0] != '\0' && folder[strlen(folder) - 1] != '/';
    snprintf(text, size, "%s%s%s", folder != NULL ? folder : "", slash ? "/" : "", name);
    names->items[names->count++] = text;
    return CLY_EXIT_DONE;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_folder(const char *path, cly_cli_names *names) {
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return cly_cli_fail(CLY_EXIT_FILE, "cannot read the folder '%s': %s", path, strerror(errno));
    }
    int status = CLY_EXIT_DONE;
    for (struct dirent *entry; status == CLY_EXIT_DONE && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.') {
            status = add_name(names, path, entry->d_name);
        }
    }
    closedir(folder);
    return status;
}

/* The pictures of a folder, sorted by their names' bytes; what is none is told and passed over. */
static int add_folder(const char *path, cly_cli_names *pictures) {
    cly_cli_names all = {NULL, 0, 0};
    const size_t before = pictures->count;
    int status = list_folder(path, &all);
    if (all.count > 0) {
        qsort(all.items, all.count, sizeof *all.items, compare_names);
    }
    for (size_t i = 0; status == CLY_EXIT_DONE && i < all.count; i++) {
        const cly_cli_kind kind = cly_cli_image_kind(all.items[i]);
        if (kind == CLY_CLI_PNG || kind == CLY_CLI_JPEG) {
            status = add_name(pictures, NULL, all.items[i]);
        } else {
            cly_cli_notice("'%s' is %s: left out", all.items[i],
                           kind == CLY_CLI_FOLDER ? "a folder" : "neither a PNG nor a JPEG picture");
        }
    }
    cly_cli_free_names(&all);
    if (status == CLY_EXIT_DONE && pictures->count == before) {
        status = cly_cli_fail(CLY_EXIT_FILE, "the folder '%s' holds no PNG or JPEG picture", path);
    }
    return status;
}

/* ---- what the input is like ---- */

typedef struct layout {
    const char *input;     /* its name */
    bool channels_first;   /* (samples, channels, height, width) */
    bool no_channels;      /* (samples, height, width) */
    int channels;          /* 1, 3 or 4 */
    int64_t height, width; /* the size that pictures get; 0: their own */
    const char *first;     /* the picture that an open size was taken from; NULL: none was */
    bool open_height, open_width;
} layout;

static bool is_channels(int64_t size) {
    return size == 1 || size == 3 || size == 4;
}

/* The last axis holds the channels if it can, else the first one behind the samples. */
static int find_layout(const clayer_model *model, size_t index, layout *found) {
    const clayer_shape *shape = clayer_model_get_input_shape(model, index);
    const int64_t *dims = shape->dims;
    char text[192];
    *found = (layout){.input = clayer_model_get_input_name(model, index)};
    int rows = 1;
    if (shape->rank == 3) {
        found->no_channels = true;
        found->channels = 1;
    } else if (shape->rank == 4 && (is_channels(dims[3]) || is_channels(dims[1]))) {
        found->channels_first = !is_channels(dims[3]);
        found->channels = (int)dims[found->channels_first ? 1 : 3];
        rows = found->channels_first ? 2 : 1;
    } else {
        return cly_cli_fail(CLY_EXIT_USAGE,
                            "input '%s': a picture does not fit the shape %s: it has height, width and "
                            "1, 3 or 4 channels",
                            found->input, cly_cli_format_shape(shape, text, sizeof text));
    }
    found->height = dims[rows] > 0 ? dims[rows] : 0;
    found->width = dims[rows + 1] > 0 ? dims[rows + 1] : 0;
    return CLY_EXIT_DONE;
}

/* Puts --resize into the layout and holds the options against it. */
static int check_options(const cly_cli_verb *verb, const cly_cli_image_options *options, layout *found) {
    if (options->height > 0 && ((found->height > 0 && found->height != options->height) ||
                                (found->width > 0 && found->width != options->width))) {
        return cly_cli_usage(verb, "--resize %lldx%lld: input '%s' is %lldx%lld (0: any)", (long long)options->height,
                             (long long)options->width, found->input, (long long)found->height,
                             (long long)found->width);
    }
    found->height = options->height > 0 ? options->height : found->height;
    found->width = options->width > 0 ? options->width : found->width;
    const int counts[2] = {options->mean_count, options->std_count};
    for (int i = 0; i < 2; i++) {
        if (counts[i] > 1 && counts[i] != found->channels) {
            return cly_cli_usage(verb, "%s: %d numbers for %d channel%s of input '%s'", i == 0 ? "--mean" : "--std",
                                 counts[i], found->channels, found->channels == 1 ? "" : "s", found->input);
        }
    }
    if (options->bgr && found->channels < 3) {
        return cly_cli_usage(verb, "--bgr: input '%s' has 1 channel", found->input);
    }
    return CLY_EXIT_DONE;
}

/* ---- pictures to numbers ---- */

/* Scales, subtracts and divides as preprocess_input does, with its order of rounding; from interleaved `pixels`. */
static void put_sample(const cly_cli_image_options *options, const layout *of, const float *pixels, int64_t count,
                       float *to) {
    for (int64_t i = 0; i < count; i++) {
        for (int c = 0; c < of->channels; c++) {
            const int source = options->bgr && c < 3 ? 2 - c : c;
            float value = pixels[i * of->channels + source];
            if (options->divisor != 0) {
                value = value * (float)options->factor / (float)options->divisor;
            }
            if (options->mean_count > 0) {
                value -= (float)options->mean[options->mean_count > 1 ? c : 0];
            }
            if (options->std_count > 0) {
                value /= (float)options->std[options->std_count > 1 ? c : 0];
            }
            to[of->channels_first ? c * count + i : i * of->channels + c] = value;
        }
    }
}

/* All samples of one input, once the size is known. */
static int create_array(const layout *of, size_t samples, clayer_array **array_out) {
    int64_t dims[4] = {(int64_t)samples, of->height, of->width, of->channels};
    if (of->channels_first) {
        dims[1] = of->channels;
        dims[2] = of->height;
        dims[3] = of->width;
    }
    clayer_status status = clayer_array_create(CLAYER_FLOAT32, of->no_channels ? 3 : 4, dims, array_out);
    return status == CLAYER_OK ? CLY_EXIT_DONE : cly_cli_fail_status(status);
}

/* The first picture settles a size that the model and --resize leave open; the others must have the same. */
static int settle_size(const cly_cli_image *image, const char *path, layout *of) {
    if (of->first == NULL) {
        of->first = path;
        of->open_height = of->height == 0;
        of->open_width = of->width == 0;
        of->height = of->open_height ? image->height : of->height;
        of->width = of->open_width ? image->width : of->width;
        return CLY_EXIT_DONE;
    }
    if ((of->open_height && image->height != of->height) || (of->open_width && image->width != of->width)) {
        return cly_cli_fail(CLY_EXIT_USAGE,
                            "input '%s': '%s' is %lldx%lld, unlike '%s': the model takes any size, so "
                            "say which by --resize",
                            of->input, path, (long long)image->height, (long long)image->width, of->first);
    }
    return CLY_EXIT_DONE;
}

static int load_picture(const char *path, const cly_cli_image_options *options, layout *of, size_t samples,
                        size_t index, float **pixels, clayer_array **array) {
    cly_cli_image image = {.samples = NULL};
    int status = cly_cli_read_image(path, of->channels, &image);
    if (status == CLY_EXIT_DONE) {
        status = settle_size(&image, path, of);
    }
    if (status == CLY_EXIT_DONE && *array == NULL) {
        status = create_array(of, samples, array);
        *pixels = malloc((size_t)(of->height * of->width * of->channels) * sizeof(float));
        if (status == CLY_EXIT_DONE && *pixels == NULL) {
            status = cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the picture '%s'", path);
        }
    }
    if (status == CLY_EXIT_DONE) {
        status = cly_cli_resize_image(&image, options->method, of->height, of->width, path, *pixels);
    }
    if (status == CLY_EXIT_DONE) {
        const int64_t count = of->height * of->width;
        put_sample(options, of, *pixels, count,
                   (float *)clayer_array_get_data(*array) + (int64_t)index * count * of->channels);
    }
    cly_cli_free_image(&image);
    return status;
}

static int load_pictures(const cly_cli_names *paths, const cly_cli_image_options *options, layout *of,
                         clayer_array **array_out) {
    clayer_array *array = NULL;
    float *pixels = NULL;
    int status = CLY_EXIT_DONE;
    for (size_t i = 0; status == CLY_EXIT_DONE && i < paths->count; i++) {
        status = cly_cli_interrupted ? cly_cli_fail(CLY_EXIT_INTERRUPTED, "interrupted")
                                     : load_picture(paths->items[i], options, of, paths->count, i, &pixels, &array);
    }
    free(pixels);
    if (status == CLY_EXIT_DONE) {
        *array_out = array;
    } else {
        clayer_array_destroy(array);
    }
    return status;
}

/* ---- files to inputs ---- */

typedef struct sorted {   /* the -i options of a model with `count` inputs */
    cly_cli_names *paths; /* of pictures, for each input */
    bool *taken;          /* inputs that have an array or pictures */
    bool *needed;         /* inputs that are to come from arrays */
    cly_cli_list arrays;  /* files of arrays; borrowed */
    size_t count;
} sorted;

static void free_sorted(sorted *files) {
    for (size_t i = 0; files->paths != NULL && i < files->count; i++) {
        cly_cli_free_names(&files->paths[i]);
    }
    free(files->paths);
    free(files->taken);
    free(files->needed);
    free(files->arrays.items);
}

static int alloc_sorted(size_t inputs, size_t given, sorted *files) {
    *files = (sorted){.paths = calloc(inputs + 1, sizeof *files->paths),
                      .taken = calloc(inputs + 1, sizeof *files->taken),
                      .needed = calloc(inputs + 1, sizeof *files->needed),
                      .arrays.items = calloc(given + 1, sizeof *files->arrays.items),
                      .count = inputs};
    return files->paths != NULL && files->taken != NULL && files->needed != NULL && files->arrays.items != NULL
               ? CLY_EXIT_DONE
               : cly_cli_fail(CLY_EXIT_MEMORY, "out of memory for the list of inputs");
}

/* One -i: the input that it names, else for a picture the only one, else the next that has nothing yet. */
static int sort_file(const cly_cli_verb *verb, const clayer_model *model, char *item, sorted *files) {
    const char *path;
    int index = cly_cli_named_place(model, CLY_CLI_INPUTS, item, &path);
    const cly_cli_kind kind = cly_cli_image_kind(path);
    const bool picture = kind != CLY_CLI_NO_IMAGE;
    if (index < 0 && picture && files->count == 1) {
        index = 0;
    }
    for (size_t i = 0; index < 0 && i < files->count; i++) {
        index = files->taken[i] ? -1 : (int)i;
    }
    if (!picture) {
        files->arrays.items[files->arrays.count++] = item;
        if (index >= 0) {
            files->taken[index] = true;
        }
        return CLY_EXIT_DONE; /* what is wrong with it, cly_cli_load_arrays says */
    }
    if (index < 0) {
        return cly_cli_usage(verb, "'%s' is one file too many: the model has %zu inputs", path, files->count);
    }
    if (files->taken[index] && files->paths[index].count == 0) {
        return cly_cli_usage(verb, "input '%s' is given an array and the picture '%s'",
                             clayer_model_get_input_name(model, (size_t)index), path);
    }
    files->taken[index] = true;
    return kind == CLY_CLI_FOLDER ? add_folder(path, &files->paths[index]) : add_name(&files->paths[index], NULL, path);
}

static int load_sorted(const cly_cli_verb *verb, const clayer_model *model, const cly_cli_image_options *options,
                       sorted *files, clayer_array **arrays) {
    int status = CLY_EXIT_DONE;
    for (size_t i = 0; i < files->count; i++) {
        files->needed[i] = files->paths[i].count == 0;
    }
    if (files->arrays.count > 0 || memchr(files->needed, true, files->count) != NULL) {
        status = cly_cli_load_arrays(verb, model, CLY_CLI_INPUTS, &files->arrays, files->needed, arrays);
    }
    for (size_t i = 0; status == CLY_EXIT_DONE && i < files->count; i++) {
        layout found;
        if (files->needed[i]) {
            continue;
        }
        if (arrays[i] != NULL) {
            return cly_cli_usage(verb, "input '%s' is given an array and pictures",
                                 clayer_model_get_input_name(model, i));
        }
        status = find_layout(model, i, &found);
        if (status == CLY_EXIT_DONE) {
            status = check_options(verb, options, &found);
        }
        if (status == CLY_EXIT_DONE) {
            status = load_pictures(&files->paths[i], options, &found, &arrays[i]);
        }
    }
    return status;
}

int cly_cli_load_inputs(const cly_cli_verb *verb, const clayer_model *model, const cly_cli_list *files,
                        const cly_cli_image_options *options, clayer_array **arrays_out, cly_cli_names *names_out) {
    const size_t count = clayer_model_get_input_count(model);
    sorted found = {.paths = NULL};
    int status = alloc_sorted(count, files->count, &found);
    for (size_t i = 0; status == CLY_EXIT_DONE && i < files->count; i++) {
        status = sort_file(verb, model, files->items[i], &found);
    }
    const cly_cli_names *pictures = NULL;
    for (size_t i = 0; status == CLY_EXIT_DONE && i < count && pictures == NULL; i++) {
        pictures = found.paths[i].count > 0 ? &found.paths[i] : NULL;
    }
    if (status == CLY_EXIT_DONE && pictures == NULL) {
        status = options->given != NULL ? cly_cli_usage(verb, "%s goes with pictures, but no -i is one", options->given)
                                        : cly_cli_load_arrays(verb, model, CLY_CLI_INPUTS, files, NULL, arrays_out);
    } else if (status == CLY_EXIT_DONE) {
        status = load_sorted(verb, model, options, &found, arrays_out);
    }
    for (size_t i = 0; status == CLY_EXIT_DONE && pictures != NULL && i < pictures->count; i++) {
        status = add_name(names_out, NULL, pictures->items[i]);
    }
    free_sorted(&found);
    return status;
}
