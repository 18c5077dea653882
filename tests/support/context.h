/* support/context.h: contexts for tests, with what they log kept. */
#ifndef CLY_TEST_CONTEXT_H
#define CLY_TEST_CONTEXT_H

#include <clayer/context.h>

typedef struct cly_test_log {
    int count;
    char last[1024];
    char all[16384]; /* every message on its line, cut when full */
} cly_test_log;

/* A log callback whose data is a cly_test_log. */
void cly_test_log_add(clayer_log_level level, const char *message, void *log);

/* A context on the chosen device; the test fails if there is none. cache_dir NULL: the usual folder; log may be NULL.
 */
clayer_context *cly_test_context(const char *cache_dir, cly_test_log *log);

clayer_counters cly_test_counters(clayer_context *context);

/* clayer_last_error() contains `part`, or the test fails with both. */
void cly_test_error_has(const char *part);

#endif
