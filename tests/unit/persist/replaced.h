/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers whose data set is replaced. Each is a process of its own: it ends as by kill -9. */
#ifndef TESTS_UNIT_PERSIST_REPLACED_H
#define TESTS_UNIT_PERSIST_REPLACED_H

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "format/in.h"
#include "format/rdb_write.h"
#include "os/clock.h"
#include "os/file.h"
#include "persist/aof.h"
#include "persist/persist_setup.h"
#include "persist/replace.h"
#include "store/db.h"
#include "store/walk.h"
#include "tests/unit/server/served.h"

enum { OLD_KEYS = 40, NEW_KEYS = 3000 };

static struct persist *p;

/* In a server's process. */
#define NEED(x) \
    ((x) ? (void)0 \
         : _exit((fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #x), 1)))

static inline void fill(struct keyspace *ks, const char *prefix, int count)
{
    char name[32];
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s:%d", prefix, i);
        db_set_string(keyspace_db(ks, i % 2), slice_str(name), slice_str(name), KEY_NO_EXPIRE);
    }
}

/* The new data set as a stream. */
static inline void make_stream(struct out *out)
{
    struct keyspace ks;
    struct rdb_writer w;
    struct walk_progress walk = {0};
    keyspace_init(&ks, 16);
    fill(&ks, "new", NEW_KEYS);
    out_init_memory(out);
    rdb_writer_init(&w, out, &(struct rdb_write_options){.blocks = true});
    rdb_writer_begin(&w);
    NEED(walk_keyspace(&ks, &w.sink, &walk) && rdb_writer_end(&w));
    rdb_writer_free(&w);
    keyspace_release(&ks);
}

static inline void start_with(const struct command *commands, bool log)
{
    struct fault f = {0};
    log_set_level(LOG_WARNING_LEVEL);
    serve(commands);
    p = persist_new(s);
    NEED(server_configured(s, &f));
    p->aof->enabled = log;
    if (!persist_start(p, &f))
        fprintf(stderr, "%s\n", f.what);
    NEED(!fault_is(&f));
}

static inline void turn_for(int64_t ms, bool (*until)(void))
{
    int64_t end_us = clock_mono_us() + ms * 1000;
    while (!until() && clock_mono_us() < end_us)
        loop_turn(server_loop(s), 10000);
}

static inline bool log_is_in_force(void)
{
    return p->aof->state == AOF_ON && !p->child_kind;
}

/* part: eighths of the stream that come. */
static inline bool replace(enum replace_how how, int part, struct fault *f)
{
    struct out stream;
    struct in in;
    make_stream(&stream);
    in_init_memory(&in, slice(stream.buf.data, stream.buf.len * (size_t)part / 8));
    struct boot_source src = {.name = "the other server"};
    bool ok = persist_replace(p, &in, &src, how, f);
    in_free(&in);
    out_free(&stream);
    return ok;
}

static inline void check_exit(pid_t pid)
{
    int status = -1;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK_INT(status, 0);
}

/* The next directory for a server, which is the working directory then. */
static inline void enter_room(void)
{
    static int rooms;
    char room[512];
    snprintf(room, sizeof room, "%s/%d", unit_tmpdir(), rooms++);
    CHECK(file_mkdir(room, 0755) == 0 && chdir(room) == 0);
}

#endif
