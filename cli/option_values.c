/* One option and its value. */
#include "option_parser.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "batchview/pictures.h"
#include "values.h"

#define MOST_PADDING 1000000 /* a PNG has no more rows or columns */

const char *const projection_names[] = {
    [BV_PROJECTION_MAX] = "max", [BV_PROJECTION_MIN] = "min", [BV_PROJECTION_MEAN] = "mean", NULL};

cli_result refuse_value(option_parser *parser, int option, const char *value, const char *allowed) {
  return refuse(parser->why, CLI_USAGE, "--%s '%s': expected %s", name_of_option(option), value, allowed);
}

/* Refuses a name, with those that there are: `count` of them, `bytes` from one to the next. */
static cli_result refuse_name(option_parser *parser, int option, const char *value, const char *const *first,
                              size_t bytes) {
  char names[256] = "";
  for (const char *const *name = first; *name; name = (const char *const *)((const char *)name + bytes))
    snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", name == first ? "" : ", ", *name);
  return refuse_value(parser, option, value, names);
}

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
  if (option == OPTION_COLORMAP)
    parser->options->colours = map->rgb;
  else
    parser->options->overlay_colours = map->rgb;
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

static cli_result take_part(option_parser *parser, int option, const char *value, double *part) {
  if (!parse_size(value, part) || *part > 1)
    return refuse_value(parser, option, value, "a number from 0 to 1");
  return CLI_OK;
}

/* Of the log. */
static cli_result take_log(option_parser *parser, int option, const char *value) {
  cli_options *options = parser->options;
  switch (option) {
  case OPTION_TENSORBOARD:
    if (*value == '\0')
      return refuse_value(parser, option, value, "a directory");
    options->log = value;
    return CLI_OK;
  case OPTION_TAG:
    if (!is_text(value))
      return refuse_value(parser, option, value, "a name in UTF-8 without control characters");
    options->tag = value;
    return CLI_OK;
  default:
    if (!parse_count(value, &options->step))
      return refuse_value(parser, option, value, "a number from 0");
    return CLI_OK;
  }
}

cli_result take_option(option_parser *parser, int option, const char *value) {
  static const char *const formats[] = {[FORMAT_F32] = "f32", [FORMAT_U8] = "u8", [FORMAT_RGB] = "rgb", NULL};
  static const char *const scopes[] = {
      [BV_SCOPE_PLANE] = "plane", [BV_SCOPE_IMAGE] = "image", [BV_SCOPE_BATCH] = "batch", "volume", NULL};
  static const char *const foregrounds[] = {
      [BV_FOREGROUND_NONZERO] = "nonzero", [BV_FOREGROUND_ALL] = "all", NULL};
  static const char *const grids[] = {"same", "ignore", NULL};
  cli_options *options = parser->options;
  int word;
  switch (option) {
  case OPTION_OUTPUT: options->output = value; return CLI_OK;
  case OPTION_MASK: options->mask = value; return CLI_OK;
  case OPTION_OVERLAY: options->overlay = value; return CLI_OK;
  case OPTION_OVERLAY_IMAGE: options->overlay_image = value; return CLI_OK;
  case OPTION_TENSORBOARD:
  case OPTION_TAG:
  case OPTION_STEP: return take_log(parser, option, value);
  case OPTION_SHOW: options->show = true; return CLI_OK;
  case OPTION_RECURSIVE: options->recursive = true; return CLI_OK;
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
  case OPTION_COLORMAP:
  case OPTION_OVERLAY_COLORMAP: return take_name(parser, option, value);
  case OPTION_FORMAT:
    if ((word = parse_word(value, formats)) < 0)
      return refuse_value(parser, option, value, "f32, u8 or rgb");
    options->format = (pixel_format)word;
    return CLI_OK;
  case OPTION_SCOPE:
    if ((word = parse_word(value, scopes)) < 0)
      return refuse_value(parser, option, value, "plane, image, batch or volume");
    options->whole = word > BV_SCOPE_BATCH;
    options->display.scope = options->whole ? BV_SCOPE_BATCH : word;
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
  case OPTION_COLORBAR: options->colour_bar = true; return CLI_OK;
  case OPTION_OPACITY: return take_part(parser, option, value, &options->opacity);
  case OPTION_PADDING_VALUE: return take_part(parser, option, value, &options->padding_value);
  case OPTION_PADDING:
    if (!parse_count(value, &options->padding) || options->padding > MOST_PADDING)
      return refuse_value(parser, option, value, "a number from 0 to 1000000");
    return CLI_OK;
  default:
    if (!parse_count(value, &options->columns) || options->columns == 0)
      return refuse_value(parser, option, value, "a number from 1");
    return CLI_OK;
  }
}
