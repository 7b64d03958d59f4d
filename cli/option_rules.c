/* All options together. */
#include "option_parser.h"

#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "report.h"
#include "show.h"
#include "values.h"

static int is_standard(const char *path) { return path && strcmp(path, "-") == 0; }

static cli_result check_together(option_parser *parser) {
  static const int conflicts[][2] = {
      {OPTION_PERCENTILE, OPTION_MINMAX}, {OPTION_PERCENTILE, OPTION_WINDOW}, {OPTION_MINMAX, OPTION_WINDOW},
      {OPTION_PERCENTILE, OPTION_PRESET}, {OPTION_MINMAX, OPTION_PRESET},     {OPTION_WINDOW, OPTION_PRESET},
      {OPTION_SLICE, OPTION_PROJECTION},  {OPTION_SLICE, OPTION_MIP},         {OPTION_PROJECTION, OPTION_MIP},
      {OPTION_AXIS, OPTION_ORTHO},        {OPTION_MASK, OPTION_FOREGROUND},   {OPTION_QUIET, OPTION_VERBOSE}};
  for (size_t i = 0; i < sizeof conflicts / sizeof *conflicts; ++i)
    if (*given(parser, conflicts[i][0]) && *given(parser, conflicts[i][1]))
      return refuse(parser->why, CLI_USAGE, "--%s and --%s exclude each other", name_of_option(conflicts[i][0]),
                    name_of_option(conflicts[i][1]));

  cli_options *options = parser->options;
  if (options->mask)
    options->display.foreground = BV_FOREGROUND_MASK;
  else if (options->display.window == BV_WINDOW_FIXED && !*given(parser, OPTION_FOREGROUND))
    options->display.foreground = BV_FOREGROUND_ALL; /* in CT 0 is water, no background */

  options->foreground_given = *given(parser, OPTION_FOREGROUND);
  options->epsilon_given = *given(parser, OPTION_EPSILON);
  if (*given(parser, OPTION_EVERY) && options->slices.choice != SLICE_ALL)
    return refuse(parser->why, CLI_USAGE, "--every is for --slice all");
  const bool overlays = options->overlay || options->overlay_image;
  if (*given(parser, OPTION_MASK_GRID) && !options->mask && !overlays)
    return refuse(parser->why, CLI_USAGE, "--mask-grid is for --mask, --overlay and --overlay-image");
  if (*given(parser, OPTION_OPACITY) && !overlays)
    return refuse(parser->why, CLI_USAGE, "--opacity is for --overlay and --overlay-image");
  if (*given(parser, OPTION_OVERLAY_COLORMAP) && !options->overlay_image)
    return refuse(parser->why, CLI_USAGE, "--overlay-colormap is for --overlay-image");

  if (options->input_count == 0)
    return refuse(parser->why, CLI_USAGE, "no input file; see batchview --help");
  int standard_inputs =
      is_standard(options->mask) + is_standard(options->overlay) + is_standard(options->overlay_image);
  for (int i = 0; i < options->input_count; ++i)
    standard_inputs += is_standard(options->inputs[i]);
  if (standard_inputs > 1)
    return refuse(parser->why, CLI_USAGE, "standard input (-) is given twice");
  return CLI_OK;
}

static bool is_directory(const char *path) {
  struct stat facts;
  return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

/* Whether there is one picture of all inputs, or one of each. */
static cli_result check_each(option_parser *parser) {
  const cli_options *options = parser->options;
  if (options->recursive && !options->each)
    return refuse(parser->why, CLI_USAGE,
                  "--recursive is for a picture of each input, and the output '%s' is one of all; a directory "
                  "has one of each",
                  name_of_output(options));
  for (int i = 0; i < options->input_count && options->each && options->output; ++i)
    if (strcmp(options->inputs[i], "-") == 0)
      return refuse(parser->why, CLI_USAGE,
                    "standard input (-) has no name that its picture in '%s' could have", options->output);
  return CLI_OK;
}

static cli_result check_log(option_parser *parser) {
  const cli_options *options = parser->options;
  for (int option = OPTION_TAG; option <= OPTION_STEP && !options->log; ++option)
    if (*given(parser, option))
      return refuse(parser->why, CLI_USAGE, "--%s is for --tensorboard", name_of_option(option));
  return options->log ? log_is_there(parser->why) : CLI_OK;
}

static cli_result check_show(option_parser *parser) {
  const cli_options *options = parser->options;
  if (options->show && options->json)
    return refuse(parser->why, CLI_USAGE, "--json and --show both want standard output");
  if (options->show && options->output && strcmp(options->output, "-") == 0)
    return refuse(parser->why, CLI_USAGE, "-o - and --show both want standard output");
  return options->show ? show_is_there(parser->why) : CLI_OK;
}

/* What the output is, by its name. */
static cli_result choose_kind(option_parser *parser) {
  cli_options *options = parser->options;
  const bool format_given = *given(parser, OPTION_FORMAT);
  if (!options->output) {
    options->each = options->log != NULL;
    options->kind = OUTPUT_PNG;
  } else if (strcmp(options->output, "-") == 0) {
    options->kind = format_given ? OUTPUT_NPY : OUTPUT_PNG;
  } else if (ends_with(options->output, ".png")) {
    options->kind = OUTPUT_PNG;
  } else if (ends_with(options->output, ".npy")) {
    options->kind = OUTPUT_NPY;
  } else if (ends_with(options->output, "/") || is_directory(options->output)) {
    options->each = true;
    options->kind = format_given ? OUTPUT_NPY : OUTPUT_PNG;
  } else {
    return refuse_value(parser, OPTION_OUTPUT, options->output,
                        "a name that ends with .png or .npy, a directory, or -");
  }
  if (options->kind == OUTPUT_PNG && format_given)
    return refuse(parser->why, CLI_USAGE, "--format is for .npy outputs, and the output is '%s'",
                  name_of_output(options));
  return CLI_OK;
}

static cli_result check_output(option_parser *parser) {
  cli_options *options = parser->options;
  if (!options->output && !options->log && !options->show)
    return refuse(parser->why, CLI_USAGE,
                  "no output: give -o FILE.png, -o FILE.npy, --show or --tensorboard DIR");
  cli_result result = choose_kind(parser);
  if (result != CLI_OK)
    return result;
  if (options->kind == OUTPUT_NPY) {
    static const int of_colour[] = {OPTION_COLORMAP, OPTION_OVERLAY, OPTION_OVERLAY_IMAGE};
    static const int of_pictures[] = {OPTION_ORTHO,         OPTION_COLUMNS,     OPTION_COLORBAR, OPTION_PADDING,
                                      OPTION_PADDING_VALUE, OPTION_TENSORBOARD, OPTION_SHOW};
    for (size_t i = 0; i < sizeof of_colour / sizeof *of_colour; ++i)
      if (*given(parser, of_colour[i]) && options->format != FORMAT_RGB)
        return refuse(parser->why, CLI_USAGE, "--%s with .npy outputs needs --format rgb",
                      name_of_option(of_colour[i]));
    for (size_t i = 0; i < sizeof of_pictures / sizeof *of_pictures; ++i)
      if (*given(parser, of_pictures[i]))
        return refuse(parser->why, CLI_USAGE, "--%s is for PNG outputs, and the output is .npy",
                      name_of_option(of_pictures[i]));
  }
  if (options->json && options->output && strcmp(options->output, "-") == 0)
    return refuse(parser->why, CLI_USAGE, "--json and -o - both want standard output");
  result = check_log(parser);
  if (result == CLI_OK)
    result = check_each(parser);
  return result == CLI_OK ? check_show(parser) : result;
}

cli_result check_options(option_parser *parser) {
  cli_result result = check_together(parser);
  return result == CLI_OK ? check_output(parser) : result;
}
