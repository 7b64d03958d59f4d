/* Tags: the names of what is logged. */
#ifndef BV_TB_TAG_H
#define BV_TB_TAG_H

#include "report.h"

/* Not empty, and UTF-8. BV_ERROR_NULL, _VALUE. */
bv_status tb_check_tag(const char *tag);

#endif
