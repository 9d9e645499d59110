/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/scripting.h"

#include "base/mem.h"
#include "base/must.h"
#include "os/worker.h"
#include "scripting/cmd_function.h"
#include "scripting/eval.h"
#include "scripting/functions.h"
#include "scripting/script_cache.h"
#include "scripting/scripting_parts.h"
#include "scripting/vm.h"
#include "server/command.h"
#include "server/config.h"
#include "server/info.h"
#include "server/memory_limit.h"
#include "server/server.h"
#include "server/server_frame.h"
#include "server/slots.h"

/* ---- INFO ---- */
static uint64_t eval_memory(const void *arg)
{
    const struct scripting *home = arg;
    return vm_memory(script_cache_vm(home->cache));
}
static uint64_t script_memory(const void *arg)
{
    const struct scripting *home = arg;
    return script_cache_bytes(home->cache);
}
static uint64_t script_count(const void *arg)
{
    const struct scripting *home = arg;
    return script_cache_count(home->cache);
}

static uint64_t function_vm_memory(const void *arg)
{
    const struct scripting *home = arg;
    return vm_memory(function_set_vm(functions_set(home->functions)));
}
static uint64_t function_memory(const void *arg)
{
    const struct scripting *home = arg;
    return function_set_bytes(functions_set(home->functions));
}
static uint64_t function_count(const void *arg)
{
    const struct scripting *home = arg;
    return function_set_functions(functions_set(home->functions));
}
static uint64_t library_count(const void *arg)
{
    const struct scripting *home = arg;
    return function_set_libraries(functions_set(home->functions));
}

/* What evicting keys does not free. */
static size_t all_memory(const void *home)
{
    return eval_memory(home) + script_memory(home) + function_vm_memory(home) +
           function_memory(home);
}

static void provide(struct scripting *home)
{
    static const struct {
        const char *name;
        info_read *read;
    } fields[] = {{"used_memory_vm_eval", eval_memory},
                  {"used_memory_scripts_eval", script_memory},
                  {"number_of_cached_scripts", script_count},
                  {"used_memory_vm_functions", function_vm_memory},
                  {"used_memory_functions", function_memory},
                  {"number_of_functions", function_count},
                  {"number_of_libraries", library_count}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        info_provide(server_info(home->server), fields[i].name, fields[i].read, home);
}

/* ---- settings ---- */
static const struct config_option options[] = {
    {.name = "busy-reply-threshold", .alias = "lua-time-limit",
     CONFIG_INT_AT(struct scripting, busy_after_ms), .initial = "5000", .min = 0,
     .max = INT64_MAX},
    {.name = "script-max-memory", CONFIG_SIZE_AT(struct scripting, memory_max),
     .flags = CONFIG_PERCENT, .initial = "25%", .min = -100, .max = INT64_MAX},
    {.name = NULL}};

struct scripting *scripting_new(struct server *s, struct memory_limit *limit)
{
    struct scripting *home = mem_zalloc(sizeof *home);
    home->server = s;
    home->memory = limit;
    home->machine_share = scripting_machine_share();
    config_add(server_config(s), options, home);
    home->client = server_fake_client(s);
    home->debugged = slots_reserve(server_slots(s), sizeof(struct script_debugged), NULL);
    home->sweeper = worker_new(server_workers(s), "script-free");
    home->cache = script_cache_new(home);
    home->functions = functions_new(home);
    commands_add(server_commands(s), script_commands, home);
    commands_add(server_commands(s), function_commands, home);
    provide(home);
    memory_exempt(limit, all_memory, home);
    return home;
}

void scripting_free(struct scripting *home)
{
    must(!home->running);
    script_cache_free(home->cache);
    functions_free(home->functions);
    server_free_client(home->server, home->client);
    config_release(server_config(home->server), home);
    reply_close(&home->reader);
    buf_free(&home->reply);
    output_free(&home->answer);
    mem_free(home);
}
