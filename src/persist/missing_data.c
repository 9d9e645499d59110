/* SPDX-License-Identifier: BSD-3-Clause */
/* The mark follows the data: it is written when what it tells of is durable. So a crash in between
 * leaves a directory with data and without the mark, never the reverse. Not being able to write it
 * is worth a warning and nothing else. */
#include "persist/missing_data.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "persist/aof.h"
#include "persist/persist.h"
#include "persist/snapshot.h"
#include "server/config.h"
#include "server/server.h"

enum policy { REFUSE, LOAD_RDB, START_EMPTY };

struct missing_data {
    struct persist *persist;
    int policy;
};

/* Names relative to the directory; NULL: no such data. */
struct mark {
    char *dump, *log;
};

static const struct config_word policies[] = {
    {"refuse", REFUSE}, {"load-rdb", LOAD_RDB}, {"start-empty", START_EMPTY}, {NULL, 0}};
static const struct config_option options[] = {
    {.name = "on-missing-data", .kind = CONFIG_ENUM,
     .offset = offsetof(struct missing_data, policy), .initial = "refuse", .words = policies},
    {.name = NULL}};

/* ---- the file ---- */

static void mark_free(struct mark *m)
{
    mem_free(m->dump);
    mem_free(m->log);
    *m = (struct mark){0};
}

static void set_name(char **name, const char *text, size_t len)
{
    mem_free(*name);
    *name = NULL;
    if (len == 0)
        return;
    *name = mem_alloc(len + 1);
    memcpy(*name, text, len);
    (*name)[len] = '\0';
}

/* Lines that are not known are skipped. */
static void parse_mark(struct mark *m, struct slice text)
{
    while (text.len) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t len = end ? (size_t)(end - text.data) : text.len;
        if (len > 5 && memcmp(text.data, "dump ", 5) == 0)
            set_name(&m->dump, text.data + 5, len - 5);
        else if (len > 4 && memcmp(text.data, "log ", 4) == 0)
            set_name(&m->log, text.data + 4, len - 4);
        text = slice_from(text, len + 1);
    }
}

static bool read_mark(const char *dir, struct mark *m, struct fault *f)
{
    enum { MARK_MAX = 64 << 10 };
    struct buf text = {0};
    bool there;
    char *path = file_join(dir, MISSING_DATA_MARK);
    *m = (struct mark){0};
    bool ok = file_look_for(path, &there, f) && (!there || file_slurp(path, MARK_MAX, &text, f));
    if (ok)
        parse_mark(m, buf_slice(&text));
    buf_free(&text);
    mem_free(path);
    return ok;
}

static void write_mark(const char *dir, const struct mark *m)
{
    struct buf text = {0};
    struct fault f = {0};
    char when[PERSIST_TIME_MAX];
    char *path = file_join(dir, MISSING_DATA_MARK), *tmp = file_join(dir, MISSING_DATA_MARK ".new");
    buf_printf(&text, "# Data was kept here. When what is told below is gone, the server does not "
                      "start\n# (on-missing-data). Remove this file together with the data.\n"
                      "time %s\n", persist_time(clock_wall_ms() / 1000, when));
    if (m->dump)
        buf_printf(&text, "dump %s\n", m->dump);
    if (m->log)
        buf_printf(&text, "log %s\n", m->log);
    if (!file_replace(tmp, path, buf_slice(&text), &f))
        log_warning("The mark of the data directory could not be written: %s", f.what);
    buf_free(&text);
    mem_free(path);
    mem_free(tmp);
}

static bool same_name(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Only what differs is written: a save costs nothing here. */
static void change_mark(const char *dir, const struct mark *to)
{
    struct mark now;
    struct fault f = {0};
    if (!read_mark(dir, &now, &f))
        log_warning("The mark of the data directory could not be read: %s", f.what);
    if (!same_name(now.dump, to->dump) || !same_name(now.log, to->log))
        write_mark(dir, to);
    mark_free(&now);
}

/* ---- data became durable ---- */

static char *log_name(const struct aof *a)
{
    struct buf name = {0};
    buf_printf(&name, "%s/%s.manifest", a->dirname, a->filename);
    buf_cstr(&name);
    return name.data;
}

/* A name with a line end in it could not be read again. */
static bool can_be_told(const struct persist *p)
{
    return !strchr(p->snapshot->filename, '\n') && !strchr(p->aof->dirname, '\n') &&
           !strchr(p->aof->filename, '\n');
}

void missing_data_saved(struct missing_data *m, const char *dir)
{
    const struct aof *a = m->persist->aof;
    char cwd[PATH_MAX];
    if (!can_be_told(m->persist) || (!dir && !(dir = getcwd(cwd, sizeof cwd))))
        return;
    struct mark to = {.dump = m->persist->snapshot->filename};
    bool logging = a->state == AOF_ON && a->home && strcmp(dir, a->home) == 0;
    to.log = logging ? log_name(a) : NULL;
    change_mark(dir, &to);
    mem_free(to.log);
}

void missing_data_logged(struct missing_data *m)
{
    struct mark now;
    struct fault f = {0};
    const struct aof *a = m->persist->aof;
    if (!can_be_told(m->persist) || !read_mark(a->home, &now, &f))
        return;
    char *name = log_name(a);
    if (!same_name(now.log, name)) {
        struct mark to = {.dump = now.dump, .log = name};
        write_mark(a->home, &to);
    }
    mark_free(&now);
    mem_free(name);
}

/* ---- a start ---- */

/* Looks for the marked file; gone stays false when nothing was marked. */
static bool is_gone(const char *dir, const char *name, bool *gone, struct fault *f)
{
    bool there = true;
    *gone = false;
    if (!name)
        return true;
    char *path = file_join(dir, name);
    bool ok = file_look_for(path, &there, f);
    mem_free(path);
    *gone = !there;
    return ok;
}

static void refuse(const struct mark *mark, bool log_gone, bool dump_there, struct fault *f)
{
    if (log_gone && dump_there)
        fault_set(f, FAULT_FORMAT,
                  "The append log %s is gone, the dump file is there and may be older. Restore the "
                  "log, or start from the dump: on-missing-data load-rdb, or remove the mark %s",
                  mark->log, MISSING_DATA_MARK);
    else
        fault_set(f, FAULT_FORMAT,
                  "%s, which this directory held, is gone. Restore it, or start without data: "
                  "on-missing-data start-empty, or remove the mark %s",
                  log_gone ? mark->log : mark->dump, MISSING_DATA_MARK);
}

/* What the start will have: the mark goes on without what is gone. */
static void told_to(const char *dir, struct mark *mark, bool log_gone, bool dump_gone)
{
    log_warning("Data that this directory held is gone (%s%s%s); on-missing-data tells to start "
                "all the same", log_gone ? mark->log : "", log_gone && dump_gone ? ", " : "",
                dump_gone ? mark->dump : "");
    struct mark left = {.dump = dump_gone ? NULL : mark->dump, .log = log_gone ? NULL : mark->log};
    write_mark(dir, &left);
}

/* The log counts when it is on, or when it was all there was. */
static bool decide(struct missing_data *m, const char *dir, struct mark *mark, bool log,
                   struct fault *f)
{
    bool log_gone, dump_gone, dump_there;
    if (!is_gone(dir, mark->log, &log_gone, f) || !is_gone(dir, mark->dump, &dump_gone, f) ||
        !file_look_for(m->persist->snapshot->filename, &dump_there, f))
        return false;
    dump_gone = dump_gone && !dump_there;
    log_gone = log_gone && (log || !dump_there);
    if (!log_gone && !dump_gone)
        return true;
    bool allowed = m->policy == START_EMPTY || (m->policy == LOAD_RDB && dump_there);
    if (allowed)
        told_to(dir, mark, log_gone, dump_gone);
    else
        refuse(mark, log_gone, dump_there, f);
    return allowed;
}

bool missing_data_allows(struct missing_data *m, bool log, struct fault *f)
{
    struct mark mark;
    const char *dir = m->persist->aof->home;
    bool ok = read_mark(dir, &mark, f) && decide(m, dir, &mark, log, f);
    mark_free(&mark);
    return ok;
}

struct missing_data *missing_data_new(struct persist *p)
{
    struct missing_data *m = mem_zalloc(sizeof *m);
    m->persist = p;
    config_add(server_config(p->server), options, m);
    return m;
}

void missing_data_free(struct missing_data *m)
{
    mem_free(m);
}
