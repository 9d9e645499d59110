/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/backup_hold.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/version.h"
#include "os/clock.h"
#include "os/file.h"
#include "persist/aof_history.h"
#include "persist/aof_names.h"
#include "persist/aof_roll.h"
#include "persist/aof_state.h"
#include "server/client.h"
#include "server/command.h"
#include "server/ctx.h"
#include "server/hooks.h"
#include "server/reply.h"
#include "server/server.h"

struct hold {
    uint64_t client;
    int64_t began_ms;
    char position[48];
    char **names;
    size_t count;
};
struct backup_holds {
    struct persist *persist;
    struct hold *holds;
    size_t count;
};

/* ---- the list ---- */

static struct hold *hold_of(struct backup_holds *h, uint64_t client)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->holds[i].client == client)
            return &h->holds[i];
    return NULL;
}

static struct hold *hold_add(struct backup_holds *h, uint64_t client)
{
    must(!hold_of(h, client));
    h->holds = mem_realloc(h->holds, (h->count + 1) * sizeof *h->holds);
    h->holds[h->count] = (struct hold){.client = client, .began_ms = clock_wall_ms()};
    return &h->holds[h->count++];
}

static bool holds_name(const struct hold *hold, const char *name)
{
    for (size_t i = 0; i < hold->count; i++)
        if (strcmp(hold->names[i], name) == 0)
            return true;
    return false;
}

static void hold_name(struct hold *hold, const char *name)
{
    must(name && !strchr(name, '/'));
    if (holds_name(hold, name))
        return;
    hold->names = mem_realloc(hold->names, (hold->count + 1) * sizeof *hold->names);
    hold->names[hold->count++] = mem_strdup(name);
}

static void hold_free(struct hold *hold)
{
    for (size_t i = 0; i < hold->count; i++)
        mem_free(hold->names[i]);
    mem_free(hold->names);
}

/* What it kept from being deleted goes now. */
static void hold_end(struct backup_holds *h, struct hold *hold)
{
    must(h->count > 0 && hold >= h->holds && hold < h->holds + h->count);
    hold_free(hold);
    *hold = h->holds[--h->count];
    if (h->persist->aof->state == AOF_ON && !h->persist->loading)
        aof_history_collect(h->persist->aof);
}

static bool held(void *arg, const char *name)
{
    const struct backup_holds *h = arg;
    for (size_t i = 0; i < h->count; i++)
        if (holds_name(&h->holds[i], name))
            return true;
    return false;
}

/* ---- the line ---- */

/* The increments but the open one are closed. Was nothing written to that since it was begun (its
 * first line is all it holds), then the line that was drawn before is this one. */
static bool draw_line(struct aof *a, struct fault *f)
{
    const struct manifest_list *incr = &a->manifest.incr;
    must(incr->count > 0 && !a->open.aside);
    bool fresh = incr->count > 1 && a->batch.pending.len == 0 &&
                 a->open.size <= a->open.begun_size;
    return fresh || aof_roll(a, f);
}

static uint64_t size_of(const struct aof *a, const struct manifest_file *file)
{
    struct stat st;
    must(file->name);
    if (file->size >= 0)
        return (uint64_t)file->size;
    char *path = aof_path(a, file->name);
    int err = file_stat(path, &st);
    mem_free(path);
    return err == 0 ? (uint64_t)st.st_size : 0;
}

static void reply_file(struct ctx *c, const struct aof *a, const struct manifest_file *file,
                       const char *type)
{
    reply_map(c, 5);
    reply_bulk_str(c, "name");
    reply_bulk_str(c, file->name);
    reply_bulk_str(c, "type");
    reply_bulk_str(c, type);
    reply_bulk_str(c, "seq");
    reply_int(c, file->seq);
    reply_bulk_str(c, "size");
    reply_int(c, (int64_t)size_of(a, file));
    reply_bulk_str(c, "from");
    reply_int(c, file->from);
}

static void reply_line(struct ctx *c, const struct aof *a, const struct hold *hold)
{
    const struct manifest *m = &a->manifest;
    char text[32];
    struct buf name = {0};
    must(m->incr.count > 1 && hold->count > 0);
    snprintf(text, sizeof text, "%016" PRIx64, a->log_id);
    buf_printf(&name, "%s.manifest", a->filename);
    reply_map(c, 8);
    reply_bulk_str(c, "id");
    reply_int(c, (int64_t)hold->client);
    reply_bulk_str(c, "dir");
    reply_bulk_str(c, a->dir);
    reply_bulk_str(c, "manifest");
    reply_bulk(c, buf_slice(&name));
    reply_bulk_str(c, "log-id");
    reply_bulk_str(c, text);
    reply_bulk_str(c, "position");
    reply_bulk_str(c, hold->position);
    reply_bulk_str(c, "time-ms");
    reply_int(c, clock_wall_ms());
    reply_bulk_str(c, "server");
    reply_bulk_str(c, REDIS_VERSION);
    reply_bulk_str(c, "files");
    reply_array(c, (m->base.name != NULL) + m->incr.count - 1);
    if (m->base.name)
        reply_file(c, a, &m->base, "b");
    for (size_t i = 0; i + 1 < m->incr.count; i++)
        reply_file(c, a, &m->incr.files[i], "i");
    buf_free(&name);
}

static void hold_line(struct hold *hold, const struct aof *a)
{
    const struct manifest *m = &a->manifest;
    must(m->incr.count > 1);
    const struct manifest_file *last = &m->incr.files[m->incr.count - 2];
    if (m->base.name)
        hold_name(hold, m->base.name);
    for (size_t i = 0; i + 1 < m->incr.count; i++)
        hold_name(hold, m->incr.files[i].name);
    snprintf(hold->position, sizeof hold->position, "%" PRId64 ":%" PRIu64, last->seq,
             size_of(a, last));
}

/* Why there is no line to draw now; NULL: there is. */
static const char *cannot(const struct aof *a)
{
    if (a->state == AOF_OFF)
        return "ERR There is no append log (appendonly no): save a dump with BGSAVE and copy that";
    if (a->state == AOF_WAIT_REWRITE || a->open.aside)
        return "ERR The append log is waiting for its first rewrite: try again when that is over";
    if (a->sync.lost || a->names.gone)
        return "ERR The append log could not be written: try again when it was rewritten";
    return NULL;
}

static void draw_and_tell(struct ctx *c, struct backup_holds *h, struct hold *hold)
{
    struct fault f = {0};
    struct aof *a = h->persist->aof;
    if (!draw_line(a, &f)) {
        log_fault("BACKUP can't close the newest part of the append log", &f);
        reply_errorf(c, "ERR The newest part of the append log can't be closed: %s", f.what);
        return;
    }
    must(!fault_is(&f) && a->state == AOF_ON);
    hold_line(hold, a);
    reply_line(c, a, hold);
}

/* ---- the command ---- */

static void cmd_backup_start(struct ctx *c)
{
    struct backup_holds *h = c->arg;
    const char *why = cannot(h->persist->aof);
    if (why)
        reply_error(c, why);
    else if (hold_of(h, c->client->id))
        reply_error(c, "ERR This connection holds a backup already: BACKUP SEAL draws the line "
                       "again, BACKUP END ends it");
    else
        draw_and_tell(c, h, hold_add(h, c->client->id));
}

static void cmd_backup_seal(struct ctx *c)
{
    struct backup_holds *h = c->arg;
    const char *why = cannot(h->persist->aof);
    struct hold *hold = hold_of(h, c->client->id);
    if (!hold)
        reply_error(c, "ERR This connection holds no backup: BACKUP START begins one");
    else if (why)
        reply_error(c, why);
    else
        draw_and_tell(c, h, hold);
}

static void cmd_backup_end(struct ctx *c)
{
    struct backup_holds *h = c->arg;
    struct hold *hold = hold_of(h, c->client->id);
    if (hold)
        hold_end(h, hold);
    reply_int(c, hold != NULL);
}

static void cmd_backup_list(struct ctx *c)
{
    struct backup_holds *h = c->arg;
    reply_array(c, h->count);
    for (size_t i = 0; i < h->count; i++) {
        const struct hold *hold = &h->holds[i];
        reply_map(c, 4);
        reply_bulk_str(c, "id");
        reply_int(c, (int64_t)hold->client);
        reply_bulk_str(c, "since-ms");
        reply_int(c, hold->began_ms);
        reply_bulk_str(c, "position");
        reply_bulk_str(c, hold->position);
        reply_bulk_str(c, "files");
        reply_array(c, hold->count);
        for (size_t n = 0; n < hold->count; n++)
            reply_bulk_str(c, hold->names[n]);
    }
}

static void cmd_backup_help(struct ctx *c)
{
    static const char *const lines[] = {
        "START",
        "    Closes the newest part of the append log: the files named hold the data set of",
        "    this moment, and stay until END, or the end of this connection.",
        "SEAL",
        "    Draws the line again.",
        "LIST",
        "    Tells who holds files, and which.",
        "END",
        "    Holds them no longer.",
        NULL};
    reply_help(c, lines);
}

enum { BACKUP_FLAGS = CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_MULTI };
static const struct command subcommands[] = {
    {.name = "start", .run = cmd_backup_start, .arity = 2, .flags = BACKUP_FLAGS,
     .group = "server", .since = "7.2.0",
     .summary = "Closes the newest part of the append log and holds its files",
     .complexity = "O(N), N: files of the log"},
    {.name = "seal", .run = cmd_backup_seal, .arity = 2, .flags = BACKUP_FLAGS,
     .group = "server", .since = "7.2.0",
     .summary = "Closes the newest part of the append log again",
     .complexity = "O(N), N: files of the log"},
    {.name = "list", .run = cmd_backup_list, .arity = 2, .flags = BACKUP_FLAGS,
     .group = "server", .since = "7.2.0", .summary = "Tells which backups hold which files",
     .complexity = "O(N), N: files held"},
    {.name = "end", .run = cmd_backup_end, .arity = 2, .flags = BACKUP_FLAGS,
     .group = "server", .since = "7.2.0", .summary = "Holds the files of the log no longer",
     .complexity = "O(N), N: files held"},
    {.name = "help", .run = cmd_backup_help, .arity = 2, .flags = CMD_LOADING | CMD_STALE,
     .group = "server", .since = "7.2.0", .summary = "Tells what BACKUP can do",
     .complexity = "O(1)"},
    {.name = NULL}};
static const struct command commands[] = {
    {.name = "backup", .arity = -2, .group = "server", .since = "7.2.0",
     .summary = "Holds the files of the append log still while they are copied (Holdfast)",
     .complexity = "Depends on the subcommand", .subcommands = subcommands},
    {.name = NULL}};

static void client_event(void *arg, struct client *client, bool opened)
{
    struct backup_holds *h = arg;
    struct hold *hold = opened || !h->count ? NULL : hold_of(h, client->id);
    if (hold)
        hold_end(h, hold);
}

struct backup_holds *backup_holds_new(struct persist *p)
{
    struct backup_holds *h = mem_zalloc(sizeof *h);
    h->persist = p;
    p->aof->held = held;
    p->aof->held_arg = h;
    commands_add(server_commands(p->server), commands, h);
    hooks_on_client(server_hooks(p->server), client_event, h);
    return h;
}

void backup_holds_free(struct backup_holds *h)
{
    hooks_off_client(server_hooks(h->persist->server), h); /* clients go later than this */
    for (size_t i = 0; i < h->count; i++)
        hold_free(&h->holds[i]);
    mem_free(h->holds);
    mem_free(h);
}
