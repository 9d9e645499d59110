/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/aof_replay.h"

#include <string.h>

#include "base/log.h"
#include "base/must.h"
#include "format/aof_read.h"
#include "persist/aof_state.h"
#include "server/server_frame.h"

/* Ends the load, or tells of it and goes on. only: what alone helps against it; NULL: skipping
 * does. */
static void refuse_or_skip(struct aof_replay *r, struct fault *f, const char *only)
{
    char line[FAULT_TEXT_MAX];
    must(fault_is(f));
    f->doing = "run-command";
    if (!only && r->persist->aof->load_errors == AOF_ERRORS_SKIP) {
        log_warning("%s: skipped, as aof-load-errors says: %s", r->path,
                    fault_text(f, line, sizeof line));
        r->skipped++;
    } else if (!fault_is(&r->fault)) {
        r->fault = *f;
        fault_prefix(&r->fault, only ? only : "refused, but aof-load-errors skip loads the rest");
    }
}

static void failed(void *arg, const struct replay_failure *x)
{
    struct aof_replay *r = arg;
    struct fault f = {.offset = r->reader->at};
    must(r->queued.len % sizeof f.offset == 0);
    bool select = slice_eq_nocase(x->command, "select");
    int word = x->command.len < 64 ? (int)x->command.len : 64;
    if (x->index >= 0 && (size_t)x->index < r->queued.len / sizeof f.offset)
        memcpy(&f.offset, r->queued.data + (size_t)x->index * sizeof f.offset, sizeof f.offset);
    fault_set(&f, FAULT_INVALID, "%.*s fails: %.100s", word, x->command.data, x->error);
    if (x->key.len)
        fault_set_key(&f, x->key);
    bool panic = r->persist->aof->on_error == AOF_ON_ERROR_PANIC;
    log_warning("== CRITICAL == The append log told of a command that replies an error now: "
                "'%.100s' after processing the command '%.*s'", x->error, word, x->command.data);
    refuse_or_skip(r, &f, select  ? "the setting databases may be lower than it was"
                          : panic ? "propagation-error-behavior is panic, so nothing is skipped"
                                  : NULL);
}

void aof_replay_begin(struct aof_replay *r, struct persist *p, const char *path,
                      const struct aof_reader *reader)
{
    *r = (struct aof_replay){.persist = p, .path = path, .reader = reader};
    r->run = (struct replay){server_fake_client(p->server), failed, r};
}

void aof_replay_free(struct aof_replay *r)
{
    server_free_client(r->persist->server, r->run.client);
    buf_free(&r->queued);
}

bool aof_replay_command(struct aof_replay *r)
{
    const struct aof_reader *from = r->reader;
    struct slice next = aof_peek_key(from);
    must(!fault_is(&r->fault));
    if (next.len)
        replay_soon(&r->run, next);
    if (from->misplaced) {
        struct fault f = {.offset = from->at};
        fault_set(&f, FAULT_INVALID, "%s", from->misplaced);
        refuse_or_skip(r, &f, NULL);
        return !fault_is(&r->fault);
    }
    if (from->in_multi && slice_eq_nocase(from->argv[0], "multi"))
        buf_clear(&r->queued);
    if (replay_command(r->persist->server, &r->run, (int)from->argc, from->argv))
        buf_append(&r->queued, &from->at, sizeof from->at);
    return !fault_is(&r->fault);
}

bool aof_replay_end(struct aof_replay *r)
{
    must(!fault_is(&r->fault) && r->queued.len % sizeof r->reader->at == 0);
    if (r->reader->in_multi) {
        struct fault f = {.offset = r->reader->good_end};
        fault_set(&f, FAULT_INVALID,
                  "The file ends inside a transaction of %zu commands, which are not run",
                  r->queued.len / sizeof r->reader->at);
        refuse_or_skip(r, &f, NULL);
    }
    return !fault_is(&r->fault);
}
