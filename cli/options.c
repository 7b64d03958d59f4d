/* The command line: getopt_long. */
#include "options.h"

#include <getopt.h>

#include "option_parser.h"

static const char short_options[] = ":o:vqh";
static const struct option long_options[] = {
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"recursive", no_argument, NULL, OPTION_RECURSIVE},
    {"tensorboard", required_argument, NULL, OPTION_TENSORBOARD},
    {"tag", required_argument, NULL, OPTION_TAG},
    {"step", required_argument, NULL, OPTION_STEP},
    {"show", no_argument, NULL, OPTION_SHOW},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"columns", required_argument, NULL, OPTION_COLUMNS},
    {"colorbar", no_argument, NULL, OPTION_COLORBAR},
    {"padding", required_argument, NULL, OPTION_PADDING},
    {"padding-value", required_argument, NULL, OPTION_PADDING_VALUE},
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
    {"overlay", required_argument, NULL, OPTION_OVERLAY},
    {"overlay-image", required_argument, NULL, OPTION_OVERLAY_IMAGE},
    {"overlay-colormap", required_argument, NULL, OPTION_OVERLAY_COLORMAP},
    {"opacity", required_argument, NULL, OPTION_OPACITY},
    {"volume", no_argument, NULL, OPTION_VOLUME},
    {"epsilon", required_argument, NULL, OPTION_EPSILON},
    {"colormap", required_argument, NULL, OPTION_COLORMAP},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

const char *name_of_option(int option) { return long_options[option - OPTION_OUTPUT].name; }

static int option_of_letter(int letter) {
  switch (letter) {
  case 'o': return OPTION_OUTPUT;
  case 'v': return OPTION_VERBOSE;
  case 'q': return OPTION_QUIET;
  case 'h': return OPTION_HELP;
  default: return letter;
  }
}

bool *given(option_parser *parser, int option) { return &parser->is_given[option - OPTION_OUTPUT]; }

/* What getopt_long did not like, whose ?s and :s it does not tell apart by themselves. */
static cli_result refuse_syntax(option_parser *parser, int code, char **argv) {
  int option = option_of_letter(optopt);
  bool known = option >= OPTION_OUTPUT;
  if (code == ':')
    return refuse(parser->why, CLI_USAGE, "--%s: expected a value", name_of_option(option));
  if (known)
    return refuse(parser->why, CLI_USAGE, "--%s takes no value", name_of_option(option));
  if (optopt)
    return refuse(parser->why, CLI_USAGE, "unknown option -%c; see batchview --help", optopt);
  return refuse(parser->why, CLI_USAGE, "unknown option %s; see batchview --help", argv[optind - 1]);
}

cli_result options_parse(int argc, char **argv, cli_options *options, reason why) {
  *options = (struct cli_options){.slices = {.axis = 2, .every = 1},
                                  .display = BV_DISPLAY_OPTIONS_INIT,
                                  .opacity = 0.5,
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
      return refuse(why, CLI_USAGE, "--%s is given twice", name_of_option(option));
    *given(&parser, option) = true;
    if ((result = take_option(&parser, option, optarg)) != CLI_OK)
      return result;
    if (options->help || options->version)
      return CLI_OK;
  }
  options->inputs = argv + optind;
  options->input_count = argc - optind;
  return check_options(&parser);
}
