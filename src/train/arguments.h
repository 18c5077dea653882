/* train/arguments.h: arguments that losses and metrics both take, as entries of their specs (base/spec.h). */
#ifndef CLY_TRAIN_ARGUMENTS_H
#define CLY_TRAIN_ARGUMENTS_H

#include <math.h>

#include "base/spec.h"

#define CLY_TRAIN_FROM_LOGITS \
    { .name = "from_logits", .kind = CLY_SPEC_BOOL }
#define CLY_TRAIN_LABEL_SMOOTHING \
    { .name = "label_smoothing", .low = 0.0, .high = 1.0 }
#define CLY_TRAIN_AXIS \
    { .name = "axis", .fallback = -1.0, .low = -8.0, .high = 7.0 }
#define CLY_TRAIN_IGNORE_CLASS \
    { .name = "ignore_class", .fallback = NAN, .kind = CLY_SPEC_OPTIONAL }

#endif
