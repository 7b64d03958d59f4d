/* Events, see event.h. Written by hand: these are all the fields that are ever written, and their sizes are
 * known before, so that nothing is encoded twice. The numbers are those of TensorFlow's and TensorBoard's
 * files:
 *
 *     event.proto    Event: double wall_time = 1, int64 step = 2, string file_version = 3, Summary summary = 5
 *     summary.proto  Summary: repeated Value value = 1
 *                    Value: string tag = 1, float simple_value = 2, Image image = 4,
 *                      SummaryMetadata metadata = 9
 *                    Image: int32 height = 1, width = 2, colorspace = 3, bytes encoded_image_string = 4
 *                    SummaryMetadata: PluginData plugin_data = 1, DataClass data_class = 4
 *                    PluginData: string plugin_name = 1
 *                    DataClass: DATA_CLASS_SCALAR = 1, DATA_CLASS_BLOB_SEQUENCE = 3
 *
 * simple_value and image are what most readers know; TensorBoard turns them into its tensors when it reads. */
#include "event.h"

#include <time.h>

#include "record.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* ---- Fields: a number below 16 and the wire type are one byte ----------------------------------------- */

static size_t varint_bytes(uint64_t value) {
  size_t bytes = 1;
  for (; value >= 128; value >>= 7)
    ++bytes;
  return bytes;
}

static void put_byte(tb_bytes *out, int byte) { out->data[out->size++] = (uint8_t)byte; }

static void put_key(tb_bytes *out, int field, int wire) { put_byte(out, field << 3 | wire); }

static void put_varint(tb_bytes *out, uint64_t value) {
  for (; value >= 128; value >>= 7)
    put_byte(out, (int)(value & 127) | 128);
  put_byte(out, (int)value);
}

static size_t number_field_bytes(uint64_t value) { return 1 + varint_bytes(value); }

static void put_number(tb_bytes *out, int field, uint64_t value) {
  put_key(out, field, WIRE_VARINT);
  put_varint(out, value);
}

/* A string, bytes or a message of `bytes` bytes. */
static size_t field_bytes(size_t bytes) { return 1 + varint_bytes(bytes) + bytes; }

static void put_head(tb_bytes *out, int field, size_t bytes) {
  put_key(out, field, WIRE_BYTES);
  put_varint(out, bytes);
}

static void put_bytes(tb_bytes *out, int field, const void *from, size_t bytes) {
  put_head(out, field, bytes);
  tb_append(out, from, bytes);
}

static void put_bits(tb_bytes *out, uint64_t bits, int bytes) {
  for (int i = 0; i < bytes; ++i)
    put_byte(out, (int)(bits >> 8 * i & 255));
}

static void put_double(tb_bytes *out, int field, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_key(out, field, WIRE_FIXED64);
  put_bits(out, bits, sizeof bits);
}

static void put_float(tb_bytes *out, int field, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_key(out, field, WIRE_FIXED32);
  put_bits(out, bits, sizeof bits);
}

/* ---- Messages ------------------------------------------------------------------------------------------ */

static const char file_version[] = "brain.Event:2";

/* Bytes of the messages within each other. */
typedef struct sizes {
  size_t plugin_data, metadata, image, value, summary, event;
} sizes;

static const char *plugin_name(const tb_event *event) {
  return event->kind == TB_EVENT_SCALAR ? "scalars" : "images";
}

static uint64_t data_class(const tb_event *event) { return event->kind == TB_EVENT_SCALAR ? 1 : 3; }

static sizes measure(const tb_event *event) {
  sizes s = {.event = 1 + sizeof(double) + number_field_bytes((uint64_t)event->step)};
  if (event->kind == TB_EVENT_VERSION) {
    s.event += field_bytes(sizeof file_version - 1);
    return s;
  }
  s.plugin_data = field_bytes(strlen(plugin_name(event)));
  s.metadata = field_bytes(s.plugin_data) + number_field_bytes(data_class(event));
  s.value = field_bytes(strlen(event->tag)) + field_bytes(s.metadata);
  if (event->kind == TB_EVENT_SCALAR) {
    s.value += 1 + sizeof(float);
  } else {
    s.image = number_field_bytes(event->height) + number_field_bytes(event->width) +
              number_field_bytes((uint64_t)event->channels) + field_bytes(event->encoded_bytes);
    s.value += field_bytes(s.image);
  }
  s.summary = field_bytes(s.value);
  s.event += field_bytes(s.summary);
  return s;
}

static void put_image(tb_bytes *out, const tb_event *event, const sizes *s) {
  put_head(out, 4, s->image);
  put_number(out, 1, event->height);
  put_number(out, 2, event->width);
  put_number(out, 3, (uint64_t)event->channels); /* colorspace: how many there are, of those in use here */
  put_bytes(out, 4, event->encoded, event->encoded_bytes);
}

static void put_summary(tb_bytes *out, const tb_event *event, const sizes *s) {
  put_head(out, 5, s->summary);
  put_head(out, 1, s->value);
  put_bytes(out, 1, event->tag, strlen(event->tag));
  if (event->kind == TB_EVENT_SCALAR)
    put_float(out, 2, event->scalar);
  else
    put_image(out, event, s);
  put_head(out, 9, s->metadata);
  put_head(out, 1, s->plugin_data);
  put_bytes(out, 1, plugin_name(event), strlen(plugin_name(event)));
  put_number(out, 4, data_class(event));
}

double tb_wall_time(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now); /* cannot fail: the clock exists */
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

bool tb_append_event(tb_bytes *out, const tb_event *event) {
  const sizes s = measure(event);
  if (!tb_begin_record(out, s.event))
    return false;
  put_double(out, 1, event->wall_time);
  put_number(out, 2, (uint64_t)event->step);
  if (event->kind == TB_EVENT_VERSION)
    put_bytes(out, 3, file_version, sizeof file_version - 1);
  else
    put_summary(out, event, &s);
  tb_end_record(out, s.event);
  return true;
}
