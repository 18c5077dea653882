/* train/csv.c: the file that Keras' CSVLogger writes (keras/src/callbacks/csv_logger.py and Keras 2's): the columns are
 * the sorted names of the first epoch's logs, and their val_ twins where it had none; a missing value is NA; lines end
 * as Python's csv.excel ends them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/history.h"

struct cly_train_csv {
    FILE *file;
    char *path;
    int generation;
    bool needs_header;
    char **names; /* NULL before the first epoch */
    size_t count;
};

static void destroy(cly_train_csv *csv) {
    for (size_t i = 0; csv->names != NULL && i < csv->count; i++) {
        free(csv->names[i]);
    }
    free(csv->names);
    free(csv->path);
    free(csv);
}

clayer_status cly_train_csv_open(const char *path, bool append, int generation, cly_train_csv **csv_out) {
    void *memory = NULL;
    cly_train_csv *csv = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(1, sizeof(cly_train_csv), &memory));
    csv = memory;
    csv->generation = generation;
    csv->needs_header = true;
    CLY_TRY(cly_base_copy_string(path, &csv->path));
    if (append) {
        FILE *old = fopen(path, "rb");
        if (old != NULL) {
            csv->needs_header = fgetc(old) == EOF;
            (void)fclose(old);
        }
    }
    csv->file = fopen(path, append ? "ab" : "wb");
    if (csv->file == NULL) {
        CLY_TRY(cly_base_fail_errno("write", path));
    }
    *csv_out = csv;
    csv = NULL;
done:
    if (csv != NULL) {
        destroy(csv);
    }
    return status;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static clayer_status make_names(cly_train_csv *csv, const clayer_log *logs, size_t count) {
    void *memory = NULL;
    bool validated = false;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_alloc(2 * count, sizeof(char *), &memory));
    csv->names = memory;
    for (size_t i = 0; i < count; i++) {
        CLY_TRY(cly_base_copy_string(logs[i].name, &csv->names[csv->count]));
        csv->count++;
        validated = validated || strncmp(logs[i].name, "val_", 4) == 0;
    }
    qsort(csv->names, csv->count, sizeof(char *), by_text);
    for (size_t i = 0; !validated && i < count; i++) {
        cly_base_text name = {0};
        status = cly_base_text_add(&name, "val_%s", csv->names[i]);
        if (status != CLAYER_OK) {
            cly_base_text_free(&name);
            return status;
        }
        csv->names[csv->count++] = name.chars;
    }
done:
    return status;
}

/* Python's csv quotes where it must. */
static clayer_status add_text(cly_base_text *line, const char *text) {
    clayer_status status = CLAYER_OK;
    if (strpbrk(text, ",\"\r\n") == NULL) {
        return cly_base_text_add(line, "%s", text);
    }
    CLY_TRY(cly_base_text_add(line, "\""));
    for (const char *c = text; *c != '\0'; c++) {
        CLY_TRY(cly_base_text_add(line, "%s%c", *c == '"' ? "\"" : "", *c));
    }
    CLY_TRY(cly_base_text_add(line, "\""));
done:
    return status;
}

/* The line reaches the system before the next epoch begins. */
static clayer_status write_line(cly_train_csv *csv, const cly_base_text *line) {
    errno = 0;
    if (fwrite(line->chars, 1, line->length, csv->file) != line->length || fflush(csv->file) != 0) {
        return cly_base_fail_errno("write", csv->path);
    }
    return CLAYER_OK;
}

static clayer_status write_header(cly_train_csv *csv) {
    cly_base_text line = {0};
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_text_add(&line, "epoch"));
    for (size_t i = 0; i < csv->count; i++) {
        CLY_TRY(cly_base_text_add(&line, ","));
        CLY_TRY(add_text(&line, csv->names[i]));
    }
    CLY_TRY(cly_base_text_add(&line, "\r\n"));
    CLY_TRY(write_line(csv, &line));
done:
    cly_base_text_free(&line);
    return status;
}

clayer_status cly_train_csv_add(cly_train_csv *csv, int64_t epoch, const clayer_log *logs, size_t count) {
    cly_base_text line = {0};
    clayer_status status = CLAYER_OK;
    if (csv->names == NULL) {
        CLY_TRY(make_names(csv, logs, count));
        if (csv->needs_header) {
            CLY_TRY(write_header(csv));
        }
    }
    CLY_TRY(cly_base_text_add(&line, "%lld", (long long)epoch));
    for (size_t i = 0; i < csv->count; i++) {
        char number[CLY_TRAIN_NUMBER] = "NA";
        double value = 0;
        if (cly_train_find_log(logs, count, csv->names[i], &value)) {
            /* Keras 2 logs the learning rate as NumPy's float32, all else as Python's float. */
            cly_train_write_number(value, csv->generation == 2 && strcmp(csv->names[i], "lr") == 0, number);
        }
        CLY_TRY(cly_base_text_add(&line, ",%s", number));
    }
    CLY_TRY(cly_base_text_add(&line, "\r\n"));
    CLY_TRY(write_line(csv, &line));
done:
    cly_base_text_free(&line);
    return status;
}

clayer_status cly_train_csv_close(cly_train_csv *csv) {
    clayer_status status = CLAYER_OK;
    if (csv == NULL) {
        return CLAYER_OK;
    }
    errno = 0;
    if (fclose(csv->file) != 0) {
        status = cly_base_fail_errno("write", csv->path);
    }
    destroy(csv);
    return status;
}
