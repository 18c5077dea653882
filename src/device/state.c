/* device/state.c: what can be asked of a context: its device, counters, log, forced implementations. */
#include "device/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const clayer_device_info *cly_device_info(const clayer_context *context) {
    return &context->info;
}

uint64_t cly_device_workspace_limit(const clayer_context *context) {
    return context->workspace_limit;
}

cl_context clayer_context_get_cl_context(const clayer_context *context) {
    return context != NULL ? context->cl : NULL;
}

cl_command_queue clayer_context_get_cl_queue(const clayer_context *context) {
    return context != NULL ? context->queue : NULL;
}

cl_device_id clayer_context_get_cl_device(const clayer_context *context) {
    return context != NULL ? context->device : NULL;
}

clayer_status clayer_context_get_device(clayer_context *context, clayer_device_info *info_out) {
    if (context == NULL || info_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_context_get_device: a pointer is NULL");
    }
    *info_out = context->info;
    return CLAYER_OK;
}

clayer_status clayer_context_finish(clayer_context *context) {
    if (context == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_context_finish: context is NULL");
    }
    cl_int code = clFinish(context->queue);
    return code == CL_SUCCESS ? CLAYER_OK : cly_device_fail(code, "clFinish");
}

clayer_status clayer_context_get_counters(clayer_context *context, clayer_counters *counters_out) {
    if (context == NULL || counters_out == NULL) {
        return cly_base_fail(CLAYER_INVALID_ARGUMENT, "clayer_context_get_counters: a pointer is NULL");
    }
    (void)pthread_mutex_lock(&context->lock);
    *counters_out = context->counters;
    (void)pthread_mutex_unlock(&context->lock);
    return CLAYER_OK;
}

void cly_device_log(clayer_context *context, clayer_log_level level, const char *format, ...) {
    if (context->log == NULL) {
        return;
    }
    char message[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    for (char *c = message; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\r') {
            *c = ' ';
        }
    }
    context->log(level, message, context->log_data);
}

/* The entry of that operator; the lock is held. */
static cly_force *find_force(clayer_context *context, const char *operator_name) {
    cly_force *force = context->forced;
    while (force != NULL && strcmp(force->operator_name, operator_name) != 0) {
        force = force->next;
    }
    return force;
}

const char *cly_device_forced(clayer_context *context, const char *operator_name) {
    (void)pthread_mutex_lock(&context->lock);
    const cly_force *force = find_force(context, operator_name);
    const char *implementation = force != NULL ? force->implementation : NULL;
    (void)pthread_mutex_unlock(&context->lock);
    return implementation;
}

clayer_status cly_device_force(clayer_context *context, const char *operator_name, const char *implementation) {
    char *copy = NULL;
    void *fresh = NULL;
    clayer_status status = CLAYER_OK;
    CLY_TRY(cly_base_copy_string(implementation, &copy));
    CLY_TRY(cly_base_alloc(1, sizeof(cly_force), &fresh));
    CLY_TRY(cly_base_copy_string(operator_name, &((cly_force *)fresh)->operator_name));
    (void)pthread_mutex_lock(&context->lock);
    cly_force *force = find_force(context, operator_name);
    if (force == NULL) {
        force = fresh;
        force->next = context->forced;
        context->forced = force;
        fresh = NULL;
    }
    char *old = force->implementation;
    force->implementation = copy;
    copy = old;
    (void)pthread_mutex_unlock(&context->lock);
done:
    if (fresh != NULL) {
        free(((cly_force *)fresh)->operator_name);
        free(fresh);
    }
    free(copy);
    return status;
}
