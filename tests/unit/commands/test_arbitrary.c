/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that come upon keys by chance: those whose time is over go one by one. */
#include "commands/cmd_key.h"
#include "server/commit.h"
#include "server/hooks.h"
#include "tests/unit/server/served.h"

static void hear(void *arg, const struct commit_batch *batch)
{
    buf_add(arg, batch->log);
}

static void what_randomkey_meets_is_no_transaction(void)
{
    struct buf log = {0};
    serve(cmd_key_commands);
    struct keyspace *ks = server_keyspace(s);
    struct peer p = join();
    hooks_on_commit(server_hooks(s), TO_LOG, hear, &log);
    db_set_string(keyspace_db(ks, 0), SLICE_LIT("a"), SLICE_LIT("1"), 1);
    db_set_string(keyspace_db(ks, 0), SLICE_LIT("b"), SLICE_LIT("1"), 1);
    say(&p, "randomkey\r\n");
    check_hears(&p, "$-1\r\n");
    CHECK_INT(ks->expired, 2);
    CHECK(memmem(log.data, log.len, "DEL", 3) && !memmem(log.data, log.len, "MULTI", 5));
    buf_free(&log);
    close(p.fd);
    server_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(what_randomkey_meets_is_no_transaction));
}
