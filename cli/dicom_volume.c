/* Positions, orientations and distances of slices: module Image Plane of PS3.3, C.7.6.2. */
#include "dicom_volume.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAME_PLACE 1e-3     /* mm */
#define SAME_DIRECTION 1e-3 /* of cosines; files have them with six digits or so */
#define SAME_DISTANCE 0.01  /* of the mean one */

static double dot(const double a[3], const double b[3]) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

static void cross(const double a[3], const double b[3], double product[3]) {
  for (int i = 0; i < 3; ++i)
    product[i] = a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3];
}

/* Along the normal, and at one place by instance number, file and frame. */
static int compare(const void *left, const void *right) {
  const dicom_slice *a = left, *b = right;
  if (a->along != b->along)
    return a->along < b->along ? -1 : 1;
  if (a->instance != b->instance)
    return a->instance < b->instance ? -1 : 1;
  if (a->file != b->file)
    return a->file < b->file ? -1 : 1;
  return a->frame < b->frame ? -1 : a->frame > b->frame;
}

/* ---- Order ------------------------------------------------------------------------------------------- */

/* Whether all slices have a place in the patient; refuses those that lie across each other. */
static cli_result check_planes(const dicom_slice *slices, size_t count, bool *placed, reason why) {
  size_t with_place = 0;
  for (size_t i = 0; i < count; ++i) {
    const dicom_frame *first = &slices[0].facts, *one = &slices[i].facts;
    with_place += one->placed && one->oriented;
    if (first->oriented != one->oriented)
      continue;
    for (int j = 0; j < 6 && one->oriented; ++j)
      if (!(fabs(first->directions[j / 3][j % 3] - one->directions[j / 3][j % 3]) < SAME_DIRECTION))
        return refuse(why, CLI_UNSUPPORTED, "its DICOM slices are not parallel, and so are no volume");
    for (int j = 0; j < 2; ++j)
      if (!(fabs(first->spacing[j] - one->spacing[j]) <= SAME_DISTANCE * first->spacing[j]))
        return refuse(why, CLI_UNSUPPORTED, "its DICOM slices have pixels of different spacing, %g and %g mm",
                      first->spacing[j], one->spacing[j]);
  }
  *placed = with_place == count;
  if (with_place != 0 && with_place != count)
    return refuse(why, CLI_UNSUPPORTED, "%zu of its %zu DICOM slices do not say where they lie",
                  count - with_place, count);
  return CLI_OK;
}

/* Gives slices of one place the same number along the normal, and counts places. */
static cli_result find_places(dicom_slice *slices, size_t count, const double normal[3], size_t *places,
                              reason why) {
  for (size_t i = 0; i < count; ++i)
    slices[i].along = dot(slices[i].facts.position, normal);
  qsort(slices, count, sizeof *slices, compare);
  *places = 1;
  for (size_t i = 1; i < count; ++i)
    if (slices[i].along - slices[i - 1].along < SAME_PLACE)
      slices[i].along = slices[i - 1].along;
    else
      ++*places;
  qsort(slices, count, sizeof *slices, compare);
  const size_t volumes = count / *places;
  for (size_t i = 0; i < count; ++i) {
    const bool new_place = i == 0 || slices[i].along != slices[i - 1].along;
    if (new_place != (i % volumes == 0) || count % *places != 0)
      return refuse(
          why, CLI_UNSUPPORTED,
          "its %zu DICOM slices lie at %zu places, and not equally many at each, as those of a series do",
          count, *places);
    slices[i].place = i % volumes * *places + i / volumes;
  }
  return CLI_OK;
}

/* Says so if slices are missing, or lie closer in a part. */
static void check_distances(const dicom_slice *slices, size_t count, size_t places, source *into) {
  const double mean = (slices[count - 1].along - slices[0].along) / (double)(places - 1);
  double smallest = mean, largest = mean;
  for (size_t i = 1; i < count; ++i) {
    const double distance = slices[i].along - slices[i - 1].along;
    if (distance == 0)
      continue;
    smallest = fmin(smallest, distance);
    largest = fmax(largest, distance);
  }
  if (largest - smallest > SAME_DISTANCE * mean)
    warn(into, "its slices are %g to %g mm from each other; they are shown as if all were %g mm", smallest,
         largest, mean);
}

static void fill_affine(const dicom_slice *slices, size_t count, size_t places, const double normal[3],
                        double thickness, stored_volume *volume) {
  const dicom_frame *first = &slices[0].facts, *last = &slices[count - 1].facts;
  for (int row = 0; row < 3; ++row) {
    volume->affine[row][0] = first->directions[0][row] * volume->spacing[0];
    volume->affine[row][1] = first->directions[1][row] * volume->spacing[1];
    volume->affine[row][2] = places > 1 ? (last->position[row] - first->position[row]) / (double)(places - 1)
                                        : normal[row] * thickness;
    volume->affine[row][3] = first->position[row];
  }
  affine_from_lps(volume->affine);
}

cli_result dicom_arrange(dicom_slice *slices, size_t count, const dicom_header *h, stored_volume *volume,
                         source *into, reason why) {
  const double thickness = h->slice_spacing > 0 ? h->slice_spacing : 1;
  const double *spacing = slices[0].facts.spacing;
  size_t places = count;
  bool placed = false;
  cli_result result = check_planes(slices, count, &placed, why);
  if (result != CLI_OK)
    return result;
  *volume = (stored_volume){.extent = {h->columns, h->rows, 1}, .count = 1, .colour = h->channels == 3};
  volume->spacing[0] = spacing[1] > 0 ? spacing[1] : 1;
  volume->spacing[1] = spacing[0] > 0 ? spacing[0] : 1;
  volume->spacing[2] = thickness;
  if (placed) {
    double normal[3];
    cross(slices[0].facts.directions[0], slices[0].facts.directions[1], normal);
    if ((result = find_places(slices, count, normal, &places, why)) != CLI_OK)
      return result;
    fill_affine(slices, count, places, normal, thickness, volume);
    volume->oriented = affine_is_usable((const double(*)[4])volume->affine);
    volume->count = (int64_t)(count / places);
  } else {
    qsort(slices, count, sizeof *slices, compare);
    for (size_t i = 0; i < count; ++i)
      slices[i].place = i;
  }
  volume->extent[2] = (int64_t)places;
  if (volume->oriented && places > 1) {
    volume->spacing[2] = affine_spacing((const double(*)[4])volume->affine, 2);
    check_distances(slices, count, places, into);
  }
  if (!volume->oriented)
    assume_lps(volume);
  into->windowed = slices[count / 2].windowed;
  memcpy(into->window, slices[count / 2].window, sizeof into->window);
  return CLI_OK;
}

cli_result dicom_add_slices(const dicom_header *h, size_t file, dicom_slice **slices, size_t *count,
                            reason why) {
  const size_t all = *count + (size_t)h->frames;
  dicom_slice *longer = realloc(*slices, all * sizeof *longer);
  if (longer == NULL)
    return refuse(why, CLI_FAILED, "out of memory");
  *slices = longer;
  for (int64_t frame = 0; frame < h->frames; ++frame) {
    dicom_slice *slice = &longer[(*count)++];
    *slice = (dicom_slice){
        .file = file, .frame = frame, .instance = h->instance_number, .facts = *dicom_frame_of(h, frame)};
    slice->windowed = dicom_window(h, &slice->facts, slice->window);
  }
  return CLI_OK;
}

/* ---- Pixels ------------------------------------------------------------------------------------------ */

bool dicom_is_scaled(const dicom_slice *slices, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (slices[i].facts.slope != 1 || slices[i].facts.inter != 0)
      return true;
  return false;
}

cli_result dicom_allocate(const dicom_header *h, size_t count, bool scaled, source *into, reason why) {
  const int64_t shape[4] = {(int64_t)count, h->rows, h->columns, h->channels};
  into->tensor.dtype = loaded_type(dicom_stored_type(h), scaled);
  size_t bytes;
  cli_result result = size_of_pixels(shape, 4, bv_dtype_size(into->tensor.dtype), SIZE_MAX, &bytes, why);
  return result == CLI_OK ? allocate_pixels(into, bytes, why) : result;
}

cli_result dicom_load_slices(const dicom_header *h, file_bytes file, const dicom_slice *slices, size_t count,
                             bool scaled, source *into, reason why) {
  const size_t bytes = (size_t)(h->rows * h->columns * h->channels) * bv_dtype_size(into->tensor.dtype);
  dicom_pixels pixels;
  cli_result result = dicom_pixels_open(&pixels, h, file, why);
  for (size_t i = 0; result == CLI_OK && i < count; ++i)
    result =
        dicom_load_frame(&pixels, slices[i].frame, scaled, (char *)into->memory + slices[i].place * bytes, why);
  dicom_pixels_close(&pixels);
  return result;
}
