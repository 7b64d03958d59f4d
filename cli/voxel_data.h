/* Voxels that a header in text describes: behind it in its file, or in a file that it names. */
#ifndef BV_CLI_VOXEL_DATA_H
#define BV_CLI_VOXEL_DATA_H

#include "header_text.h"
#include "numbers.h"

#define SKIP_TO_LAST (-1) /* the voxels are the last bytes of their file */

typedef struct voxel_data {
  text_slice file;     /* the name that the header gives; no text: the header's own file */
  size_t header_bytes; /* before the voxels in the header's own file */
  int64_t line_skip;   /* lines before the voxels, */
  int64_t byte_skip; /* and bytes behind these lines, or SKIP_TO_LAST; of packed voxels bytes after unpacking */
  bool packed;       /* gzip or zlib data */
  size_t packed_bytes; /* of them, as far as they are there; 0 if nobody says */
} voxel_data;

/* The bytes of the header's own file that are looked at, if the voxels take `bytes`. */
size_t voxel_data_extent(const voxel_data *place, size_t bytes);

/* Finds `numbers->count` numbers and loads them with load_numbers().
 *
 * What a header may name is a regular file in the header's own folder or below it: a relative name without
 * "..". Links are followed: whoever made them chose their ends. A header from standard input can name none, for
 * it has no folder. */
cli_result load_voxel_data(const voxel_data *place, file_bytes header, stored_numbers *numbers, source *into,
                           reason why);

#endif
