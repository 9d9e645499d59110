/* SPDX-License-Identifier: BSD-3-Clause */
/* From the socket the reader pulls: when no byte is there it turns the loop until one is, so that
 * clients and timers go on. That is why a load runs between turns. */
#include "replication/sync_in.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/file.h"
#include "persist/file_out.h"
#include "persist/replace.h"
#include "persist/save_config.h"
#include "persist/trial.h"
#include "replication/link_socket.h"
#include "replication/received.h"
#include "replication/repl.h"
#include "replication/repl_config.h"
#include "replication/sync_file.h"
#include "server/server.h"
#include "store/db.h"

enum { WAIT_TURN_US = 100 * 1000 };
#define NAME "The data set of the primary" /* in faults and the log */

static struct server *server_of(const struct sync_in *s)
{
    return s->spec.repl->server;
}

static bool has_keys(const struct sync_in *s)
{
    return keyspace_count(server_keyspace(server_of(s))) > 0;
}

int64_t sync_in_total(const struct sync_in *s)
{
    bool known = s->phase > SYNC_HEAD && !s->frame.marked;
    return known ? (int64_t)s->frame.length : -1;
}

/* ---- the end ---- */

static void clean(struct sync_in *s, bool keep_file)
{
    if (s->file)
        received_drop(s->file, keep_file);
    s->file = NULL;
    buf_free(&s->first);
    s->first_at = 0;
    s->phase = SYNC_NONE;
}

void sync_in_drop(struct sync_in *s)
{
    must(s->phase != SYNC_LOADING || s->load_asked);
    clean(s, false);
    buf_free(&s->behind);
}

static void end(struct sync_in *s, enum sync_how how, const struct fault *f)
{
    must((how == SYNC_LOADED) != fault_is(f));
    clean(s, false);
    s->spec.ended(s->spec.arg, how, f);
}

/* ---- is it to be taken ---- */

/* An empty one goes for nothing that is here, unless that was said. */
static bool takes(struct sync_in *s, uint64_t keys, struct fault *f)
{
    s->refused = !keys && s->had_keys && !s->spec.empty_ok;
    if (s->refused)
        fault_set(f, FAULT_INVALID, "The data set of the primary is empty, and of another history "
                  "than the one that is here: it may have lost it. What is here stays "
                  "(replica-follow-empty yes follows it all the same)");
    return !s->refused;
}

static void end_loaded(struct sync_in *s, const struct fault *f)
{
    enum sync_how failed = s->refused ? SYNC_REFUSED : SYNC_KEPT;
    if (s->spec.repl->persist->unfilled)
        failed = SYNC_LOST;
    end(s, fault_is(f) ? failed : SYNC_LOADED, f);
}

/* ---- from the socket ---- */

/* Until there is something to read. False: it takes too long, or the server is to stop. */
static bool wait_readable(struct sync_in *s)
{
    struct link_socket *ls = s->spec.socket;
    struct server *server = server_of(s);
    int64_t most_us = s->spec.repl->config->timeout_s * 1000000;
    s->readable = false;
    link_socket_listen(ls, true);
    while (!s->readable && ls->io.fd >= 0) {
        if (server_is_stopping(server) || clock_mono_us() - ls->heard_us > most_us)
            return false;
        loop_turn(server_loop(server), WAIT_TURN_US);
    }
    return ls->io.fd >= 0;
}

void sync_in_ready(struct sync_in *s)
{
    s->readable = true;
    link_socket_listen(s->spec.socket, false);
}

static size_t take_first(struct sync_in *s, void *to, size_t n)
{
    size_t left = s->first.len - s->first_at;
    must(s->first_at <= s->first.len);
    n = n < left ? n : left;
    memcpy(to, s->first.data + s->first_at, n);
    s->first_at += n;
    return n;
}

static ssize_t read_socket(void *arg, void *to, size_t n)
{
    struct sync_in *s = arg;
    if (s->first_at < s->first.len)
        return (ssize_t)take_first(s, to, n);
    if (!s->frame.marked && s->frame.left < n)
        n = (size_t)s->frame.left;
    if (!n)
        return 0;
    for (;;) {
        ssize_t got = link_socket_recv(s->spec.socket, to, n);
        if (got == -EAGAIN && wait_readable(s))
            continue;
        if (got == -EAGAIN)
            return -ETIMEDOUT;
        s->read += got > 0 ? (uint64_t)got : 0;
        s->frame.left -= got > 0 && !s->frame.marked ? (uint64_t)got : 0;
        return got;
    }
}

/* What was read ahead, behind the end of the data set, is the stream's. */
static bool take_end(struct sync_in *s, struct fault *f)
{
    struct in *in = &s->in;
    char mark[FRAME_MARK];
    if (!s->frame.marked) {
        if (s->frame.left || !in_at_end(in))
            fault_set(f, FAULT_FORMAT, "There are bytes behind the end of the data set");
        return !fault_is(f);
    }
    if (!in_bytes(in, mark, sizeof mark) || memcmp(mark, s->frame.mark, sizeof mark) != 0) {
        fault_set(f, FAULT_FORMAT, "The mark behind the data set is not the announced one");
        return false;
    }
    buf_append(&s->behind, in->at, (size_t)(in->end - in->at));
    buf_append(&s->behind, s->first.data + s->first_at, s->first.len - s->first_at);
    return true;
}

/* Asked when the data set stands beside what is here: all that only its end tells. */
static bool judge(void *arg, const struct boot_source *src, struct fault *f)
{
    struct sync_in *s = arg;
    return trial_trailer(src->trailer, f) && take_end(s, f) && takes(s, src->keys, f);
}

static void load_socket(struct sync_in *s)
{
    struct fault f = {0};
    struct boot_source src = {.name = NAME, .total_bytes = s->frame.marked ? 0 : s->frame.length,
                              .turns_loop = true, .judge = judge, .arg = s};
    in_init_callback(&s->in, read_socket, s, IN_SIZE_UNKNOWN, 0);
    persist_replace(s->spec.repl->persist, &s->in, &src,
                    s->spec.serve ? REPLACE_SERVED : REPLACE_BESIDE, &f);
    in_free(&s->in);
    end_loaded(s, &f);
}

/* ---- from the disk ---- */

static void load_file(struct sync_in *s)
{
    struct fault f = {0};
    uint64_t bytes = received_bytes(s->file);
    struct boot_source src = {.name = NAME, .total_bytes = bytes};
    int fd = file_open(received_path(s->file), O_RDONLY, 0);
    if (fd < 0) {
        fault_io(&f, -fd, "open", "Can't open %s", received_path(s->file));
        end(s, SYNC_KEPT, &f);
        return;
    }
    struct in in;
    in_init_callback(&in, file_in_read, &fd, bytes, 0);
    bool ok = persist_replace(s->spec.repl->persist, &in, &src,
                              s->unsure ? REPLACE_BESIDE : REPLACE_EMPTIED, &f);
    in_free(&in);
    file_close(fd);
    if (!ok) {
        end_loaded(s, &f);
        return;
    }
    sync_file_settle(s->spec.repl, received_path(s->file));
    clean(s, true);
    s->spec.ended(s->spec.arg, SYNC_LOADED, &f);
}

/* ---- loading ---- */

static void load(void *arg)
{
    struct sync_in *s = arg;
    s->load_asked = false;
    if (s->phase != SYNC_LOADING) /* it was dropped in the meantime */
        return;
    bool emptied = s->to_disk && !s->unsure;
    s->had_keys = has_keys(s);
    log_notice("MASTER <-> REPLICA sync: %s",
               emptied ? "Flushing old data" : "Loading DB in memory, beside the old data");
    if (emptied)
        log_notice("MASTER <-> REPLICA sync: Loading DB in memory");
    if (s->to_disk)
        load_file(s);
    else
        load_socket(s);
}

static void ask_load(struct sync_in *s)
{
    s->phase = SYNC_LOADING;
    link_socket_listen(s->spec.socket, false); /* the rest is the load's */
    if (s->load_asked) /* for one before this, that was dropped */
        return;
    s->load_asked = true;
    s->load = (struct loop_work){.run = load, .arg = s};
    loop_between(server_loop(server_of(s)), &s->load);
}

static void checked(void *arg)
{
    struct sync_in *s = arg;
    struct fault f = {0};
    struct received_found found = {0};
    must(s->phase == SYNC_CHECKING);
    s->had_keys = has_keys(s);
    if (received_verdict(s->file, &found, &f) && takes(s, found.keys, &f)) {
        s->unsure = found.unsure;
        ask_load(s);
    } else {
        end(s, s->refused ? SYNC_REFUSED : SYNC_KEPT, &f);
    }
}

/* ---- receiving ---- */

static bool feed_disk(struct sync_in *s, const char *data, size_t len, struct fault *f)
{
    size_t used = 0;
    while (used < len && s->frame.state == FRAME_BODY) {
        struct slice parts[2];
        used += sync_frame_body(&s->frame, data + used, len - used, parts);
        for (int i = 0; i < 2; i++)
            if (parts[i].len && !received_add(s->file, parts[i], f))
                return false;
    }
    s->read += used;
    if (s->frame.state == FRAME_OVER) {
        buf_append(&s->behind, data + used, len - used);
        link_socket_listen(s->spec.socket, false);
        s->phase = SYNC_CHECKING;
        received_whole(s->file);
    }
    return true;
}

static void feed_socket(struct sync_in *s, const char *data, size_t len)
{
    size_t n = len;
    if (!s->frame.marked) {
        n = s->frame.left < len ? (size_t)s->frame.left : len;
        s->frame.left -= n;
    }
    buf_append(&s->first, data, n);
    buf_append(&s->behind, data + n, len - n);
    s->read += n;
    ask_load(s);
}

static bool feed_body(struct sync_in *s, const char *data, size_t len, struct fault *f)
{
    if (s->to_disk)
        return feed_disk(s, data, len, f);
    feed_socket(s, data, len);
    return true;
}

/* ---- its head ---- */

static bool begin_disk(struct sync_in *s, struct fault *f)
{
    struct repl *r = s->spec.repl;
    char *path = sync_file_temp(f);
    if (!path)
        return false;
    s->file = received_begin(&(struct received_spec){
        .worker = s->spec.checker, .persist = r->persist, .path = path,
        .unguarded = !r->persist->save->blocks, .checked = checked, .arg = s}, f);
    mem_free(path);
    return s->file != NULL;
}

static bool begin_body(struct sync_in *s, struct fault *f)
{
    int way = s->spec.repl->config->diskless_load;
    char what[96];
    s->to_disk = way == DISKLESS_LOAD_DISABLED || (way == DISKLESS_LOAD_ON_EMPTY && has_keys(s));
    s->phase = SYNC_RECEIVING;
    if (s->frame.marked)
        snprintf(what, sizeof what, "streamed RDB from master with EOF");
    else
        snprintf(what, sizeof what, "%" PRIu64 " bytes from master", s->frame.length);
    log_notice("MASTER <-> REPLICA sync: receiving %s %s", what,
               s->to_disk ? "to disk" : "to parser");
    return !s->to_disk || begin_disk(s, f);
}

static bool feed(struct sync_in *s, const char *data, size_t len, struct fault *f)
{
    if (s->phase == SYNC_HEAD) {
        size_t used = sync_frame_head(&s->frame, data, len);
        data += used, len -= used;
        if (s->frame.state == FRAME_BAD)
            fault_set(f, FAULT_FORMAT, "%s", s->frame.why);
        if (s->frame.state == FRAME_HEAD || s->frame.state == FRAME_BAD)
            return !fault_is(f);
        if (!begin_body(s, f))
            return false;
        if (s->frame.state == FRAME_OVER) /* no byte of it: the check tells what that is worth */
            return feed_body(s, data, len, f);
    }
    if (!len)
        return true;
    if (s->phase != SYNC_RECEIVING) { /* it is deaf; this came with the last bytes */
        buf_append(&s->behind, data, len);
        return true;
    }
    return feed_body(s, data, len, f);
}

void sync_in_feed(struct sync_in *s, const char *data, size_t len)
{
    struct fault f = {0};
    must(s->phase != SYNC_NONE);
    if (!feed(s, data, len, &f))
        end(s, SYNC_KEPT, &f);
}

void sync_in_begin(struct sync_in *s, const struct sync_in_spec *spec)
{
    bool asked = s->load_asked;
    struct loop_work work = s->load;
    must(s->phase == SYNC_NONE);
    *s = (struct sync_in){.spec = *spec, .phase = SYNC_HEAD, .load_asked = asked, .load = work};
}
