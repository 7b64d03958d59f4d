/* batchview: colours and windows by their names.
 *
 * See batchview/batchview.h for tensors, statuses, and the promises that hold here too. */
#ifndef BATCHVIEW_PICTURES_H
#define BATCHVIEW_PICTURES_H

#include "batchview.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Colour maps ------------------------------------------------------------------------------------ */

/* 256 colours R, G, B for the grey values 0 .. 255: what bv_display_options.colour_map takes. They are
 * Matplotlib's of the same name (grey is its gray), rounded to bytes. */
typedef struct bv_colour_map {
  const char *name;
  uint8_t rgb[256 * 3];
} bv_colour_map;

/* The map of that name: grey, bone, hot, viridis, magma or turbo. NULL if there is none:
 *     options.colour_map = bv_find_colour_map("viridis")->rgb; */
BV_API const bv_colour_map *bv_find_colour_map(const char *name);

/* All of them, in that order; the one after the last has no name. */
BV_API const bv_colour_map *bv_colour_maps(void);

/* ---- Windows for CT --------------------------------------------------------------------------------- */

/* A window that radiologists commonly use, in Hounsfield units: lo = level - width / 2, hi = level + width / 2,
 * for BV_WINDOW_FIXED and, because 0 is water, BV_FOREGROUND_ALL. */
typedef struct bv_window_preset {
  const char *name;
  double width, level;
} bv_window_preset;

/* The preset of that name; NULL if there is none. Names, widths and levels, after Radiopaedia's "Windowing
 * (CT)" (doi.org/10.53347/rID-52108), which for some gives a range, of which these are within:
 *
 *     brain 80, 40    stroke 40, 40        subdural 200, 75    temporal-bone 2800, 600
 *     lung 1500, -600    mediastinum 350, 50    vascular 600, 200
 *     soft-tissue 400, 40    abdomen 400, 50    liver 150, 30    spine 250, 50    bone 1800, 400 */
BV_API const bv_window_preset *bv_find_window_preset(const char *name);

/* All of them, in that order; the one after the last has no name. */
BV_API const bv_window_preset *bv_window_presets(void);

#ifdef __cplusplus
}
#endif

#endif
