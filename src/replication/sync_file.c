/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/sync_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "os/file.h"
#include "persist/aof.h"
#include "persist/missing_data.h"
#include "persist/persist.h"
#include "persist/save_config.h"
#include "replication/repl.h"
#include "replication/repl_config.h"
#include "server/commit.h"
#include "server/server.h"

/* leftovers.h knows the name. */
char *sync_file_temp(struct fault *f)
{
    char name[48];
    snprintf(name, sizeof name, "temp-sync-%ld.rdb", (long)getpid());
    return file_absolute(name, f);
}

static void remove_it(const struct repl *r, const char *path)
{
    const char *dump = r->persist->save->filename;
    log_notice("Removing the RDB file %s used to sync with the primary, and that of the time "
               "before: nothing is kept on the disk here", path);
    missing_data_removing(r->persist->missing, NULL);
    file_unlink(path);
    int err = file_unlink(dump);
    if (err < 0 && err != -ENOENT)
        log_warning("Can't remove %s: %s", dump, strerror(-err));
}

void sync_file_settle(const struct repl *r, const char *path)
{
    struct persist *p = r->persist;
    const char *dump = p->save->filename;
    bool keeps = p->aof->enabled || save_config_has_points(p->save);
    if (r->config->del_sync_files && !keeps) {
        remove_it(r, path);
        return;
    }
    struct renamed done = file_rename_durably(&(struct renaming){path, dump}, 1);
    if (done.end == RENAME_DONE) {
        missing_data_saved(p->missing, NULL);
        commit_set_dirty(server_commit(r->server), 0);
        return;
    }
    log_warning("The data set of the primary was loaded, but %s could not become %s: %s", path,
                dump, strerror(-done.err));
    if (done.end == RENAME_FAILED)
        file_unlink(path);
}
