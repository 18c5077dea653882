/* support/context.c: contexts for tests, with what they log kept. */
#include "support/context.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

void cly_test_log_add(clayer_log_level level, const char *message, void *data) {
    cly_test_log *log = data;
    (void)level;
    (void)pthread_mutex_lock(&log_lock);
    log->count++;
    (void)snprintf(log->last, sizeof(log->last), "%s", message);
    size_t used = strlen(log->all);
    (void)snprintf(log->all + used, sizeof(log->all) - used, "%s\n", message);
    (void)pthread_mutex_unlock(&log_lock);
}

clayer_context *cly_test_context(const char *cache_dir, cly_test_log *log) {
    clayer_context *context = NULL;
    const clayer_context_config config = {
        .struct_size = sizeof(config),
        .cache_dir = cache_dir,
        .log = log != NULL ? cly_test_log_add : NULL,
        .log_data = log,
    };
    clayer_status status = clayer_context_create(&config, &context);
    ck_assert_msg(status == CLAYER_OK, "no context: %s", clayer_last_error());
    return context;
}

clayer_counters cly_test_counters(clayer_context *context) {
    clayer_counters counters = {0};
    ck_assert_int_eq(clayer_context_get_counters(context, &counters), CLAYER_OK);
    return counters;
}

void cly_test_error_has(const char *part) {
    ck_assert_msg(strstr(clayer_last_error(), part) != NULL, "'%s' is not in '%s'", part, clayer_last_error());
}
