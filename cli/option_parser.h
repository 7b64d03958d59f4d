/* The command line while it is read: shared by the files that do that. */
#ifndef BV_CLI_OPTION_PARSER_H
#define BV_CLI_OPTION_PARSER_H

#include "options.h"

/* Numbered from beyond the letters of short options. */
enum {
  OPTION_OUTPUT = 256,
  OPTION_RECURSIVE,
  OPTION_TENSORBOARD,
  OPTION_TAG,
  OPTION_STEP,
  OPTION_SHOW,
  OPTION_FORMAT,
  OPTION_COLUMNS,
  OPTION_COLORBAR,
  OPTION_PADDING,
  OPTION_PADDING_VALUE,
  OPTION_FORCE,
  OPTION_JSON,
  OPTION_VERBOSE,
  OPTION_QUIET,
  OPTION_AXIS,
  OPTION_SLICE,
  OPTION_EVERY,
  OPTION_PROJECTION,
  OPTION_MIP,
  OPTION_ORTHO,
  OPTION_PERCENTILE,
  OPTION_MINMAX,
  OPTION_WINDOW,
  OPTION_PRESET,
  OPTION_SCOPE,
  OPTION_FOREGROUND,
  OPTION_MASK,
  OPTION_MASK_GRID,
  OPTION_OVERLAY,
  OPTION_OVERLAY_IMAGE,
  OPTION_OVERLAY_COLORMAP,
  OPTION_OPACITY,
  OPTION_VOLUME,
  OPTION_EPSILON,
  OPTION_COLORMAP,
  OPTION_HELP,
  OPTION_VERSION,
  OPTION_END
};

typedef struct option_parser {
  cli_options *options;
  bool is_given[OPTION_END - OPTION_OUTPUT];
  reason why;
} option_parser;

/* As it is written, without its dashes. */
const char *name_of_option(int option);

/* Whether the option was given. */
bool *given(option_parser *parser, int option);

/* "--OPTION 'VALUE': expected ALLOWED". */
cli_result refuse_value(option_parser *parser, int option, const char *value, const char *allowed);

/* Takes one option and its value. */
cli_result take_option(option_parser *parser, int option, const char *value);

/* When all are taken: whether they go together, and what follows from that. */
cli_result check_options(option_parser *parser);

#endif
