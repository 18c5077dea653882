/* opencl_interop.c: an application with its own OpenCL context, queue and buffers runs a layer on them, without a copy.
 *
 * UpSampling2D doubles a 2 x 2 image. The layer's work goes to the application's in-order queue, so what the
 * application enqueues before and after it is in order too. */
#include <clayer/clayer.h>
#include <clayer/opencl.h>
#include <stdio.h>

typedef struct application {
    cl_context context;
    cl_command_queue queue;
    cl_mem image;   /* 1 x 2 x 2 x 1 floats */
    cl_mem doubled; /* 1 x 4 x 4 x 1 floats */
} application;

/* Whatever OpenCL program this is part of. */
static cl_int open_application(application *app) {
    float image[4] = {1, 2, 3, 4};
    cl_platform_id platform;
    cl_device_id device;
    cl_int code = clGetPlatformIDs(1, &platform, NULL);
    if (code == CL_SUCCESS) {
        code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL);
    }
    if (code == CL_SUCCESS) {
        app->context = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    }
    if (code == CL_SUCCESS) {
        app->queue = clCreateCommandQueue(app->context, device, 0, &code);
    }
    if (code == CL_SUCCESS) {
        app->image = clCreateBuffer(app->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, sizeof image, image, &code);
    }
    if (code == CL_SUCCESS) {
        app->doubled = clCreateBuffer(app->context, CL_MEM_READ_WRITE, 16 * sizeof(float), NULL, &code);
    }
    return code;
}

static void close_application(application *app) {
    if (app->doubled != NULL) {
        clReleaseMemObject(app->doubled);
    }
    if (app->image != NULL) {
        clReleaseMemObject(app->image);
    }
    if (app->queue != NULL) {
        clReleaseCommandQueue(app->queue);
    }
    if (app->context != NULL) {
        clReleaseContext(app->context);
    }
}

static clayer_status double_image(const application *app) {
    const clayer_up_sampling_config config = {.struct_size = sizeof config, .size = {2}};
    clayer_context *context = NULL;
    clayer_layer *layer = NULL;
    clayer_tensor *x = NULL, *y = NULL;
    clayer_status status = clayer_context_adopt(app->context, app->queue, NULL, &context);
    if (status == CLAYER_OK) {
        status = clayer_tensor_adopt(context, app->image, 0, 4, (int64_t[]){1, 2, 2, 1}, &x);
    }
    if (status == CLAYER_OK) {
        status = clayer_tensor_adopt(context, app->doubled, 0, 4, (int64_t[]){1, 4, 4, 1}, &y);
    }
    if (status == CLAYER_OK) {
        status = clayer_layer_create(context, "UpSampling2D", &config, &layer);
    }
    if (status == CLAYER_OK) {
        status = clayer_layer_forward(layer, &x, 1, y);
    }
    clayer_layer_destroy(layer);
    clayer_tensor_destroy(y);
    clayer_tensor_destroy(x);
    clayer_context_destroy(context);
    return status;
}

int main(void) {
    application app = {NULL, NULL, NULL, NULL};
    float values[16];
    int failed = 0;
    cl_int code = open_application(&app);
    if (code == CL_SUCCESS && double_image(&app) != CLAYER_OK) {
        fprintf(stderr, "opencl_interop: %s\n", clayer_last_error());
        failed = 1;
    } else if (code == CL_SUCCESS) {
        /* The application reads its own buffer with its own queue. */
        code = clEnqueueReadBuffer(app.queue, app.doubled, CL_TRUE, 0, sizeof values, values, 0, NULL, NULL);
        for (int i = 0; code == CL_SUCCESS && i < 16; i++) {
            printf(i % 4 < 3 ? "%g " : "%g\n", (double)values[i]);
        }
    }
    if (code != CL_SUCCESS) {
        fprintf(stderr, "opencl_interop: OpenCL error %d\n", (int)code);
        failed = 1;
    }
    close_application(&app);
    return failed;
}
