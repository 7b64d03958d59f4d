/* The headers of NRRD files, as text that is checked but not yet understood as a volume. */
#ifndef BV_CLI_NRRD_HEADER_H
#define BV_CLI_NRRD_HEADER_H

#include "voxel_data.h"

#define NRRD_MAX_AXES 16

enum {
  NRRD_DIMENSION,
  NRRD_TYPE,
  NRRD_SIZES,
  NRRD_ENCODING,
  NRRD_ENDIAN,
  NRRD_SPACE,
  NRRD_SPACE_DIRECTIONS,
  NRRD_SPACE_ORIGIN,
  NRRD_SPACINGS,
  NRRD_KINDS,
  NRRD_DATA_FILE,
  NRRD_LINE_SKIP,
  NRRD_BYTE_SKIP,
  NRRD_FIELD_COUNT
};

typedef struct nrrd_header {
  header_field fields[NRRD_FIELD_COUNT];
  int axes;
  int64_t sizes[NRRD_MAX_AXES];
  double spacings[NRRD_MAX_AXES];      /* NaN where the header says none */
  double directions[NRRD_MAX_AXES][3]; /* of one step along an axis, by the header's own space */
  bool is_direction[NRRD_MAX_AXES];    /* it has one */
  double origin[3];
  stored_numbers numbers; /* without data */
  voxel_data place;
} nrrd_header;

/* Decodes the header at the beginning of a file, which is there as a whole or not. CLI_OK with *complete false
 * if more of it is needed. */
cli_result nrrd_decode(file_bytes file, bool whole, nrrd_header *h, bool *complete, reason why);

static inline text_slice nrrd_value(const nrrd_header *h, int field) { return h->fields[field].value; }

/* Refuses the value of a field, or that it has none. */
cli_result nrrd_refuse_field(const nrrd_header *h, int field, const char *allowed, reason why);

#endif
