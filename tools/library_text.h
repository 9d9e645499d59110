/* SPDX-License-Identifier: BSD-3-Clause */
/* Libraries of functions as they stand in files: the name in their code, and their records in bytes
 * that nobody can read as records any more.
 *
 *   name = library_name(code);                           "#!lua name=mylib ...": mylib
 *   n = library_record_begins(bytes, &name);             a record of one, its name whole? */
#ifndef TOOLS_LIBRARY_TEXT_H
#define TOOLS_LIBRARY_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

enum { LIBRARY_RECORD_HEAD = 256 }; /* bytes that are enough to tell one */

/* Into the code; empty: it has none. */
struct slice library_name(struct slice code);
/* Opcode, length and "#!engine name=": also of code that is compressed, whose first bytes stand as
 * they are. The name is into bytes, and what can be read of it. */
bool library_record_begins(struct slice bytes, struct slice *name);
/* Would it load, beside those of the set? why: as a line of text, whatever the library holds. */
struct check_libraries; /* check.h */
bool check_library(const struct check_libraries *l, void *set, struct slice code, struct buf *why);

#endif
