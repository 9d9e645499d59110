/* SPDX-License-Identifier: BSD-3-Clause */
/* All that may go wrong ends in try_again: what is open is closed, and the link is due a second
 * later. Neither sync_in nor apply calls up: a client that goes is noticed by the CLIENT hook, a
 * synchronisation that ends by its callback. */
#include "replication/primary_link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"
#include "os/clock.h"
#include "os/worker.h"
#include "persist/aof.h"
#include "persist/persist.h"
#include "persist/replace.h"
#include "replication/link_find.h"
#include "replication/link_parts.h"
#include "replication/primary_heir.h"
#include "replication/repl.h"
#include "replication/repl_aux.h"
#include "replication/repl_config.h"
#include "replication/repl_stream.h"
#include "server/client.h"
#include "server/config.h"
#include "server/gate.h"
#include "server/hooks.h"
#include "server/role.h"
#include "server/server.h"
#include "server/settings.h"
#include "server/tls_config.h"
#include "store/db.h"

enum {
    SECOND_US = 1000000, AGAIN_US = SECOND_US,
    AGAIN_REFUSED_US = 10 * SECOND_US, /* each time a whole data set is made and sent for nothing */
    ROOM = 256 * 1024, READS_A_TURN = 8,
};

static int64_t timeout_us(const struct primary_link *l)
{
    return l->repl->config->timeout_s * SECOND_US;
}

/* ---- ending ---- */

static void set_up(struct primary_link *l, bool up)
{
    if (l->repl->role->link_up && !up)
        l->down_since_us = clock_mono_us();
    l->repl->role->link_up = up;
    replica_admit_settle(&l->admit);
}

/* Back to nothing that is open. */
static void drop(struct primary_link *l)
{
    must(l->sync.phase != SYNC_LOADING || l->sync.load_asked);
    if (l->find)
        link_find_drop(l->find);
    l->find = NULL;
    if (l->state == LINK_TALKING) {
        l->heir_asked |= l->facts.take_over && l->talk.step == SAY_PSYNC;
        handshake_free(&l->talk);
    }
    if (l->sync.phase != SYNC_NONE)
        sync_in_drop(&l->sync);
    link_socket_close(&l->socket);
    apply_end(&l->stream);
    mem_free(l->room);
    l->room = NULL;
    set_up(l, false);
}

static void due(struct primary_link *l, int64_t after_us)
{
    l->state = LINK_DUE;
    l->due_us = clock_mono_us() + after_us;
    loop_timer_start(server_loop(l->repl->server), &l->tick, after_us);
}

static void try_again(struct primary_link *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void try_again(struct primary_link *l, const char *format, ...)
{
    struct buf why = {0};
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&why, format, ap);
    va_end(ap);
    log_warning("%s", buf_cstr(&why));
    buf_free(&why);
    drop(l);
    due(l, AGAIN_US);
}

/* ---- the stream ---- */

static void client_event(void *arg, struct client *c, bool opened)
{
    struct primary_link *l = arg;
    if (opened || c != l->stream.client)
        return;
    log_notice("Connection with master lost.");
    apply_lost(&l->stream);
    drop(l);
    due(l, 0);
}

static void go_online(struct primary_link *l, struct slice first)
{
    struct apply_spec spec = {.repl = l->repl, .first = first};
    spec.fd = link_socket_give(&l->socket, &spec.wire);
    must(spec.fd >= 0);
    l->state = LINK_ONLINE;
    l->chosen = false;
    buf_clear(&l->fault);
    mem_free(l->room);
    l->room = NULL;
    set_up(l, true);
    apply_begin(&l->stream, &spec);
}

static void note_position(void *arg)
{
    struct primary_link *l = arg;
    if (l->state == LINK_ONLINE)
        apply_note_position(&l->stream);
}

/* ---- a full synchronisation ---- */

static void note_fault(struct primary_link *l, const struct fault *f)
{
    char text[FAULT_TEXT_MAX];
    buf_clear(&l->fault);
    buf_printf(&l->fault, "%s", fault_text(f, text, sizeof text));
}

static void synced(void *arg, enum sync_how how, const struct fault *f)
{
    struct primary_link *l = arg;
    struct persist *p = l->repl->persist;
    must(l->state == LINK_SYNCING);
    if (how == SYNC_LOADED) {
        struct buf behind = l->sync.behind;
        l->sync.behind = (struct buf){0};
        log_notice("MASTER <-> REPLICA sync: Finished with success");
        l->no_history = false;
        l->repl->stream_db = repl_aux_stream_db(l->repl->aux);
        repl_stream_adopt(l->repl, l->talk.id, l->talk.offset);
        go_online(l, buf_slice(&behind));
        buf_free(&behind);
        return;
    }
    note_fault(l, f);
    if (how == SYNC_LOST) {
        l->no_history = l->repl->strayed = true;
        if (p->unfilled && !l->had_keys)
            persist_keep_empty(p);
    }
    try_again(l, "MASTER <-> REPLICA sync failed, %s: %s",
              how == SYNC_LOST ? "and what was here is gone" : "what was here stays",
              buf_cstr(&l->fault));
    if (how == SYNC_REFUSED)
        due(l, AGAIN_REFUSED_US);
}

/* What is here is an earlier state of what the primary has. */
static bool is_same_history(const struct primary_link *l)
{
    return !l->no_history && strcmp(l->talk.id, repl_stream_primary_id(l->repl)) == 0;
}

/* May an empty data set of this history take the place of what is here? */
static bool may_be_empty(const struct primary_link *l)
{
    return l->follow_empty || l->chosen ||
           (is_same_history(l) && l->talk.offset >= role_offset(l->repl->role));
}

static void begin_sync(struct primary_link *l)
{
    must(strlen(l->talk.id) == HANDSHAKE_ID && l->talk.offset >= 0);
    log_notice("Full resync from master: %s:%lld", l->talk.id, (long long)l->talk.offset);
    l->had_keys = keyspace_count(server_keyspace(l->repl->server)) > 0;
    l->state = LINK_SYNCING;
    sync_in_begin(&l->sync, &(struct sync_in_spec){
        .repl = l->repl, .socket = &l->socket, .checker = l->checker,
        .empty_ok = may_be_empty(l), .serve = l->had_keys && is_same_history(l),
        .ended = synced, .arg = l});
}

/* ---- the talk ---- */

/* Of a primary that had no replicas nobody knows what it has. */
static bool may_continue(const struct primary_link *l)
{
    return !l->no_history && repl_stream_is_kept(l->repl);
}

/* Where others reach us, by what the primary and they speak. */
static int own_port(const struct primary_link *l)
{
    struct server *s = l->repl->server;
    const struct settings *st = server_settings(s);
    int64_t announced = l->repl->config->announce_port;
    bool tls = tls_config_is_on(server_tls(s), TLS_LINK_REPLICATION) && st->tls_port;
    return (int)(announced ? announced : tls ? st->tls_port : st->port);
}

static void begin_talk(struct primary_link *l)
{
    const struct repl_config *c = l->repl->config;
    const struct role *role = l->repl->role;
    buf_clear(&l->user), buf_clear(&l->password), buf_clear(&l->ip);
    buf_printf(&l->user, "%s", c->primary_user ? c->primary_user : "");
    buf_printf(&l->password, "%s", c->primary_auth ? c->primary_auth : "");
    buf_printf(&l->ip, "%s", c->announce_ip ? c->announce_ip : "");
    memcpy(l->asked_id, repl_stream_primary_id(l->repl), sizeof l->asked_id);
    l->facts = (struct handshake_facts){
        .user = buf_slice(&l->user), .password = buf_slice(&l->password),
        .ip = buf_slice(&l->ip), .port = own_port(l),
        .id = may_continue(l) ? l->asked_id : NULL, .offset = role_offset(role) + 1};
    l->facts.take_over = l->heir.answered && !l->heir_leads;
    l->state = LINK_TALKING;
    l->room = mem_alloc(ROOM);
    handshake_begin(&l->talk, &l->facts);
}

static void continue_history(struct primary_link *l, struct slice first)
{
    log_notice("Successful partial resynchronization with master.");
    if (*l->talk.id && strcmp(l->talk.id, repl_stream_primary_id(l->repl)) != 0) {
        log_notice("Master replication ID changed to %s", l->talk.id);
        repl_stream_rename(l->repl, l->talk.id);
    }
    log_notice("MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.");
    go_online(l, first);
}

static void forget_heir(struct primary_link *l)
{
    l->heir = (struct primary_heir){.answered = NULL};
    l->heir_asked = l->heir_leads = false;
}

/* This server has handed over. Is the other one followed on? */
static bool heir_answered(struct primary_link *l, enum handshake_end end)
{
    struct primary_heir heir = l->heir;
    bool accepts = end == HANDSHAKE_CONTINUE || end == HANDSHAKE_FULL;
    bool leads = end == HANDSHAKE_CONTINUE || (end == HANDSHAKE_FULL && heir.may_lack);
    if (end == HANDSHAKE_LEADS && l->heir_asked) {
        log_notice("It was asked before, and the answer was lost: %s", l->talk.why);
        l->heir_leads = true;
    }
    if (!accepts && l->heir_leads) /* two would lead, if this one did */
        return true;
    forget_heir(l);
    heir.answered(heir.arg, leads, accepts ? "It leads without all that is here. Two lead now: one "
                                             "of them is to be told whom to follow" : l->talk.why);
    return leads;
}

/* What was said and is over; rest came behind it. */
static void talked(struct primary_link *l, const char *data, size_t len)
{
    enum handshake_end end = l->talk.end;
    struct buf rest = {0};
    must(end != HANDSHAKE_MORE);
    handshake_free(&l->talk);
    l->state = LINK_DUE; /* only the socket is open */
    if (l->heir.answered && !heir_answered(l, end))
        return;
    if (end != HANDSHAKE_FULL && end != HANDSHAKE_CONTINUE) {
        try_again(l, "%s", l->talk.why);
        return;
    }
    buf_append(&rest, data, len);
    l->state = LINK_SYNCING;
    if (end == HANDSHAKE_CONTINUE) {
        continue_history(l, buf_slice(&rest));
    } else {
        begin_sync(l);
        if (rest.len)
            sync_in_feed(&l->sync, rest.data, rest.len);
    }
    buf_free(&rest);
}

/* What is to be said next. False: the socket does not take it. */
static bool say(struct primary_link *l)
{
    if (!l->talk.out.len)
        return true;
    if (l->talk.step == SAY_PSYNC && l->facts.id)
        log_notice("Trying a partial resynchronization (request %s:%lld).", l->facts.id,
                   (long long)l->facts.offset);
    else if (l->talk.step == SAY_PSYNC)
        log_notice("Partial resynchronization not possible (no cached master)");
    int err = link_socket_say(&l->socket, buf_slice(&l->talk.out));
    buf_clear(&l->talk.out);
    if (err < 0)
        try_again(l, "Error sending to the primary: %s", link_socket_why(&l->socket, err));
    return err == 0;
}

static void heard(struct primary_link *l, const char *data, size_t len)
{
    if (l->state == LINK_SYNCING) {
        sync_in_feed(&l->sync, data, len);
        return;
    }
    must(l->state == LINK_TALKING);
    size_t used = handshake_feed(&l->talk, data, len);
    if (l->talk.end != HANDSHAKE_MORE)
        talked(l, data + used, len - used);
    else
        say(l);
}

/* ---- the socket ---- */

static void connect_next(struct primary_link *l);

static void connected(struct primary_link *l)
{
    int err = link_socket_connected(&l->socket);
    if (err < 0) {
        link_socket_close(&l->socket);
        log_warning("Error condition on socket for SYNC: %s", strerror(-err));
        connect_next(l);
        return;
    }
    log_notice("Non blocking connect for SYNC fired the event.");
    begin_talk(l);
    say(l);
}

static bool listens(const struct primary_link *l)
{
    return (l->state == LINK_TALKING || l->state == LINK_SYNCING) && !l->socket.deaf;
}

static void receive(struct primary_link *l)
{
    for (int i = 0; i < READS_A_TURN && listens(l); i++) {
        ssize_t got = link_socket_recv(&l->socket, l->room, ROOM);
        if (got == -EAGAIN)
            return;
        if (got <= 0) {
            try_again(l, "%s: %s", l->state == LINK_TALKING
                          ? "Failed to read response from the server"
                          : "I/O error trying to sync with MASTER",
                      got < 0 ? link_socket_why(&l->socket, (int)got) : "connection lost");
            return;
        }
        heard(l, l->room, (size_t)got);
    }
}

static void ready(void *arg, unsigned what)
{
    struct primary_link *l = arg;
    if (l->state == LINK_CONNECTING) {
        connected(l);
        return;
    }
    int err = what & LOOP_WRITE ? link_socket_send(&l->socket) : 0;
    if (l->state == LINK_SYNCING && l->sync.phase == SYNC_LOADING)
        sync_in_ready(&l->sync); /* it finds out itself what has happened */
    else if (err < 0)
        try_again(l, "Error sending to the primary: %s", link_socket_why(&l->socket, err));
    else if (what & LOOP_READ)
        receive(l);
}

/* ---- connecting ---- */

static void connect_next(struct primary_link *l)
{
    while (l->address < l->addresses.count) {
        struct fault f = {0};
        const char *to = l->addresses.address[l->address++];
        if (link_socket_connect(&l->socket, &(struct link_to){l->host, to, (int)l->port, l->source},
                                &f)) {
            l->state = LINK_CONNECTING;
            return;
        }
        log_fault("Unable to connect to MASTER", &f);
    }
    drop(l);
    due(l, AGAIN_US);
}

static void found(void *arg, const struct resolved *r)
{
    struct primary_link *l = arg;
    must(l->state == LINK_FINDING);
    l->find = NULL;
    if (!r->count) {
        try_again(l, "Unable to connect to MASTER: no address of %s is known: %s", l->host, r->why);
        return;
    }
    l->addresses = *r;
    l->address = 0;
    log_notice("MASTER <-> REPLICA sync started");
    connect_next(l);
}

static void begin_connect(struct primary_link *l)
{
    log_notice("Connecting to MASTER %s:%lld", l->host, (long long)l->port);
    l->state = LINK_FINDING;
    if (resolve_is_address(l->host)) {
        struct resolved r = {.count = 1};
        snprintf(r.address[0], sizeof r.address[0], "%s", l->host);
        found(l, &r);
    } else {
        l->find = link_find(l->finder, l->host, found, l);
    }
}

/* ---- time ---- */

/* Not before the data set is there, nor while something else replaces it. */
static bool may_connect(const struct primary_link *l)
{
    const struct repl *r = l->repl;
    return r->persist->aof->started && !server_is_loading(r->server) &&
           !server_is_stopping(r->server) && !apply_refusal(r);
}

static void check_silence(struct primary_link *l)
{
    int64_t silent_us = clock_mono_us() - l->socket.heard_us;
    bool works = l->state == LINK_SYNCING && l->sync.phase > SYNC_RECEIVING;
    if (works) { /* the primary hears that this goes on */
        if (l->socket.io.fd >= 0)
            link_socket_say(&l->socket, SLICE_LIT("\n"));
    } else if (silent_us > timeout_us(l)) {
        try_again(l, "%s", l->state == LINK_SYNCING
                      ? "Timeout receiving bulk data from MASTER... If the problem persists try to "
                        "set the 'repl-timeout' parameter to a larger value."
                      : "Timeout connecting to the MASTER...");
    }
}

static void check_stream(struct primary_link *l)
{
    bool busy = server_gates(l->repl->server)->shut & (GATE_BUSY | GATE_LOADING);
    if (!busy && clock_mono_us() - l->stream.heard_us > timeout_us(l)) {
        log_warning("MASTER timeout: no data nor PING received...");
        client_close_soon(l->stream.client);
        return;
    }
    apply_ack(&l->stream);
}

static void tick(void *arg)
{
    struct primary_link *l = arg;
    if (l->state == LINK_NONE)
        return;
    if (l->state == LINK_ONLINE)
        check_stream(l);
    else if (l->state >= LINK_CONNECTING)
        check_silence(l);
    else if (l->state == LINK_DUE && may_connect(l) && clock_mono_us() >= l->due_us)
        begin_connect(l);
    if (!l->tick.place)
        loop_timer_start(server_loop(l->repl->server), &l->tick, SECOND_US);
}

/* ---- whom to follow ---- */

static bool is_free(const struct primary_link *l, struct fault *f)
{
    bool loads = l->sync.phase == SYNC_LOADING && !l->sync.load_asked;
    if (loads)
        fault_set(f, FAULT_NOT_NOW, "The data set of the primary is being loaded");
    return !loads;
}

static void set_whom(struct primary_link *l, struct slice host, int port)
{
    char *text = host.len ? mem_dup(host.data, host.len) : NULL;
    mem_free(l->host);
    l->host = text;
    l->port = port;
    config_note_change(server_config(l->repl->server), "replicaof");
}

bool primary_link_follow(struct primary_link *l, struct slice host, int port, struct fault *f)
{
    must(host.len);
    if (l->host && slice_eq_str(host, l->host) && l->port == port)
        return true;
    if (!is_free(l, f))
        return false;
    drop(l);
    set_whom(l, host, port);
    l->chosen = true;
    log_set_role('S');
    role_set_replica(l->repl->role, true);
    due(l, 0);
    return true;
}

bool primary_link_hand_over(struct primary_link *l, struct slice host, int port,
                            const struct primary_heir *heir, struct fault *f)
{
    must(!l->host && heir->answered);
    if (!may_continue(l)) {
        fault_set(f, FAULT_NOT_NOW, "This server keeps no history that a replica could go on with");
        return false;
    }
    if (!primary_link_follow(l, host, port, f))
        return false;
    l->heir = *heir;
    return true;
}

/* Of what is here the old history tells nothing any more. */
static void begin_history(struct primary_link *l)
{
    char id[ROLE_ID_SIZE];
    if (!l->no_history)
        return;
    log_warning("The data set of the primary before was lost while it came: this server leads "
                "with %s", l->repl->persist->unfilled ? "an empty one" : "what it has");
    rand_hex(id, ROLE_ID_SIZE - 1);
    repl_stream_adopt(l->repl, id, 0);
    if (l->repl->persist->unfilled)
        persist_keep_empty(l->repl->persist);
    l->no_history = false;
}

bool primary_link_lead(struct primary_link *l, struct fault *f)
{
    if (!l->host)
        return true;
    if (!is_free(l, f))
        return false;
    drop(l);
    forget_heir(l);
    set_whom(l, (struct slice){0}, 0);
    l->state = LINK_NONE;
    l->down_since_us = 0;
    loop_timer_stop(server_loop(l->repl->server), &l->tick);
    buf_clear(&l->fault);
    begin_history(l);
    repl_stream_lead(l->repl);
    log_set_role('M');
    role_set_replica(l->repl->role, false);
    return true;
}

const char *primary_link_host(const struct primary_link *l)
{
    return l->host;
}

int primary_link_port(const struct primary_link *l)
{
    return (int)l->port;
}

/* ---- options ---- */

static bool refuse(struct fault *f, const char *why)
{
    fault_set(f, FAULT_INVALID, "%s", why);
    return false;
}

static bool parse_whom(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct primary_link *l = owner;
    int64_t port;
    if (argc != 2)
        return refuse(f, "wrong number of arguments");
    mem_free(l->host);
    l->host = NULL;
    l->port = 0;
    if (slice_eq_nocase(argv[0], "no") && slice_eq_nocase(argv[1], "one"))
        return true;
    if (!argv[0].len || !num_parse_i64(argv[1], &port) || port < 0 || port > 65535)
        return refuse(f, "Invalid master port");
    l->host = mem_dup(argv[0].data, argv[0].len);
    l->port = port;
    return true;
}

static void print_whom(const void *owner, struct buf *out)
{
    const struct primary_link *l = owner;
    if (l->host)
        buf_printf(out, "%s %lld", l->host, (long long)l->port);
}

static void whom_lines(const void *owner, struct buf *out)
{
    const struct primary_link *l = owner;
    if (l->host)
        buf_printf(out, "replicaof %s %lld\n", l->host, (long long)l->port);
}

static const struct config_option options[] = {
    {.name = "replicaof", .alias = "slaveof", .kind = CONFIG_CUSTOM, .flags = CONFIG_IMMUTABLE,
     .parse = parse_whom, .print = print_whom, .lines = whom_lines},
    {.name = "replica-follow-empty", CONFIG_BOOL_AT(struct primary_link, follow_empty),
     .initial = "no"},
    {.name = "bind-source-addr", CONFIG_STRING_AT(struct primary_link, source)},
    {.name = NULL}};

/* ---- life ---- */

static bool configured(void *arg, struct fault *f)
{
    struct primary_link *l = arg;
    (void)f;
    if (!l->host)
        return true;
    log_set_role('S');
    role_set_replica(l->repl->role, true);
    due(l, 0);
    return true;
}

struct primary_link *primary_link_new(struct repl *r)
{
    struct primary_link *l = mem_zalloc(sizeof *l);
    struct hooks *hooks = server_hooks(r->server);
    l->repl = r;
    l->tick = (struct loop_timer){.due = tick, .arg = l};
    l->finder = worker_new(server_workers(r->server), "primary-find");
    l->checker = worker_new(server_workers(r->server), "sync-check");
    link_socket_init(&l->socket, r->server, ready, l);
    config_add(server_config(r->server), options, l);
    replica_admit_init(&l->admit, r);
    hooks_on_configured(hooks, configured, l);
    hooks_on_client(hooks, client_event, l);
    hooks_on_stage(hooks, STAGE_LOG, note_position, l);
    return l;
}

void primary_link_free(struct primary_link *l)
{
    hooks_off_client(server_hooks(l->repl->server), l);
    drop(l);
    loop_timer_stop(server_loop(l->repl->server), &l->tick);
    config_release(server_config(l->repl->server), l);
    buf_free(&l->fault), buf_free(&l->user), buf_free(&l->password), buf_free(&l->ip);
    mem_free(l->host);
    mem_free(l);
}
