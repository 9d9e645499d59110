/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/system_settings.h"

#include <locale.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/loop.h"
#include "os/system_check.h"
#include "server/config.h"
#include "server/hooks.h"
#include "server/server.h"
#include "store/keyspace.h"

struct system_settings {
    struct server *server;
    bool no_huge_pages, allocator_thread, defrag, configured;
    char *locale, *ignored;
    int event_loop; /* its place among event_loops */
};

/* ---- the allocator ---- */

/* With its thread it gives pages back while nobody calls it; cron does so once a second, too. */
static bool apply_allocator_thread(void *owner, struct fault *f)
{
    struct system_settings *sys = owner;
    int64_t on = sys->allocator_thread, was;
    (void)f;
    if (sys->configured)
        mem_ctl("background_thread", &on, &was); /* where there is such a thing */
    return true;
}

/* Moving a value's blocks to where the allocator would rather have them takes an allocator that
 * tells where that is. */
static bool apply_defrag(void *owner, struct fault *f)
{
    struct system_settings *sys = owner;
    if (!sys->defrag)
        return true;
    if (!config_is_starting(server_config(sys->server))) {
        fault_set(f, FAULT_INVALID,
                  "Active defragmentation cannot be enabled: it requires a Redis server compiled "
                  "with a modified Jemalloc like the one shipped by default with the Redis source "
                  "distribution");
        return false;
    }
    log_warning("activedefrag is off: this allocator does not tell what would be better elsewhere. "
                "Entries on sparse pages are moved together without it, by need");
    sys->defrag = false;
    return true;
}

/* ---- the system ---- */

static const struct config_word event_loops[] = {
    {"auto", 0}, {"io_uring", 1}, {"epoll", 2}, {"poll", 3}, {NULL, 0}};

static bool apply_event_loop(void *owner, struct fault *f)
{
    struct system_settings *sys = owner;
    const char *name = event_loops[sys->event_loop].word;
    must(event_loops[sys->event_loop].value == sys->event_loop);
    if (!sys->event_loop || loop_use(server_loop(sys->server), name))
        return true;
    fault_set(f, FAULT_INVALID, "event-loop: %s is not to be had here: the kernel lacks it, or "
              "does not allow it. auto takes the best there is", name);
    return false;
}

static bool set_locale(const char *name)
{
    return setlocale(LC_COLLATE, name ? name : "") != NULL;
}

static bool apply_locale(void *owner, struct fault *f)
{
    struct system_settings *sys = owner;
    if (set_locale(sys->locale))
        return true;
    fault_set(f, FAULT_INVALID, "Invalid locale name");
    return false;
}

/* Children inherit it. Who asks for them by himself (mem_want_huge) writes once and in order, so
 * that a child's life copies little; of what knows no such exception, he gets none. */
static void refuse_huge_pages(void)
{
#ifdef PR_SET_THP_DISABLE
    enum { BUT_FOR_ADVISED = 2 }; /* Linux 6.18: a flag of its prctl.h */
    if (prctl(PR_SET_THP_DISABLE, 1, BUT_FOR_ADVISED, 0, 0) != 0)
        prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
#endif
}

static bool is_ignored(const struct system_settings *sys, const char *name)
{
    const char *at = sys->ignored;
    size_t len = strlen(name);
    must(len > 0);
    for (; at && (at = strstr(at, name)); at += len)
        if ((at == sys->ignored || at[-1] == ' ') && (!at[len] || at[len] == ' '))
            return true;
    return false;
}

static void warn(const struct system_settings *sys)
{
    struct buf why = {0};
    for (const struct system_check *check = system_checks(); check->name; check++) {
        if (check->slow || is_ignored(sys, check->name) ||
            (check->about_huge_pages && sys->no_huge_pages))
            continue;
        buf_clear(&why);
        if (check->look(&why) == SYSTEM_WARNING)
            log_warning("WARNING %s (%s; ignore-warnings)", buf_cstr(&why), check->name);
    }
    buf_free(&why);
}

static bool configured(void *arg, struct fault *f)
{
    struct system_settings *sys = arg;
    sys->configured = true;
    if (!sys->locale) /* by the environment; what that says may not be there */
        set_locale(NULL);
    if (sys->no_huge_pages)
        refuse_huge_pages();
    warn(sys);
    return apply_allocator_thread(sys, f);
}

static const struct config_option options[] = {
    {.name = "activedefrag", CONFIG_BOOL_AT(struct system_settings, defrag), .initial = "no",
     .apply = apply_defrag},
    {.name = "disable-thp", .flags = CONFIG_IMMUTABLE,
     CONFIG_BOOL_AT(struct system_settings, no_huge_pages), .initial = "yes"},
    {.name = "event-loop", .flags = CONFIG_IMMUTABLE,
     CONFIG_ENUM_AT(struct system_settings, event_loop), .words = event_loops, .initial = "auto",
     .apply = apply_event_loop},
    {.name = "ignore-warnings", CONFIG_STRING_AT(struct system_settings, ignored)},
    {.name = "jemalloc-bg-thread", CONFIG_BOOL_AT(struct system_settings, allocator_thread),
     .initial = "yes", .apply = apply_allocator_thread},
    {.name = "locale-collate", CONFIG_STRING_AT(struct system_settings, locale),
     .apply = apply_locale},
    {.name = NULL}};
static const struct config_option keyspace_options[] = {
    {.name = "activerehashing", CONFIG_BOOL_AT(struct keyspace, settles), .initial = "yes"},
    {.name = NULL}};

struct system_settings *system_settings_new(struct server *s)
{
    struct system_settings *sys = mem_zalloc(sizeof *sys);
    sys->server = s;
    config_add(server_config(s), options, sys);
    config_add(server_config(s), keyspace_options, server_keyspace(s));
    hooks_on_configured(server_hooks(s), configured, sys);
    return sys;
}

void system_settings_free(struct system_settings *sys)
{
    config_release(server_config(sys->server), sys);
    mem_free(sys);
}
