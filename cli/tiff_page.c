/* Pages of TIFF files. */
#include "tiff_page.h"

#include "numbers.h"

static bool is_integer(uint16_t format) { return format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_INT; }

/* The types of each format in the order of their sizes. */
static cli_result find_type(TIFF *tiff, tiff_page *p, reason why) {
  static const struct {
    uint16_t format, bits;
    int32_t type;
  } types[] = {{SAMPLEFORMAT_UINT, 8, BV_U8},       {SAMPLEFORMAT_INT, 8, BV_I8},
               {SAMPLEFORMAT_UINT, 16, BV_U16},     {SAMPLEFORMAT_INT, 16, BV_I16},
               {SAMPLEFORMAT_UINT, 32, BV_U32},     {SAMPLEFORMAT_INT, 32, BV_I32},
               {SAMPLEFORMAT_UINT, 64, STORED_U64}, {SAMPLEFORMAT_INT, 64, STORED_I64},
               {SAMPLEFORMAT_IEEEFP, 16, BV_F16},   {SAMPLEFORMAT_IEEEFP, 32, BV_F32},
               {SAMPLEFORMAT_IEEEFP, 64, BV_F64}};
  uint16_t format = SAMPLEFORMAT_UINT, bits = 1;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
  if (format == SAMPLEFORMAT_VOID)
    format = SAMPLEFORMAT_UINT;
  p->bits = bits;
  for (size_t i = 0; i < sizeof types / sizeof types[0]; ++i)
    if (types[i].format == format && (types[i].bits == bits || (types[i].bits > bits && is_integer(format)))) {
      p->type = types[i].type;
      p->packed = types[i].bits != bits;
      if (bits > 0 && !(p->packed && bits > 32))
        return CLI_OK;
    }
  return refuse(why, CLI_UNSUPPORTED,
                "TIFF samples of %u bits in format %u are not supported; integers of 1 to 32 and of 64 bits "
                "and floats of "
                "16, 32 and 64 are",
                bits, format);
}

/* How the ones are called that libtiff may not have. */
static const char *name_of_compression(uint16_t compression) {
  static const struct {
    uint16_t compression;
    const char *name;
  } names[] = {{COMPRESSION_JPEG, "JPEG"},
               {COMPRESSION_JBIG, "JBIG"},
               {COMPRESSION_LERC, "LERC"},
               {COMPRESSION_LZMA, "LZMA"},
               {COMPRESSION_ZSTD, "Zstandard"},
               {COMPRESSION_WEBP, "WebP"},
               {33003, "JPEG 2000"},
               {33004, "JPEG 2000"},
               {33005, "JPEG 2000"},
               {34712, "JPEG 2000"},
               {34892, "lossy JPEG"},
               {22610, "JPEG XR"},
               {34934, "JPEG XR"},
               {COMPRESSION_JXL, "JPEG XL"},
               {52546, "JPEG XL"},
               {COMPRESSION_DCS, "DCS"},
               {COMPRESSION_IT8CTPAD, "CT pad"},
               {48124, "Jetraw"}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i)
    if (names[i].compression == compression)
      return names[i].name;
  return "an unknown one";
}

/* libtiff's other codecs leave the differences of pixels that were predicted, or know nothing of them. Pixels
 * that are not compressed are never differences to it, nor to those who write them. */
static bool undoes_prediction(uint16_t compression) {
  return compression == COMPRESSION_NONE || compression == COMPRESSION_LZW ||
         compression == COMPRESSION_ADOBE_DEFLATE || compression == COMPRESSION_DEFLATE ||
         compression == COMPRESSION_LZMA || compression == COMPRESSION_ZSTD;
}

static cli_result check_compression(TIFF *tiff, const tiff_page *p, uint16_t compression, reason why) {
  if (compression == COMPRESSION_OJPEG)
    return refuse(why, CLI_UNSUPPORTED, "TIFF's old-style JPEG compression is not supported");
  if (!TIFFIsCODECConfigured(compression))
    return refuse(why, CLI_UNSUPPORTED, "TIFF compression %u (%s) is not supported", compression,
                  name_of_compression(compression));
  if ((p->packed ? compression != COMPRESSION_NONE : !undoes_prediction(compression)) &&
      tiff_names_predictor(tiff))
    return refuse(why, CLI_UNSUPPORTED, "TIFF compression %u with predicted pixels of %u bits is not supported",
                  compression, p->bits);
  return CLI_OK;
}

/* Sets p->channels to the samples that are not alpha, of a picture with `colours`. */
static cli_result count_channels(TIFF *tiff, tiff_page *p, uint16_t colours, reason why) {
  uint16_t extra = 0, *kinds = NULL, alpha = 0;
  TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &extra, &kinds);
  for (uint16_t i = 0; i < extra; ++i) {
    if (kinds[i] == EXTRASAMPLE_ASSOCALPHA || kinds[i] == EXTRASAMPLE_UNASSALPHA)
      ++alpha;
    else if (alpha > 0)
      return refuse(why, CLI_UNSUPPORTED, "a TIFF with alpha before its last sample is not supported");
  }
  if (p->samples < colours + alpha)
    return refuse(why, CLI_UNREADABLE,
                  "damaged TIFF (%u samples per pixel, of which %u are colours and %u alpha)", p->samples,
                  colours, alpha);
  p->channels = (uint16_t)(p->samples - alpha);
  return CLI_OK;
}

/* libtiff gives a table of as many colours as there are numbers of so many bits, or none. */
static cli_result take_palette(TIFF *tiff, tiff_page *p, reason why) {
  uint16_t *red, *green, *blue;
  if (p->channels != 1 || (p->type != BV_U8 && p->type != BV_U16))
    return refuse(why, CLI_UNSUPPORTED,
                  "a TIFF with a palette and %u samples per pixel of %u bits; 1 of 1 to 16 is supported",
                  p->channels, p->bits);
  if (!TIFFGetField(tiff, TIFFTAG_COLORMAP, &red, &green, &blue))
    return refuse(why, CLI_UNREADABLE, "damaged TIFF (a palette without its colours)");
  p->palette = true;
  p->channels = 3;
  return CLI_OK;
}

static cli_result find_channels(TIFF *tiff, tiff_page *p, reason why) {
  uint16_t photometric = PHOTOMETRIC_MINISBLACK, compression = COMPRESSION_NONE, planar = PLANARCONFIG_CONTIG;
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &p->samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
  cli_result result = check_compression(tiff, p, compression, why);
  if (result != CLI_OK)
    return result;
  if (photometric == PHOTOMETRIC_YCBCR && compression == COMPRESSION_JPEG) {
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    photometric = PHOTOMETRIC_RGB;
  }
  if (photometric != PHOTOMETRIC_MINISBLACK && photometric != PHOTOMETRIC_MINISWHITE &&
      photometric != PHOTOMETRIC_RGB && photometric != PHOTOMETRIC_PALETTE)
    return refuse(why, CLI_UNSUPPORTED,
                  "TIFF's photometric interpretation %u is not supported; grey, RGB and palettes are",
                  photometric);
  result = count_channels(tiff, p, photometric == PHOTOMETRIC_RGB ? 3 : 1, why);
  if (result != CLI_OK)
    return result;
  if (photometric == PHOTOMETRIC_PALETTE && (result = take_palette(tiff, p, why)) != CLI_OK)
    return result;
  p->white_is_zero = photometric == PHOTOMETRIC_MINISWHITE;
  if (p->white_is_zero && p->type != BV_U8 && p->type != BV_U16 && p->type != BV_U32)
    return refuse(why, CLI_UNSUPPORTED,
                  "a TIFF where 0 is white, of other than unsigned integers of 1 to 32 bits");
  p->planar = planar == PLANARCONFIG_SEPARATE && p->samples > 1;
  p->compressed = compression != COMPRESSION_NONE;
  return CLI_OK;
}

bool tiff_is_absent(TIFF *tiff, uint32_t block) {
  return TIFFGetStrileByteCount(tiff, block) == 0 || TIFFGetStrileOffset(tiff, block) == 0;
}

/* There are as many strips or tiles as the extents ask for. */
static cli_result check_blocks(TIFF *tiff, tiff_page *p, reason why) {
  const uint64_t rows = ((uint64_t)p->height - 1) / p->block_height + 1;
  const uint64_t columns = ((uint64_t)p->width - 1) / p->block_width + 1;
  const uint32_t blocks = p->tiled ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
  uint64_t wanted = p->planar ? p->samples : 1;
  if (__builtin_mul_overflow(wanted, rows, &wanted) || __builtin_mul_overflow(wanted, columns, &wanted) ||
      wanted != blocks)
    return refuse(why, CLI_UNREADABLE,
                  "damaged TIFF (%u strips or tiles for %u x %u pixels in blocks of %u x %u)", blocks, p->width,
                  p->height, p->block_width, p->block_height);
  for (uint32_t i = 0; i < blocks && !p->sparse; ++i)
    p->sparse = tiff_is_absent(tiff, i);
  return CLI_OK;
}

cli_result tiff_describe_page(TIFF *tiff, tiff_page *p, reason why) {
  uint32_t kind = 0;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SUBFILETYPE, &kind);
  *p = (tiff_page){.samples = 1,
                   .orientation = ORIENTATION_TOPLEFT,
                   .is_derived = kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)};
  if (p->is_derived)
    return CLI_OK;
  cli_result result;
  if ((result = find_type(tiff, p, why)) != CLI_OK || (result = find_channels(tiff, p, why)) != CLI_OK)
    return result;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &p->width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &p->height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &p->orientation);
  p->tiled = TIFFIsTiled(tiff);
  if (p->tiled) {
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &p->block_width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &p->block_height);
  } else {
    p->block_width = p->width;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &p->block_height);
    if (p->block_height > p->height)
      p->block_height = p->height;
  }
  if (p->width == 0 || p->height == 0 || p->block_width == 0 || p->block_height == 0)
    return refuse(why, CLI_UNREADABLE, "a TIFF page of %u x %u pixels in blocks of %u x %u", p->width,
                  p->height, p->block_width, p->block_height);
  return check_blocks(tiff, p, why);
}

cli_result tiff_check_agreement(const tiff_page *p, const tiff_page *first, int64_t number, reason why) {
  if (p->width != first->width || p->height != first->height)
    return refuse(why, CLI_UNSUPPORTED, "TIFF page %d is %u x %u, and the first one %u x %u; they must agree",
                  (int)number, p->width, p->height, first->width, first->height);
  if (p->type != first->type || p->bits != first->bits || p->palette != first->palette ||
      p->channels != first->channels || p->orientation != first->orientation ||
      p->white_is_zero != first->white_is_zero)
    return refuse(why, CLI_UNSUPPORTED,
                  "TIFF page %d has another type, colour or orientation than the first one", (int)number);
  return CLI_OK;
}
