/* device/timer.c: the device time of what one thread enqueues, from the events of a profiling queue.
 *
 * A launch is timed by its own event; a call into the GEMM library, which enqueues several kernels, by two markers
 * around it. */
#include "device/internal.h"

#include <stdlib.h>

cly_timer *cly_device_timer_here(clayer_context *context) {
    if (!context->profiling) {
        return NULL;
    }
    pthread_t self = pthread_self();
    (void)pthread_mutex_lock(&context->lock);
    cly_timer *timer = context->timers;
    while (timer != NULL && !pthread_equal(timer->thread, self)) {
        timer = timer->next;
    }
    (void)pthread_mutex_unlock(&context->lock);
    return timer;
}

void cly_device_timer_begin(clayer_context *context) {
    if (!context->profiling || cly_device_timer_here(context) != NULL) {
        return;
    }
    void *memory = NULL;
    if (cly_base_alloc(1, sizeof(cly_timer), &memory) != CLAYER_OK) {
        return; /* cly_device_timer_end then says -1 */
    }
    cly_timer *timer = memory;
    timer->thread = pthread_self();
    (void)pthread_mutex_lock(&context->lock);
    timer->next = context->timers;
    context->timers = timer;
    (void)pthread_mutex_unlock(&context->lock);
}

void cly_device_timer_add(cly_timer *timer, cl_event event, bool span) {
    void *events = timer->events;
    void *spans = timer->spans;
    clayer_status status = cly_base_grow(&events, &timer->capacity, timer->count, sizeof(cl_event));
    timer->events = events;
    if (status == CLAYER_OK) {
        status = cly_base_grow(&spans, &timer->span_capacity, timer->count, sizeof(bool));
        timer->spans = spans;
    }
    if (status != CLAYER_OK) {
        timer->status = status;
        (void)clReleaseEvent(event);
        return;
    }
    timer->events[timer->count] = event;
    timer->spans[timer->count] = span;
    timer->count++;
}

static clayer_status read_time(cl_event event, cl_profiling_info what, cl_ulong *time_out) {
    cl_int code = clGetEventProfilingInfo(event, what, sizeof(*time_out), time_out, NULL);
    return code == CL_SUCCESS ? CLAYER_OK : cly_device_fail(code, "clGetEventProfilingInfo");
}

/* The sum in nanoseconds; everything has been waited for. */
static clayer_status sum_times(const cly_timer *timer, uint64_t *sum_out) {
    uint64_t sum = 0;
    clayer_status status = timer->status;
    for (size_t i = 0; status == CLAYER_OK && i < timer->count; i++) {
        bool span = timer->spans[i] && i + 1 < timer->count;
        cl_ulong from = 0, to = 0;
        CLY_TRY(read_time(timer->events[i], span ? CL_PROFILING_COMMAND_END : CL_PROFILING_COMMAND_START, &from));
        i += span ? 1 : 0;
        CLY_TRY(read_time(timer->events[i], CL_PROFILING_COMMAND_END, &to));
        sum += to > from ? to - from : 0;
    }
    *sum_out = sum;
done:
    return status;
}

clayer_status cly_device_timer_end(clayer_context *context, double *ms_out) {
    cly_timer *timer = cly_device_timer_here(context);
    if (timer == NULL) {
        *ms_out = -1.0;
        return CLAYER_OK;
    }
    (void)pthread_mutex_lock(&context->lock);
    cly_timer **link = &context->timers;
    while (*link != timer) {
        link = &(*link)->next;
    }
    *link = timer->next;
    (void)pthread_mutex_unlock(&context->lock);

    uint64_t sum = 0;
    clayer_status status = clayer_context_finish(context);
    if (status == CLAYER_OK) {
        status = sum_times(timer, &sum);
    }
    if (status == CLAYER_OK) {
        *ms_out = (double)sum / 1e6;
    }
    for (size_t i = 0; i < timer->count; i++) {
        (void)clReleaseEvent(timer->events[i]);
    }
    free(timer->events);
    free(timer->spans);
    free(timer);
    return status;
}
