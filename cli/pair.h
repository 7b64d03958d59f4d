/* Files that come in pairs: NAME.hdr with the header and NAME.img with the voxels, either perhaps .gz. */
#ifndef BV_CLI_PAIR_H
#define BV_CLI_PAIR_H

/* The path of the other file of a pair, to be freed: that of the header for an image's, and the other way
 * round. NULL if `path` has none of these endings, if there is no such file, or without memory. */
char *header_beside(const char *image_path);
char *image_beside(const char *header_path);

#endif
