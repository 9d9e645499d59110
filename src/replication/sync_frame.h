/* SPDX-License-Identifier: BSD-3-Clause */
/* How a full synchronisation lies in the stream: bytes in, the data set's bytes out.
 *
 *   \n \n ...           signs of life while the primary makes it
 *   $<length>\r\n       so many bytes of RDB; or
 *   $EOF:<mark>\r\n     RDB up to the 40 bytes of the mark; or
 *   -<why>\r\n          there will be none
 *
 *   used = sync_frame_head(&f, data, len);        until f.state is not FRAME_HEAD
 *   used = sync_frame_body(&f, data, len, out);   until it is not FRAME_BODY
 *
 * Bytes behind the end are not used: they are the stream's. A mark is found wherever it ends, also
 * with bytes behind it; of the last bytes that came as many as it has stay in the frame until it is
 * sure that they are not part of it. */
#ifndef REPLICATION_SYNC_FRAME_H
#define REPLICATION_SYNC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum { FRAME_MARK = 40, FRAME_LINE_MAX = 512, FRAME_WHY_MAX = 256 };
enum frame_state { FRAME_HEAD, FRAME_BODY, FRAME_OVER, FRAME_BAD };

struct sync_frame { /* zero it */
    enum frame_state state;
    bool marked;            /* its end is told by mark, else by length */
    uint64_t length, left;  /* bytes; left: of those that must still come */
    char mark[FRAME_MARK];
    char why[FRAME_WHY_MAX]; /* FRAME_BAD */
    /* private */
    char line[FRAME_LINE_MAX];
    size_t line_len;
    char held[2 * FRAME_MARK]; /* the last bytes, and room for as many new ones */
    size_t held_len;
    char given[FRAME_MARK];
};

size_t sync_frame_head(struct sync_frame *f, const char *data, size_t len);
/* out: bytes of the data set, valid until the next call; either may be empty. */
size_t sync_frame_body(struct sync_frame *f, const char *data, size_t len, struct slice out[2]);

#endif
