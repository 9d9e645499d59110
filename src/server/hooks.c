/* SPDX-License-Identifier: BSD-3-Clause */
/* Each kind of hook is a short array of function and arg. They are filled at start; commit and
 * gate and key change when a feature is switched on or off. */
#include "server/hooks.h"

#include <stddef.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/must.h"
#include "server/ctx.h"

enum { LISTENERS_MAX = 32 };

#define LIST(kind) \
    struct { \
        hook_##kind *f; \
        void *arg; \
    } kind[LISTENERS_MAX]; \
    int kind##_count

struct hooks {
    struct {
        hook_admit *f;
        void *arg;
        unsigned from;
        uint32_t flags;
    } admit[LISTENERS_MAX];
    int admit_count;
    uint32_t admit_flags[FROM_COUNT]; /* what any of them asks about */
    size_t calm; /* memory in use up to which those of ADMIT_EVERY are not asked */
    struct {
        hook_commit *f;
        void *arg;
        enum commit_scope scope;
    } commit[LISTENERS_MAX];
    int commit_count;
    enum commit_scope commit_scope; /* of all of them */
    void (*interest)(void *arg, bool wanted);
    void *interest_arg;
    LIST(configured);
    LIST(gate);
    LIST(client_gate);
    LIST(key);
    LIST(flushed);
    LIST(tick);
    LIST(client);
    LIST(role);
    LIST(fork);
    struct {
        hook_stage *f;
        void *arg;
    } stage[STAGE_COUNT][LISTENERS_MAX];
    int stage_count[STAGE_COUNT];
    struct {
        hook_aux_save *save;
        const struct aux_loader *load;
        void *arg;
    } aux[LISTENERS_MAX];
    int aux_count;
    bool aux_comes; /* between begin and end */
    struct {
        hook_ready *ready;
        hook_finish *finish;
        void *arg;
    } shutdown[LISTENERS_MAX];
    int shutdown_count;
};

struct hooks *hooks_new(void)
{
    return mem_zalloc(sizeof(struct hooks));
}

void hooks_free(struct hooks *h)
{
    mem_free(h);
}

void hooks_on_interest(struct hooks *h, void (*f)(void *arg, bool wanted), void *arg)
{
    h->interest = f;
    h->interest_arg = arg;
}

static void tell_interest(struct hooks *h)
{
    if (h->interest)
        h->interest(h->interest_arg, h->key_count || hooks_has_gate(h));
}

#define DEFINE_ON(kind) \
    void hooks_on_##kind(struct hooks *h, hook_##kind *f, void *arg) \
    { \
        must(f && h->kind##_count < LISTENERS_MAX); \
        h->kind[h->kind##_count].f = f; \
        h->kind[h->kind##_count++].arg = arg; \
        tell_interest(h); \
    }
DEFINE_ON(configured)
DEFINE_ON(gate)
DEFINE_ON(client_gate)
DEFINE_ON(key)
DEFINE_ON(flushed)
DEFINE_ON(tick)
DEFINE_ON(client)
DEFINE_ON(role)
DEFINE_ON(fork)
#undef DEFINE_ON

#define DEFINE_OFF(kind) \
    void hooks_off_##kind(struct hooks *h, void *arg) \
    { \
        int kept = 0; \
        for (int i = 0; i < h->kind##_count; i++) { \
            if (h->kind[i].arg != arg) \
                h->kind[kept++] = h->kind[i]; \
        } \
        h->kind##_count = kept; \
        tell_interest(h); \
    }
DEFINE_OFF(gate)
DEFINE_OFF(client_gate)
DEFINE_OFF(key)
DEFINE_OFF(client)
#undef DEFINE_OFF

#define TELL_ALL(h, kind, ...) \
    for (int i = 0; i < (h)->kind##_count; i++) \
    (h)->kind[i].f((h)->kind[i].arg, __VA_ARGS__)

static void admit_flags(struct hooks *h)
{
    for (int from = 0; from < FROM_COUNT; from++) {
        h->admit_flags[from] = 0;
        for (int i = 0; i < h->admit_count; i++)
            h->admit_flags[from] |= h->admit[i].from >> from & 1 ? h->admit[i].flags : 0;
    }
}

void hooks_on_admit(struct hooks *h, hook_admit *f, void *arg, unsigned from, uint32_t flags)
{
    must(f && h->admit_count < LISTENERS_MAX);
    must(from && !(from >> FROM_COUNT));
    h->admit[h->admit_count].f = f;
    h->admit[h->admit_count].from = from;
    h->admit[h->admit_count].flags = flags;
    h->admit[h->admit_count++].arg = arg;
    admit_flags(h);
}

void hooks_set_admit(struct hooks *h, void *arg, uint32_t flags)
{
    bool there = false;
    for (int i = 0; i < h->admit_count; i++) {
        if (h->admit[i].arg == arg) {
            h->admit[i].flags = flags;
            there = true;
        }
    }
    must(there);
    admit_flags(h);
}

void hooks_set_calm(struct hooks *h, size_t bytes)
{
    h->calm = bytes;
}

static void commit_scopes(struct hooks *h)
{
    h->commit_scope = 0;
    for (int i = 0; i < h->commit_count; i++)
        h->commit_scope |= h->commit[i].scope;
}

void hooks_on_commit(struct hooks *h, enum commit_scope scope, hook_commit *f, void *arg)
{
    must(f && h->commit_count < LISTENERS_MAX);
    must(scope && !(scope & ~(unsigned)TO_ALL));
    h->commit[h->commit_count].f = f;
    h->commit[h->commit_count].scope = scope;
    h->commit[h->commit_count++].arg = arg;
    commit_scopes(h);
}

void hooks_off_commit(struct hooks *h, void *arg)
{
    int kept = 0;
    for (int i = 0; i < h->commit_count; i++)
        if (h->commit[i].arg != arg)
            h->commit[kept++] = h->commit[i];
    h->commit_count = kept;
    commit_scopes(h);
}

void hooks_on_stage(struct hooks *h, enum stage stage, hook_stage *f, void *arg)
{
    must(f && stage < STAGE_COUNT);
    must(h->stage_count[stage] < LISTENERS_MAX);
    h->stage[stage][h->stage_count[stage]].f = f;
    h->stage[stage][h->stage_count[stage]++].arg = arg;
}

void hooks_on_aux(struct hooks *h, hook_aux_save *save, const struct aux_loader *load, void *arg)
{
    must(h->aux_count < LISTENERS_MAX && (save || load));
    h->aux[h->aux_count].save = save;
    h->aux[h->aux_count].load = load;
    h->aux[h->aux_count++].arg = arg;
}

bool hooks_configured(struct hooks *h, struct fault *f)
{
    bool ok = true;
    for (int i = 0; i < h->configured_count && ok; i++)
        ok = h->configured[i].f(h->configured[i].arg, f);
    return ok;
}

const uint32_t *hooks_admit_flags(const struct hooks *h)
{
    return h->admit_flags;
}

const size_t *hooks_calm(const struct hooks *h)
{
    return &h->calm;
}

const char *hooks_admit(struct hooks *h, struct ctx *c, const struct command_entry *e)
{
    uint32_t flags = c->command_flags | ADMIT_EVERY;
    if (!(h->admit_flags[c->from] & flags))
        return NULL;
    for (int i = 0; i < h->admit_count; i++) {
        const char *error = NULL;
        if (h->admit[i].from >> c->from & 1 && h->admit[i].flags & flags)
            error = h->admit[i].f(h->admit[i].arg, c, e);
        if (error)
            return error;
    }
    return NULL;
}

enum commit_scope hooks_commit_scope(const struct hooks *h)
{
    return h->commit_scope;
}

bool hooks_has_gate(const struct hooks *h)
{
    return h->gate_count > 0 || h->client_gate_count > 0;
}

void hooks_commit(struct hooks *h, const struct commit_batch *batch)
{
    enum commit_scope holds = batch->log.len ? TO_LOG : 0;
    holds |= batch->replicas.len ? TO_REPLICAS : 0;
    must(holds);
    for (int i = 0; i < h->commit_count; i++)
        if (h->commit[i].scope & holds)
            h->commit[i].f(h->commit[i].arg, batch);
}

uint64_t hooks_released(struct hooks *h)
{
    uint64_t lowest = UINT64_MAX;
    for (int i = 0; i < h->gate_count; i++) {
        uint64_t released = h->gate[i].f(h->gate[i].arg);
        lowest = released < lowest ? released : lowest;
    }
    return lowest;
}

uint64_t hooks_released_to(struct hooks *h, const struct client *c)
{
    uint64_t lowest = hooks_released(h);
    for (int i = 0; i < h->client_gate_count; i++) {
        uint64_t released = h->client_gate[i].f(h->client_gate[i].arg, c);
        lowest = released < lowest ? released : lowest;
    }
    return lowest;
}

void hooks_key(struct hooks *h, struct db *db, struct slice key, enum key_event_kind kind)
{
    TELL_ALL(h, key, db, key, kind);
}

void hooks_flushed(struct hooks *h)
{
    for (int i = 0; i < h->flushed_count; i++)
        h->flushed[i].f(h->flushed[i].arg);
}

void hooks_stage(struct hooks *h, enum stage stage)
{
    for (int i = 0; i < h->stage_count[stage]; i++)
        h->stage[stage][i].f(h->stage[stage][i].arg);
}

void hooks_tick(struct hooks *h, int64_t mono_ms)
{
    TELL_ALL(h, tick, mono_ms);
}

void hooks_client(struct hooks *h, struct client *client, bool opened)
{
    TELL_ALL(h, client, client, opened);
}

void hooks_role(struct hooks *h, bool is_replica)
{
    TELL_ALL(h, role, is_replica);
}

void hooks_fork(struct hooks *h, const struct fork_event *e)
{
    must(e->kind && (e->ended || !e->ok));
    TELL_ALL(h, fork, e);
}

void hooks_aux_save(struct hooks *h, struct sink *sink, enum aux_purpose purpose)
{
    for (int i = 0; i < h->aux_count; i++)
        if (h->aux[i].save)
            h->aux[i].save(h->aux[i].arg, sink, purpose);
}

/* Those that load, and have this operation. */
#define EACH_LOADER(h, i, op) \
    for (int i = 0; i < (h)->aux_count; i++) \
        if ((h)->aux[i].load && (h)->aux[i].load->op)

void hooks_aux_begin(struct hooks *h, bool beside)
{
    must(!h->aux_comes);
    h->aux_comes = true;
    EACH_LOADER(h, i, begin)
        h->aux[i].load->begin(h->aux[i].arg, beside);
}

bool hooks_aux_field(struct hooks *h, struct slice name, struct slice value, struct fault *f)
{
    must(h->aux_comes && !fault_is(f));
    EACH_LOADER(h, i, field)
        if (h->aux[i].load->field(h->aux[i].arg, name, value, f))
            return true;
    return false;
}

bool hooks_aux_function(struct hooks *h, struct slice source, struct fault *f)
{
    must(h->aux_comes && !fault_is(f));
    EACH_LOADER(h, i, function)
        if (h->aux[i].load->function(h->aux[i].arg, source, f))
            return true;
    return false;
}

bool hooks_aux_module(struct hooks *h, uint64_t module_id, struct slice bytes, struct fault *f)
{
    must(h->aux_comes && !fault_is(f));
    EACH_LOADER(h, i, module_aux)
        if (h->aux[i].load->module_aux(h->aux[i].arg, module_id, bytes, f))
            return true;
    return false;
}

void hooks_aux_end(struct hooks *h, bool ok)
{
    must(h->aux_comes);
    h->aux_comes = false;
    EACH_LOADER(h, i, end)
        h->aux[i].load->end(h->aux[i].arg, ok);
}

void hooks_on_shutdown(struct hooks *h, hook_ready *ready, hook_finish *finish, void *arg)
{
    must(h->shutdown_count < LISTENERS_MAX && ready && finish);
    h->shutdown[h->shutdown_count].ready = ready;
    h->shutdown[h->shutdown_count].finish = finish;
    h->shutdown[h->shutdown_count++].arg = arg;
}

enum shutdown_answer hooks_ready(struct hooks *h, unsigned flags)
{
    bool not_yet = false, refused = false;
    for (int i = 0; i < h->shutdown_count; i++) {
        enum shutdown_answer answer = h->shutdown[i].ready(h->shutdown[i].arg, flags);
        not_yet |= answer == SHUTDOWN_NOT_YET;
        refused |= answer == SHUTDOWN_REFUSED;
    }
    if (refused && !(not_yet && flags & SHUTDOWN_FORCE))
        return SHUTDOWN_REFUSED;
    return not_yet ? SHUTDOWN_NOT_YET : SHUTDOWN_READY;
}

bool hooks_finish(struct hooks *h, unsigned flags)
{
    bool done = true;
    for (int i = 0; i < h->shutdown_count && (done || flags & SHUTDOWN_FORCE); i++)
        done &= h->shutdown[i].finish(h->shutdown[i].arg, flags);
    return done;
}
