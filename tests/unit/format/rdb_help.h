/* SPDX-License-Identifier: BSD-3-Clause */
/* RDB bytes to JSON lines, for comparing data sets in tests. */
#ifndef TESTS_UNIT_FORMAT_RDB_HELP_H
#define TESTS_UNIT_FORMAT_RDB_HELP_H

#include "format/json_write.h"
#include "format/rdb_read.h"
#include "format/rdb_write.h"
#include "format/sink_count.h"
#include "tests/unit/unit.h"

/* Everything in rdb to sink; the fault of either in *f. */
static inline bool rdb_to_sink(struct slice rdb, struct sink *sink, struct fault *f)
{
    struct in in;
    struct rdb_reader r;
    struct rdb_options opt = {.databases = 16, .keep_modules = true};
    in_init_memory(&in, rdb);
    bool ok = rdb_open(&r, &in, &opt) && rdb_read_all(&r, sink);
    *f = in_bad(&in) ? in.fault : sink->fault;
    rdb_close(&r);
    in_free(&in);
    return ok;
}

/* One line a key into *json. */
static inline bool rdb_to_json(struct slice rdb, struct buf *json, struct fault *f)
{
    struct out out;
    struct json_writer w;
    out_init_memory(&out);
    json_writer_init(&w, &out);
    bool ok = rdb_to_sink(rdb, &w.sink, f);
    buf_clear(json);
    buf_add(json, buf_slice(&out.buf));
    buf_cstr(json);
    json_writer_free(&w);
    out_free(&out);
    return ok;
}

/* Equal texts; the first difference is printed with what stands around it. */
static inline void check_same_text(struct slice got, struct slice want)
{
    size_t at = 0;
    while (at < got.len && at < want.len && got.data[at] == want.data[at])
        at++;
    if (at == got.len && at == want.len)
        return;
    size_t from = at > 150 ? at - 150 : 0;
    got = slice_from(got, from);
    want = slice_from(want, from);
    printf("differ at %zu:\n got %.*s\nwant %.*s\n", at, (int)(got.len < 250 ? got.len : 250),
           got.data, (int)(want.len < 250 ? want.len : 250), want.data);
    CHECK(false);
}

/* The data set of rdb written again at another version. */
static inline bool rdb_rewrite(struct slice rdb, const struct rdb_write_options *opt,
                               struct buf *to, struct fault *f)
{
    struct out out;
    struct rdb_writer w;
    out_init_memory(&out);
    rdb_writer_init(&w, &out, opt);
    rdb_writer_begin(&w);
    bool ok = rdb_to_sink(rdb, &w.sink, f) && rdb_writer_end(&w);
    buf_clear(to);
    buf_add(to, buf_slice(&out.buf));
    rdb_writer_free(&w);
    out_free(&out);
    return ok;
}

#endif
