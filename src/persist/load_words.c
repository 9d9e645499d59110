/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/load_words.h"

#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/must.h"
#include "format/rdb_read.h"

void load_words_rdb(const char *path, const struct fault *f)
{
    must(fault_is(f));
    if (f->code == FAULT_EOF)
        log_warning("Short read or OOM loading DB: %s ends too early. redis-check-rdb tells what "
                    "of it is whole, holdfast salvage saves that", path);
    else if (f->code == FAULT_CRC)
        log_warning("Wrong RDB checksum: the bytes of %s are not those that were written. "
                    "redis-check-rdb tells which, holdfast salvage saves the others", path);
    else if (f->code == FAULT_FORMAT && strcmp(f->what, RDB_WRONG_SIGNATURE) == 0)
        log_warning(RDB_WRONG_SIGNATURE " %s: it is no RDB", path);
    else if (f->code == FAULT_VERSION)
        log_warning("Can't handle RDB format version: %s is of a newer or another server", path);
}

void load_words_log(const char *path, const struct fault *f)
{
    must(fault_is(f));
    if (f->code == FAULT_EOF)
        log_warning("Unexpected end of file reading the append only file %s. Make a copy of it, "
                    "then see what redis-check-aof says of the manifest, and what --fix would cut "
                    "off; a torn end is also cut at a start with aof-load-truncated yes", path);
    else if (f->code == FAULT_FORMAT || f->code == FAULT_CRC)
        log_warning("Bad file format reading the append only file %s: make a copy of it, then "
                    "see what redis-check-aof says of the manifest, and what --fix would cut off",
                    path);
}
