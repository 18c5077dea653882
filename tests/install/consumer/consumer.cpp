// consumer.cpp: the same in C++17, with a config struct and a model.
#include <clayer/clayer.h>

#include <cstdio>

int main() {
    clayer_context *context = nullptr;
    clayer_model *model = nullptr;
    clayer_node *node = nullptr;
    clayer_conv_config conv{};
    conv.struct_size = sizeof conv;
    conv.filters = 2;
    conv.kernel_size[0] = 3;
    conv.padding = "same";
    const int64_t dims[] = {8, 8, 1};

    clayer_status status = clayer_context_create(nullptr, &context);
    if (status == CLAYER_OK) {
        status = clayer_model_create(context, "net", &model);
    }
    if (status == CLAYER_OK) {
        status = clayer_add_input(model, 3, dims, &node);
    }
    if (status == CLAYER_OK) {
        status = clayer_add_conv2d(model, node, &conv, &node);
    }
    const clayer_shape *shape = status == CLAYER_OK ? clayer_model_get_output_shape(model, 0) : nullptr;
    const bool right = shape != nullptr && shape->rank == 4 && shape->dims[1] == 8 && shape->dims[3] == 2;
    if (!right) {
        std::printf("%s: %s\n", clayer_status_string(status), clayer_last_error());
    }
    clayer_model_destroy(model);
    clayer_context_destroy(context);
    return right ? 0 : 1;
}
