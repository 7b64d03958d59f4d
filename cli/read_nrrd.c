/* NRRD files, alone (.nrrd) or as a header with the voxels in another file (.nhdr), by a small strict reader.
 *
 * The format is that of https://teem.sourceforge.net/nrrd/format.html, whose library is not used: Debian has
 * none. What changes no picture (comments, labels, units, measurement frames) is skipped. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "nrrd_header.h"
#include "volume.h"

typedef enum axis_role { ROLE_SPACE, ROLE_SERIES, ROLE_COLOUR } axis_role;

/* What the kind of an axis says of it. */
static axis_role role_of_kind(text_slice kind) {
  static const char *const spatial[] = {"domain", "space", "???", "none", "stub", NULL};
  for (int i = 0; spatial[i] != NULL; ++i)
    if (is_word(kind, spatial[i]))
      return ROLE_SPACE;
  return is_word(kind, "RGB-color") ? ROLE_COLOUR : ROLE_SERIES;
}

/* The kind of an axis and its direction say whether it is one of space; at most three are. */
static cli_result find_roles(const nrrd_header *h, axis_role *roles, reason why) {
  text_slice rest = nrrd_value(h, NRRD_KINDS), kind = {0};
  const bool have_kinds = rest.text != NULL;
  const bool have_directions = nrrd_value(h, NRRD_SPACE_DIRECTIONS).text != NULL;
  int spatial = 0;
  for (int axis = 0; axis < h->axes; ++axis) {
    if (have_kinds && !take_word(&rest, &kind))
      return nrrd_refuse_field(h, NRRD_KINDS, "a word for each dimension", why);
    roles[axis] = have_kinds ? role_of_kind(kind) : ROLE_SPACE;
    if (have_kinds && is_word(kind, "RGBA-color"))
      return refuse(why, CLI_UNSUPPORTED, "NRRD voxels of kind RGBA-color are not supported, only RGB-color");
    if (roles[axis] == ROLE_COLOUR && (axis > 0 || h->sizes[axis] != 3))
      return refuse(why, CLI_UNSUPPORTED,
                    "its axis %d of kind RGB-color has %" PRId64 " elements; only the first axis, and 3, are "
                    "supported",
                    axis, h->sizes[axis]);
    const double *step = h->directions[axis];
    const bool moves = step[0] != 0 || step[1] != 0 || step[2] != 0; /* a step in time does not */
    if (roles[axis] == ROLE_SPACE && ((have_directions && !moves) || spatial == 3))
      roles[axis] = ROLE_SERIES;
    spatial += roles[axis] == ROLE_SPACE;
  }
  if (have_kinds && take_word(&rest, &kind))
    return nrrd_refuse_field(h, NRRD_KINDS, "a word for each dimension", why);
  if (spatial < 2)
    return refuse(why, CLI_UNSUPPORTED, "it has %d dimension%s of space; two or three are needed", spatial,
                  spatial == 1 ? "" : "s");
  return CLI_OK;
}

/* Whether right, anterior and superior grow along the axes of the header's space; false if the space is none of
 * a patient. */
static bool find_space(const nrrd_header *h, double signs[3]) {
  static const struct {
    const char *names[4];
    double right, anterior;
  } spaces[] = {
      {{"right-anterior-superior", "RAS", "right-anterior-superior-time", "RAST"}, 1, 1},
      {{"left-anterior-superior", "LAS", "left-anterior-superior-time", "LAST"}, -1, 1},
      {{"left-posterior-superior", "LPS", "left-posterior-superior-time", "LPST"}, -1, -1},
  };
  const text_slice space = nrrd_value(h, NRRD_SPACE);
  for (size_t i = 0; space.text != NULL && i < sizeof spaces / sizeof spaces[0]; ++i)
    for (int name = 0; name < 4; ++name)
      if (is_word(space, spaces[i].names[name])) {
        signs[0] = spaces[i].right;
        signs[1] = spaces[i].anterior;
        signs[2] = 1;
        return true;
      }
  return false;
}

/* The affine of the axes of space; a picture has two, and the third at right angles to them. */
static void fill_affine(const nrrd_header *h, const int *axes, int count, const double signs[3],
                        voxel_affine affine) {
  for (int row = 0; row < 3; ++row) {
    affine[row][3] = h->origin[row];
    for (int column = 0; column < count; ++column)
      affine[row][column] = h->directions[axes[column]][row];
  }
  for (int row = 0; row < 3 && count == 2; ++row) {
    const int next = (row + 1) % 3, last = (row + 2) % 3;
    affine[row][2] = affine[next][0] * affine[last][1] - affine[last][0] * affine[next][1];
  }
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 4; ++column)
      affine[row][column] *= signs[row];
}

/* The axes that are not of space lie before or behind those that are. */
static cli_result find_order(const nrrd_header *h, const axis_role *roles, int *axes, stored_volume *volume,
                             reason why) {
  int count = 0;
  bool before = false, behind = false, between = false;
  for (int axis = 0; axis < h->axes; ++axis) {
    if (roles[axis] == ROLE_SPACE) {
      between |= behind;
      axes[count] = axis;
      volume->extent[count++] = h->sizes[axis];
    } else if (roles[axis] == ROLE_COLOUR) {
      volume->colour = true;
    } else if (h->sizes[axis] > 1) {
      volume->count *= h->sizes[axis];
      before |= count == 0;
      behind |= count > 0;
    }
  }
  if (between || (before && (behind || volume->colour)))
    return refuse(why, CLI_UNSUPPORTED,
                  "its axes of space are mixed with others; only others before all of them, or behind, are "
                  "supported");
  volume->mixed = before;
  return CLI_OK;
}

static double spacing_of_axis(const nrrd_header *h, int axis) {
  const double *step = h->directions[axis];
  const double spacing =
      fabs(h->is_direction[axis] ? hypot(hypot(step[0], step[1]), step[2]) : h->spacings[axis]);
  return spacing > 0 && isfinite(spacing) ? spacing : 1;
}

static cli_result describe_volume(const nrrd_header *h, stored_volume *volume, reason why) {
  axis_role roles[NRRD_MAX_AXES];
  int axes[3] = {0}, count = 2;
  double signs[3];
  *volume = (stored_volume){.extent = {1, 1, 1}, .count = 1, .spacing = {1, 1, 1}};
  cli_result result;
  if ((result = find_roles(h, roles, why)) != CLI_OK ||
      (result = find_order(h, roles, axes, volume, why)) != CLI_OK)
    return result;
  count += axes[2] > 0;
  for (int axis = 0; axis < count; ++axis)
    volume->spacing[axis] = spacing_of_axis(h, axes[axis]);
  if (nrrd_value(h, NRRD_SPACE_DIRECTIONS).text != NULL && find_space(h, signs)) {
    fill_affine(h, axes, count, signs, volume->affine);
    volume->oriented = affine_is_usable((const double(*)[4])volume->affine);
  }
  if (!volume->oriented)
    assume_lps(volume);
  return CLI_OK;
}

cli_result nrrd_extent(file_bytes beginning, size_t *bytes, reason why) {
  nrrd_header h;
  stored_volume volume;
  bool complete;
  cli_result result = nrrd_decode(beginning, false, &h, &complete, why);
  if (result == CLI_OK && complete)
    result = describe_volume(&h, &volume, why);
  if (result == CLI_OK && complete)
    *bytes = voxel_data_extent(&h.place, h.numbers.count * stored_size(h.numbers.type));
  return result;
}

cli_result read_nrrd(file_bytes file, source *into, reason why) {
  nrrd_header h;
  stored_volume volume;
  bool complete;
  cli_result result;
  if ((result = nrrd_decode(file, true, &h, &complete, why)) != CLI_OK ||
      (result = describe_volume(&h, &volume, why)) != CLI_OK ||
      (result = load_voxel_data(&h.place, file, &h.numbers, into, why)) != CLI_OK)
    return result;
  set_volume(into, &volume);
  return CLI_OK;
}
