/* clayer/clayer.h: Keras' convolutional layers on any OpenCL device. This header includes the whole interface but
 * clayer/opencl.h, which an application needs only to share its own OpenCL objects.
 *
 *     #include <clayer/clayer.h>
 *     #include <stdio.h>
 *
 *     int main(void) {
 *         clayer_context *context = NULL;
 *         clayer_model *model = NULL;
 *         clayer_array *x = NULL, *y = NULL;
 *         if (clayer_context_create(NULL, &context) || clayer_model_load(context, "net.keras", &model) ||
 *             clayer_array_load("x.npy", &x) || clayer_model_predict(model, &x, 1, NULL, &y) ||
 *             clayer_array_save(y, "y.npy")) {
 *             fprintf(stderr, "%s\n", clayer_last_error());
 *         }
 *         clayer_array_destroy(y), clayer_array_destroy(x);
 *         clayer_model_destroy(model), clayer_context_destroy(context);
 *     }
 *
 * The objects. A context (context.h) is one OpenCL device with its queue, compiled programs and counters. A layer
 * (layers.h) is one of Keras' layers with its weights; it runs on tensors (tensor.h), which are float32 values in
 * device memory. A model (model.h) joins layers to a graph: built in C with clayer_add_conv2d and its like, or loaded
 * from a file that Keras saved. Training (train.h) compiles a model with an optimizer, losses and metrics, fits it to
 * data and evaluates it; a model is saved (model.h) as files that Keras loads and goes on with. Arrays (array.h) are
 * values in host memory and the NumPy files they come from, which are mapped where they can be. What a
 * layer means, its arguments, their names and defaults, output shapes, the layout of weights, is what Keras means.
 *
 * Errors. A function that can fail returns a clayer_status, CLAYER_OK being 0; clayer_last_error() then holds one
 * sentence that names the layer, the parameter, the value and the limit. Results go through the last argument, which
 * is written only on success. The library never prints and never ends the process, and takes no slower path or other
 * device without a line to the context's log callback.
 *
 * Ownership. What a _create, _load or _convert function gives, the caller destroys; destroying NULL does nothing.
 * What a _get_ or _find_ function gives is borrowed from the object asked. Configs, names and shapes passed in are
 * copied. Objects keep alive what they use, so that the order of destruction does not matter.
 *
 * Configs. Every config struct begins with `struct_size`, to be set to its sizeof, so that programs built against an
 * older header keep working; a field left zero means Keras' default.
 *
 * Threads. A context may be used from several threads; one tensor, layer, model or array by one thread at a time.
 * The error text is per thread. OpenCL does not survive fork(): create contexts in the process that uses them. */
#ifndef CLAYER_H
#define CLAYER_H

#include <clayer/array.h>
#include <clayer/context.h>
#include <clayer/file.h>
#include <clayer/layers.h>
#include <clayer/model.h>
#include <clayer/status.h>
#include <clayer/tensor.h>
#include <clayer/train.h>
#include <clayer/version.h>

#endif
