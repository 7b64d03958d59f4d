/* The queue between the training loop and the thread that writes, and that thread. */
#ifndef BV_TB_QUEUE_H
#define BV_TB_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "device.h"
#include "file.h"
#include "picture.h"

/* What one call adds. */
typedef struct tb_entry {
  struct tb_entry *next;
  size_t bytes; /* that it takes of the queue */
  double wall_time;
  int64_t step;
  bool is_scalar;
  float scalar;
  tb_grid grid;
  tb_copy *copy;  /* of the cells, from a device; owned */
  uint8_t *cells; /* else: behind the tag */
  char tag[];
} tb_entry;

struct bv_tb_writer {
  bv_tb_options options;
  pid_t process;
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t work, progress; /* for the thread, and by it */

  /* The thread's. */
  const char *directory; /* until it is open */
  tb_file file;
  tb_bytes png;
  int64_t due; /* nanoseconds: when what is unwritten is to be written */

  /* Guarded by the mutex. */
  tb_entry *first, **last;
  int64_t entries;         /* in the queue, being drawn for it, or with the thread, */
  size_t bytes;            /* and theirs */
  int64_t pushed, handled; /* entries so far */
  int64_t flush_behind;    /* the entry behind which the latest flush comes */
  int64_t flushes_wanted, flushes_done;
  bool opened; /* or not, for `failure` */
  bool closing;
  bv_tb_info info;
  tb_failure failure, first_failure; /* the one to be returned, and the one for bv_tb_close */
  tb_device *device;
};

/* Starts the thread of a writer that has options, and lets it open the file. On failure nothing is left. */
bv_status tb_start_thread(bv_tb_writer *writer, const char *directory);

/* Lets it write what is left, close the file, and end. */
void tb_end_thread(bv_tb_writer *writer);

/* Returns the failure that has not been returned yet, if there is one. */
bv_status tb_take_failure(bv_tb_writer *writer);

/* An entry with room for `cell_bytes` bytes of cells, of which `held_bytes` are its own memory, and place in
 * the queue for it. *entry is NULL if the queue is full and the entry is dropped. BV_ERROR_VALUE if it could
 * never fit. */
bv_status tb_new_entry(bv_tb_writer *writer, const char *tag, size_t cell_bytes, size_t held_bytes,
                       tb_entry **entry);

/* Hands it to the thread. */
void tb_push_entry(bv_tb_writer *writer, tb_entry *entry);

/* Gives it up, and its place. */
void tb_drop_entry(bv_tb_writer *writer, tb_entry *entry);

/* Waits until what was pushed is on the disk, or has failed. */
void tb_wait_for_flush(bv_tb_writer *writer);

#endif
