/* SPDX-License-Identifier: BSD-3-Clause */
/* What redis-check-rdb says when all CPUs look at a file is what it says when one reads it. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tools/rdb_make.h"
#include "tools/check.h"
#include "tools/check_rdb_quick.h"

enum { THREADS = 3, ANY_DB = 0 };

static ssize_t read_fd(void *arg, void *to, size_t n)
{
    return read(*(int *)arg, to, n);
}

/* All but the first line of what one reader says. */
static bool by_one(int fd, uint64_t size, char **text)
{
    size_t len;
    FILE *out = open_memstream(text, &len);
    struct in in;
    lseek(fd, 0, SEEK_SET);
    in_init_callback(&in, read_fd, &fd, size, 0);
    bool ok = check_rdb_stream(&in, fd, "x", ANY_DB, NULL, out);
    in_free(&in);
    fclose(out);
    char *line_end = strchr(*text, '\n');
    memmove(*text, line_end + 1, strlen(line_end + 1) + 1);
    return ok;
}

static bool by_all(int fd, uint64_t size, uint64_t step, char **text)
{
    size_t len;
    FILE *out = open_memstream(text, &len);
    bool ok = check_rdb_quick(&(struct check_rdb_quick){.fd = fd, .size = size,
                                                        .threads = THREADS, .step_bytes = step,
                                                        .databases = ANY_DB}, out);
    fclose(out);
    return ok;
}

/* Was it in order, quickly? If so the other one says so too, in the same words. */
static bool same(const struct buf *bytes, uint64_t step)
{
    char *one, *all;
    struct rdb_image m = image_of(bytes);
    bool quick = by_all(m.fd, m.end, step, &all);
    bool good = by_one(m.fd, m.end, &one);
    CHECK(!quick || good);
    if (quick)
        CHECK_STR(all, one);
    else
        CHECK_STR(all, "");
    free(one);
    free(all);
    image_close(&m);
    return quick;
}

static const uint64_t steps[] = {50, 100, 333, 1000, 5000};
enum { STEPS = sizeof steps / sizeof *steps };

static void files_with_blocks(void)
{
    struct buf b = {0};
    make_rdb(&b, 4000, 1500, true);
    CHECK(b.len > 3 << 20);
    CHECK(same(&b, 0));
    buf_free(&b);
}

/* Of one database; values of a thousand bytes now and then. */
static void make_plain(struct buf *to, unsigned keys)
{
    buf_clear(to);
    buf_add(to, SLICE_LIT("REDIS0009\xfe\x03\xfb\x40"));
    buf_byte(to, (unsigned char)keys);
    buf_byte(to, 0);
    for (unsigned i = 0; i < keys; i++) {
        char name[24];
        if (i % 3 == 0)
            buf_add(to, SLICE_LIT("\xfc\x01\x02\x03\x04\x05\x06\0\0"));
        int n = snprintf(name, sizeof name, "%ckey:%04u", 8, i);
        buf_byte(to, 0);
        buf_append(to, name, (size_t)n);
        unsigned len = i % 50 ? 10 + i % 40 : 1000 + i;
        buf_byte(to, (unsigned char)(0x40 | len >> 8));
        buf_byte(to, (unsigned char)len);
        for (unsigned k = 0; k < len; k++)
            buf_byte(to, (unsigned char)(i * 7 + k * k));
    }
    buf_add(to, SLICE_LIT("\xff\0\0\0\0\0\0\0\0"));
}

static void files_without_an_index(void)
{
    struct buf b = {0};
    unsigned quick = 0;
    make_plain(&b, 250);
    for (int round = 0; round < 20; round++)
        for (size_t i = 0; i < STEPS; i++)
            quick += same(&b, steps[i]);
    CHECK(quick > 20 * STEPS / 2); /* guesses are good ones as a rule */
    buf_free(&b);
}

static void files_of_several_databases(void)
{
    struct buf b = {0};
    make_rdb(&b, 400, 30, false);
    for (size_t i = 0; i < STEPS; i++)
        same(&b, steps[i]);
    CHECK(same(&b, 1 << 20)); /* one piece */
    buf_free(&b);
}

static void damaged_files(void)
{
    struct buf b = {0};
    make_plain(&b, 250);
    for (size_t at = 9; at < b.len; at += 37) {
        b.data[at] ^= 0x41;
        same(&b, steps[at % STEPS]);
        b.data[at] ^= 0x41;
    }
    for (size_t len = b.len - 1; len > 600; len -= 501) {
        struct buf cut = {.data = b.data, .len = len};
        CHECK(!same(&cut, steps[len % STEPS]));
    }
    make_rdb(&b, 800, 1500, true);
    for (size_t at = 9; at < b.len; at += b.len / 60) {
        b.data[at] ^= 0x41;
        CHECK(!same(&b, 0));
        b.data[at] ^= 0x41;
    }
    buf_free(&b);
}

static void files_of_every_version(void)
{
    DIR *d = opendir("fixtures/rdb");
    struct buf b = {0};
    unsigned seen = 0;
    CHECK(d != NULL);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[300];
        if (!strstr(e->d_name, ".rdb"))
            continue;
        snprintf(path, sizeof path, "fixtures/rdb/%s", e->d_name);
        FILE *f = fopen(path, "rb");
        buf_clear(&b);
        b.len = fread(buf_reserve(&b, 1 << 20), 1, 1 << 20, f);
        fclose(f);
        for (size_t i = 0; i < STEPS; i++)
            same(&b, steps[i]);
        seen++;
    }
    closedir(d);
    CHECK(seen > 10);
    buf_free(&b);
}

int main(void)
{
    return UNIT_RUN(UNIT(files_with_blocks), UNIT(files_without_an_index),
                    UNIT(files_of_several_databases), UNIT(damaged_files),
                    UNIT(files_of_every_version));
}
