/* pool.h: where a window lies, for pooling and its gradient. */

typedef struct reach {
    int begin, end; /* of the window, inside the tensor */
} reach;

static reach reach_at(const int o, const int window, const int stride, const int pad, const int size) {
    reach result;
    result.begin = max(o * stride - pad, 0);
    result.end = min(o * stride - pad + window, size);
    return result;
}
