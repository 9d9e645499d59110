/* SPDX-License-Identifier: BSD-3-Clause */
/* Proof: with checksums no damaged byte is taken for data. Every byte of small logs is changed,
 * every bit flipped, every tail cut off; batches are lost, repeated and swapped, sectors zeroed.
 * What the reader gives out before its fault must be whole batches as they were written. */
#include <stdio.h>

#include "base/rand.h"
#include "format/aof_read.h"
#include "format/aof_sum.h"
#include "format/aof_write.h"
#include "tests/unit/format/aof_lines.h"
#include "tests/unit/unit.h"

enum { PARTS_MAX = 64, FLIPS = 12 };

/* A log, and for each of its parts (session lines, batches) where it ends and how many commands it
 * and those before it hold. */
struct sample {
    struct buf text;
    struct aof_chain chain;
    size_t parts;
    uint64_t ends[PARTS_MAX];
    int commands[PARTS_MAX];
};

static void end_part(struct sample *s, int commands)
{
    s->ends[s->parts] = s->text.len;
    s->commands[s->parts] = commands + (s->parts ? s->commands[s->parts - 1] : 0);
    s->parts++;
}

static void begin(struct sample *s, uint32_t seq)
{
    struct aof_session session = {.id = 0xfedcba9876543210, .seq = seq, .offset = s->text.len};
    aof_chain_begin(&s->chain, &session, &s->text);
    end_part(s, 0);
}

static void batch(struct sample *s, const char *body, int commands)
{
    put_batch(&s->text, &s->chain, slice_str(body), s->text.len / 2);
    end_part(s, commands);
}

static void old_batch(struct sample *s, const char *body, int commands)
{
    put_old_batch(&s->text, &s->chain, slice_str(body), s->text.len / 2);
    end_part(s, commands);
}

static void small(struct sample *s, const char *body, int commands)
{
    put_small(&s->text, &s->chain, slice_str(body));
    end_part(s, commands);
}

#define SELECT "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
#define SET "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n#\r\n\r\n"
#define SMALL_SET "*3\r\n$3\r\nSET\r\n$2\r\nk2\r\n$3\r\na\r#\r\n"
#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"

static void write_increment(struct sample *s)
{
    *s = (struct sample){0};
    begin(s, 1);
    batch(s, SELECT SET, 2);
    batch(s, MULTI SET SET EXEC, 4);
    small(s, MULTI SMALL_SET SMALL_SET EXEC SMALL_SET, 5);
    small(s, SMALL_SET, 1);
    batch(s, "#TS:1700000000\r\n" SET, 1);
    old_batch(s, SET MULTI SELECT SET EXEC SET, 6);
    old_batch(s, SET, 1);
    small(s, SMALL_SET SELECT, 2);
    batch(s, "", 0);
    small(s, SMALL_SET, 1);
    begin(s, 1); /* the server was started anew */
    old_batch(s, SELECT SET, 2);
    begin(s, 1);
    begin(s, 1); /* twice, and nothing was written in between */
    batch(s, SELECT MULTI SET EXEC, 4);
    batch(s, "#TS:1700000007\r\n" SET, 1);
    small(s, SMALL_SET, 1);
}

/* A RESP base, its batches ended by time stamps to keep them small. */
static void write_base(struct sample *s)
{
    struct out out;
    struct aof_writer w;
    *s = (struct sample){0};
    out_init_memory(&out);
    aof_writer_init(&w, &out);
    aof_writer_seal(&w, (struct aof_session){.id = 0xfedcba9876543210, .seq = 2});
    for (int i = 0; i < 4; i++) {
        char name[16];
        struct key_event k = {.name = slice(name, (size_t)snprintf(name, 16, "key%d", i)),
                              .type = i % 2 ? VALUE_STRING : VALUE_LIST, .expire_ms = 1 << 20};
        aof_writer_timestamp(&w, 1700000000 + i);
        w.sink.ops->key(&w.sink, &k);
        for (int n = 0; n < (i % 2 ? 1 : 70); n++)
            w.sink.ops->item(&w.sink, SLICE_LIT("v"));
        w.sink.ops->end_key(&w.sink);
    }
    CHECK(aof_writer_end(&w));
    buf_add(&s->text, buf_slice(&out.buf));
    s->chain = w.chain;
    aof_writer_free(&w);
    out_free(&out);
}

struct result {
    enum aof_item what;
    struct fault fault;
    uint64_t good_end, bytes_checked;
    bool open;
    struct buf commands; /* as read, written anew */
    int count;
};

static void read_log(struct slice text, struct result *r)
{
    struct in in;
    struct aof_reader reader;
    buf_clear(&r->commands);
    r->count = 0;
    in_init_memory(&in, text);
    aof_open(&reader, &in, &(struct aof_limits){0});
    while ((r->what = aof_next(&reader)) == AOF_COMMAND || r->what == AOF_ANNOTATION) {
        if (r->what != AOF_COMMAND)
            continue;
        aof_put_command(&r->commands, reader.argv, reader.argc);
        r->count++;
    }
    r->fault = in.fault;
    r->good_end = reader.good_end;
    r->bytes_checked = reader.bytes_checked;
    r->open = reader.chain.open;
    aof_close(&reader);
}

/* A base knows its parts by reading it once: each batch's end is a good end. */
static void find_parts(struct sample *s)
{
    struct in in;
    struct aof_reader reader;
    int commands = 0;
    uint64_t last = 0;
    in_init_memory(&in, buf_slice(&s->text));
    aof_open(&reader, &in, &(struct aof_limits){0});
    for (;;) {
        enum aof_item what = aof_next(&reader);
        if (reader.good_end != last || what == AOF_END) {
            s->ends[s->parts] = last = reader.good_end;
            s->commands[s->parts++] = commands;
        }
        commands += what == AOF_COMMAND;
        if (what == AOF_END)
            break;
    }
    aof_close(&reader);
}

static bool is_prefix(const struct result *part, const struct result *whole)
{
    size_t len = part->commands.len;
    return len <= whole->commands.len &&
           slice_eq(buf_slice(&part->commands), slice(whole->commands.data, len));
}

/* Does so many commands end with a part? */
static bool whole_parts(const struct sample *s, int commands)
{
    bool found = commands == 0;
    for (size_t i = 0; i < s->parts; i++)
        found |= s->commands[i] == commands;
    return found;
}

/* good_end in front of the byte that is bad, at a part's end, and the fault not behind its part. */
static void check_damaged(const struct sample *s, size_t at, const struct result *whole)
{
    static struct result r;
    read_log(buf_slice(&s->text), &r);
    if (r.what != AOF_FAULT)
        fprintf(stderr, "byte %zu is %02x: not found\n", at, (uint8_t)s->text.data[at]);
    CHECK_INT(r.what, AOF_FAULT);
    CHECK(is_prefix(&r, whole) && whole_parts(s, r.count));
    uint64_t front = 0, end = 0;
    for (size_t i = 0; i < s->parts && end <= at; i++) {
        front = end;
        end = s->ends[i];
    }
    /* The first line, or what is in front of an end of line in it: looks like a remark. */
    bool remark = r.good_end == AOF_LOG_LINE ||
                  (s->text.data[at] == '\n' && r.good_end == at + 1 && at < AOF_LOG_LINE);
    if (front > 0 || !remark)
        CHECK_INT((int64_t)r.good_end, (int64_t)front);
    CHECK((r.fault.offset >= front && r.fault.offset < end) || front == 0);
}

static void flip_all(struct sample *s)
{
    static const uint8_t masks[FLIPS] = {1, 2, 4, 8, 16, 32, 64, 128, 255, 0x55, 0xaa, 0};
    static struct result whole;
    read_log(buf_slice(&s->text), &whole);
    CHECK_INT(whole.what, AOF_END);
    CHECK_INT((int64_t)whole.bytes_checked, (int64_t)s->text.len);
    CHECK(whole.open);
    CHECK_INT(whole.count, s->commands[s->parts - 1]);
    for (size_t at = 0; at < s->text.len; at++) {
        for (size_t i = 0; i < FLIPS; i++) {
            uint8_t mask = masks[i] ? masks[i] : (uint8_t)(1 + rand_below(255));
            s->text.data[at] ^= (char)mask;
            check_damaged(s, at, &whole);
            s->text.data[at] ^= (char)mask;
        }
    }
}

static void cut_all(const struct sample *s)
{
    static struct result whole, r;
    read_log(buf_slice(&s->text), &whole);
    for (size_t cut = 0, part = 0; cut < s->text.len; cut++) {
        while (s->ends[part] <= cut)
            part++;
        uint64_t front = part ? s->ends[part - 1] : 0;
        int commands = part ? s->commands[part - 1] : 0;
        read_log(slice(s->text.data, cut), &r);
        CHECK(is_prefix(&r, &whole));
        CHECK_INT(r.count, commands);
        bool bare = part == 0 && cut < 5; /* "#LOG" and less may be anybody's remark */
        CHECK_INT(r.what, cut == front || bare ? AOF_END : AOF_FAULT);
        CHECK_INT((int64_t)r.good_end, (int64_t)(bare ? cut : front));
        CHECK_INT(r.fault.code, r.what == AOF_END ? FAULT_NONE : FAULT_EOF);
    }
}

static void increments(void)
{
    static struct sample s;
    rand_seed(unit_seed());
    write_increment(&s);
    flip_all(&s);
    cut_all(&s);
    buf_free(&s.text);
}

static void bases(void)
{
    static struct sample s;
    rand_seed(unit_seed());
    write_base(&s);
    find_parts(&s);
    CHECK_INT((int64_t)s.parts, 5); /* the session, four batches */
    flip_all(&s);
    cut_all(&s);
    buf_free(&s.text);
}

/* Each part removed, repeated, and swapped with each other one. */
static void parts_in_another_order(void)
{
    static struct sample s;
    static struct result whole, r;
    struct buf text = {0};
    write_increment(&s);
    read_log(buf_slice(&s.text), &whole);
    for (size_t a = 0; a < s.parts; a++) {
        for (size_t b = 0; b <= s.parts; b++) { /* b == parts: a is lost; a == b: repeated */
            buf_clear(&text);
            for (size_t i = 0; i < s.parts; i++) {
                size_t take = i == a && b < s.parts ? b : i == b ? a : i;
                uint64_t from = take ? s.ends[take - 1] : 0;
                struct slice part = slice(s.text.data + from, s.ends[take] - from);
                if (i != a || b < s.parts)
                    buf_add(&text, part);
                if (a == b && i == a)
                    buf_add(&text, part);
            }
            if (text.data[0] != '#') /* no first line: as below */
                continue;
            read_log(buf_slice(&text), &r);
            CHECK(is_prefix(&r, &whole) && whole_parts(&s, r.count));
            CHECK(r.what == AOF_FAULT || a + 1 == s.parts); /* the last one lost: a shorter log */
            CHECK(r.what == AOF_FAULT || b == s.parts);
        }
    }
    buf_free(&text);
    buf_free(&s.text);
}

/* Where a line belongs stands a remark, or SELECT where a batch begins: it may be another
 * writer's. */
static bool looks_foreign(const struct sample *s, const struct buf *text)
{
    for (size_t i = 0; i + 1 < s->parts; i++) {
        struct slice now = slice_from(buf_slice(text), s->ends[i]);
        if (now.data[0] == '#' ? !strchr("LS=", now.data[1]) : aof_begins_with_select(now))
            return true;
    }
    return false;
}

/* What a disk gives back that lost a write: zeros, or what stood in the sector before. (In place of
 * the first line of all old bytes may pass: the manifest knows that the file has to have one.) */
static void sectors(void)
{
    static struct sample s;
    static struct result whole, r;
    rand_seed(unit_seed());
    for (int old = 0; old <= 1; old++) {
        write_increment(&s);
        read_log(buf_slice(&s.text), &whole);
        struct buf text = {0};
        for (int i = 0; i < 3000; i++) {
            size_t len = 1 + rand_below(300);
            size_t at = AOF_LOG_LINE + rand_below(s.text.len - AOF_LOG_LINE);
            len = len < s.text.len - at ? len : s.text.len - at;
            buf_clear(&text);
            buf_add(&text, buf_slice(&s.text));
            if (old)
                memmove(text.data + at, s.text.data + rand_below(s.text.len - len + 1), len);
            else
                memset(text.data + at, 0, len);
            if (slice_eq(buf_slice(&text), buf_slice(&s.text)) || (old && looks_foreign(&s, &text)))
                continue;
            read_log(buf_slice(&text), &r);
            CHECK_INT(r.what, AOF_FAULT);
            CHECK(is_prefix(&r, &whole) && whole_parts(&s, r.count));
            CHECK(r.good_end <= at + len);
        }
        buf_free(&text);
        buf_free(&s.text);
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(increments), UNIT(bases), UNIT(parts_in_another_order), UNIT(sectors));
}
