#include "tag_record.h"

#include <stdlib.h>

#include "event.h"
#include "tag.h"

bv_status make_tag_record(const tag_record *from, double wall_time, uint8_t **record, size_t *bytes) {
  const bv_status status = tb_check_tag(from->tag);
  if (status != BV_OK)
    return status;
  const tb_event event = {.kind = from->is_scalar ? TB_EVENT_SCALAR : TB_EVENT_IMAGE,
                          .wall_time = wall_time,
                          .step = from->step,
                          .tag = from->tag,
                          .scalar = from->scalar,
                          .width = from->width,
                          .height = from->height,
                          .channels = from->channels,
                          .encoded = from->encoded,
                          .encoded_bytes = from->encoded_bytes};
  tb_bytes out = {0};
  if (!tb_append_event(&out, &event))
    abort();
  *record = out.data;
  *bytes = out.size;
  return BV_OK;
}
