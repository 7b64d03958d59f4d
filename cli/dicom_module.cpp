// The module batchview_dicom: DCMTK's codecs. They see one frame and the attributes that it needs, never the
// file: DCMTK's own parser makes objects of all elements, and its depth is the file's.
#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <new>

#include "dicom_jpeg.h"

namespace {

// Registered while the module is in use; DCMTK's own list, which it was loaded with, outlives them.
class Codecs {
public:
  Codecs() {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL); // what they print is said again by their result
    DJDecoderRegistration::registerCodecs(EDC_photometricInterpretation, EUC_never, EPC_colorByPixel);
    DJLSDecoderRegistration::registerCodecs(EJLSUC_never, EJLSPC_colorByPixel);
  }
  ~Codecs() {
    DJDecoderRegistration::cleanup();
    DJLSDecoderRegistration::cleanup();
  }
};

// With their types, so that DCMTK need not look for its dictionary.
OFCondition describe(const dicom_jpeg_frame &frame, DcmDataset &set) {
  const struct {
    DcmTagKey tag;
    uint16_t value;
  } numbers[] = {{DCM_Rows, frame.rows},
                 {DCM_Columns, frame.columns},
                 {DCM_SamplesPerPixel, frame.samples},
                 {DCM_BitsAllocated, frame.bits_allocated},
                 {DCM_BitsStored, frame.bits_stored},
                 {DCM_HighBit, frame.high_bit},
                 {DCM_PixelRepresentation, frame.is_signed},
                 {DCM_PlanarConfiguration, 0}};
  OFCondition condition = EC_Normal;
  for (const auto &number : numbers)
    if (condition.good())
      condition = set.putAndInsertUint16(DcmTag(number.tag, EVR_US), number.value);
  if (condition.good())
    condition = set.putAndInsertString(DcmTag(DCM_NumberOfFrames, EVR_IS), "1");
  if (condition.good())
    condition = set.putAndInsertString(DcmTag(DCM_PhotometricInterpretation, EVR_CS), frame.photometric);
  return condition;
}

// The pixels as they lie in a file: an empty table of offsets, and one fragment.
OFCondition enclose(const dicom_jpeg_frame &frame, DcmPixelSequence &sequence) {
  for (const bool table : {true, false}) {
    std::unique_ptr<DcmPixelItem> item(new DcmPixelItem(DcmTag(DCM_Item, EVR_OB)));
    OFCondition condition = table ? EC_Normal : item->putUint8Array(frame.packed, frame.packed_bytes);
    if (condition.good())
      condition = sequence.insert(item.get());
    if (condition.bad())
      return condition;
    item.release();
  }
  return EC_Normal;
}

OFCondition unpack(dicom_jpeg_frame &frame) {
  DcmDataset set;
  OFCondition condition = describe(frame, set);
  std::unique_ptr<DcmPixelSequence> sequence(new DcmPixelSequence(DcmTag(DCM_PixelData, EVR_OB)));
  if (condition.good())
    condition = enclose(frame, *sequence);
  if (condition.bad())
    return condition;
  DcmPixelData pixels(DCM_PixelData);
  pixels.putOriginalRepresentation(DcmXfer(frame.syntax).getXfer(), nullptr, sequence.release());
  Uint32 fragment = 0;
  OFString colours;
  condition = pixels.getUncompressedFrame(&set, 0, fragment, frame.frame, frame.frame_bytes, colours);
  frame.rgb = colours == "RGB";
  return condition;
}

} // namespace

extern "C" __attribute__((visibility("default"))) dicom_jpeg_result
batchview_dicom_unpack(dicom_jpeg_frame *frame, char *text, size_t text_bytes) {
  try {
    static const Codecs codecs;
    const OFCondition condition = unpack(*frame);
    snprintf(text, text_bytes, "%s", condition.text());
    return condition.good() ? DICOM_JPEG_OK : DICOM_JPEG_DAMAGED;
  } catch (const std::bad_alloc &) {
    return DICOM_JPEG_NO_MEMORY;
  } catch (const std::exception &error) {
    snprintf(text, text_bytes, "%s", error.what());
    return DICOM_JPEG_DAMAGED;
  }
}
