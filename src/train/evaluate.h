/* train/evaluate.h: what fit shares with evaluate. */
#ifndef CLY_TRAIN_EVALUATE_H
#define CLY_TRAIN_EVALUATE_H

#include "train/session.h"

/* Where arrays are dealt out from, checked. `config` has data, first, samples (0: all behind `first`) and batch_size
 * (0: Keras' 32; a batch that the model fixes wins). `what` is "fit", for messages. */
clayer_status cly_train_open_feed(clayer_model *model, cly_train_feed_config config, const char *what,
                                  cly_train_feed **feed_out);

/* Metrics, checks and memory for all batches of the feed, before anything is computed; nothing for a callback's, whose
 * shapes are unknown until they come. */
clayer_status cly_train_prepare_feed(cly_train_session *session, int mode, const cly_train_feed *feed);

/* One pass in inference mode: values of all columns. */
clayer_status cly_train_evaluate_feed(cly_train_session *session, cly_train_feed *feed,
                                      const clayer_evaluate_config *config, double *values);

#endif
