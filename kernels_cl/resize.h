/* resize.h: between which two positions an output of bilinear upsampling lies, for it and its gradient. Programs switch
 * contraction off, so that the results are TensorFlow's. */

typedef struct blend {
    int low, high;
    float weight; /* of high */
} blend;

static blend blend_at(const int o, const float scale, const int size) {
    blend result;
    const float position = ((float)o + 0.5f) * scale - 0.5f;
    /* floor and ceil, which are slow calls on some CPUs */
    const int truncated = (int)position;
    const int below = truncated - ((float)truncated > position);
    result.low = max(below, 0);
    result.high = min(below + ((float)below < position), size - 1);
    result.weight = position - (float)below;
    return result;
}
