/* list_variants.c: writes the programs as the library embeds them, and lists the variants that it can build on a GPU.
 *
 * usage: list_variants VARIANTS FOLDER
 * Writes FOLDER/<program>.cl for each program and prints a line a variant: program, where, options. "all" is to be
 * compiled for every target of a vendor, "one" for one of them, "none" for none: only a CPU gets it. A line of VARIANTS
 * is "gpu" or "cpu", a program and its options; ACTIVATION=* stands for every activation of src/ops/activation.h and
 * ACTIVATION=+ for all but GELU, LOSS=* for every loss of src/ops/loss.h, FUNCTION=* for every function of
 * src/ops/arithmetic.h. Exit status 1: VARIANTS and the programs disagree. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "device/device.h"
#include "ops/activation.h"
#include "ops/arithmetic.h"
#include "ops/loss.h"

#define MOST_LISTED 64

static const char *listed[MOST_LISTED];
static size_t listed_count;

static const cly_kernel_source *find(const char *program) {
    for (const cly_kernel_source *source = cly_kernel_sources; source->name != NULL; source++) {
        if (strcmp(source->name, program) == 0) {
            return source;
        }
    }
    return NULL;
}

static bool is_listed(const char *program) {
    for (size_t i = 0; i < listed_count; i++) {
        if (strcmp(listed[i], program) == 0) {
            return true;
        }
    }
    return false;
}

static bool write_source(const cly_kernel_source *source, const char *folder) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s.cl", folder, source->name);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return false;
    }
    const bool written = fwrite(source->bytes, 1, source->length, file) == source->length;
    return fclose(file) == 0 && written;
}

/* A star stands for all numbers first .. last; `cheapest` and `dearest` are compiled for every target, the others for
 * one of each vendor; `without` is left out. */
static bool print_star(const char *program, bool cpu, char *options, const char *name, int first, int last,
                       int cheapest, int dearest, int without) {
    char *star = strstr(options, name);
    if (star == NULL) {
        return false;
    }
    star += strlen(name) - 1;
    *star = '\0';
    for (int id = first; id <= last; id++) {
        const bool everywhere = id == cheapest || id == dearest;
        if (id != without) {
            printf("%s %s %s%d%s\n", program, cpu ? "none" : everywhere ? "all" : "one", options, id, star + 1);
        }
    }
    return true;
}

static void print_variants(const char *program, bool cpu, char *options) {
    if (!print_star(program, cpu, options, "ACTIVATION=*", CLY_LINEAR, CLY_ELEMENTWISE_COUNT - 1, CLY_LINEAR, CLY_GELU,
                    -1) &&
        !print_star(program, cpu, options, "ACTIVATION=+", CLY_LINEAR, CLY_ELEMENTWISE_COUNT - 1, CLY_LINEAR, CLY_MISH,
                    CLY_GELU) &&
        !print_star(program, cpu, options, "LOSS=*", CLY_LOSS_SQUARED_ERROR, CLY_LOSS_SPARSE_LOGITS,
                    CLY_LOSS_SQUARED_ERROR, CLY_LOSS_CATEGORICAL, -1) &&
        !print_star(program, cpu, options, "FUNCTION=*", CLY_ADD, CLY_FUNCTION_COUNT - 1, CLY_ADD, CLY_POWER, -1)) {
        printf("%s %s %s\n", program, cpu ? "none" : "all", options);
    }
}

static bool read_variants(FILE *file) {
    bool good = true;
    char line[1024];
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        const bool cpu = strncmp(line, "cpu ", 4) == 0;
        char *program = line + 4; /* both words have three letters */
        if (line[0] == '#' || line[0] == '\0') {
            continue;
        }
        if (!cpu && strncmp(line, "gpu ", 4) != 0) {
            fprintf(stderr, "variants: neither gpu nor cpu: %s\n", line);
            good = false;
            continue;
        }
        char *space = strchr(program, ' ');
        char *options = space != NULL ? space + 1 : program + strlen(program);
        if (space != NULL) {
            *space = '\0';
        }
        const cly_kernel_source *source = find(program);
        if (source == NULL) {
            fprintf(stderr, "variants: there is no program %s\n", program);
            good = false;
            continue;
        }
        if (!is_listed(source->name) && listed_count < MOST_LISTED) {
            listed[listed_count++] = source->name;
        }
        print_variants(source->name, cpu, options);
    }
    return good;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: list_variants VARIANTS FOLDER\n");
        return 2;
    }
    FILE *file = fopen(argv[1], "r");
    if (file == NULL) {
        perror(argv[1]);
        return 1;
    }
    bool good = read_variants(file);
    fclose(file);
    for (const cly_kernel_source *source = cly_kernel_sources; source->name != NULL; source++) {
        if (!is_listed(source->name)) {
            fprintf(stderr, "variants: program %s has no line in %s\n", source->name, argv[1]);
            good = false;
        }
        if (!write_source(source, argv[2])) {
            perror(argv[2]);
            good = false;
        }
    }
    return good ? 0 : 1;
}
