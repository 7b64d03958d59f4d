/* The command line. */
#ifndef BV_CLI_OPTIONS_H
#define BV_CLI_OPTIONS_H

#include "reason.h"

typedef enum output_kind { OUTPUT_PNG, OUTPUT_NPY } output_kind;
typedef enum pixel_format { FORMAT_F32, FORMAT_U8, FORMAT_RGB } pixel_format;
typedef enum slice_choice { SLICE_CENTRE, SLICE_ALL, SLICE_NUMBER, SLICE_PERCENT } slice_choice;
typedef enum verbosity { QUIET, NORMAL, VERBOSE } verbosity;

/* Of BV_PROJECTION_..., ended by NULL. */
extern const char *const projection_names[];

/* Which slices of a volume are shown. */
typedef struct slice_options {
  bool asked; /* --axis, --slice or what is like them was given: an input without slices is then an error */
  int axis;
  slice_choice choice;
  int64_t number; /* SLICE_NUMBER */
  double percent; /* SLICE_PERCENT: of the way from the first to the last */
  int64_t every;  /* SLICE_ALL: every so many */
  bool projects;  /* no slices, but what becomes of all of them */
  int projection; /* BV_PROJECTION_... */
  bool ortho;     /* along each of the three axes */
} slice_options;

typedef struct cli_options {
  char **inputs; /* into argv */
  int input_count;
  bool recursive; /* folders among the inputs have others inside */
  bool volume;    /* a .npy array that would be a picture in colour is a volume */
  slice_options slices;

  /* Where it goes. */
  const char *output;  /* NULL without; a file, "-", or with `each` a directory */
  bool each;           /* a picture of each input, not one of all */
  output_kind kind;    /* also without an output: OUTPUT_PNG */
  pixel_format format; /* OUTPUT_NPY */
  bool force;          /* replace inputs and read-only files */
  const char *log;     /* TensorBoard's directory, NULL without */
  const char *tag;     /* in the log; NULL for the input's name */
  int64_t step;
  bool show; /* in the terminal */

  /* What becomes of the numbers. */
  bv_display_options display; /* without the mask's pixels */
  bool whole;      /* one window over all that a file holds, shown or not: display.scope is the batch */
  bool own_window; /* the fixed window of each input is the one that its file says */
  bool foreground_given, epsilon_given;
  const char *mask; /* NULL without */
  bool ignore_grid; /* of the mask and of overlays: their voxels meet the input's by their index */

  /* How the pictures look. */
  const uint8_t *colours;    /* the colour map's, NULL without; display.colour_map where the library uses it */
  const char *overlay;       /* labels over the pictures, NULL without */
  const char *overlay_image; /* an image over the pictures, NULL without */
  const uint8_t *overlay_colours; /* of that image; NULL for the library's default */
  double opacity;                 /* of both, 0 to 1 */
  bool colour_bar;
  int64_t columns;      /* of the grid; 0 for a near-square picture */
  int64_t padding;      /* pixels between pictures */
  double padding_value; /* the grey there: 0 black, 1 white */

  bool json;
  verbosity verbosity;
  bool help, version; /* nothing else counts if one of them is set */
} cli_options;

/* Reads argv, which is reordered and must outlive `options`. CLI_OK, or CLI_USAGE with one line in `why`
 * that names the option, its value and what is allowed. */
cli_result options_parse(int argc, char **argv, cli_options *options, reason why);

/* What --help prints. */
extern const char options_help[];

#endif
