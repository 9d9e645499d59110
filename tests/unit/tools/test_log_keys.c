/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "tests/unit/unit.h"
#include "tools/log_keys.h"

/* A command of the words in text, followed. How many keys depend. */
static size_t follow(struct log_taint *t, uint64_t *db, const char *text)
{
    struct buf words = {0}, bytes = {0};
    struct log_bytes b;
    struct log_command c;
    struct fault f = {0};
    size_t argc = 0;
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, " ");
        buf_printf(&words, "$%zu\r\n%.*s\r\n", n, (int)n, at);
        at += n + (at[n] == ' ');
        argc++;
    }
    buf_printf(&bytes, "*%zu\r\n%s", argc, buf_cstr(&words));
    log_bytes_memory(&b, buf_slice(&bytes));
    CHECK(log_command_read(&b, 0, b.size, &c, &f) == LOG_COMMAND);
    size_t depend = log_taint_follow(t, &b, &c, db, NULL, NULL);
    log_bytes_close(&b);
    buf_free(&words);
    buf_free(&bytes);
    return depend;
}

static uint64_t hash_of(const char *key)
{
    return hash_slice(slice_str(key));
}

static void databases_are_swapped_and_emptied(void)
{
    struct log_taint t;
    uint64_t db = 0;
    log_taint_begin(&t);
    log_taint_add(&t, 0, hash_of("a"));
    log_taint_add(&t, 1, hash_of("b"));
    CHECK_INT((int64_t)t.count, 2);
    CHECK_INT((int64_t)follow(&t, &db, "INCR a"), 1);
    CHECK_INT((int64_t)follow(&t, &db, "INCR b"), 0);
    follow(&t, &db, "SWAPDB 0 1");
    CHECK_INT((int64_t)follow(&t, &db, "INCR a"), 0);
    CHECK_INT((int64_t)follow(&t, &db, "INCR b"), 1);
    follow(&t, &db, "SWAPDB 1 7");
    CHECK_INT((int64_t)follow(&t, &db, "SELECT 7"), 0);
    CHECK_INT((int64_t)follow(&t, &db, "INCR a"), 1);
    follow(&t, &db, "FLUSHDB");
    CHECK_INT((int64_t)t.count, 1);
    CHECK_INT((int64_t)follow(&t, &db, "INCR a"), 0);
    follow(&t, &db, "SELECT 0");
    CHECK_INT((int64_t)follow(&t, &db, "INCR b"), 1);
    follow(&t, &db, "SET b 1");
    CHECK_INT((int64_t)t.count, 0);
    log_taint_add(&t, 3, hash_of("c"));
    follow(&t, &db, "FLUSHALL");
    CHECK_INT((int64_t)t.count, 0);
    log_taint_free(&t);
}

/* With many keys that miss something: a log of nothing else was gone through for hours. */
static void emptying_costs_nothing(void)
{
    struct log_taint t;
    uint64_t db = 5;
    enum { KEYS = 300000, TIMES = 100000 };
    log_taint_begin(&t);
    for (uint64_t i = 0; i < KEYS; i++)
        log_taint_add(&t, 0, i * 0x9e3779b97f4a7c15u);
    CHECK_INT((int64_t)t.count, KEYS);
    for (int i = 0; i < TIMES; i++) {
        follow(&t, &db, "FLUSHDB");
        follow(&t, &db, "SWAPDB 0 1");
    }
    CHECK_INT((int64_t)t.count, KEYS);
    log_taint_free(&t);
}

/* Keys of sets that were emptied take no room for good. */
static void what_is_gone_makes_room(void)
{
    struct log_taint t;
    log_taint_begin(&t);
    for (uint64_t i = 0; i < 500000; i++) {
        uint64_t db = i % 3;
        log_taint_add(&t, db, i * 0x9e3779b97f4a7c15u);
        if (i % 100 == 0)
            follow(&t, &db, "FLUSHALL");
    }
    CHECK(t.count <= 100 && t.cap <= 4096 && !t.full);
    for (uint64_t db = 0; db < 2 * LOG_TAINT_DBS; db++)
        log_taint_add(&t, 10 + db, 77);
    CHECK(t.full);
    log_taint_free(&t);
}

int main(void)
{
    return UNIT_RUN(UNIT(databases_are_swapped_and_emptied), UNIT(emptying_costs_nothing),
                    UNIT(what_is_gone_makes_room));
}
