/* train/gather.h: rows of an array of any numeric type, in any order, as float32. */
#ifndef CLY_TRAIN_GATHER_H
#define CLY_TRAIN_GATHER_H

#include <stdint.h>

#include <clayer/array.h>

/* Row r of `count` is row order[r] of the array, or first + r where order is NULL; a row is what lies behind the first
 * axis. Values are converted as clayer_array_convert does, bools to 0 and 1. */
void cly_train_gather(const clayer_array *array, const int64_t *order, int64_t first, int64_t count, float *values);

/* The places of 0 .. count - 1 in pass `pass` over shuffled data: the same for a seed on every machine. */
void cly_train_permute(uint64_t seed, int64_t pass, int64_t *order, int64_t count);

#endif
