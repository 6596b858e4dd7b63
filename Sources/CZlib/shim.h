#pragma once
#include <zlib.h>

// deflateInit2 is a macro, which Swift does not import; 31 is the window size that asks for a gzip header.
static inline int nodekeep_deflate_init_gzip(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
}
