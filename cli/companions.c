/* Reading what goes with the inputs. */
#include "companions.h"

#include "message.h"

static cli_result read_companion(const cli_options *options, cli_companion *companion, const char **failed,
                                 reason why) {
  if (!companion->path)
    return CLI_OK;
  const cli_result result = source_read(companion->path, &companion->source, why.text, why.bytes);
  if (result != CLI_OK) {
    *failed = companion->path;
    return result;
  }
  if (options->volume)
    source_as_volume(&companion->source);
  if (options->verbosity != QUIET && companion->source.warning[0] != '\0')
    print_note(companion->path, "warning", companion->source.warning);
  return CLI_OK;
}

cli_result companions_read(const cli_options *options, cli_companions *companions, const char **failed,
                           reason why) {
  *companions = (struct cli_companions){
      .mask = {.role = "mask", .path = options->mask, .kind = COMPANION_MASK},
      .overlay = {.role = "overlay", .path = options->overlay, .kind = COMPANION_LABELS},
      .image = {.role = "overlay image", .path = options->overlay_image, .kind = COMPANION_IMAGE}};
  cli_result result = read_companion(options, &companions->mask, failed, why);
  if (result == CLI_OK)
    result = read_companion(options, &companions->overlay, failed, why);
  return result == CLI_OK ? read_companion(options, &companions->image, failed, why) : result;
}

void companions_free(cli_companions *companions) {
  source_free(&companions->mask.source);
  source_free(&companions->overlay.source);
  source_free(&companions->image.source);
}
