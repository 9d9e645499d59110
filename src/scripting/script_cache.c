/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/script_cache.h"

#include <ctype.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/sha.h"
#include "containers/table.h"
#include "scripting/lua_cjson.h"
#include "scripting/redis_api.h"
#include "scripting/sandbox.h"
#include "scripting/script_flags.h"
#include "scripting/script_reply.h"
#include "scripting/script_run.h"
#include "scripting/scripting_parts.h"
#include "server/reply.h"

struct script_cache {
    struct scripting *home;
    struct vm *vm;
    unsigned made;                /* so many states were made before it */
    struct table by_sha, by_text; /* of struct script: the same ones */
    size_t bytes;
};

static struct slice sha_of(const void *item)
{
    const struct script *s = item;
    return slice(s->sha, SHA1_TEXT);
}
static struct slice text_of(const void *item)
{
    const struct script *s = item;
    return slice(s->text, s->len);
}
static const struct table_type sha_type = {.key = sha_of}, text_type = {.key = text_of};

static void setup(lua_State *L)
{
    redis_api_open(L);
}

static struct vm *new_vm(struct scripting *home)
{
    struct vm *vm = vm_new(scripting_limit(home), home, script_body, setup);
    must(vm); /* the limit is never that small */
    vm->guard.look = script_look;
    return vm;
}

static void init_tables(struct script_cache *cache)
{
    table_init(&cache->by_sha, &sha_type);
    table_init(&cache->by_text, &text_type);
    cache->bytes = 0;
}

static void free_scripts(struct script_cache *cache)
{
    struct table_iter it;
    struct script *s;
    table_iter_init(&it, &cache->by_sha);
    while ((s = table_iter_next(&it)))
        mem_free(s);
    table_release(&cache->by_sha);
    table_release(&cache->by_text);
}

struct script_cache *script_cache_new(struct scripting *home)
{
    struct script_cache *cache = mem_zalloc(sizeof *cache);
    cache->home = home;
    cache->vm = new_vm(home);
    init_tables(cache);
    return cache;
}

void script_cache_free(struct script_cache *cache)
{
    free_scripts(cache);
    vm_free(cache->vm);
    mem_free(cache);
}

struct vm *script_cache_vm(struct script_cache *cache)
{
    return cache->vm;
}

struct script *script_cache_find(const struct script_cache *cache, struct slice sha)
{
    char lower[SHA1_TEXT];
    if (sha.len != SHA1_TEXT)
        return NULL;
    for (size_t i = 0; i < sha.len; i++)
        lower[i] = (char)tolower((unsigned char)sha.data[i]);
    return table_find(&cache->by_sha, slice(lower, SHA1_TEXT));
}

struct compiling {
    struct slice body;
    int ref;
};

static int compile(lua_State *L)
{
    struct compiling *job = lua_touserdata(L, 1);
    if (sandbox_load(L, job->body, "@user_script")) {
        size_t len;
        lua_pushfstring(L, "ERR Error compiling script (new function): %s", lua_tostring(L, -1));
        const char *text = lua_tolstring(L, -1, &len);
        script_push_error(L, slice(text, len), false);
        return lua_error(L);
    }
    job->ref = vm_keep(L);
    return 0;
}

static bool compile_body(struct script_cache *cache, struct ctx *c, struct compiling *job)
{
    bool ok = vm_call_c(cache->vm, compile, job);
    if (!ok) {
        struct vm_error e = vm_error(cache->vm);
        reply_error_slice(c, e.text, e.counted);
    }
    vm_clear(cache->vm);
    return ok;
}

bool script_cache_make(struct script_cache *cache, struct ctx *c, struct script *s)
{
    struct compiling job;
    struct buf error = {0};
    uint32_t flags;
    if (s->made == cache->made)
        return true;
    bool ok = script_parse_head(slice(s->text, s->len), &flags, &job.body, &error);
    must(ok && flags == s->flags); /* it was once */
    if (!compile_body(cache, c, &job))
        return false;
    s->ref = job.ref;
    s->made = cache->made;
    return true;
}

struct script *script_cache_add(struct script_cache *cache, struct ctx *c, struct slice text)
{
    struct compiling job;
    struct buf error = {0};
    uint32_t flags;
    struct script *s = table_find(&cache->by_text, text);
    if (s)
        return s;
    if (!script_parse_head(text, &flags, &job.body, &error)) {
        reply_error_slice(c, buf_slice(&error), false);
        buf_free(&error);
        return NULL;
    }
    if (!compile_body(cache, c, &job))
        return NULL;
    s = mem_alloc(sizeof *s + text.len);
    *s = (struct script){.flags = flags, .ref = job.ref, .made = cache->made, .len = text.len};
    memcpy(s->text, text.data, text.len);
    sha1_hex(text, s->sha);
    table_add(&cache->by_sha, s);
    table_add(&cache->by_text, s);
    cache->bytes += mem_usable(s);
    return s;
}

static struct vm *renew(struct script_cache *cache)
{
    struct vm *old = cache->vm;
    cache->vm = new_vm(cache->home);
    cache->made++;
    return old;
}

void script_cache_settle(struct script_cache *cache)
{
    if (!vm_is_spent(cache->vm)) {
        vm_clear(cache->vm);
        return;
    }
    struct vm *old = renew(cache);
    lua_cjson_copy(cache->vm->L, old->L);
    scripting_sweep(cache->home, old, true);
}

void script_cache_flush(struct script_cache *cache, bool async)
{
    free_scripts(cache);
    init_tables(cache);
    scripting_sweep(cache->home, renew(cache), async);
}

size_t script_cache_count(const struct script_cache *cache)
{
    must(cache->by_sha.count == cache->by_text.count);
    return cache->by_sha.count;
}

size_t script_cache_bytes(const struct script_cache *cache)
{
    return cache->bytes + table_memory(&cache->by_sha) + table_memory(&cache->by_text);
}
