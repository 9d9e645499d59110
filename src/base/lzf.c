/* SPDX-License-Identifier: BSD-3-Clause */
/* LZF stream, for reference:
 *   000lllll               l + 1 literal bytes follow
 *   nnnddddd [n'] dddddddd copy n (+ n' when n = 7) + 2 bytes from d + 1 bytes back
 *
 * liblzf notices that nothing was gained only when the output room is used up, that is at the end.
 * Big values that do not compress (images, sealed data) are common, so of a long input a piece is
 * tried first; it is small enough to be worth doing twice when it does compress. */
#include "base/lzf.h"

#include <limits.h>
#include <liblzf/lzf.h>

#include "base/must.h"

enum { PROBE = 4096, PROBE_FROM = 8 * PROBE, PROBE_GAIN = 64 };

static bool start_compresses(const void *in)
{
    unsigned char out[PROBE - PROBE_GAIN];
    return lzf_compress(in, PROBE, out, sizeof out) != 0;
}

size_t lzf_pack(const void *in, size_t in_len, void *out, size_t out_size)
{
    if (in_len == 0 || in_len > UINT_MAX || out_size == 0)
        return 0;
    if (in_len >= PROBE_FROM && !start_compresses(in))
        return 0;
    if (out_size > UINT_MAX)
        out_size = UINT_MAX;
    size_t packed = lzf_compress(in, (unsigned)in_len, out, (unsigned)out_size);
    must(packed <= out_size);
    return packed;
}

bool lzf_unpack(const void *in, size_t in_len, void *out, size_t out_len)
{
    if (in_len == 0 || in_len > UINT_MAX || out_len == 0 || out_len > UINT_MAX)
        return false;
    return lzf_decompress(in, (unsigned)in_len, out, (unsigned)out_len) == out_len;
}
