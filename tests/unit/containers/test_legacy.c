/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "containers/legacy.h"
#include "tests/unit/unit.h"

typedef bool walker(struct slice, legacy_visit *, void *, size_t *, const char **);

static bool join_texts(void *arg, struct slice element)
{
    buf_add(arg, element);
    buf_byte(arg, ',');
    return true;
}

static bool stop_at_second(void *arg, struct slice element)
{
    (void)element;
    return ++*(int *)arg < 2;
}

static void check_accepted(walker *walk, const char *bytes, size_t len, size_t want_count,
                           const char *want)
{
    uint8_t *exact = mem_dup(bytes, len);
    struct buf texts = {0};
    size_t count = 0;
    const char *why = "";
    bool ok = walk(slice(exact, len), join_texts, &texts, &count, &why);
    if (!ok)
        printf("refused: %s\n", why);
    CHECK(ok);
    CHECK_INT(count, want_count);
    CHECK_SLICE(buf_slice(&texts), slice_str(want));
    buf_free(&texts);
    mem_free(exact);
}

static void check_refused(walker *walk, const char *what, const char *bytes, size_t len)
{
    uint8_t *exact = mem_dup(bytes, len);
    const char *why = NULL;
    bool ok = walk(slice(exact, len), NULL, NULL, NULL, &why);
    if (ok)
        printf("accepted: %s\n", what);
    CHECK(!ok && why);
    mem_free(exact);
}

static const char known_ziplist[] =
    "\x20\0\0\0\x1b\0\0\0\4\0\0\xf3\2\xf6\2\x0bHello World\r\xc0\xe8\3\xff";

static void reads_a_ziplist(void)
{
    check_accepted(ziplist_walk, known_ziplist, 32, 4, "2,5,Hello World,1000,");
    check_accepted(ziplist_walk, "\x0b\0\0\0\x0a\0\0\0\0\0\xff", 11, 0, "");
    static const char ints[] = "\x2b\0\0\0\x28\0\0\0\7\0"
                               "\0\xd0\1\2\3\4\6\xe0\1\2\3\4\5\6\7\x88\x0a\xf0\1\2\x83\5\xfe\x80"
                               "\3\x40\1x\4\xf1\2\xfd\xff";
    check_accepted(ziplist_walk, ints, sizeof ints - 1, 7,
                   "67305985,-8644934341102468607,-8191487,-128,x,0,12,");
    /* Count by walking; the long form of a small previous length; a 32-bit string length. */
    check_accepted(ziplist_walk, "\x0d\0\0\0\x0a\0\0\0\xff\xff\0\xf2\xff", 13, 1, "1,");
    static const char longer[] = "\x19\0\0\0\x0c\0\0\0\2\0"
                                 "\0\xf2\xfe\2\0\0\0\x80\0\0\0\2hi\xff";
    check_accepted(ziplist_walk, longer, sizeof longer - 1, 2, "1,hi,");
}

static void refuses_damaged_ziplists(void)
{
    static const struct {
        const char *what;
        int at;
        unsigned char byte;
    } changes[] = {
        {"total", 0, 0x21},        {"total", 3, 0x80},          {"tail offset", 4, 0x0a},
        {"tail offset", 5, 1},     {"count", 8, 3},             {"count", 8, 5},
        {"first previous", 10, 1}, {"previous", 12, 3},         {"previous is the end", 12, 0xff},
        {"encoding", 13, 0x81},    {"encoding", 13, 0xbf},      {"encoding", 13, 0xc1},
        {"encoding", 13, 0xd1},    {"encoding", 13, 0xef},      {"end in the middle", 13, 0xff},
        {"string too long", 15, 0x3f}, {"string too short", 15, 0x0a}, {"14 bits", 15, 0x7f},
        {"32 bits", 15, 0x80},     {"integer too wide", 28, 0xe0}, {"no end", 31, 0},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char bytes[32];
        memcpy(bytes, known_ziplist, 32);
        bytes[changes[i].at] = (char)changes[i].byte;
        check_refused(ziplist_walk, changes[i].what, bytes, 32);
    }
    for (size_t len = 0; len < 32; len++)
        check_refused(ziplist_walk, "cut", known_ziplist, len);
    check_refused(ziplist_walk, "ten bytes", "\x0a\0\0\0\x0a\0\0\0\0\0", 10);
    check_refused(ziplist_walk, "empty, tail off", "\x0b\0\0\0\x0b\0\0\0\0\0\xff", 11);
    check_refused(ziplist_walk, "cut long previous",
                  "\x0f\0\0\0\x0c\0\0\0\2\0\0\xf2\xfe\2\xff", 15);
}

static const char known_zipmap[] = "\2\3foo\3\0bar\5hello\5\0world\xff";

static void reads_a_zipmap(void)
{
    check_accepted(zipmap_walk, known_zipmap, sizeof known_zipmap - 1, 4, "foo,bar,hello,world,");
    check_accepted(zipmap_walk, "\0\xff", 2, 0, "");
    check_accepted(zipmap_walk, "\1\1k\1\2vxx\xff", 9, 2, "k,v,");
    check_accepted(zipmap_walk, "\xfe\1k\1\0v\xff", 7, 2, "k,v,");
    check_accepted(zipmap_walk, "\1\xfe\1\0\0\0k\xfe\1\0\0\0\0v\xff", 15, 2, "k,v,");
}

static void refuses_damaged_zipmaps(void)
{
    size_t len = sizeof known_zipmap - 1;
    char bytes[sizeof known_zipmap];
    static const struct {
        const char *what;
        int at;
        unsigned char byte;
    } changes[] = {{"count", 0, 1},
                   {"count", 0, 3},
                   {"key length", 1, 0xfd},
                   {"key length end", 1, 0xff},
                   {"long key length", 1, 0xfe},
                   {"value length", 5, 0xfd},
                   {"value length end", 5, 0xff},
                   {"free", 6, 0xff},
                   {"free", 6, 15},
                   {"no end", sizeof known_zipmap - 2, 0}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        memcpy(bytes, known_zipmap, len);
        bytes[changes[i].at] = (char)changes[i].byte;
        check_refused(zipmap_walk, changes[i].what, bytes, len);
    }
    for (size_t cut = 0; cut < len; cut++)
        check_refused(zipmap_walk, "cut", known_zipmap, cut);
    check_refused(zipmap_walk, "bytes behind the end", "\0\xff\xff", 3);
}

static void stops_when_told(void)
{
    int seen = 0;
    size_t count;
    const char *why = NULL;
    CHECK(!ziplist_walk(slice(known_ziplist, 32), stop_at_second, &seen, &count, &why));
    CHECK_INT(seen, 2);
    CHECK_INT(count, 2);
    CHECK_STR(why, "stopped");
    seen = 0;
    CHECK(!zipmap_walk(slice(known_zipmap, sizeof known_zipmap - 1), stop_at_second, &seen, &count,
                       &why));
    CHECK_INT(seen, 2);
    CHECK_STR(why, "stopped");
}

int main(void)
{
    return UNIT_RUN(UNIT(reads_a_ziplist), UNIT(refuses_damaged_ziplists), UNIT(reads_a_zipmap),
                    UNIT(refuses_damaged_zipmaps), UNIT(stops_when_told));
}
