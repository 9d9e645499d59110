/* SPDX-License-Identifier: BSD-3-Clause */
/* Files whose names were taken away while the server runs: the log's directory removed or moved, a
 * part deleted. The descriptor that is written to goes on working, but no start would ever find
 * what goes there. So the names are looked at once a second. Are they gone, then this is what a
 * lost sync is (aof_sync.c): writes are refused, and a rewrite puts the data set into new files,
 * with the directory made anew. What the manifest named before is not touched any more, nor is
 * another log that was put there: then writes stay refused until it was moved away. */
#include "persist/aof_gone.h"

#include <errno.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/file.h"
#include "persist/aof_error.h"
#include "persist/aof_names.h"
#include "persist/aof_state.h"
#include "persist/aof_sync.h"

enum { LOOK_EVERY_US = 1000000 };

/* Only what is surely gone counts: another error is the disk's, and its own story. */
static bool gone(const struct aof *a, const char *name, int fd)
{
    struct stat named, open;
    char *path = aof_path(a, name);
    int err = file_stat(path, &named);
    mem_free(path);
    if (err < 0)
        return err == -ENOENT || err == -ENOTDIR;
    return fd >= 0 && file_fstat(fd, &open) == 0 &&
           (named.st_ino != open.st_ino || named.st_dev != open.st_dev);
}

static bool names_hold(const struct aof *a)
{
    struct buf manifest = {0};
    char *open = aof_open_name(a);
    buf_printf(&manifest, "%s.manifest", a->filename);
    bool hold = !gone(a, open, a->open.fd) && !gone(a, buf_cstr(&manifest), -1) &&
                (!a->manifest.base.name || !gone(a, a->manifest.base.name, -1));
    for (size_t i = 0; hold && i < a->manifest.incr.count; i++)
        hold = !gone(a, a->manifest.incr.files[i].name, -1);
    buf_free(&manifest);
    mem_free(open);
    return hold;
}

void aof_look_for_names(struct aof *a)
{
    if (a->state != AOF_ON || a->sync.lost || a->sync.failed || names_hold(a))
        return;
    must(!a->names.gone && a->open.fd >= 0);
    a->names.gone = true;
    aof_sync_lose(a);
    aof_note_error(a, "look-up", ENOENT);
    log_warning("Files of the append log in %s are gone, removed or moved away. Writes are refused "
                "until the log was rewritten.", a->dir);
}

void aof_names_are_back(struct aof *a)
{
    a->names.gone = false;
}

void aof_gone_tick(struct aof *a)
{
    int64_t now_us = clock_mono_us();
    if (a->state == AOF_OFF)
        return;
    if (now_us - a->names.seen_us < LOOK_EVERY_US)
        return;
    a->names.seen_us = now_us;
    aof_look_for_names(a);
}
