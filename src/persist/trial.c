/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/trial.h"

#include "base/hash.h"
#include "base/must.h"
#include "format/event_batch.h"
#include "format/in.h"
#include "persist/load_aux.h"
#include "persist/persist.h"
#include "server/hooks.h"
#include "server/server.h"
#include "store/load.h"

/* ---- what comes twice ---- */

static void elements_begin(void *arg)
{
    struct trial *t = arg;
    seen_free(&t->elements);
}

static void elements_add(void *arg, uint64_t hash)
{
    struct trial *t = arg;
    t->unsure = !seen_add(&t->elements, hash) || t->unsure;
}

static bool elements_distinct(void *arg)
{
    struct trial *t = arg;
    must(t->keyspace);
    seen_free(&t->elements);
    return true; /* or unsure */
}

static void note_key(struct trial *t, const struct key_event *key)
{
    must(key->name.data || !key->name.len);
    uint64_t of_db = key->db * UINT64_C(0x9e3779b97f4a7c15); /* the same name may be in each */
    t->unsure = !seen_add(&t->names, hash_slice(key->name) ^ of_db) || t->unsure;
}

/* ---- the stream ---- */

static bool take(struct trial *t, struct rdb_reader *reader, const struct rdb_record *rec,
                 struct load *load)
{
    struct event_recorder recorder;
    switch (rec->kind) {
    case RDB_REC_AUX:
    case RDB_REC_FUNCTION:
    case RDB_REC_MODULE_AUX:
        event_recorder_init(&recorder, &t->features);
        return rdb_body(reader, rec, &recorder.sink);
    case RDB_REC_KEY:
        note_key(t, &rec->key);
        return rdb_body(reader, rec, &load->sink);
    default:
        return rdb_body(reader, rec, &load->sink);
    }
}

bool trial_trailer(enum rdb_trailer_state state, struct fault *f)
{
    if (state > RDB_TRAILER_OK)
        fault_set(f, FAULT_CRC, "The block index behind the data set is not what was sent");
    return state <= RDB_TRAILER_OK;
}

static void check_end(struct rdb_reader *reader, struct fault *f)
{
    struct in *in = reader->in;
    if (!in_bad(in))
        trial_trailer(rdb_trailer(reader), f);
    if (!in_bad(in) && !in_at_end(in))
        fault_set(f, FAULT_FORMAT, "There are bytes behind the end of the data set");
}

bool trial_read(struct trial *t, struct in *in, bool unguarded, struct fault *f)
{
    struct rdb_reader reader;
    struct rdb_record rec;
    struct load load;
    const struct rdb_search search = {elements_begin, elements_add, elements_distinct, t};
    struct rdb_options options = {.databases = t->keyspace->count, .keep_modules = true,
                                  .distinct_max = RDB_DISTINCT_FEW, .search = &search,
                                  .unguarded = unguarded};
    must(!fault_is(f) && !t->keys && !t->unsure);
    load_init(&load, t->keyspace, LOAD_TRIAL, 0);
    bool ok = rdb_open(&reader, in, &options);
    while (ok && rdb_next(&reader, &rec))
        ok = take(t, &reader, &rec, &load);
    if (sink_bad(&load.sink))
        *f = load.sink.fault;
    else
        check_end(&reader, f);
    if (in_bad(in) && !fault_is(f))
        *f = in->fault;
    must(reader.keys >= reader.empty_skipped);
    t->keys = reader.keys - reader.empty_skipped;
    t->unsure = t->unsure || t->keyspace->foreign.count; /* some values may be modules' */
    seen_free(&t->names);
    load_release(&load);
    rdb_close(&reader);
    return !fault_is(f);
}

bool trial_features(struct trial *t, struct persist *p, struct fault *f)
{
    struct hooks *hooks = server_hooks(p->server);
    struct event_player player;
    struct load load;
    must(!fault_is(f) && !p->loading && !p->beside);
    load_init(&load, t->keyspace, LOAD_TRIAL, 0);
    event_player_init(&player, buf_slice(&t->features));
    hooks_aux_begin(hooks, true);
    while (!sink_bad(&load.sink) && event_peek(&player) != EVENT_NONE) {
        struct load_aux to;
        load_aux_init(&to, p, &load.sink);
        to.trial = true;
        event_play(&player, &to.sink);
    }
    hooks_aux_end(hooks, false);
    if (sink_bad(&load.sink))
        *f = load.sink.fault;
    load_release(&load);
    return !fault_is(f);
}

/* ---- life ---- */

void trial_init(struct trial *t, struct keyspace *ks)
{
    must(ks->count > 0);
    *t = (struct trial){.keyspace = ks};
}

void trial_free(struct trial *t)
{
    seen_free(&t->names);
    seen_free(&t->elements);
    buf_free(&t->features);
}
