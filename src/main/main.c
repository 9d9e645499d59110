/* SPDX-License-Identifier: BSD-3-Clause */
/* One executable, several names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/version.h"
#include "main/serve.h"
#include "scripting/library_check.h"
#include "server/process.h"
#include "server/server.h"
#include "tools/check.h"
#include "tools/machine.h"
#include "tools/tool.h"
#include "tools/verbs.h"

static int print_version(void)
{
    printf("Redis server v=%s sha=00000000:0 malloc=%s bits=%zu build=%s\n", REDIS_VERSION,
           mem_allocator(), sizeof(void *) * 8, SERVER_BUILD_ID);
    return 0;
}

static int print_usage(void)
{
    fputs("redis-server [FILE | -] [--OPTION VALUE ...] ...\n"
          "\n"
          "  FILE              configuration; without it built-in values are used\n"
          "  -                 read (more) configuration from standard input\n"
          "  --OPTION VALUE    as a line of the file, and over it: --port 7000 --appendonly yes\n"
          "  --check-rdb FILE  check a dump file, as redis-check-rdb does\n"
          "  --check-aof FILE  check an append log, as redis-check-aof does\n"
          "  --check-system    look for settings of the machine that harm a server\n"
          "  --test-memory MB [PASSES]   write and read so much memory, as often\n"
          "  -v, --version     tell the version\n"
          "  -h, --help        this text\n",
          stderr);
    return 1;
}

/* "--check-rdb file" in any order: the tool gets the other words; but of "conf --check-rdb file"
 * only what follows, the configuration tells it nothing. */
static bool asks_for(int *argc, char **argv, const char *word)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], word) != 0)
            continue;
        int from = i == 2 && i + 1 < *argc && strncmp(argv[1], "--", 2) != 0 ? 1 : i;
        memmove(argv + from, argv + i + 1, (size_t)(*argc - i) * sizeof *argv);
        *argc -= i + 1 - from;
        must(*argc > 0 && !argv[*argc]);
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    static const struct check_libraries libraries = {
        library_check_begin, library_check_take, library_check_end};
    must(argc > 0 && !argv[argc]);
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    mem_thread_enter();
    const struct tool_env env = {.verbs = tool_verbs, .libraries = &libraries,
                                 .program = "/proc/self/exe"};
    if (strstr(name, "holdfast"))
        return tool_main(argc, argv, &env);
    if (strstr(name, "redis-check-rdb") || asks_for(&argc, argv, "--check-rdb"))
        return check_rdb_main(argc, argv, &env);
    if (strstr(name, "redis-check-aof") || asks_for(&argc, argv, "--check-aof"))
        return check_aof_main(argc, argv, &env);
    if (argc >= 2 && (strcmp(argv[1], "-v") == 0 || strcmp(argv[1], "--version") == 0))
        return print_version();
    if (argc >= 2 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0))
        return print_usage();
    if (argc == 2 && strcmp(argv[1], "--check-system") == 0)
        return check_system_main();
    if (argc >= 2 && strcmp(argv[1], "--test-memory") == 0)
        return test_memory_main(argc - 2, argv + 2);
    process_init(argc, argv);
    return serve(argc, argv);
}
