/* Tags, see tag.h. */
#include "tag.h"

#include <stddef.h>

/* The bytes of the UTF-8 character that `text` begins with (RFC 3629, section 4), or 0 if it is none: neither
 * longer than it needs to be, nor half of a surrogate pair, nor above U+10FFFF. Stops at the final zero. */
static size_t character_bytes(const unsigned char *text) {
  const unsigned char lead = text[0];
  if (lead < 0x80)
    return 1;
  if (lead < 0xc2 || lead > 0xf4)
    return 0;
  const size_t bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const unsigned char least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned char most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (text[1] < least || text[1] > most)
    return 0;
  for (size_t i = 2; i < bytes; ++i)
    if (text[i] < 0x80 || text[i] > 0xbf)
      return 0;
  return bytes;
}

bv_status tb_check_tag(const char *tag) {
  if (!tag)
    return tb_fail(BV_ERROR_NULL, "tag is NULL");
  if (*tag == '\0')
    return tb_fail(BV_ERROR_VALUE, "tag is empty; it must have a character or more");
  const unsigned char *text = (const unsigned char *)tag;
  for (size_t at = 0, bytes; text[at] != 0; at += bytes) {
    bytes = character_bytes(text + at);
    if (bytes == 0)
      return tb_fail(BV_ERROR_VALUE, "tag is not UTF-8: no character begins with byte %zu, 0x%02x", at,
                     text[at]);
  }
  return BV_OK;
}
