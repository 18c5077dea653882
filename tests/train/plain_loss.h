/* train/plain_loss.h: losses as plain sums in double, for random cases. */
#ifndef TEST_TRAIN_PLAIN_LOSS_H
#define TEST_TRAIN_PLAIN_LOSS_H

#include "train/losses.h"

/* One entry of the unreduced loss: `n` predictions and targets, or one label where the loss is sparse. `binary`: all
 * targets of the batch are 0 or 1. */
double plain_loss(const cly_spec *loss, int generation, bool logits, bool binary, const double *p, const double *t,
                  int n);

#endif
