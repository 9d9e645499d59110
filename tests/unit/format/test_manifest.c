/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/manifest.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

static bool parses(const char *text, struct manifest *m, struct fault *f)
{
    *m = (struct manifest){0};
    *f = (struct fault){0};
    return manifest_parse(m, slice_str(text), f);
}

static void reads_a_set(void)
{
    struct manifest m;
    struct fault f;
    CHECK(parses("# by hand\n"
                 "file a.2.base.rdb seq 2 type b\n"
                 "file a.1.base.rdb seq 1 type h\n"
                 "type i seq 2 file a.2.incr.aof\n"
                 "\tFILE a.4.incr.aof  SEQ 4 TYPE incr startoffset 77 \r\n", &m, &f));
    CHECK_STR(m.base.name, "a.2.base.rdb");
    CHECK_INT(m.base.seq, 2);
    CHECK_INT((int64_t)m.history.count, 1);
    CHECK_INT((int64_t)m.incr.count, 2);
    CHECK_STR(m.incr.files[1].name, "a.4.incr.aof");
    CHECK_INT(manifest_next_base(&m), 3);
    CHECK_INT(manifest_next_incr(&m), 5);
    manifest_free(&m);
    CHECK(parses("#only a comment\n", &m, &f));
    CHECK(!m.base.name);
    manifest_free(&m);
}

static void prints_what_it_reads(void)
{
    static const char text[] =
        "file \"my \\\"odd\\\" na\\xc3\\xafve file.aof.3.base.rdb\" seq 3 type b\n"
        "file a.1.incr.aof seq 1 type h\n"
        "file \"tab\\there's\" seq 3 type i\n";
    struct manifest m, copy;
    struct fault f;
    struct buf out = {0};
    CHECK(parses(text, &m, &f));
    CHECK_STR(m.base.name, "my \"odd\" na\xc3\xafve file.aof.3.base.rdb");
    CHECK_STR(m.incr.files[0].name, "tab\there's");
    manifest_copy(&copy, &m);
    manifest_free(&m);
    manifest_print(&copy, &out);
    CHECK_SLICE(buf_slice(&out), slice_str(text));
    manifest_free(&copy);
    buf_free(&out);
}

static void refuses_what_is_unclear(void)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "empty"},
        {"\n", "line 1"},
        {"file a seq 1 type b\n\n", "line 2"},
        {"file a seq 1 type b", "line 1"},
        {"file a seq 1 type b\nfile b seq 2 type b\n", "second base"},
        {"file a seq 2 type i\nfile b seq 2 type i\n", "ascend"},
        {"file a seq 1 type x\n", "type"},
        {"file a seq 1 type\n", "not \"file"},
        {"file a seq 0 type b\n", "sequence"},
        {"file a seq -1 type b\n", "sequence"},
        {"file a seq 1x type b\n", "sequence"},
        {"file a sek 1 type b\n", "sequence"},
        {"file ../a seq 1 type b\n", "path"},
        {"file \"a\\\\b\" seq 1 type b\n", "path"},
        {"file \"\" seq 1 type b\n", "no file name"},
        {"file \"a\\x00b\" seq 1 type b\n", "zero byte"},
        {"file \"a seq 1 type b\n", "quotes"},
        {"file \"a\"b seq 1 type b\n", "quotes"},
        {"file a seq 1 type b\nfile b seq 1 type i id 0123456789abcdeg\n", "line 2: the id"},
        {"file a seq 1 type b id 123\n", "the id"},
        {"file a seq 1 type b id 0000000000000000\n", "the id"},
        {"file a seq 1 type b id 00123456789abcdef\n", "the id"},
        {"file a seq 1 type b size -1\n", "the size"},
        {"file a seq 1 type b size 1x\n", "the size"},
        {"file a seq 1 type b size 99999999999999999999\n", "the size"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct manifest m;
        struct fault f;
        CHECK(!parses(bad[i].text, &m, &f));
        if (!strstr(f.what, bad[i].why))
            CHECK_STR(f.what, bad[i].why);
        manifest_free(&m);
    }
}

static void id_and_size_go_with_their_file(void)
{
    static const char text[] = "file a.1.base.rdb seq 1 type b id 0123456789abcdef size 0\n"
                               "file a.0.incr.aof seq 1 type h size 9223372036854775807\n"
                               "file a.1.incr.aof seq 1 type i id fedcba9876543210 size 77\n"
                               "file a.2.incr.aof seq 2 type i\n"
                               "#HF:sum 7ca46152364de97f\n";
    struct manifest m, copy;
    struct fault f;
    struct buf out = {0};
    CHECK(parses(text, &m, &f));
    CHECK_INT((int64_t)m.base.id, 0x0123456789abcdef);
    CHECK_INT(m.base.size, 0);
    CHECK_INT(m.incr.files[0].size, 77);
    CHECK_INT(m.incr.files[1].size, -1);
    CHECK(m.incr.files[1].id == 0);
    manifest_copy(&copy, &m);
    manifest_free(&m);
    manifest_print(&copy, &out);
    CHECK_SLICE(buf_slice(&out), slice_str(text));
    /* a rewrite takes them along into history; a new file has neither */
    manifest_set_base(&copy, "a.2.base.rdb", 2);
    manifest_retire_incr(&copy, 1);
    CHECK(copy.base.id == 0);
    CHECK_INT(copy.base.size, -1);
    CHECK_INT(copy.history.files[0].size, 77);
    CHECK_INT(copy.history.files[1].size, 0);
    manifest_free(&copy);
    buf_free(&out);
}

static void lines_have_a_length(void)
{
    struct buf text = {0};
    struct manifest m = {0};
    struct fault f = {0};
    buf_printf(&text, "file a seq 1 type b x ");
    while (text.len < MANIFEST_LINE_MAX - 1)
        buf_byte(&text, 'y');
    buf_byte(&text, '\n');
    CHECK(manifest_parse(&m, buf_slice(&text), &f));
    manifest_free(&m);
    text.data[text.len - 1] = 'y';
    buf_byte(&text, '\n');
    CHECK(!manifest_parse(&m, buf_slice(&text), &f));
    manifest_free(&m);
    buf_free(&text);
}

static void numbers_end(void)
{
    struct manifest m;
    struct fault f;
    CHECK(parses("file a seq 9223372036854775807 type b\nfile b seq 7 type i\n", &m, &f));
    CHECK_INT(manifest_next_base(&m), 0);
    CHECK_INT(manifest_next_incr(&m), 8);
    manifest_free(&m);
    CHECK(parses("file a seq 9223372036854775806 type h\n", &m, &f));
    CHECK_INT(manifest_next_base(&m), INT64_MAX);
    CHECK_INT(manifest_next_incr(&m), INT64_MAX);
    manifest_free(&m);
}

static void a_file_is_named_once(void)
{
    static const char *const texts[] = {
        "file a seq 1 type b\nfile a seq 1 type h\n", "file a seq 1 type i\nfile a seq 2 type i\n",
        "file a seq 1 type h\nfile \"\\x61\" seq 1 type i\n",
        "file a seq 1 type i\nfile a seq 1 type b\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct manifest m;
        struct fault f;
        CHECK(!parses(texts[i], &m, &f));
        CHECK(strstr(f.what, "line 2: the file is named twice"));
        manifest_free(&m);
    }
}

static void a_rewrite_moves_files_to_history(void)
{
    struct manifest m = {0};
    struct buf out = {0};
    char *base = manifest_base_name("a.aof", 1, true), *incr = manifest_incr_name("a.aof", 1);
    manifest_set_base(&m, base, 1);
    manifest_add_incr(&m, incr, 1);
    manifest_add_incr(&m, "a.aof.2.incr.aof", 2);
    manifest_set_base(&m, "a.aof.2.base.rdb", manifest_next_base(&m));
    manifest_retire_incr(&m, 1);
    manifest_print(&m, &out);
    CHECK_SLICE(buf_slice(&out), SLICE_LIT("file a.aof.2.base.rdb seq 2 type b\n"
                                           "file a.aof.1.incr.aof seq 1 type h\n"
                                           "file a.aof.1.base.rdb seq 1 type h\n"
                                           "file a.aof.2.incr.aof seq 2 type i\n"));
    manifest_drop_history(&m);
    CHECK_INT((int64_t)m.history.count, 0);
    CHECK_INT(manifest_next_incr(&m), 3);
    manifest_free(&m);
    mem_free(base);
    mem_free(incr);
    buf_free(&out);
}

static void a_part_is_forgotten(void)
{
    struct manifest m;
    struct fault f;
    struct buf out = {0};
    CHECK(parses("file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type h\n"
                 "file a.2.incr.aof seq 2 type i\nfile a.3.incr.aof seq 3 type i\n"
                 "file a.4.incr.aof seq 4 type i\n", &m, &f));
    manifest_forget_part(&m, "a.3.incr.aof");
    manifest_forget_part(&m, "a.1.incr.aof"); /* history is none */
    manifest_forget_part(&m, "a.9.incr.aof");
    manifest_print(&m, &out);
    CHECK_SLICE(buf_slice(&out), SLICE_LIT("file a.1.base.rdb seq 1 type b\n"
                                           "file a.1.incr.aof seq 1 type h\n"
                                           "file a.2.incr.aof seq 2 type i\n"
                                           "file a.4.incr.aof seq 4 type i\n"));
    buf_clear(&out);
    manifest_forget_part(&m, "a.1.base.rdb");
    manifest_forget_part(&m, "a.2.incr.aof");
    manifest_forget_part(&m, "a.4.incr.aof");
    manifest_print(&m, &out);
    CHECK_SLICE(buf_slice(&out), SLICE_LIT("file a.1.incr.aof seq 1 type h\n"));
    CHECK_INT(manifest_next_incr(&m), 2);
    manifest_free(&m);
    buf_free(&out);
}

int main(void)
{
    return UNIT_RUN(UNIT(reads_a_set), UNIT(prints_what_it_reads), UNIT(refuses_what_is_unclear),
                    UNIT(id_and_size_go_with_their_file), UNIT(lines_have_a_length),
                    UNIT(numbers_end), UNIT(a_file_is_named_once),
                    UNIT(a_rewrite_moves_files_to_history), UNIT(a_part_is_forgotten));
}
