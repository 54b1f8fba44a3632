#include <zlib.h>

/* deflateInit2 is a macro, which Swift does not see. 15 + 16: the largest window, in the gzip format. */
static inline int czlib_gzip_begin(z_stream *stream) {
    return deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
