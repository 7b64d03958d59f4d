/* The queue and its thread, see queue.h. The thread never holds the mutex while it encodes, writes or waits for
 * a device. */
#define _GNU_SOURCE /* names of threads. NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#include "queue.h"

#include <signal.h>
#include <time.h>

/* What is written at a time, unless it is due before. */
#define WRITE_BYTES ((size_t)64 << 10)
#define NANOSECONDS_PER_SECOND INT64_C(1000000000)

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time); /* cannot fail: the clock exists */
  return (int64_t)time.tv_sec * NANOSECONDS_PER_SECOND + time.tv_nsec;
}

/* ---- Failures: with the mutex held -------------------------------------------------------------------- */

/* A later failure is not returned before an earlier one. */
static void note_failure(bv_tb_writer *writer, bv_status status) {
  if (status == BV_OK)
    return;
  if (writer->failure.status == BV_OK)
    tb_keep_failure(status, &writer->failure);
  if (writer->first_failure.status == BV_OK)
    tb_keep_failure(status, &writer->first_failure);
}

/* ---- The thread ---------------------------------------------------------------------------------------- */

static bv_status add_grid(bv_tb_writer *writer, const tb_entry *entry, tb_event *event) {
  const uint8_t *cells = entry->cells;
  if (entry->copy)
    TB_TRY(tb_await_copy(entry->copy, &cells));
  TB_TRY(tb_encode_png(&entry->grid, cells, &writer->png));
  event->kind = TB_EVENT_IMAGE;
  event->width = entry->grid.width;
  event->height = entry->grid.height;
  event->channels = entry->grid.channels;
  event->encoded = writer->png.data;
  event->encoded_bytes = writer->png.size;
  return tb_add_event(&writer->file, event);
}

static bv_status add_entry(bv_tb_writer *writer, const tb_entry *entry) {
  tb_event event = {
      .kind = TB_EVENT_SCALAR, .wall_time = entry->wall_time, .step = entry->step, .tag = entry->tag};
  if (writer->file.records == 0) {
    const double most = 1e9; /* seconds: some decades */
    const double seconds = writer->options.flush_seconds;
    writer->due = now() + (int64_t)((seconds < most ? seconds : most) * (double)NANOSECONDS_PER_SECOND);
  }
  if (!entry->is_scalar)
    return add_grid(writer, entry, &event);
  event.scalar = entry->scalar;
  return tb_add_event(&writer->file, &event);
}

static void write_file(bv_tb_writer *writer, bool to_the_disk) {
  int64_t written = 0, lost = 0;
  bv_status status = tb_write_file(&writer->file, &written, &lost);
  if (status == BV_OK && to_the_disk)
    status = tb_sync_file(&writer->file);
  pthread_mutex_lock(&writer->mutex);
  note_failure(writer, status);
  writer->info.written += written;
  writer->info.lost += lost;
  pthread_mutex_unlock(&writer->mutex);
}

static bool is_due(const bv_tb_writer *writer) { return writer->file.records > 0 && now() >= writer->due; }

static void free_entry(tb_entry *entry) {
  tb_end_copy(entry->copy);
  free(entry);
}

/* With the mutex held. */
static void give_place_back(bv_tb_writer *writer, size_t bytes) {
  --writer->entries;
  writer->bytes -= bytes;
  pthread_cond_broadcast(&writer->progress);
}

static void handle(bv_tb_writer *writer, tb_entry *entry) {
  const size_t bytes = entry->bytes;
  bv_status status = add_entry(writer, entry);
  free_entry(entry);
  pthread_mutex_lock(&writer->mutex);
  note_failure(writer, status);
  writer->info.lost += status != BV_OK;
  ++writer->handled;
  give_place_back(writer, bytes);
  pthread_mutex_unlock(&writer->mutex);
  if (writer->file.unwritten.size >= WRITE_BYTES || is_due(writer))
    write_file(writer, false);
}

static void flush(bv_tb_writer *writer, int64_t flushes) {
  write_file(writer, true);
  pthread_mutex_lock(&writer->mutex);
  writer->flushes_done = flushes;
  pthread_cond_broadcast(&writer->progress);
  pthread_mutex_unlock(&writer->mutex);
}

/* With the mutex held: until there is work, or until what is unwritten is due. */
static void wait_for_work(bv_tb_writer *writer) {
  if (writer->file.records == 0) {
    pthread_cond_wait(&writer->work, &writer->mutex);
  } else {
    const struct timespec until = {writer->due / NANOSECONDS_PER_SECOND, writer->due % NANOSECONDS_PER_SECOND};
    pthread_cond_timedwait(&writer->work, &writer->mutex, &until);
  }
}

static tb_entry *pop(bv_tb_writer *writer) {
  tb_entry *entry = writer->first;
  writer->first = entry->next;
  if (!writer->first)
    writer->last = &writer->first;
  return entry;
}

/* By the thread, as all signals are blocked in it: also the one for a file that grows beyond its limit. */
static bool open_file(bv_tb_writer *writer) {
  bv_status status = tb_open_file(&writer->file, writer->directory);
  pthread_mutex_lock(&writer->mutex);
  note_failure(writer, status);
  writer->opened = true;
  pthread_cond_broadcast(&writer->progress);
  pthread_mutex_unlock(&writer->mutex);
  return status == BV_OK;
}

static void *run(void *argument) {
  bv_tb_writer *writer = argument;
  if (!open_file(writer))
    return NULL;
  for (bool closing = false; !closing;) {
    pthread_mutex_lock(&writer->mutex);
    const int64_t flushes = writer->flushes_wanted;
    const bool flushing = flushes > writer->flushes_done && writer->handled >= writer->flush_behind;
    tb_entry *entry = flushing || !writer->first ? NULL : pop(writer);
    closing = !flushing && !entry && writer->closing;
    if (!flushing && !entry && !closing)
      wait_for_work(writer);
    pthread_mutex_unlock(&writer->mutex);
    if (flushing)
      flush(writer, flushes);
    else if (entry)
      handle(writer, entry);
    else if (is_due(writer))
      write_file(writer, false);
  }
  write_file(writer, true);
  tb_close_file(&writer->file);
  tb_free_bytes(&writer->png);
  return NULL;
}

/* Signals are for the caller's threads. */
static int create_thread(bv_tb_writer *writer) {
  sigset_t all, callers;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &callers);
  int error = pthread_create(&writer->thread, NULL, run, writer);
  pthread_sigmask(SIG_SETMASK, &callers, NULL);
  if (error == 0)
    pthread_setname_np(writer->thread, "batchview log");
  return error;
}

static int make_conditions(bv_tb_writer *writer) {
  pthread_condattr_t attributes;
  int error = pthread_condattr_init(&attributes);
  if (error != 0)
    return error;
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  error = pthread_cond_init(&writer->work, &attributes);
  if (error == 0 && (error = pthread_cond_init(&writer->progress, &attributes)) != 0)
    pthread_cond_destroy(&writer->work);
  pthread_condattr_destroy(&attributes);
  return error;
}

static void destroy_conditions(bv_tb_writer *writer) {
  pthread_cond_destroy(&writer->progress);
  pthread_cond_destroy(&writer->work);
  pthread_mutex_destroy(&writer->mutex);
}

static bv_status wait_until_opened(bv_tb_writer *writer) {
  pthread_mutex_lock(&writer->mutex);
  while (!writer->opened)
    pthread_cond_wait(&writer->progress, &writer->mutex);
  const bv_status status = writer->failure.status;
  pthread_mutex_unlock(&writer->mutex);
  return status;
}

bv_status tb_start_thread(bv_tb_writer *writer, const char *directory) {
  writer->directory = directory;
  writer->last = &writer->first;
  int error = pthread_mutex_init(&writer->mutex, NULL);
  if (error == 0 && (error = make_conditions(writer)) != 0)
    pthread_mutex_destroy(&writer->mutex);
  if (error == 0 && (error = create_thread(writer)) != 0)
    destroy_conditions(writer);
  if (error != 0)
    return tb_fail(BV_ERROR_MEMORY, "the log has no thread, for want of memory or by a limit: %s",
                   strerror(error));
  if (wait_until_opened(writer) == BV_OK)
    return BV_OK;
  pthread_join(writer->thread, NULL);
  destroy_conditions(writer);
  return tb_restore_failure(&writer->failure);
}

void tb_end_thread(bv_tb_writer *writer) {
  pthread_mutex_lock(&writer->mutex);
  writer->closing = true;
  pthread_cond_signal(&writer->work);
  pthread_mutex_unlock(&writer->mutex);
  pthread_join(writer->thread, NULL);
  destroy_conditions(writer);
}

/* ---- The callers --------------------------------------------------------------------------------------- */

bv_status tb_take_failure(bv_tb_writer *writer) {
  pthread_mutex_lock(&writer->mutex);
  const tb_failure failure = writer->failure;
  writer->failure.status = BV_OK;
  pthread_mutex_unlock(&writer->mutex);
  return failure.status == BV_OK ? BV_OK : tb_restore_failure(&failure);
}

/* With the mutex held. */
static bool has_room(const bv_tb_writer *writer, size_t bytes) {
  return writer->entries < writer->options.queue_entries &&
         bytes <= writer->options.queue_bytes - writer->bytes;
}

/* False if there is no room, and the entry is dropped. */
static bool take_place(bv_tb_writer *writer, size_t bytes) {
  pthread_mutex_lock(&writer->mutex);
  while (writer->options.when_full == BV_TB_WAIT && !has_room(writer, bytes))
    pthread_cond_wait(&writer->progress, &writer->mutex);
  const bool taken = has_room(writer, bytes);
  if (taken) {
    ++writer->entries;
    writer->bytes += bytes;
  } else {
    ++writer->info.dropped;
  }
  pthread_mutex_unlock(&writer->mutex);
  return taken;
}

static void leave_place(bv_tb_writer *writer, size_t bytes) {
  pthread_mutex_lock(&writer->mutex);
  give_place_back(writer, bytes);
  pthread_mutex_unlock(&writer->mutex);
}

bv_status tb_new_entry(bv_tb_writer *writer, const char *tag, size_t cell_bytes, size_t held_bytes,
                       tb_entry **entry) {
  const size_t tag_bytes = strlen(tag) + 1, bytes = tag_bytes + cell_bytes;
  *entry = NULL;
  if (bytes > writer->options.queue_bytes)
    return tb_fail(BV_ERROR_VALUE, "\"%.64s\" takes %zu bytes of the queue, whose options->queue_bytes are %zu",
                   tag, bytes, writer->options.queue_bytes);
  if (!take_place(writer, bytes))
    return BV_OK;
  *entry = malloc(sizeof **entry + tag_bytes + held_bytes);
  if (!*entry) {
    leave_place(writer, bytes);
    return tb_fail(BV_ERROR_MEMORY, "no memory for the %zu bytes of \"%.64s\"", bytes, tag);
  }
  **entry = (tb_entry){.bytes = bytes, .wall_time = tb_wall_time()};
  memcpy((*entry)->tag, tag, tag_bytes);
  (*entry)->cells = (uint8_t *)(*entry)->tag + tag_bytes;
  return BV_OK;
}

void tb_push_entry(bv_tb_writer *writer, tb_entry *entry) {
  pthread_mutex_lock(&writer->mutex);
  *writer->last = entry;
  writer->last = &entry->next;
  ++writer->pushed;
  pthread_cond_signal(&writer->work);
  pthread_mutex_unlock(&writer->mutex);
}

void tb_drop_entry(bv_tb_writer *writer, tb_entry *entry) {
  const size_t bytes = entry->bytes;
  free_entry(entry);
  leave_place(writer, bytes);
}

void tb_wait_for_flush(bv_tb_writer *writer) {
  pthread_mutex_lock(&writer->mutex);
  const int64_t number = ++writer->flushes_wanted;
  writer->flush_behind = writer->pushed;
  pthread_cond_signal(&writer->work);
  while (writer->flushes_done < number)
    pthread_cond_wait(&writer->progress, &writer->mutex);
  pthread_mutex_unlock(&writer->mutex);
}
