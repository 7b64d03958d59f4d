// C++, with DLPack's own header first.
#include <dlpack/dlpack.h>

#include "batchview/dlpack.h"

extern int no_empty_file;
