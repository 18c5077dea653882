/* train/history.h: rows of logs by epoch, and how numbers and file names are written as Python writes them. */
#ifndef CLY_TRAIN_HISTORY_H
#define CLY_TRAIN_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clayer/train.h>

#include "base/text.h"

/* The value of that name in a row of logs; false if there is none. */
bool cly_train_find_log(const clayer_log *logs, size_t count, const char *name, double *value_out);

clayer_status cly_train_history_create(clayer_history **history_out);
/* A row; names that are new become columns, empty before. */
clayer_status cly_train_history_add(clayer_history *history, int64_t epoch, const clayer_log *logs, size_t count);

/* repr(float) of Python, or str(numpy.float32) of the value as a float; `text` holds CLY_TRAIN_NUMBER bytes. */
#define CLY_TRAIN_NUMBER 64
void cly_train_write_number(double value, bool as_float32, char text[CLY_TRAIN_NUMBER]);

/* Python's pattern.format(epoch=epoch, **logs): "{epoch:02d}-{val_loss:.4f}.keras". Unknown names and formats are
 * CLAYER_INVALID_ARGUMENT. */
clayer_status cly_train_format_path(const char *pattern, int64_t epoch, const clayer_log *logs, size_t count,
                                    cly_base_text *path);

/* Keras' CSVLogger. */
typedef struct cly_train_csv cly_train_csv;
clayer_status cly_train_csv_open(const char *path, bool append, int generation, cly_train_csv **csv_out);
clayer_status cly_train_csv_add(cly_train_csv *csv, int64_t epoch, const clayer_log *logs, size_t count);
/* An error is that of the last bytes that could not be written. NULL does nothing. */
clayer_status cly_train_csv_close(cly_train_csv *csv);

#endif
