/* Files that come in pairs: NAME.hdr with the header and NAME.img with the voxels, either perhaps .gz. */
#ifndef BV_CLI_PAIR_H
#define BV_CLI_PAIR_H

#include <limits.h>
#include <stdbool.h>

/* Gives the path of the other file of a pair: that of the header for an image's, and the other way round. False
 * if `path` has none of these endings, or if there is no such file. */
bool header_beside(const char *image_path, char header_path[PATH_MAX]);
bool image_beside(const char *header_path, char image_path[PATH_MAX]);

#endif
