/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "base/mem.h"
#include "base/sha.h"
#include "tests/unit/unit.h"
#include "tools/backup.h"

static const char *example(struct buf *text)
{
    struct backup b = {.server = mem_strdup("7.2.4 (Holdfast)"), .source = mem_strdup("a b:1"),
                       .begun_ms = 1, .ended_ms = 2, .first_ms = -1, .last_ms = -1, .keys = 3,
                       .commands = 4, .compression = COMPRESSION_ZSTD};
    strcpy(b.log_id, "0123456789abcdef");
    strcpy(b.position, "2:77");
    memset(b.base_digest, 'a', DIGEST_DIGITS);
    struct backup_file *f = backup_add_file(&b, "appendonlydir/x \"y\".base.rdb", BACKUP_BASE);
    f->size = 10;
    f->stored = 5;
    memset(f->sha256, 'b', 64);
    f = backup_add_file(&b, "appendonlydir/x.manifest", BACKUP_MANIFEST);
    memset(f->sha256, 'c', 64);
    backup_print(&b, text);
    backup_free(&b);
    return buf_cstr(text);
}

static void reads_what_it_wrote(void)
{
    struct buf text = {0}, again = {0};
    struct backup b;
    struct fault f = {0};
    example(&text);
    CHECK(backup_parse(&b, buf_slice(&text), &f));
    CHECK_STR(b.server, "7.2.4 (Holdfast)");
    CHECK_STR(b.source, "a b:1");
    CHECK_STR(b.position, "2:77");
    CHECK_STR(b.state_digest, "");
    CHECK_INT((int64_t)b.count, 2);
    CHECK_STR(b.files[0].name, "appendonlydir/x \"y\".base.rdb");
    CHECK_INT((int64_t)b.files[0].stored, 5);
    CHECK_INT(b.compression, COMPRESSION_ZSTD);
    backup_print(&b, &again);
    CHECK_SLICE(buf_slice(&again), buf_slice(&text));
    backup_free(&b);
    buf_free(&text);
    buf_free(&again);
}

/* Every byte counts, and so does every length. */
static void no_change_passes(void)
{
    struct buf text = {0};
    struct backup b;
    example(&text);
    for (size_t i = 0; i < text.len; i++) {
        struct fault f = {0};
        text.data[i] ^= 1;
        CHECK(!backup_parse(&b, buf_slice(&text), &f) && fault_is(&f));
        text.data[i] ^= 1;
        memset(&f, 0, sizeof f);
        CHECK(!backup_parse(&b, slice(text.data, i), &f) && fault_is(&f));
    }
    buf_free(&text);
}

/* With a right sum, by who means harm: nothing is written or read outside of the backup. */
static void names_stay_inside(void)
{
    static const char *const names[] = {"../x", "/etc/passwd", "a/../b", "a//b", "./a", "a/.",
                                        "\"\"", "\"a\\x00b\"", "..", "a/"};
    static const char head[] = "holdfast-backup 1\nkind log\n";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buf text = {0};
        struct backup b;
        struct fault f = {0};
        char sum[65];
        buf_printf(&text, "%sfile %s kind base size 1 stored 1 sha256 %064d\n", head, names[i], 0);
        sha256_hex(buf_slice(&text), sum);
        buf_printf(&text, "sum %s\n", sum);
        bool ends_in_slash = strcmp(names[i], "a/") == 0;
        bool ok = backup_parse(&b, buf_slice(&text), &f);
        CHECK(ok == ends_in_slash);
        if (ok)
            backup_free(&b);
        buf_free(&text);
    }
}

static void a_later_version_is_said_to_be_one(void)
{
    struct buf text = {0};
    struct backup b;
    struct fault f = {0};
    char sum[65];
    buf_printf(&text, "holdfast-backup 2\nwhatever\n");
    sha256_hex(buf_slice(&text), sum);
    buf_printf(&text, "sum %s\n", sum);
    CHECK(!backup_parse(&b, buf_slice(&text), &f));
    CHECK_INT(f.code, FAULT_VERSION);
    buf_free(&text);
}

int main(void)
{
    return UNIT_RUN(UNIT(reads_what_it_wrote), UNIT(no_change_passes), UNIT(names_stay_inside),
                    UNIT(a_later_version_is_said_to_be_one));
}
