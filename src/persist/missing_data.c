/* SPDX-License-Identifier: BSD-3-Clause */
/* The mark follows the data: it is written when what it tells of is durable. So a crash in between
 * leaves a directory with data and without the mark, never the reverse. Not being able to write it
 * is worth a warning and nothing else. */
#include "persist/missing_data.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "os/clock.h"
#include "os/file.h"
#include "persist/aof_find.h"
#include "persist/aof_names.h"
#include "persist/aof_state.h"
#include "persist/persist.h"
#include "persist/save_config.h"
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
    char *off;       /* a log that a dump was saved after */
    int64_t off_seq; /* its generation then: one that is begun later has a higher one */
};

static const struct config_word policies[] = {
    {"refuse", REFUSE}, {"load-rdb", LOAD_RDB}, {"start-empty", START_EMPTY}, {NULL, 0}};
static const struct config_option options[] = {
    {.name = "on-missing-data", CONFIG_ENUM_AT(struct missing_data, policy), .initial = "refuse",
     .words = policies},
    {.name = NULL}};

/* ---- the file ---- */

static void mark_free(struct mark *m)
{
    mem_free(m->dump);
    mem_free(m->log);
    mem_free(m->off);
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

static void parse_off(struct mark *m, struct slice rest)
{
    const char *blank = memchr(rest.data, ' ', rest.len);
    size_t number = blank ? (size_t)(blank - rest.data) : 0;
    if (number && num_parse_i64(slice(rest.data, number), &m->off_seq))
        set_name(&m->off, blank + 1, rest.len - number - 1);
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
        else if (len > 4 && memcmp(text.data, "off ", 4) == 0)
            parse_off(m, slice(text.data + 4, len - 4));
        text = slice_from(text, len + 1);
    }
}

static bool one_line(const char *name)
{
    return !name || !strchr(name, '\n');
}

static bool read_mark(const char *dir, struct mark *m, struct fault *f)
{
    enum { MARK_MAX = 64 << 10 };
    struct buf text = {0};
    bool there;
    char *path = file_join(dir, MISSING_DATA_MARK);
    *m = (struct mark){0};
    bool ok = file_look_for(path, &there, f) &&
              (!there || file_slurp_regular(path, MARK_MAX, &text, f));
    must(ok || fault_is(f));
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
    must(one_line(m->dump) && one_line(m->log) && one_line(m->off)); /* as read_mark reads them */
    char *path = file_join(dir, MISSING_DATA_MARK), *tmp = file_join(dir, MISSING_DATA_MARK ".new");
    buf_printf(&text, "# Data was kept here. When what is told below is gone, the server does not "
                      "start\n# (on-missing-data). Remove this file together with the data.\n"
                      "time %s\n", persist_time(clock_wall_s(), when));
    if (m->dump)
        buf_printf(&text, "dump %s\n", m->dump);
    if (m->log)
        buf_printf(&text, "log %s\n", m->log);
    if (m->off)
        buf_printf(&text, "off %" PRId64 " %s\n", m->off_seq, m->off);
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

/* Each rewrite and each new increment makes it greater: the number of the base and that of the last
 * increment. */
static int64_t generation(const struct manifest *m)
{
    int64_t seq = 0;
    for (size_t i = 0; i < m->incr.count; i++)
        seq = m->incr.files[i].seq > seq ? m->incr.files[i].seq : seq;
    int64_t base = m->base.name ? m->base.seq : 0;
    return base < INT64_MAX / 2 && seq < INT64_MAX / 2 ? base + seq : INT64_MAX;
}

/* Of the log that is there; the highest when it is damaged, for then nothing of it is newer than a
 * dump that is saved now. False with f: the disk does not say. */
static bool generation_of(const char *dir, const char *manifest, int64_t *seq, struct fault *f)
{
    struct manifest m = {0};
    struct fault why = {0};
    char *path = file_join(dir, manifest);
    *seq = aof_read_manifest(path, &m, &why) ? generation(&m) : INT64_MAX;
    manifest_free(&m);
    mem_free(path);
    bool gone = why.code == FAULT_IO && why.err == ENOENT;
    if (why.code == FAULT_IO && !gone)
        *f = why;
    must(gone || why.code != FAULT_IO || fault_is(f));
    return gone || why.code != FAULT_IO;
}

/* The log that ends with the dump of next: that of the mark, or what BGREWRITEAOF left. */
static bool find_off(const char *dir, const struct mark *now, const char *own_log,
                     struct mark *next, struct fault *f)
{
    bool there = false;
    char *own = file_join(dir, own_log);
    bool ok = now->log || file_look_for(own, &there, f);
    mem_free(own);
    next->off = now->log ? now->log : there ? (char *)(uintptr_t)own_log : now->off;
    next->off_seq = now->off_seq;
    return ok && ((!now->log && !there) || generation_of(dir, next->off, &next->off_seq, f));
}

/* Only what differs is written. A mark that can't be told whole stays as it was: it protects what
 * the one before protected. */
static void change_mark(const char *dir, const struct mark *to, const char *own_log)
{
    struct mark now;
    struct fault f = {0};
    struct mark next = *to;
    must(to->dump && !to->off);
    if (!read_mark(dir, &now, &f) || (!to->log && !find_off(dir, &now, own_log, &next, &f)))
        log_warning("The mark of the data directory could not be renewed: %s", f.what);
    else if (!same_name(now.dump, next.dump) || !same_name(now.log, next.log) ||
             !same_name(now.off, next.off) || now.off_seq != next.off_seq)
        write_mark(dir, &next);
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
    return one_line(p->save->filename) && one_line(p->aof->dirname) && one_line(p->aof->filename);
}

/* The log that lies there is what a crash brings back. Not for ever: where it can't be begun anew
 * the dump is what was written last. */
static bool is_being_replaced(const struct persist *p)
{
    const struct aof *a = p->aof;
    return p->log_replaced && a->state == AOF_WAIT_REWRITE && a->rewrite.failures == 0;
}

void missing_data_saved(struct missing_data *m, const char *dir)
{
    const struct aof *a = m->persist->aof;
    char cwd[PATH_MAX];
    if (!can_be_told(m->persist) || (!dir && !(dir = getcwd(cwd, sizeof cwd))))
        return;
    struct mark to = {.dump = m->persist->save->filename};
    bool counts = a->state == AOF_ON || is_being_replaced(m->persist);
    bool logging = counts && a->home && strcmp(dir, a->home) == 0;
    char *own_log = log_name(a);
    to.log = logging ? own_log : NULL;
    change_mark(dir, &to, own_log);
    mem_free(own_log);
}

void missing_data_removing(struct missing_data *m, const char *dir)
{
    struct mark now;
    struct fault f = {0};
    char cwd[PATH_MAX];
    if (!can_be_told(m->persist) || (!dir && !(dir = getcwd(cwd, sizeof cwd))))
        return;
    if (!read_mark(dir, &now, &f)) {
        log_warning("The mark of the data directory could not be renewed: %s", f.what);
    } else if (now.dump) {
        struct mark left = now;
        left.dump = NULL;
        write_mark(dir, &left);
    }
    mark_free(&now);
}

void missing_data_logged(struct missing_data *m)
{
    struct mark now;
    struct fault f = {0};
    const struct aof *a = m->persist->aof;
    must(a->state == AOF_ON);
    m->persist->log_replaced = false;
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

/* What the mark tells of and the configuration names, looked for. */
struct finding {
    const char *dir;
    bool log_gone, dump_gone;   /* of the mark; false where it names none */
    bool dump_there, same_dump; /* of the configuration */
    bool dump_instead;          /* of the log that was found */
    char *log;                  /* as configured */
};

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
    must(ok || fault_is(f));
    *gone = !there;
    return ok;
}

struct newest {
    const char *dir;
    int64_t ns;
    int err; /* of what could not be looked at */
};

static int64_t mtime_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static bool newer_visit(void *arg, const char *name)
{
    struct newest *n = arg;
    struct stat st;
    char *path = file_join(n->dir, name);
    bool manifest = strstr(name, ".manifest") != NULL; /* is written at other times, too */
    int err = manifest ? -ENOENT : file_stat(path, &st);
    if (err == 0 && S_ISREG(st.st_mode) && mtime_ns(&st) > n->ns)
        n->ns = mtime_ns(&st);
    n->err = err == -ENOENT ? 0 : err;
    mem_free(path);
    return n->err == 0;
}

/* When the file was written last; of a log, the youngest of its parts. 0: it is not there. False
 * with f: nobody knows. */
static bool written_ns(const char *dir, const char *name, bool log, int64_t *ns, struct fault *f)
{
    char *path = file_join(dir, name), *slash = log ? strrchr(path, '/') : NULL;
    struct newest n = {.dir = path};
    struct stat st;
    if (slash) {
        *slash = '\0';
        int err = file_each(path, newer_visit, &n);
        n.err = n.err ? n.err : err;
    } else {
        n.err = file_stat(path, &st);
        n.ns = n.err == 0 ? mtime_ns(&st) : 0;
    }
    bool ok = n.err == 0 || n.err == -ENOENT;
    if (!ok)
        fault_io(f, -n.err, "stat", "Can't tell when %s was written", path);
    must(n.err <= 0 && (ok || fault_is(f)));
    mem_free(path);
    *ns = n.ns;
    return ok;
}

/* Was the file written no earlier than the other, the newer one then? False with f: see above. */
static bool is_newer(const struct finding *is, const char *name, const char *other, bool log,
                     bool *newer, struct fault *f)
{
    int64_t ns, other_ns;
    if (!written_ns(is->dir, name, false, &ns, f) ||
        !written_ns(is->dir, other, log, &other_ns, f))
        return false;
    *newer = ns >= other_ns;
    return true;
}

static const char *written(const char *dir, const char *name, bool log, char out[PERSIST_TIME_MAX])
{
    int64_t ns;
    struct fault unknown = {0};
    bool known = written_ns(dir, name, log, &ns, &unknown);
    return persist_time(known ? ns / 1000000000 : 0, out);
}

static void refuse_gone(const struct mark *mark, const struct finding *is, struct fault *f)
{
    must(is->log_gone ? mark->log != NULL : is->dump_gone && mark->dump);
    if (is->log_gone && is->dump_there)
        fault_set(f, FAULT_FORMAT,
                  "The append log %s is gone, the dump file is there and may be older. Restore the "
                  "log, or start from the dump: on-missing-data load-rdb, or remove the mark %s",
                  mark->log, MISSING_DATA_MARK);
    else
        fault_set(f, FAULT_FORMAT,
                  "%s, which this directory held, is gone. Restore it, or start without data: "
                  "on-missing-data start-empty, or remove the mark %s",
                  is->log_gone ? mark->log : mark->dump, MISSING_DATA_MARK);
}

/* What the start will have: the mark goes on without what is gone. */
static void told_to(struct mark *mark, const struct finding *is)
{
    must((is->log_gone && mark->log) || (is->dump_gone && mark->dump));
    log_warning("Data that this directory held is gone (%s%s%s); on-missing-data tells to start "
                "all the same", is->log_gone ? mark->log : "",
                is->log_gone && is->dump_gone ? ", " : "", is->dump_gone ? mark->dump : "");
    struct mark left = {.dump = is->dump_gone ? NULL : mark->dump,
                        .log = is->log_gone ? NULL : mark->log};
    write_mark(is->dir, &left);
}

/* The log counts when it is on, or when it was all there was. */
static bool decide_gone(struct missing_data *m, struct mark *mark, struct finding *is,
                        enum start_from from, struct fault *f)
{
    is->dump_gone = is->dump_gone && !is->dump_there;
    is->log_gone = is->log_gone && (from == START_LOG_NEW || !is->dump_there);
    if (!is->log_gone && !is->dump_gone)
        return true;
    bool allowed = m->policy == START_EMPTY || (m->policy == LOAD_RDB && is->dump_there);
    if (allowed)
        told_to(mark, is);
    else
        refuse_gone(mark, is, f);
    must(allowed || fault_is(f));
    return allowed;
}

/* The log was written last and is there, and would be passed over. */
static bool decide_other_than_log(struct missing_data *m, const struct mark *mark,
                                  const struct finding *is, enum start_from from, struct fault *f)
{
    char when[PERSIST_TIME_MAX], when_dump[PERSIST_TIME_MAX];
    const char *dump = m->persist->save->filename;
    bool newer = false;
    must(mark->log && !is->log_gone);
    if (from == START_LOG_OFF && is->dump_there &&
        !is_newer(is, dump, mark->log, true, &newer, f))
        return false;
    if (newer)
        return true; /* the save of an end in order: it holds all that the log does */
    if (from != START_LOG_FOUND &&
        (m->policy == START_EMPTY || (m->policy == LOAD_RDB && is->dump_there)))
        return true;
    struct buf instead = {0};
    if (from == START_LOG_FOUND)
        buf_printf(&instead, "the log %s", is->log);
    else if (is->dump_there)
        buf_printf(&instead, "the dump file %s, written at %s,", dump,
                   written(is->dir, dump, false, when_dump));
    else
        buf_printf(&instead, "nothing");
    fault_set(f, FAULT_FORMAT,
              "The data of this directory was last kept in the append log %s, written at %s; as "
              "configured, %s would be loaded instead. Configure that log (appendonly, "
              "appenddirname, appendfilename), or %sremove the mark %s",
              mark->log, written(is->dir, mark->log, true, when), buf_cstr(&instead),
              from == START_LOG_FOUND ? ""
              : is->dump_there        ? "pass it over: on-missing-data load-rdb, or "
                                      : "start without data: on-missing-data start-empty, or ",
              MISSING_DATA_MARK);
    buf_free(&instead);
    return false;
}

/* The log that was found is the one that ended before the dump was saved. */
static bool is_off(const struct missing_data *m, const struct mark *mark, const struct finding *is)
{
    return same_name(mark->off, is->log) &&
           generation(&m->persist->aof->manifest) <= mark->off_seq;
}

static bool refuse_old_log(const struct mark *mark, const struct finding *is, struct fault *f)
{
    char when[PERSIST_TIME_MAX], when_dump[PERSIST_TIME_MAX];
    must(mark->dump && mark->off && !mark->log);
    fault_set(f, FAULT_FORMAT,
              "The append log %s, written at %s, was switched off before the dump file %s was "
              "saved, at %s%s. To go on with the dump: start with appendonly no, then CONFIG SET "
              "appendonly yes, or on-missing-data load-rdb. To load the log all the same, remove "
              "the mark %s",
              is->log, written(is->dir, is->log, true, when), mark->dump,
              is->dump_gone ? "a time unknown" : written(is->dir, mark->dump, false, when_dump),
              is->dump_gone ? ", and is gone" : "", MISSING_DATA_MARK);
    return false;
}

/* The dump was written last and is there, under another name than configured. */
static bool decide_other_dump(struct missing_data *m, const struct mark *mark,
                              const struct finding *is, struct fault *f)
{
    char when[PERSIST_TIME_MAX], when_other[PERSIST_TIME_MAX];
    const char *dump = m->persist->save->filename;
    must(mark->dump && !is->dump_gone && !is->same_dump);
    if (m->policy == START_EMPTY)
        return true;
    bool newer = false;
    if (is->dump_there && !is_newer(is, dump, mark->dump, false, &newer, f))
        return false;
    if (newer)
        return true; /* put there since */
    fault_set(f, FAULT_FORMAT,
              "The data of this directory was last saved in %s, at %s; as configured, %s%s%s would "
              "be loaded instead. Configure that name (dbfilename), or pass it over: "
              "on-missing-data start-empty, or remove the mark %s",
              mark->dump, written(is->dir, mark->dump, false, when),
              is->dump_there ? dump : "nothing", is->dump_there ? ", written at " : "",
              is->dump_there ? written(is->dir, dump, false, when_other) : "", MISSING_DATA_MARK);
    return false;
}

/* A log without anything in it, where there was something: it is no log of ours. */
static bool decide_empty_log(struct missing_data *m, const struct mark *mark, struct finding *is,
                             struct fault *f)
{
    if ((!mark->log && !mark->dump && !is->dump_there) || !aof_is_empty(m->persist->aof))
        return true;
    is->dump_instead = m->policy == LOAD_RDB && is->dump_there;
    if (is->dump_instead || m->policy == START_EMPTY)
        return true;
    char when[PERSIST_TIME_MAX];
    const char *dump = m->persist->save->filename;
    struct buf held = {0};
    if (is->dump_there)
        buf_printf(&held, "the dump file %s, written at %s, is there", dump,
                   written(is->dir, dump, false, when));
    else
        buf_printf(&held, "this directory held data (the mark %s)", MISSING_DATA_MARK);
    fault_set(f, FAULT_FORMAT,
              "The append log %s holds nothing, but %s. Restore the log, or %sgo on with nothing: "
              "on-missing-data start-empty", is->log, buf_cstr(&held),
              is->dump_there ? "start from the dump: on-missing-data load-rdb, or " : "");
    buf_free(&held);
    return false;
}

/* The log is off, and a log is all there is: it would be served and saved as if it were not. Who
 * keeps nothing at all, without save points, means that. */
static bool decide_unmarked_log(struct missing_data *m, const struct mark *mark,
                                const struct finding *is, struct fault *f)
{
    const char *const names[] = {is->log, m->persist->aof->filename};
    must(!mark->log || is->log_gone);
    if (mark->log || mark->dump || mark->off || is->dump_there || m->policy == START_EMPTY ||
        !save_config_has_points(m->persist->save))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names && !fault_is(f); i++) {
        struct stat st;
        char *path = file_join(is->dir, names[i]);
        int err = file_stat(path, &st);
        if (err < 0 && err != -ENOENT)
            fault_io(f, -err, "stat", "Can't look for %s", path);
        else if (err == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
            fault_set(f, FAULT_FORMAT,
                      "The append log %s is there, and no dump file; as configured, nothing would "
                      "be loaded. Load it (appendonly yes), move it away, or start without data: "
                      "on-missing-data start-empty", names[i]);
        mem_free(path);
    }
    return !fault_is(f);
}

static bool decide(struct missing_data *m, struct mark *mark, struct finding *is,
                   enum start_from from, struct fault *f)
{
    if (!is_gone(is->dir, mark->log, &is->log_gone, f) ||
        !is_gone(is->dir, mark->dump, &is->dump_gone, f) ||
        !file_look_for(m->persist->save->filename, &is->dump_there, f))
        return false;
    bool this_log = from == START_LOG_FOUND && same_name(mark->log, is->log);
    if (from == START_LOG_FOUND && (this_log || !mark->log || is->log_gone) &&
        (!decide_empty_log(m, mark, is, f) || is->dump_instead))
        return is->dump_instead;
    if (mark->log && !is->log_gone)
        return this_log || decide_other_than_log(m, mark, is, from, f);
    if (from == START_LOG_OFF && !decide_unmarked_log(m, mark, is, f))
        return false;
    if (from == START_LOG_FOUND) {
        if (mark->log || !mark->dump || !is_off(m, mark, is))
            return true;
        is->dump_instead = m->policy == LOAD_RDB && is->dump_there;
        return is->dump_instead || refuse_old_log(mark, is, f);
    }
    if (mark->dump && !is->dump_gone && !mark->log && !is->same_dump &&
        !decide_other_dump(m, mark, is, f))
        return false;
    return decide_gone(m, mark, is, from, f);
}

bool missing_data_allows(struct missing_data *m, enum start_from from, bool *dump_instead,
                         struct fault *f)
{
    struct mark mark;
    struct finding is = {.dir = m->persist->aof->home, .log = log_name(m->persist->aof)};
    bool ok = read_mark(is.dir, &mark, f);
    is.same_dump = same_name(mark.dump, m->persist->save->filename);
    ok = ok && decide(m, &mark, &is, from, f);
    must(ok || fault_is(f));
    must(!is.dump_instead || (ok && is.dump_there && from == START_LOG_FOUND));
    *dump_instead = is.dump_instead;
    mark_free(&mark);
    mem_free(is.log);
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
