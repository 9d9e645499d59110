/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of real servers and handmade ones, each against what the server said it held; damaged ones
 * against the verdict we want; and cuts and flips of good ones. */
#include "format/rdb_read.h"

#include "base/hash.h"
#include "base/rand.h"
#include "tests/unit/format/corpus.h"
#include "tests/unit/format/rdb_help.h"
#include "tests/unit/format/rows.h"

/* ---- fixtures ---- */

static void check_fixture(const char *dir, const char *name)
{
    char path[512], wanted[512];
    struct buf rdb = {0}, text = {0}, json = {0};
    struct fault f = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    snprintf(wanted, sizeof wanted, "%s/%.*s.jsonl", dir, (int)strlen(name) - 4, name);
    CHECK(corpus_slurp(path, &rdb));
    if (!corpus_slurp(wanted, &text)) { /* same keys, no compression */
        char *at = strstr(wanted, "-nolzf");
        CHECK(at != NULL);
        memmove(at, at + 6, strlen(at + 6) + 1);
        CHECK(corpus_slurp(wanted, &text));
    }
    if (!rdb_to_json(buf_slice(&rdb), &json, &f)) {
        printf("%s: %s\n", name, f.what);
        CHECK(false);
    }
    struct json *got = parse_lines(json.data), *want = parse_lines(text.data);
    int wants = 0, gots = 0;
    for (struct json *w = want; w; w = w->next, wants++)
        check_row(w, got, name);
    for (struct json *g = got; g; g = g->next)
        gots++;
    CHECK_INT(gots, wants);
    json_free(got);
    json_free(want);
    buf_free(&rdb);
    buf_free(&text);
    buf_free(&json);
}

static void fixtures(void)
{
    char dir[512];
    CHECK(corpus_each("fixtures/rdb", ".rdb", check_fixture) >= 14);
    corpus_each(corpus_shared(), ".rdb", check_fixture);
    snprintf(dir, sizeof dir, "%s/handmade", corpus_shared());
    corpus_each(dir, ".rdb", check_fixture);
}

/* ---- damaged files ---- */

/* Ours where it differs from the peers' way: see formats.md. */
static bool wanted(const char *name, bool peers_load)
{
    static const char *const refused[] = {"ver-9abc", "ver-+009", "ver- 9", "ver-9xyz",
                                          "db-encoded-len", "opcode-246"};
    /* Known to us; the function and key texts are the server's to judge. */
    static const char *const taken[] = {"ver-13", "ver-80-valkey", "dup-key", "module-aux-unknown",
                                        "module-value", "function-bad-lua", "function-no-shebang",
                                        "function-dup", "resizedb-2^40"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (strcmp(name, refused[i]) == 0)
            return false;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(name, taken[i]) == 0)
            return true;
    return peers_load;
}

static void check_damaged(const char *line)
{
    struct json *row = json_parse(line);
    struct buf rdb = {0}, json = {0};
    struct fault f = {0};
    bool peers_load = false;
    for (struct json *peer = json_get(row, "load")->child; peer; peer = peer->next)
        peers_load = peers_load || json_get(peer, "up")->number;
    json_base64(json_get(row, "rdb"), &rdb);
    bool ok = rdb_to_json(buf_slice(&rdb), &json, &f);
    const char *name = json_text(row, "name");
    if (ok != wanted(name, peers_load)) {
        printf("%s: %s\n", name, ok ? "accepted" : f.what);
        CHECK(false);
    }
    CHECK(ok || f.offset <= rdb.len);
    json_free(row);
    buf_free(&rdb);
    buf_free(&json);
}

static void damaged_files(void)
{
    char path[512];
    snprintf(path, sizeof path, "%s/corrupt/rdb-files.jsonl", corpus_shared());
    corpus_lines(path, check_damaged);
}

/* ---- small ones made here ---- */

static bool reads(struct slice rdb, const struct rdb_options *opt, struct fault *f, uint64_t *keys)
{
    struct in in;
    struct rdb_reader r;
    struct sink_count count;
    in_init_memory(&in, rdb);
    sink_count_init(&count, 0);
    bool ok = rdb_open(&r, &in, opt) && rdb_read_all(&r, &count.sink);
    *f = in.fault;
    *keys = count.keys;
    rdb_close(&r);
    return ok;
}

#define HEAD "REDIS0009\xfe\0"
#define TAIL "\xff\0\0\0\0\0\0\0\0"

static void a_fault_tells_where(void)
{
    struct fault f;
    uint64_t keys;
    struct rdb_options opt = {.databases = 16};
    CHECK(!reads(SLICE_LIT(HEAD "\x04\x01h\x02\x01" "a\x01" "1\x01" "b"), &opt, &f, &keys));
    CHECK_INT(f.code, FAULT_EOF);
    CHECK_INT((int64_t)f.offset, 21);
    CHECK_STR(f.doing, "read-object-value");
    CHECK_STR(f.key, "h");
    CHECK(f.has_type && f.type == 4);
    CHECK_STR(f.what, "Unexpected EOF reading RDB file");
}

static void duplicates_are_found_inside_a_value(void)
{
    struct fault f;
    uint64_t keys;
    struct slice twice = SLICE_LIT(HEAD "\x02\x01s\x02\x01x\x01x" TAIL);
    CHECK(!reads(twice, &(struct rdb_options){0}, &f, &keys));
    CHECK_STR(f.what, "Duplicate set member");
    CHECK(reads(twice, &(struct rdb_options){.trust_distinct = true}, &f, &keys));
}

static void counts_are_not_believed(void)
{
    struct fault f;
    uint64_t keys;
    struct rdb_options opt = {0};
    struct slice rdb = SLICE_LIT(HEAD "\x01\x01l\x81\x7f\xff\xff\xff\xff\xff\xff\xff" TAIL);
    CHECK(!reads(rdb, &opt, &f, &keys));
    CHECK_INT(f.code, FAULT_FORMAT);
    CHECK(strstr(f.what, "list elements") != NULL);
}

static void unknown_modules_are_named(void)
{
    struct fault f;
    uint64_t keys;
    struct slice rdb = SLICE_LIT(HEAD "\x07\x01m\x81\xb5\xeb\x2d\x9a\x87\x7e\0\x03\x02\x05\0" TAIL);
    CHECK(!reads(rdb, &(struct rdb_options){0}, &f, &keys));
    CHECK_INT(f.code, FAULT_CANNOT_HOLD);
    CHECK(strstr(f.what, "testmod-A") != NULL);
    CHECK(reads(rdb, &(struct rdb_options){.keep_modules = true}, &f, &keys));
}

static void count_note(void *arg, const char *text)
{
    CHECK(strstr(text, "empty") != NULL);
    ++*(int *)arg;
}

static void empty_collections_are_skipped(void)
{
    struct fault f;
    uint64_t keys;
    int notes = 0;
    struct rdb_options opt = {.note = count_note, .note_arg = &notes};
    CHECK(reads(SLICE_LIT(HEAD "\x01\x01l\0" "\0\x01k\x01v" TAIL), &opt, &f, &keys));
    CHECK_INT((int64_t)keys, 1);
    CHECK_INT(notes, 1);
}

/* Every shorter file is refused, and no single flipped byte gets past the checksum. */
static void cuts_and_flips(void)
{
    char path[512];
    struct buf rdb = {0};
    struct fault f;
    uint64_t keys;
    struct rdb_options opt = {.databases = 16, .keep_modules = true};
    snprintf(path, sizeof path, "fixtures/rdb/v11-set-stream.rdb");
    CHECK(corpus_slurp(path, &rdb));
    for (size_t cut = 0; cut < rdb.len; cut++)
        CHECK(!reads(slice(rdb.data, cut), &opt, &f, &keys));
    rand_seed(unit_seed());
    for (size_t at = 9; at < rdb.len - 8; at++) {
        char flip = (char)(1 + rand_below(255));
        rdb.data[at] ^= flip;
        CHECK(!reads(buf_slice(&rdb), &opt, &f, &keys));
        rdb.data[at] ^= flip;
    }
    CHECK(reads(buf_slice(&rdb), &opt, &f, &keys));
    buf_free(&rdb);
}

/* Who searches values of many elements: what it got, and what it answers. */
struct searcher {
    int values, hashes, ends;
    bool distinct;
};

static void search_begin(void *arg)
{
    ((struct searcher *)arg)->values++;
}

static void search_add(void *arg, uint64_t hash)
{
    struct searcher *s = arg;
    s->hashes++;
    CHECK(hash != 0);
}

static bool search_end(void *arg)
{
    struct searcher *s = arg;
    s->ends++;
    return s->distinct;
}

static void many_elements_are_searched_by_another(void)
{
    static const char rdb[] = "REDIS0011\xfe\0" "\2\1s\3\1a\1b\1c" "\2\1t\5\1a\1b\1c\1d\1e"
                              "\4\1h\4\1a\1v\1b\1v\1c\1v\1a\1v" "\xff\0\0\0\0\0\0\0\0";
    struct searcher s = {.distinct = true};
    const struct rdb_search search = {.begin = search_begin, .add = search_add,
                                      .distinct = search_end, .arg = &s};
    const struct rdb_options opt = {.distinct_max = 3, .search = &search};
    struct fault f = {0};
    uint64_t keys;
    CHECK(reads(SLICE_LIT(rdb), &opt, &f, &keys));
    CHECK_INT(keys, 3);
    CHECK_INT(s.values, 2);
    CHECK_INT(s.hashes, 5 + 4); /* those from before it was asked, too */
    CHECK_INT(s.ends, 2);
    s.distinct = false;
    CHECK(!reads(SLICE_LIT(rdb), &opt, &f, &keys));
    CHECK_STR(f.what, "Duplicate element in a value of more than 3");
    /* Broken off: it has no end. */
    CHECK(!reads(slice(rdb, 24), &opt, &f, &keys));
    CHECK_INT(s.ends, 3);
}

struct words {
    struct sink sink;
    struct buf text;
};

static void add_word(struct sink *s, struct slice word)
{
    buf_add(&((struct words *)(void *)s)->text, word);
}

/* sink.h: a key operation that is NULL has said yes. */
static void a_sink_without_a_key_operation_gets_the_values(void)
{
    static const struct sink_ops ops = {.item = add_word};
    static const char rdb[] = "REDIS0011\xfe\0" "\0\x01k\x02go" "\x01\x01l\x02\x01o\x01" "d"
                              "\x12\x01q\x01\x01\x02" "by\xff\0\0\0\0\0\0\0\0";
    struct words w = {.sink = {.ops = &ops}};
    struct fault f = {0};
    CHECK(rdb_to_sink(SLICE_LIT(rdb), &w.sink, &f));
    CHECK_STR(buf_cstr(&w.text), "goodby");
    buf_free(&w.text);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(fixtures), UNIT(damaged_files), UNIT(a_fault_tells_where),
                    UNIT(duplicates_are_found_inside_a_value),
                    UNIT(many_elements_are_searched_by_another), UNIT(counts_are_not_believed),
                    UNIT(unknown_modules_are_named), UNIT(empty_collections_are_skipped),
                    UNIT(cuts_and_flips),
                    UNIT(a_sink_without_a_key_operation_gets_the_values));
}
