/* SPDX-License-Identifier: BSD-3-Clause */
/* Records come one behind the other as a rule: a window over the image saves a call for each. */
#include "tools/rdb_copy.h"

#include <errno.h>

enum { WINDOW = 256 << 10 };

bool rdb_copy_begin(struct rdb_copy *c, const char *path, struct rdb_image *from,
                    const struct rdb_plan *p, const struct rdb_copy_options *o, struct fault *f)
{
    struct out_file_options opt = {.compression = compression_of_name(path)};
    bool raise = o->with_parts && p->version < RDB_VERSION_WRITE_MIN;
    int version = raise ? RDB_VERSION_WRITE_MIN : p->version;
    bool blocks = version >= RDB_VERSION_AUX && !o->no_blocks;
    *c = (struct rdb_copy){.from = from};
    if (!out_file_open(&c->out, path, &opt, f))
        return false;
    rdb_writer_init(&c->w, &c->out.out,
                    &(struct rdb_write_options){.version = version, .valkey = p->valkey,
                                                .compress = true, .copies = true, .blocks = blocks,
                                                .trailer = blocks});
    rdb_writer_begin(&c->w);
    return true;
}

/* Up to n bytes from at on. */
static struct slice look(struct rdb_copy *c, uint64_t at, uint64_t to)
{
    uint64_t skip = at - c->window_at;
    if (at < c->window_at || skip >= c->window.len || c->from->cuts.len) {
        buf_clear(&c->window);
        ssize_t got = image_read(c->from, at, c->from->cuts.len ? to : c->from->end,
                                 buf_reserve(&c->window, WINDOW), WINDOW);
        c->read_failed |= got <= 0;
        c->window.len = got > 0 ? (size_t)got : 0;
        c->window_at = at;
        skip = 0;
    }
    struct slice all = slice_from(buf_slice(&c->window), (size_t)skip);
    uint64_t left = image_len(c->from, at, to);
    return slice(all.data, left < all.len ? (size_t)left : all.len);
}

void rdb_copy_record(struct rdb_copy *c, const struct rescued *r)
{
    bool key = r->kind == RDB_REC_KEY;
    if (key)
        rdb_writer_copy_key(&c->w, r->db, r->before_has ? &r->before : NULL);
    for (uint64_t at = r->from; at < r->to;) {
        struct slice some = look(c, at, r->to);
        if (some.len == 0)
            break;
        rdb_writer_copy(&c->w, some);
        at = image_ahead(c->from, at, some.len);
    }
    rdb_writer_copied(&c->w, key, r->digest);
    c->keys += key;
}

static void let_go(struct rdb_copy *c)
{
    rdb_writer_free(&c->w);
    buf_free(&c->window);
}

void rdb_copy_drop(struct rdb_copy *c)
{
    out_file_drop(&c->out);
    let_go(c);
}

bool rdb_copy_end(struct rdb_copy *c, struct fault *f)
{
    bool ok = rdb_writer_end(&c->w) && !c->read_failed;
    if (!ok && c->read_failed)
        fault_io(f, EIO, "read", "The file changed, or could not be read again");
    else if (!ok)
        *f = c->w.sink.fault;
    if (!ok)
        out_file_drop(&c->out);
    else
        ok = out_file_end(&c->out, f);
    let_go(c);
    return ok;
}
