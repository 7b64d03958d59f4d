/* The event file of a writer: its name, what is still to be written, and what happens when writing fails. */
#ifndef BV_TB_FILE_H
#define BV_TB_FILE_H

#include "event.h"
#include "report.h"

typedef struct tb_file {
  char *directory;     /* absolute, as the process may change its own; owned */
  char *path;          /* of the file that is open, or was last; owned */
  int descriptor;      /* -1: none is open, the next write begins a new one */
  bool is_new;         /* its name may not have reached the disk */
  int64_t seconds;     /* in the name: names of later files sort behind */
  int64_t whole_bytes; /* of the open file, all whole records */
  int64_t first_bytes; /* its version record */
  tb_bytes unwritten;  /* whole records */
  int64_t records;     /* among them */
} tb_file;

/* Makes the directory where there is none, and the first file in it, with its version record. On failure
 * nothing is left but directories. */
bv_status tb_open_file(tb_file *file, const char *directory);

/* Adds a record to those that are unwritten. */
bv_status tb_add_event(tb_file *file, const tb_event *event);

/* Writes them. *written and *lost are increased by how many were and how many could not be; none is left. After
 * a failure the file ends with its last whole record, and is closed. */
bv_status tb_write_file(tb_file *file, int64_t *written, int64_t *lost);

/* Brings what is written to the disk. */
bv_status tb_sync_file(tb_file *file);

void tb_close_file(tb_file *file);

#endif
