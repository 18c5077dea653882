/* io/hdf5_common.c: what goes round every call of libhdf5: one thread at a time, and nothing printed; what frees a list
 * of names that it gave.
 *
 * The printer of the application's own errors is put back after each call, but for the end of the process: a damaged
 * file may leave the library unable to close, of which it would print a line of its own. */
#include <stdlib.h>

#include <hdf5.h>
#include <pthread.h>

#include "io/io.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static H5E_auto2_t old_printer; /* guarded by the lock, as what follows */
static void *old_data;
static bool opened;

static void print_nothing(void) {
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void cly_io_hdf5_enter(void) {
    (void)pthread_mutex_lock(&lock);
    if (!opened) { /* libhdf5 is to close after it, so must be told of it before */
        (void)H5open();
        opened = atexit(print_nothing) == 0;
    }
    (void)H5Eget_auto2(H5E_DEFAULT, &old_printer, &old_data);
    print_nothing();
}

void cly_io_hdf5_leave(void) {
    (void)H5Eset_auto2(H5E_DEFAULT, old_printer, old_data);
    (void)pthread_mutex_unlock(&lock);
}

void cly_io_free_strings(char **strings, size_t count) {
    for (size_t i = 0; strings != NULL && i < count; i++) {
        free(strings[i]);
    }
    free(strings);
}
