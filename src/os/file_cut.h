/* SPDX-License-Identifier: BSD-3-Clause */
/* Removing the end of a file without losing it. */
#ifndef OS_FILE_CUT_H
#define OS_FILE_CUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"

/* Cuts path at offset at. What goes is first copied to "<path>.cut-<at>-<now_s>" and made durable
 * there; kept (appended) gets that name. Nothing happens when the file is no longer than at. False:
 * the file is as it was, or only its cut is not known to be durable. */
bool file_cut(const char *path, uint64_t at, int64_t now_s, struct buf *kept, struct fault *f);

#endif
