/* The rows of a picture as PNG stores them: filtered, and one zlib stream, made in pieces that know nothing of
 * each other, so that several threads can work, and so that its bytes do not depend on how many they are. */
#ifndef BV_CLI_PNG_ROWS_H
#define BV_CLI_PNG_ROWS_H

#include "write.h"

#define PNG_MOST_ROW_BYTES ((size_t)1 << 30) /* so that a piece fits a chunk */

typedef struct png_piece {
  uint8_t *bytes; /* owned; NULL where there was no memory */
  size_t size;
  uint32_t adler; /* of what they unpack to */
  size_t unpacked_bytes;
} png_piece;

/* How many pieces a picture has; fixed by its size. */
uint32_t count_png_pieces(const picture *shown);

/* The zlib stream is the pieces in order, and then the combined Adler-32 in four bytes, the highest first. */
png_piece pack_png_piece(const picture *shown, uint32_t number);

#endif
