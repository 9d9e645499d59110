/* SPDX-License-Identifier: BSD-3-Clause */
/* Append-only files of a real server, read by the readers alone: what the base holds is what the
 * live server held at the end, for every key that the increments do not touch. A base of commands
 * is turned into events by the few commands that such a base consists of. */
#include "base/hash.h"
#include "base/num.h"
#include "format/aof_read.h"
#include "format/manifest.h"
#include "format/score.h"
#include "tests/unit/format/corpus.h"
#include "tests/unit/format/rdb_help.h"
#include "tests/unit/format/rows.h"

/* ---- a base of commands ---- */

enum { KEYS_MAX = 100 };

struct kept {
    struct buf name, args; /* args: length and bytes of each */
    enum value_type type;
    unsigned db;
    int64_t expire_ms;
};

struct base {
    struct kept keys[KEYS_MAX];
    size_t count;
    unsigned db;
    int streams, functions;
};

static struct kept *keep(struct base *b, struct slice name, enum value_type type)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->keys[i].db == b->db && slice_eq(buf_slice(&b->keys[i].name), name))
            return &b->keys[i];
    CHECK(b->count < KEYS_MAX);
    struct kept *k = &b->keys[b->count++];
    *k = (struct kept){.type = type, .db = b->db, .expire_ms = KEY_NO_EXPIRE};
    buf_add(&k->name, name);
    return k;
}

static void take_args(struct base *b, enum value_type type, const struct aof_reader *r)
{
    struct kept *k = keep(b, r->argv[1], type);
    for (size_t i = 2; i < r->argc; i++) {
        buf_append(&k->args, &r->argv[i].len, sizeof(size_t));
        buf_add(&k->args, r->argv[i]);
    }
}

static void take_command(struct base *b, const struct aof_reader *r)
{
    static const struct {
        const char *name;
        enum value_type type;
    } adders[] = {{"SET", VALUE_STRING}, {"RPUSH", VALUE_LIST}, {"SADD", VALUE_SET},
                  {"ZADD", VALUE_ZSET}, {"HMSET", VALUE_HASH}};
    static const char *const of_streams[] = {"XADD", "XSETID", "XGROUP", "XCLAIM"};
    struct slice name = r->argv[0];
    int64_t n = 0;
    for (size_t i = 0; i < sizeof adders / sizeof *adders; i++) {
        if (slice_eq(name, slice_str(adders[i].name))) {
            take_args(b, adders[i].type, r);
            return;
        }
    }
    for (size_t i = 0; i < sizeof of_streams / sizeof *of_streams; i++) {
        if (slice_eq(name, slice_str(of_streams[i]))) {
            b->streams++;
            return;
        }
    }
    if (slice_eq(name, SLICE_LIT("SELECT"))) {
        CHECK(num_parse_i64(r->argv[1], &n));
        b->db = (unsigned)n;
    } else if (slice_eq(name, SLICE_LIT("PEXPIREAT"))) {
        CHECK(num_parse_i64(r->argv[2], &n));
        keep(b, r->argv[1], VALUE_STRING)->expire_ms = n;
    } else {
        CHECK(slice_eq(name, SLICE_LIT("FUNCTION")));
        b->functions++;
    }
}

static struct slice next_arg(struct slice *args)
{
    size_t len;
    memcpy(&len, args->data, sizeof len);
    struct slice arg = slice(args->data + sizeof len, len);
    *args = slice_from(*args, sizeof len + len);
    return arg;
}

static void send_key(const struct kept *k, struct sink *sink)
{
    struct key_event key = {.name = buf_slice(&k->name), .db = k->db, .type = k->type,
                            .expire_ms = k->expire_ms, .idle_s = KEY_NO_IDLE,
                            .freq = KEY_NO_FREQ};
    sink->ops->key(sink, &key);
    for (struct slice args = buf_slice(&k->args); args.len;) {
        struct slice first = next_arg(&args);
        if (k->type == VALUE_HASH) {
            sink->ops->pair(sink, first, next_arg(&args), KEY_NO_EXPIRE);
        } else if (k->type == VALUE_ZSET) {
            double score;
            CHECK(score_parse(first, &score));
            sink->ops->score(sink, next_arg(&args), score);
        } else {
            sink->ops->item(sink, first);
            if (k->type == VALUE_STRING)
                break; /* behind it: PXAT */
        }
    }
    sink->ops->end_key(sink);
}

static void base_to_json(struct base *b, struct buf *json)
{
    struct out out;
    struct json_writer w;
    out_init_memory(&out);
    json_writer_init(&w, &out);
    for (size_t i = 0; i < b->count; i++) {
        send_key(&b->keys[i], &w.sink);
        buf_free(&b->keys[i].name);
        buf_free(&b->keys[i].args);
    }
    buf_add(json, buf_slice(&out.buf));
    buf_cstr(json);
    json_writer_free(&w);
    out_free(&out);
}

/* ---- one set ---- */

/* Reads all commands of a file; touched: their arguments, each behind its length. */
static int read_commands(struct in *in, struct base *b, struct buf *touched)
{
    struct aof_reader r;
    enum aof_item item;
    int commands = 0;
    aof_open(&r, in, &(struct aof_limits){0});
    while ((item = aof_next(&r)) == AOF_COMMAND || item == AOF_ANNOTATION) {
        if (item != AOF_COMMAND)
            continue;
        commands++;
        if (b)
            take_command(b, &r);
        for (size_t i = 1; touched && i < r.argc; i++) {
            buf_append(touched, &r.argv[i].len, sizeof(size_t));
            buf_add(touched, r.argv[i]);
        }
    }
    CHECK_INT(item, AOF_END);
    CHECK_INT((int64_t)r.good_end, (int64_t)in_offset(in));
    aof_close(&r);
    return commands;
}

static bool is_touched(const struct buf *touched, struct slice name)
{
    for (struct slice args = buf_slice(touched); args.len;)
        if (slice_eq(next_arg(&args), name))
            return true;
    return false;
}

static void read_base(const char *path, bool rdb, struct buf *json)
{
    struct buf bytes = {0};
    struct fault f = {0};
    struct in in;
    CHECK(corpus_slurp(path, &bytes));
    in_init_memory(&in, buf_slice(&bytes));
    CHECK_INT(aof_has_preamble(&in), rdb);
    if (rdb) {
        CHECK(rdb_to_json(buf_slice(&bytes), json, &f));
    } else {
        static struct base b;
        b = (struct base){0};
        read_commands(&in, &b, NULL);
        CHECK(b.streams > 0 && b.functions > 0);
        base_to_json(&b, json);
    }
    buf_free(&bytes);
}

/* Rows that the increments leave alone are in the base as they are at the end. How many. */
static int compare(char *want_text, char *got_text, const struct buf *touched, bool streams,
                   const char *what)
{
    struct json *want = parse_lines(want_text), *got = parse_lines(got_text);
    int same = 0;
    for (struct json *w = want; w; w = w->next) {
        struct buf name = {0};
        json_base64(json_get(w, "key"), &name);
        bool stream = strcmp(json_text(w, "type"), "stream") == 0;
        if (!is_touched(touched, buf_slice(&name)) && (streams || !stream)) {
            check_row(w, got, what);
            same++;
        }
        buf_free(&name);
    }
    json_free(want);
    json_free(got);
    return same;
}

static void check_set(const char *set, const char *stem, bool rdb, int rows_min)
{
    char path[512];
    struct manifest m = {0};
    struct fault f = {0};
    struct buf text = {0}, json = {0}, touched = {0};
    snprintf(path, sizeof path, "%s/%s/appendonlydir/%s.manifest", corpus_shared(), set, stem);
    if (!corpus_slurp(path, &text))
        return; /* no shared fixtures here */
    CHECK(manifest_parse(&m, buf_slice(&text), &f));
    CHECK(m.base.name && m.incr.count == 1);
    snprintf(path, sizeof path, "%s/%s/appendonlydir/%s", corpus_shared(), set, m.base.name);
    read_base(path, rdb, &json);

    struct in in;
    snprintf(path, sizeof path, "%s/%s/appendonlydir/%s", corpus_shared(), set,
             m.incr.files[0].name);
    CHECK(corpus_slurp(path, &text));
    in_init_memory(&in, buf_slice(&text));
    read_commands(&in, NULL, &touched);

    snprintf(path, sizeof path, "%s/%s.jsonl", corpus_shared(), set);
    CHECK(corpus_slurp(path, &text));
    CHECK(compare(text.data, json.data, &touched, rdb, set) >= rows_min);
    manifest_free(&m);
    buf_free(&text);
    buf_free(&json);
    buf_free(&touched);
}

static void an_rdb_base(void)
{
    check_set("redis70-aof-rdbbase", "appendonly.aof", true, 12);
}

static void a_base_of_commands(void)
{
    check_set("redis70-aof-respbase", "appendonly.aof", false, 12);
}

static void odd_names_and_history(void)
{
    check_set("redis70-aof-history-quoted", "my \"odd\" na\xc3\xafve file.aof", true, 1);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(an_rdb_base), UNIT(a_base_of_commands), UNIT(odd_names_and_history));
}
