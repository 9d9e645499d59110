/* SPDX-License-Identifier: BSD-3-Clause */
/* The reader gets what the writer told of, no byte more, and waits for what is to come. */
#include "persist/read_behind.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "os/file.h"
#include "tests/unit/unit.h"

enum { ALL = 300000, STEP = 777 };

struct pair {
    struct read_behind behind;
    int to;
    pthread_t thread;
    unsigned char got[ALL];
    size_t got_len, largest;
};

static unsigned char byte_at(size_t i)
{
    return (unsigned char)(i * 31 + i / 251);
}

static void *run(void *arg)
{
    struct pair *p = arg;
    for (ssize_t n; (n = read_behind(&p->behind, p->got + p->got_len, ALL - p->got_len)) > 0;)
        p->got_len += (size_t)n;
    read_behind_over(&p->behind);
    return NULL;
}

/* The whole file lies there, the writer has told of nothing. */
static void begin(struct pair *p)
{
    static unsigned char all[ALL];
    char path[512];
    snprintf(path, sizeof path, "%s/x", unit_tmpdir());
    for (size_t i = 0; i < ALL; i++)
        all[i] = byte_at(i);
    p->got_len = 0;
    p->to = file_create(path, 0);
    CHECK(p->to >= 0 && file_write_all(p->to, (char *)all, ALL, NULL) == 0);
    read_behind_init(&p->behind, file_open(path, O_RDONLY, 0));
    CHECK(pthread_create(&p->thread, NULL, run, p) == 0);
}

static void end(struct pair *p)
{
    CHECK(pthread_join(p->thread, NULL) == 0);
    for (size_t i = 0; i < p->got_len; i++)
        if (p->got[i] != byte_at(i)) {
            CHECK_INT(i, -1);
            break;
        }
    file_close(p->behind.fd);
    file_close(p->to);
    read_behind_free(&p->behind);
}

static void wait_read(struct pair *p, uint64_t bytes)
{
    while (read_behind_read(&p->behind) < bytes)
        read_behind_wait_over(&p->behind, 1);
    CHECK_INT(read_behind_read(&p->behind), bytes);
}

static void all_that_was_told_of(void)
{
    static struct pair p;
    begin(&p);
    for (uint64_t told = STEP; told < ALL; told += STEP) {
        read_behind_grew(&p.behind, told);
        if (told % 10 == 0)
            wait_read(&p, told);
    }
    CHECK(!read_behind_wait_over(&p.behind, 0));
    read_behind_grew(&p.behind, ALL - 5); /* the file has more, and nobody said so */
    read_behind_whole(&p.behind);
    while (!read_behind_wait_over(&p.behind, 1000))
        ;
    CHECK_INT(read_behind_read(&p.behind), ALL - 5);
    end(&p);
    CHECK_INT(p.got_len, ALL - 5);
}

static void a_writer_that_gives_up(void)
{
    static struct pair p;
    begin(&p);
    read_behind_grew(&p.behind, STEP);
    wait_read(&p, STEP);
    CHECK(!read_behind_wait_over(&p.behind, 20));
    read_behind_give_up(&p.behind);
    while (!read_behind_wait_over(&p.behind, 1000))
        ;
    end(&p);
    CHECK_INT(p.got_len, STEP);
}

/* What the file lost meanwhile is its end. */
static void a_file_that_is_shorter_than_was_told(void)
{
    static struct pair p;
    begin(&p);
    CHECK(file_truncate(p.to, 1000) == 0);
    read_behind_grew(&p.behind, 2000);
    while (!read_behind_wait_over(&p.behind, 1000))
        ;
    end(&p);
    CHECK_INT(p.got_len, 1000);
}

int main(void)
{
    return UNIT_RUN(UNIT(all_that_was_told_of), UNIT(a_writer_that_gives_up),
                    UNIT(a_file_that_is_shorter_than_was_told));
}
