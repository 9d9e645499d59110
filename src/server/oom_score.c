/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/oom_score.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "server/config.h"
#include "server/hooks.h"
#include "server/server.h"

#define ADJ_FILE "/proc/self/oom_score_adj"
enum { PRIMARY, REPLICA, CHILD, ROLES };
enum { OOM_NO, OOM_RELATIVE, OOM_ABSOLUTE };
enum { ADJ_MAX = 1000, VALUE_MAX = 2000 };

struct oom_score {
    struct server *server;
    int mode;
    int64_t values[ROLES];
    int64_t began_with;
    bool started, moved; /* moved: what the file holds is ours */
};

/* The file, not through os/file: its calls are the disk's. 0 or -errno. */
static int put(int64_t adj)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%lld\n", (long long)adj);
    int fd = open(ADJ_FILE, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int err = write(fd, text, (size_t)len) == len ? 0 : -errno;
    close(fd);
    return err;
}

static int64_t get(void)
{
    char text[24] = "";
    int fd = open(ADJ_FILE, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    return got > 0 ? strtoll(text, NULL, 10) : 0;
}

static int64_t wanted(const struct oom_score *o, int role)
{
    must(role >= 0 && role < ROLES && o->mode != OOM_NO);
    int64_t adj = o->values[role] + (o->mode == OOM_RELATIVE ? o->began_with : 0);
    return adj > ADJ_MAX ? ADJ_MAX : adj < -ADJ_MAX ? -ADJ_MAX : adj;
}

static int set(struct oom_score *o, int role)
{
    if (o->mode == OOM_NO && !o->moved)
        return 0;
    int err = put(o->mode == OOM_NO ? o->began_with : wanted(o, role));
    if (err == 0)
        o->moved = o->mode != OOM_NO;
    return err;
}

static bool apply(void *owner, struct fault *f)
{
    struct oom_score *o = owner;
    int err = o->started ? set(o, PRIMARY) : 0;
    if (err == 0)
        return true;
    fault_io(f, -err, "write", "Can't write " ADJ_FILE);
    return false;
}

void oom_score_start(struct oom_score *o)
{
    o->began_with = get();
    o->started = true;
    int err = set(o, PRIMARY);
    if (err < 0)
        log_warning("oom-score-adj has no effect: can't write " ADJ_FILE ": %s", strerror(-err));
}

static void forked(void *arg, const struct fork_event *e)
{
    if (e->pid == 0)
        set(arg, CHILD); /* the child saves all the same: nobody would read its complaint */
}

static bool values_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct oom_score *o = owner;
    int64_t values[ROLES];
    if (argc != ROLES) {
        fault_set(f, FAULT_INVALID, "wrong number of arguments");
        return false;
    }
    for (int i = 0; i < ROLES; i++) {
        if (!num_parse_i64(argv[i], &values[i]) || values[i] < -VALUE_MAX ||
            values[i] > VALUE_MAX) {
            fault_set(f, FAULT_INVALID, "Invalid oom-score-adj-values, elements must be between "
                      "-%d and %d.", VALUE_MAX, VALUE_MAX);
            return false;
        }
    }
    memcpy(o->values, values, sizeof values);
    return true;
}

static void values_print(const void *owner, struct buf *out)
{
    const struct oom_score *o = owner;
    for (int i = 0; i < ROLES; i++)
        buf_printf(out, "%s%lld", i ? " " : "", (long long)o->values[i]);
}

static const struct config_word modes[] = {{"no", OOM_NO}, {"yes", OOM_RELATIVE},
    {"relative", OOM_RELATIVE}, {"absolute", OOM_ABSOLUTE}, {NULL, 0}};
static const struct config_option options[] = {
    {.name = "oom-score-adj", CONFIG_ENUM_AT(struct oom_score, mode),
     .words = modes, .initial = "no", .apply = apply},
    {.name = "oom-score-adj-values", .kind = CONFIG_CUSTOM, .initial = "0 200 800",
     .parse = values_parse, .print = values_print, .apply = apply},
    {.name = NULL}};

struct oom_score *oom_score_new(struct server *s)
{
    struct oom_score *o = mem_zalloc(sizeof *o);
    o->server = s;
    config_add(server_config(s), options, o);
    hooks_on_fork(server_hooks(s), forked, o);
    return o;
}

void oom_score_free(struct oom_score *o)
{
    config_release(server_config(o->server), o);
    mem_free(o);
}
