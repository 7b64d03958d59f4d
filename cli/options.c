/* The command line: getopt_long, and a check of every value. */
#include "options.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batchview/pictures.h"
#include "values.h"

/* Numbered from beyond the letters of short options. */
enum {
  OPTION_OUTPUT = 256,
  OPTION_FORMAT,
  OPTION_COLUMNS,
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
  OPTION_VOLUME,
  OPTION_EPSILON,
  OPTION_COLORMAP,
  OPTION_HELP,
  OPTION_VERSION,
  OPTION_END
};

static const char short_options[] = ":o:vqh";
static const struct option long_options[] = {
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"columns", required_argument, NULL, OPTION_COLUMNS},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"json", no_argument, NULL, OPTION_JSON},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"axis", required_argument, NULL, OPTION_AXIS},
    {"slice", required_argument, NULL, OPTION_SLICE},
    {"every", required_argument, NULL, OPTION_EVERY},
    {"projection", required_argument, NULL, OPTION_PROJECTION},
    {"mip", no_argument, NULL, OPTION_MIP},
    {"ortho", no_argument, NULL, OPTION_ORTHO},
    {"percentile", required_argument, NULL, OPTION_PERCENTILE},
    {"minmax", no_argument, NULL, OPTION_MINMAX},
    {"window", required_argument, NULL, OPTION_WINDOW},
    {"preset", required_argument, NULL, OPTION_PRESET},
    {"scope", required_argument, NULL, OPTION_SCOPE},
    {"foreground", required_argument, NULL, OPTION_FOREGROUND},
    {"mask", required_argument, NULL, OPTION_MASK},
    {"mask-grid", required_argument, NULL, OPTION_MASK_GRID},
    {"volume", no_argument, NULL, OPTION_VOLUME},
    {"epsilon", required_argument, NULL, OPTION_EPSILON},
    {"colormap", required_argument, NULL, OPTION_COLORMAP},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

const char *const projection_names[] = {
    [BV_PROJECTION_MAX] = "max", [BV_PROJECTION_MIN] = "min", [BV_PROJECTION_MEAN] = "mean", NULL};

static const char *name_of(int option) { return long_options[option - OPTION_OUTPUT].name; }

static int option_of_letter(int letter) {
  switch (letter) {
  case 'o': return OPTION_OUTPUT;
  case 'v': return OPTION_VERBOSE;
  case 'q': return OPTION_QUIET;
  case 'h': return OPTION_HELP;
  default: return letter;
  }
}

typedef struct option_parser {
  cli_options *options;
  bool is_given[OPTION_END - OPTION_OUTPUT];
  reason why;
} option_parser;

static bool *given(option_parser *parser, int option) { return &parser->is_given[option - OPTION_OUTPUT]; }

static cli_result refuse_value(option_parser *parser, int option, const char *value, const char *allowed) {
  return refuse(parser->why, CLI_USAGE, "--%s '%s': expected %s", name_of(option), value, allowed);
}

/* Refuses a name, with those that there are: `count` of them, `bytes` from one to the next. */
static cli_result refuse_name(option_parser *parser, int option, const char *value, const char *const *first,
                              size_t bytes) {
  char names[256] = "";
  for (const char *const *name = first; *name; name = (const char *const *)((const char *)name + bytes))
    snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", name == first ? "" : ", ", *name);
  return refuse_value(parser, option, value, names);
}

/* ---- One option ------------------------------------------------------------------------------------- */

static void set_window(bv_display_options *display, double level, double width) {
  display->window = BV_WINDOW_FIXED;
  display->lo = level - width / 2;
  display->hi = level + width / 2;
}

static cli_result take_window(option_parser *parser, int option, const char *value) {
  bv_display_options *display = &parser->options->display;
  double pair[2] = {0};
  switch (option) {
  case OPTION_PERCENTILE:
    if (!parse_pair(value, pair) || !(0 <= pair[0] && pair[0] <= pair[1] && pair[1] <= 100))
      return refuse_value(parser, option, value, "two numbers LO,HI with 0 <= LO <= HI <= 100");
    display->low = pair[0];
    display->high = pair[1];
    return CLI_OK;
  case OPTION_MINMAX: display->window = BV_WINDOW_MINMAX; return CLI_OK;
  case OPTION_EPSILON:
    if (!parse_size(value, &display->epsilon))
      return refuse_value(parser, option, value, "a number from 0");
    return CLI_OK;
  default:
    display->window = BV_WINDOW_FIXED;
    parser->options->own_window = strcmp(value, "file") == 0;
    if (parser->options->own_window)
      return CLI_OK;
    if (!parse_pair(value, pair) || !(pair[1] > 0) || !isfinite(pair[0] - pair[1] / 2) ||
        !isfinite(pair[0] + pair[1] / 2))
      return refuse_value(parser, option, value, "two numbers LEVEL,WIDTH with WIDTH > 0, or file");
    set_window(display, pair[0], pair[1]);
    return CLI_OK;
  }
}

static cli_result take_name(option_parser *parser, int option, const char *value) {
  if (option == OPTION_PRESET) {
    const bv_window_preset *all = bv_window_presets(), *preset = bv_find_window_preset(value);
    if (!preset)
      return refuse_name(parser, option, value, &all->name, sizeof *all);
    set_window(&parser->options->display, preset->level, preset->width);
    return CLI_OK;
  }
  const bv_colour_map *all = bv_colour_maps(), *map = bv_find_colour_map(value);
  if (!map)
    return refuse_name(parser, option, value, &all->name, sizeof *all);
  parser->options->colours = map->rgb;
  return CLI_OK;
}

/* --slice. */
static cli_result take_choice(option_parser *parser, const char *value) {
  static const char *const words[] = {[SLICE_CENTRE] = "centre", [SLICE_ALL] = "all", NULL};
  slice_options *slices = &parser->options->slices;
  int word = parse_word(value, words);
  slices->choice = word >= 0                                ? (slice_choice)word
                   : parse_percent(value, &slices->percent) ? SLICE_PERCENT
                                                            : SLICE_NUMBER;
  if (slices->choice == SLICE_NUMBER && !parse_count(value, &slices->number))
    return refuse_value(parser, OPTION_SLICE, value, "a number from 0, one from 0% to 100%, centre or all");
  return CLI_OK;
}

static cli_result take_slices(option_parser *parser, int option, const char *value) {
  slice_options *slices = &parser->options->slices;
  int64_t axis;
  slices->asked = true;
  switch (option) {
  case OPTION_AXIS:
    if (!parse_count(value, &axis) || axis > 2)
      return refuse_value(parser, option, value, "0, 1 or 2");
    slices->axis = (int)axis;
    return CLI_OK;
  case OPTION_SLICE: return take_choice(parser, value);
  case OPTION_EVERY:
    if (!parse_count(value, &slices->every) || slices->every == 0)
      return refuse_value(parser, option, value, "a number from 1");
    return CLI_OK;
  case OPTION_ORTHO: slices->ortho = true; return CLI_OK;
  default:
    slices->projects = true;
    slices->projection = option == OPTION_MIP ? BV_PROJECTION_MAX : parse_word(value, projection_names);
    if (slices->projection < 0)
      return refuse_value(parser, option, value, "max, min or mean");
    return CLI_OK;
  }
}

static cli_result take(option_parser *parser, int option, const char *value) {
  static const char *const formats[] = {[FORMAT_F32] = "f32", [FORMAT_U8] = "u8", [FORMAT_RGB] = "rgb", NULL};
  static const char *const scopes[] = {
      [BV_SCOPE_PLANE] = "plane", [BV_SCOPE_IMAGE] = "image", [BV_SCOPE_BATCH] = "batch", NULL};
  static const char *const foregrounds[] = {
      [BV_FOREGROUND_NONZERO] = "nonzero", [BV_FOREGROUND_ALL] = "all", NULL};
  static const char *const grids[] = {"same", "ignore", NULL};
  cli_options *options = parser->options;
  int word;
  switch (option) {
  case OPTION_OUTPUT: options->output = value; return CLI_OK;
  case OPTION_MASK: options->mask = value; return CLI_OK;
  case OPTION_FORCE: options->force = true; return CLI_OK;
  case OPTION_VOLUME: options->volume = true; return CLI_OK;
  case OPTION_JSON: options->json = true; return CLI_OK;
  case OPTION_VERBOSE: options->verbosity = VERBOSE; return CLI_OK;
  case OPTION_QUIET: options->verbosity = QUIET; return CLI_OK;
  case OPTION_HELP: options->help = true; return CLI_OK;
  case OPTION_VERSION: options->version = true; return CLI_OK;
  case OPTION_AXIS:
  case OPTION_SLICE:
  case OPTION_EVERY:
  case OPTION_PROJECTION:
  case OPTION_MIP:
  case OPTION_ORTHO: return take_slices(parser, option, value);
  case OPTION_PERCENTILE:
  case OPTION_MINMAX:
  case OPTION_WINDOW:
  case OPTION_EPSILON: return take_window(parser, option, value);
  case OPTION_PRESET:
  case OPTION_COLORMAP: return take_name(parser, option, value);
  case OPTION_FORMAT:
    if ((word = parse_word(value, formats)) < 0)
      return refuse_value(parser, option, value, "f32, u8 or rgb");
    options->format = (pixel_format)word;
    return CLI_OK;
  case OPTION_SCOPE:
    if ((word = parse_word(value, scopes)) < 0)
      return refuse_value(parser, option, value, "plane, image or batch");
    options->display.scope = word;
    return CLI_OK;
  case OPTION_FOREGROUND:
    if ((word = parse_word(value, foregrounds)) < 0)
      return refuse_value(parser, option, value, "nonzero or all");
    options->display.foreground = word;
    return CLI_OK;
  case OPTION_MASK_GRID:
    if ((word = parse_word(value, grids)) < 0)
      return refuse_value(parser, option, value, "same or ignore");
    options->ignore_grid = word == 1;
    return CLI_OK;
  default:
    if (!parse_count(value, &options->columns) || options->columns == 0)
      return refuse_value(parser, option, value, "a number from 1");
    return CLI_OK;
  }
}

/* What getopt_long did not like, whose ?s and :s it does not tell apart by themselves. */
static cli_result refuse_syntax(option_parser *parser, int code, char **argv) {
  int option = option_of_letter(optopt);
  bool known = option >= OPTION_OUTPUT;
  if (code == ':')
    return refuse(parser->why, CLI_USAGE, "--%s: expected a value", name_of(option));
  if (known)
    return refuse(parser->why, CLI_USAGE, "--%s takes no value", name_of(option));
  if (optopt)
    return refuse(parser->why, CLI_USAGE, "unknown option -%c; see batchview --help", optopt);
  return refuse(parser->why, CLI_USAGE, "unknown option %s; see batchview --help", argv[optind - 1]);
}

/* ---- All options together --------------------------------------------------------------------------- */

static cli_result check_together(option_parser *parser) {
  static const int conflicts[][2] = {
      {OPTION_PERCENTILE, OPTION_MINMAX}, {OPTION_PERCENTILE, OPTION_WINDOW}, {OPTION_MINMAX, OPTION_WINDOW},
      {OPTION_PERCENTILE, OPTION_PRESET}, {OPTION_MINMAX, OPTION_PRESET},     {OPTION_WINDOW, OPTION_PRESET},
      {OPTION_SLICE, OPTION_PROJECTION},  {OPTION_SLICE, OPTION_MIP},         {OPTION_PROJECTION, OPTION_MIP},
      {OPTION_AXIS, OPTION_ORTHO},        {OPTION_MASK, OPTION_FOREGROUND},   {OPTION_QUIET, OPTION_VERBOSE}};
  for (size_t i = 0; i < sizeof conflicts / sizeof *conflicts; ++i)
    if (*given(parser, conflicts[i][0]) && *given(parser, conflicts[i][1]))
      return refuse(parser->why, CLI_USAGE, "--%s and --%s exclude each other", name_of(conflicts[i][0]),
                    name_of(conflicts[i][1]));

  cli_options *options = parser->options;
  if (options->mask)
    options->display.foreground = BV_FOREGROUND_MASK;
  else if (options->display.window == BV_WINDOW_FIXED && !*given(parser, OPTION_FOREGROUND))
    options->display.foreground = BV_FOREGROUND_ALL; /* in CT 0 is water, no background */

  options->foreground_given = *given(parser, OPTION_FOREGROUND);
  options->epsilon_given = *given(parser, OPTION_EPSILON);
  if (*given(parser, OPTION_EVERY) && options->slices.choice != SLICE_ALL)
    return refuse(parser->why, CLI_USAGE, "--every is for --slice all");
  if (*given(parser, OPTION_MASK_GRID) && !options->mask)
    return refuse(parser->why, CLI_USAGE, "--mask-grid is for --mask");

  if (options->input_count == 0)
    return refuse(parser->why, CLI_USAGE, "no input file; see batchview --help");
  int standard_inputs = options->mask && strcmp(options->mask, "-") == 0;
  for (int i = 0; i < options->input_count; ++i)
    standard_inputs += strcmp(options->inputs[i], "-") == 0;
  if (standard_inputs > 1)
    return refuse(parser->why, CLI_USAGE, "standard input (-) is given twice");
  return CLI_OK;
}

static cli_result check_output(option_parser *parser) {
  cli_options *options = parser->options;
  if (!options->output)
    return refuse(parser->why, CLI_USAGE, "no output: give -o FILE.png or -o FILE.npy");
  bool format_given = *given(parser, OPTION_FORMAT);
  if (strcmp(options->output, "-") == 0)
    options->kind = format_given ? OUTPUT_NPY : OUTPUT_PNG;
  else if (ends_with(options->output, ".png"))
    options->kind = OUTPUT_PNG;
  else if (ends_with(options->output, ".npy"))
    options->kind = OUTPUT_NPY;
  else
    return refuse_value(parser, OPTION_OUTPUT, options->output, "a name that ends with .png or .npy, or -");

  if (options->kind == OUTPUT_PNG && format_given)
    return refuse(parser->why, CLI_USAGE, "--format is for .npy outputs, and the output is '%s'",
                  options->output);
  if (options->kind == OUTPUT_NPY && options->colours && options->format != FORMAT_RGB)
    return refuse(parser->why, CLI_USAGE, "--colormap with .npy outputs needs --format rgb");
  if (options->kind == OUTPUT_NPY && options->slices.ortho)
    return refuse(parser->why, CLI_USAGE, "--ortho is for PNG outputs, and the output is .npy");
  if (options->kind == OUTPUT_NPY && options->columns)
    return refuse(parser->why, CLI_USAGE, "--columns is for PNG outputs, and the output is .npy");
  if (options->json && strcmp(options->output, "-") == 0)
    return refuse(parser->why, CLI_USAGE, "--json and -o - both want standard output");
  return CLI_OK;
}

cli_result options_parse(int argc, char **argv, cli_options *options, reason why) {
  *options = (struct cli_options){.slices = {.axis = 2, .every = 1},
                                  .display = BV_DISPLAY_OPTIONS_INIT,
                                  .verbosity = NORMAL,
                                  .format = FORMAT_F32};
  option_parser parser = {.options = options, .why = why};
  cli_result result = CLI_OK;
  int code;
  opterr = 0; /* the messages are ours */
  while ((code = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
    if (code == '?' || code == ':')
      return refuse_syntax(&parser, code, argv);
    int option = option_of_letter(code);
    if (*given(&parser, option))
      return refuse(why, CLI_USAGE, "--%s is given twice", name_of(option));
    *given(&parser, option) = true;
    if ((result = take(&parser, option, optarg)) != CLI_OK)
      return result;
    if (options->help || options->version)
      return CLI_OK;
  }
  options->inputs = argv + optind;
  options->input_count = argc - optind;
  if ((result = check_together(&parser)) != CLI_OK)
    return result;
  return check_output(&parser);
}
