/* SPDX-License-Identifier: BSD-3-Clause */
/* DUMP payloads of real servers against the values they were made of; damaged ones against the
 * verdict we want; and our own, read again. */
#include "base/crc64.h"
#include "base/hash.h"
#include "format/json_write.h"
#include "format/rdb_payload.h"
#include "tests/unit/format/corpus.h"
#include "tests/unit/format/json_read.h"
#include "tests/unit/format/rdb_help.h"

/* A string by itself: accepted, and refused, as it is when it goes to a sink. */
static void check_string(struct slice payload, bool ok, const struct fault *want)
{
    struct buf hold = {0};
    struct slice text;
    struct fault f = {0};
    if (!rdb_payload_is_string(payload))
        return;
    CHECK_INT(rdb_payload_string(payload, &hold, &text, &f), ok);
    CHECK_STR(f.what, want->what);
    CHECK_INT(f.offset, want->offset);
    buf_free(&hold);
}

/* The payload as a JSON line. */
static bool payload_to_json(struct slice payload, struct buf *json, struct fault *f)
{
    struct out out;
    struct json_writer w;
    struct key_event key = {.name = SLICE_LIT("k"), .expire_ms = KEY_NO_EXPIRE,
                            .idle_s = KEY_NO_IDLE, .freq = KEY_NO_FREQ};
    out_init_memory(&out);
    json_writer_init(&w, &out);
    bool ok = rdb_payload_read(payload, &key, &w.sink, &(struct rdb_options){0}, f);
    check_string(payload, ok, f);
    buf_clear(json);
    buf_add(json, buf_slice(&out.buf));
    buf_cstr(json);
    json_writer_free(&w);
    out_free(&out);
    return ok;
}

/* DUMP of what a payload holds. */
static void dump_again(struct slice payload, struct buf *to)
{
    struct out out;
    struct rdb_writer w;
    struct fault f = {0};
    struct key_event key = {.name = SLICE_LIT("k"), .expire_ms = KEY_NO_EXPIRE,
                            .idle_s = KEY_NO_IDLE, .freq = KEY_NO_FREQ};
    out_init_memory(&out);
    rdb_payload_writer_init(&w, &out, 11);
    CHECK(rdb_payload_read(payload, &key, &w.sink, &(struct rdb_options){0}, &f));
    rdb_payload_seal(&out.buf, 0, 11);
    buf_clear(to);
    buf_add(to, buf_slice(&out.buf));
    rdb_writer_free(&w);
    out_free(&out);
}

static bool has_field_expiry(struct json *row)
{
    if (strcmp(json_text(row, "type"), "hash") != 0)
        return false;
    for (struct json *j = json_get(row, "value")->child; j; j = j->next)
        if (j->child->next->next->kind != JSON_NULL)
            return true;
    return false;
}

static void check_value(struct json *row, struct slice payload)
{
    struct buf json = {0};
    struct fault f = {0};
    if (!payload_to_json(payload, &json, &f)) {
        printf("%s: %s\n", json_text(row, "key"), f.what);
        CHECK(false);
    }
    struct json *got = json_parse(json.data);
    CHECK_STR(json_text(got, "type"), json_text(row, "type"));
    if (strcmp(json_text(row, "type"), "zset") == 0)
        for (struct json *j = json_get(row, "value")->child; j; j = j->next)
            j->child->next->kind = JSON_NULL;
    CHECK(json_match(json_get(row, "value"), json_get(got, "value"), 2000, true));
    json_free(got);
    buf_free(&json);
}

static void check_dump(const char *line)
{
    struct json *row = json_parse(line);
    struct buf payload = {0}, again = {0};
    json_base64(json_get(row, "dump"), &payload);
    check_value(row, buf_slice(&payload));
    if (!has_field_expiry(row)) {
        dump_again(buf_slice(&payload), &again);
        check_value(row, buf_slice(&again));
    }
    json_free(row);
    buf_free(&payload);
    buf_free(&again);
}

static void dumps(void)
{
    static const char *const names[] = {"redis70", "redis72", "redis8", "valkey8"};
    char path[512];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s-dump-payloads.jsonl", corpus_shared(), names[i]);
        corpus_lines(path, check_dump);
    }
    snprintf(path, sizeof path, "%s/redis8-hash-field-expiry.dump-payloads.jsonl", corpus_shared());
    corpus_lines(path, check_dump);
}

static void check_damaged(const char *line)
{
    struct json *row = json_parse(line);
    struct buf payload = {0}, json = {0};
    struct fault f = {0};
    json_base64(json_get(row, "payload"), &payload);
    bool ok = payload_to_json(buf_slice(&payload), &json, &f);
    const char *want = json_text(row, "want");
    bool either = strcmp(want, "reject-or-repair") == 0 || strcmp(want, "either") == 0;
    bool right = either || ok == (strcmp(want, "accept") == 0);
    if (!right) {
        printf("%s: %s\n", json_text(row, "name"), ok ? json.data : f.what);
        CHECK(false);
    }
    json_free(row);
    buf_free(&payload);
    buf_free(&json);
}

static void damaged_payloads(void)
{
    char path[512];
    CHECK(corpus_lines("fixtures/payloads.jsonl", check_damaged) > 100);
    snprintf(path, sizeof path, "%s/corrupt/restore-payloads.jsonl", corpus_shared());
    corpus_lines(path, check_damaged);
}

/* An unsorted zset is mended, not kept. */
static void an_unsorted_zset_is_sorted(void)
{
    struct buf b = {0}, json = {0};
    struct fault f = {0};
    buf_add(&b, SLICE_LIT("\x11\x13\x13\0\0\0\x04\0\x81" "b\x02\x02\x01\x81" "a\x02\x01\x01\xff"));
    b.data[1] = (char)(b.len - 2);
    b.data[2] = (char)(b.len - 2);
    rdb_payload_seal(&b, 0, 11);
    CHECK(payload_to_json(buf_slice(&b), &json, &f));
    CHECK(strstr(json.data, "[[\"YQ==\",\"1\",\"3ff0000000000000\"],[\"Yg==\"") != NULL);
    buf_free(&b);
    buf_free(&json);
}

static void the_footer_is_checked(void)
{
    struct buf b = {0}, json = {0};
    struct fault f = {0};
    buf_add(&b, SLICE_LIT("\0\x02hi"));
    rdb_payload_seal(&b, 0, 11);
    CHECK_SLICE(buf_slice(&b), SLICE_LIT("\0\x02hi\x0b\0\xc6\xb4\x22\x9b\x73\xae\xf2\x9d"));
    CHECK(payload_to_json(buf_slice(&b), &json, &f));
    for (size_t i = 0; i < b.len; i++) {
        b.data[i] ^= 1;
        f = (struct fault){0};
        CHECK(!payload_to_json(buf_slice(&b), &json, &f));
        b.data[i] ^= 1;
    }
    buf_clear(&b);
    buf_add(&b, SLICE_LIT("\0\x02hi"));
    rdb_payload_seal(&b, 0, 16);
    f = (struct fault){0};
    CHECK(!payload_to_json(buf_slice(&b), &json, &f));
    CHECK_INT(f.code, FAULT_VERSION);
    buf_free(&b);
    buf_free(&json);
}

struct libraries {
    struct sink sink;
    int count;
};

static void count_library(struct sink *s, struct slice source)
{
    CHECK(source.len > 2 && memcmp(source.data, "#!lua", 5) == 0);
    ((struct libraries *)s)->count++;
}

static void functions(void)
{
    static const struct sink_ops ops = {.function = count_library};
    char path[512];
    struct buf b = {0};
    struct libraries l = {.sink = {.ops = &ops}};
    struct fault f = {0};
    snprintf(path, sizeof path, "%s/redis72-functions.functiondump.bin", corpus_shared());
    if (!corpus_slurp(path, &b))
        return;
    CHECK(rdb_payload_functions(buf_slice(&b), &l.sink, &f));
    CHECK_INT(l.count, 2);
    buf_free(&b);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(dumps), UNIT(damaged_payloads), UNIT(an_unsorted_zset_is_sorted),
                    UNIT(the_footer_is_checked), UNIT(functions));
}
