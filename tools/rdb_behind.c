/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/rdb_behind.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "tools/log_read.h"
#include "tools/rdb_footing.h"
#include "tools/temp_file.h"

enum { HEAD = 16 };

const char rdb_behind_other[] = "bytes behind the RDB are no commands: a server passes over them "
    "in a dump, and refuses a log for them; holdfast salvage writes a file without them";

/* Of a command that was damaged, and behind which no whole one follows. */
static bool has_trace(struct log_bytes *b, uint64_t at)
{
    while ((at = log_bytes_find(b, at, b->size, '$')) < b->size) {
        struct slice s = at >= 2 ? log_bytes_at(b, at - 2, 4) : slice("", 0);
        if (s.len == 4 && memcmp(s.data, "\r\n$", 3) == 0 && s.data[3] >= '0' && s.data[3] <= '9')
            return true;
        at++;
    }
    return false;
}

static bool is_copy(struct log_bytes *b, uint64_t at)
{
    struct slice s = log_bytes_at(b, at, 6);
    return s.len == 6 && (memcmp(s.data, "REDIS0", 6) == 0 || memcmp(s.data, "VALKEY", 6) == 0);
}

/* Read as a log: the first command decides. One that the file's end cut off is one. */
static enum rdb_behind look_for_commands(struct log_bytes *b, uint64_t at)
{
    struct log_reader *r = mem_alloc(sizeof *r);
    enum rdb_behind is = RDB_BEHIND_NOTHING;
    enum log_item what;
    log_read_open(r, b, at, &(struct log_options){0});
    while (is != RDB_BEHIND_COMMANDS && (what = log_read_next(r)) != LOG_END)
        if (what == LOG_UNIT || (what == LOG_HOLE && r->items == 1 && r->hole.kind == HOLE_TORN))
            is = RDB_BEHIND_COMMANDS;
        else if (what == LOG_HOLE)
            is = RDB_BEHIND_OTHER;
    log_read_close(r);
    mem_free(r);
    if (is == RDB_BEHIND_OTHER && !is_copy(b, at) && has_trace(b, at))
        is = RDB_BEHIND_COMMANDS;
    return is;
}

enum rdb_behind rdb_behind_look(int fd, uint64_t at, uint64_t size)
{
    struct log_bytes b;
    enum rdb_behind is = RDB_BEHIND_NOTHING;
    must(fd >= 0);
    if (at >= size)
        return is;
    log_bytes_open(&b, fd, size);
    is = rdb_commands_begin(log_bytes_at(&b, at, HEAD)) ? RDB_BEHIND_COMMANDS
                                                        : look_for_commands(&b, at);
    log_bytes_close(&b);
    return is;
}

bool rdb_behind_read(struct input *i, enum rdb_behind *is, uint64_t *bytes, struct fault *f)
{
    struct in *in = &i->in;
    int fd = -1;
    must(!fault_is(f));
    *is = RDB_BEHIND_NOTHING;
    *bytes = 0;
    if (in_bad(in)) { /* at its index */
        *f = in->fault;
        return false;
    }
    bool plain = i->seekable && !in_decoded(in);
    *bytes = plain ? i->size - in_offset(in) : 0;
    *is = rdb_commands_begin(in_peek(in, HEAD)) ? RDB_BEHIND_COMMANDS
          : plain ? rdb_behind_look(i->fd, in_offset(in), i->size) : RDB_BEHIND_NOTHING;
    if (plain || *is == RDB_BEHIND_COMMANDS)
        return true;
    while (!in_at_end(in) && !fault_is(f)) {
        struct slice some = in_window(in, SIZE_MAX);
        temp_file_write(&fd, some.data, some.len, f);
        *bytes += some.len;
        in_skip(in, some.len);
    }
    if (in_bad(in) && !fault_is(f))
        *f = in->fault;
    if (fd >= 0 && !fault_is(f))
        *is = rdb_behind_look(fd, 0, *bytes);
    if (fd >= 0)
        file_close(fd);
    return !fault_is(f);
}
