/* train/history.c: what Keras' History callback keeps: a column a log, a row an epoch. */
#include "train/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

typedef struct column {
    char *name;
    double *values; /* a row each, as far as they go; NaN: the epoch did not have it */
    size_t count, capacity;
} column;

struct clayer_history {
    column *columns;
    size_t column_count, column_capacity;
    int64_t *epochs; /* a row each */
    size_t row_count, row_capacity;
};

bool cly_train_find_log(const clayer_log *logs, size_t count, const char *name, double *value_out) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(logs[i].name, name) == 0) {
            *value_out = logs[i].value;
            return true;
        }
    }
    return false;
}

clayer_status cly_train_history_create(clayer_history **history_out) {
    void *memory = NULL;
    clayer_status status = cly_base_alloc(1, sizeof(clayer_history), &memory);
    if (status == CLAYER_OK) {
        *history_out = memory;
    }
    return status;
}

void clayer_history_destroy(clayer_history *history) {
    if (history == NULL) {
        return;
    }
    for (size_t i = 0; i < history->column_count; i++) {
        free(history->columns[i].name);
        free(history->columns[i].values);
    }
    free(history->columns);
    free(history->epochs);
    free(history);
}

static clayer_status find_column(clayer_history *history, const char *name, column **column_out) {
    clayer_status status = CLAYER_OK;
    for (size_t i = 0; i < history->column_count; i++) {
        if (strcmp(history->columns[i].name, name) == 0) {
            *column_out = &history->columns[i];
            return CLAYER_OK;
        }
    }
    CLY_TRY(
        cly_base_grow((void **)&history->columns, &history->column_capacity, history->column_count, sizeof(column)));
    column *fresh = &history->columns[history->column_count];
    *fresh = (column){0};
    CLY_TRY(cly_base_copy_string(name, &fresh->name));
    history->column_count++;
    *column_out = fresh;
done:
    return status;
}

static clayer_status append(column *c, double value) {
    clayer_status status = cly_base_grow((void **)&c->values, &c->capacity, c->count, sizeof(double));
    if (status == CLAYER_OK) {
        c->values[c->count++] = value;
    }
    return status;
}

clayer_status cly_train_history_add(clayer_history *history, int64_t epoch, const clayer_log *logs, size_t count) {
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_grow((void **)&history->epochs, &history->row_capacity, history->row_count, sizeof(int64_t)));
    for (size_t i = 0; i < count; i++) {
        column *c = NULL;
        CLY_TRY(find_column(history, logs[i].name, &c));
        while (c->count < history->row_count) {
            CLY_TRY(append(c, (double)NAN));
        }
        CLY_TRY(append(c, logs[i].value));
    }
    history->epochs[history->row_count++] = epoch;
done:
    return status;
}

int64_t clayer_history_get_epochs(const clayer_history *history) {
    return history != NULL ? (int64_t)history->row_count : 0;
}

int64_t clayer_history_get_epoch(const clayer_history *history, int64_t row) {
    return history != NULL && row >= 0 && row < (int64_t)history->row_count ? history->epochs[row] : -1;
}

size_t clayer_history_get_count(const clayer_history *history) {
    return history != NULL ? history->column_count : 0;
}

const char *clayer_history_get_name(const clayer_history *history, size_t index) {
    return history != NULL && index < history->column_count ? history->columns[index].name : NULL;
}

double clayer_history_get_value(const clayer_history *history, size_t index, int64_t row) {
    if (history == NULL || index >= history->column_count || row < 0 || row >= (int64_t)history->columns[index].count) {
        return (double)NAN;
    }
    return history->columns[index].values[row];
}
