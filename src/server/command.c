/* SPDX-License-Identifier: BSD-3-Clause */
/* The registry: entries that never move, and an open-addressed table at most a quarter full. A
 * look-up takes two words of the name's letters, and compares them once, nearly always. Renamed
 * commands keep their entry under another name. */
#include "server/command.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/must.h"
#include "server/stats.h"

struct folded {
    uint64_t first, last;
};
struct slot {
    struct folded folded; /* of the name */
    uint32_t len;
    bool told_by_fold;
    const char *name;
    struct command_entry *entry; /* NULL: free */
};

struct names {
    struct slot *slots;
    uint32_t mask;
    size_t longest; /* name; 0: there is none */
    bool given; /* by the names of the tables, whatever rename-command says */
};

struct commands {
    struct command_entry **all;
    size_t count, cap;
    struct names now, given; /* given is made by the first commands_rename */
    unsigned next_id;
};

struct commands *commands_new(void)
{
    return mem_zalloc(sizeof(struct commands));
}

static void entry_free(struct command_entry *e)
{
    latency_free(e->stats.latency);
    for (unsigned i = 0; i < e->sub_count; i++) {
        latency_free(e->subs[i].stats.latency);
        mem_free(e->subs[i].name);
    }
    mem_free(e->subs);
    mem_free(e->name);
    mem_free(e->renamed_to);
    mem_free(e);
}

void commands_free(struct commands *cs)
{
    for (size_t i = 0; i < cs->count; i++)
        entry_free(cs->all[i]);
    mem_free(cs->all);
    mem_free(cs->now.slots);
    mem_free(cs->given.slots);
    mem_free(cs);
}

/* ---- look-up ---- */
/* A name's first bytes and its last, eight each or as many as there are. Upper and lower case of a
 * letter differ in one bit, which is set here: no other byte becomes the like of a letter. */
static inline struct folded fold(struct slice name)
{
    const uint64_t case_bits = 0x2020202020202020;
    const char *p = name.data;
    if (name.len >= 8)
        return (struct folded){load_le64(p) | case_bits, load_le64(p + name.len - 8) | case_bits};
    if (name.len >= 4)
        return (struct folded){load_le32(p) | case_bits, load_le32(p + name.len - 4) | case_bits};
    uint64_t first = (unsigned char)p[0];
    first = first << 8 | (unsigned char)p[name.len / 2];
    first = first << 8 | (unsigned char)p[name.len - 1];
    return (struct folded){first | case_bits, 0};
}

static inline uint32_t name_hash(struct folded f, size_t len)
{
    uint64_t h = (f.first ^ len) * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 32 ^ f.last) * 0xc2b2ae3d27d4eb4fu;
    return (uint32_t)(h >> 32);
}

/* All of the name is in its two halves, and all of it letters. */
static bool is_told_by_fold(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!((name.data[i] | 0x20) >= 'a' && (name.data[i] | 0x20) <= 'z'))
            return false;
    return name.len <= 16;
}

/* lower is as long. */
static bool same_name(const char *lower, struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        if (lower[i] != c)
            return false;
    }
    return true;
}

static const char *name_in(const struct names *n, const struct command_entry *e)
{
    return n->given || !e->renamed_to ? e->name : e->renamed_to;
}

static inline struct command_entry *look_up(const struct names *n, struct slice name)
{
    if (name.len == 0 || name.len > n->longest)
        return NULL;
    struct folded f = fold(name);
    for (uint32_t i = name_hash(f, name.len) & n->mask; n->slots[i].entry; i = (i + 1) & n->mask) {
        const struct slot *slot = &n->slots[i];
        if (slot->folded.first == f.first && slot->folded.last == f.last &&
            slot->len == name.len && (slot->told_by_fold || same_name(slot->name, name)))
            return slot->entry;
    }
    return NULL;
}

struct command_entry *commands_find(const struct commands *cs, struct slice name)
{
    return look_up(&cs->now, name);
}

struct command_entry *commands_find_given(const struct commands *cs, struct slice name)
{
    struct command_entry *e = look_up(&cs->given, name);
    return e ? e : look_up(&cs->now, name);
}

static void put_slot(struct names *n, struct command_entry *e)
{
    struct slice name = slice_str(name_in(n, e));
    must(name.len > 0);
    struct folded f = fold(name);
    uint32_t i = name_hash(f, name.len) & n->mask;
    n->longest = name.len > n->longest ? name.len : n->longest;
    while (n->slots[i].entry)
        i = (i + 1) & n->mask;
    n->slots[i] = (struct slot){f, (uint32_t)name.len, is_told_by_fold(name), name.data, e};
}

static void rebuild(struct commands *cs, struct names *n)
{
    uint32_t size = 64;
    while (size < cs->count * 4)
        size *= 2;
    mem_free(n->slots);
    n->slots = mem_zalloc(size * sizeof *n->slots);
    n->mask = size - 1;
    n->longest = 0;
    must((size & n->mask) == 0 && cs->count < n->mask);
    for (size_t i = 0; i < cs->count; i++)
        if (name_in(n, cs->all[i])[0]) /* a removed one has no name now */
            put_slot(n, cs->all[i]);
}

struct command_entry *command_find_sub(struct command_entry *e, struct slice name)
{
    for (unsigned i = 0; i < e->sub_count; i++)
        if (slice_eq_nocase(name, e->subs[i].row.name))
            return &e->subs[i];
    return NULL;
}

/* ---- what follows from a row ---- */
/* The oldest way to tell keys: first, last, step. Specs that it cannot express are left out, and
 * ranges are joined when one begins where the other ends. */
static void legacy_range(struct command_entry *e)
{
    for (int i = 0; i < KEY_SPECS_MAX; i++) {
        const struct key_spec *k = &e->row.keys[i];
        if (k->begin != KEY_BEGIN_INDEX || k->find != KEY_FIND_RANGE)
            continue;
        int last = k->last >= 0 ? k->begin_index + k->last : k->last;
        if (!e->first_key) {
            e->first_key = k->begin_index;
            e->last_key = last;
            e->key_step = k->step;
        } else if (e->key_step == 1 && k->step == 1 && k->begin_index == e->last_key + 1) {
            e->last_key = last;
        }
    }
}

static void single_key(struct command_entry *e)
{
    enum { DOUBTFUL = KEY_NOT_KEY | KEY_INCOMPLETE };
    const struct key_spec *k = e->row.keys;
    if (k->begin != KEY_BEGIN_INDEX || k->find != KEY_FIND_RANGE || k->last || k->limit > 1 ||
        k->flags & DOUBTFUL || k[1].begin != KEY_BEGIN_NONE || e->row.find_keys ||
        e->row.channels != CHANNELS_NONE)
        return;
    must(k->begin_index > 0 && k->begin_index < UINT8_MAX);
    if ((e->row.arity < 0 ? -e->row.arity : e->row.arity) > k->begin_index)
        e->only_key = (uint8_t)k->begin_index;
    e->only_key_uses = (uint8_t)key_uses_of(k->flags);
}

static uint32_t group_category(const char *group)
{
    static const struct {
        const char *group;
        uint32_t category;
    } groups[] = {
        {"string", CAT_STRING}, {"set", CAT_SET}, {"sorted-set", CAT_SORTEDSET},
        {"list", CAT_LIST}, {"hash", CAT_HASH}, {"bitmap", CAT_BITMAP},
        {"hyperloglog", CAT_HYPERLOGLOG}, {"geo", CAT_GEO}, {"stream", CAT_STREAM},
        {"transactions", CAT_TRANSACTION}, {"connection", CAT_CONNECTION},
        {"scripting", CAT_SCRIPTING}, {"generic", CAT_KEYSPACE},
    };
    for (size_t i = 0; group && i < sizeof groups / sizeof *groups; i++)
        if (strcmp(groups[i].group, group) == 0)
            return groups[i].category;
    return 0;
}

static uint32_t categories_of(const struct command *row)
{
    static const struct {
        uint32_t flag, categories;
    } by_flag[] = {
        {CMD_WRITE, CAT_WRITE}, {CMD_READONLY, CAT_READ}, {CMD_ADMIN, CAT_ADMIN | CAT_DANGEROUS},
        {CMD_PUBSUB, CAT_PUBSUB}, {CMD_BLOCKING, CAT_BLOCKING}, {CMD_FAST, CAT_FAST},
    };
    uint32_t all = row->categories;
    /* A generic command that names a category of its own (SORT, WAIT) is not a keyspace one. */
    bool elsewhere = row->categories & (CAT_LIST | CAT_CONNECTION);
    if (!row->subcommands && !(group_category(row->group) == CAT_KEYSPACE && elsewhere))
        all |= group_category(row->group);
    for (size_t i = 0; i < sizeof by_flag / sizeof *by_flag; i++)
        if (row->flags & by_flag[i].flag)
            all |= by_flag[i].categories;
    if (all & CAT_SCRIPTING)
        all &= ~(uint32_t)CAT_READ;
    return row->flags & CMD_FAST ? all : all | CAT_SLOW;
}

static void fill(struct command_entry *e, const struct command *row, void *arg, unsigned id)
{
    must(row->run || row->subcommands);
    must(id < COMMAND_IDS_MAX);
    e->row = *row;
    e->arg = arg;
    e->id = id;
    e->categories = categories_of(row);
    legacy_range(e);
    single_key(e);
    for (int i = 0; i < KEY_SPECS_MAX; i++) /* what specs alone cannot tell */
        if (row->keys[i].begin != KEY_BEGIN_NONE &&
            (row->keys[i].begin != KEY_BEGIN_INDEX || row->keys[i].find != KEY_FIND_RANGE))
            e->row.flags |= CMD_MOVABLE_KEYS;
}

static char *name_of_sub(const char *container, const char *sub)
{
    size_t size = strlen(container) + 1 + strlen(sub) + 1;
    char *name = mem_alloc(size);
    int len = snprintf(name, size, "%s|%s", container, sub);
    must(len > 0 && (size_t)len == size - 1);
    return name;
}

/* Behind those that are there: the entries move. */
static void add_subs(struct commands *cs, struct command_entry *e, const struct command *table,
                     void *arg)
{
    unsigned n = 0;
    while (table[n].name)
        n++;
    e->subs = mem_realloc(e->subs, (e->sub_count + n) * sizeof *e->subs);
    for (unsigned i = 0; i < n; i++) {
        struct command_entry *sub = &e->subs[e->sub_count];
        must(!command_find_sub(e, slice_str(table[i].name)));
        memset(sub, 0, sizeof *sub);
        fill(sub, &table[i], arg, cs->next_id++);
        sub->row.parent = &e->row;
        sub->row.renamed = e->row.renamed;
        sub->owner = e;
        sub->name = name_of_sub(e->row.name, sub->row.name);
        e->sub_count++;
    }
}

static struct command_entry *make_entry(struct commands *cs, const struct command *row, void *arg)
{
    struct command_entry *e = mem_zalloc(sizeof *e);
    fill(e, row, arg, cs->next_id++);
    e->name = mem_strdup(row->name);
    if (row->subcommands && row->subcommands[0].name)
        add_subs(cs, e, row->subcommands, arg);
    return e;
}

void commands_add_subs(struct commands *cs, const char *container, const struct command *table,
                       void *arg)
{
    struct command_entry *e = commands_find_given(cs, slice_str(container)); /* renamed or not */
    must(e);
    add_subs(cs, e, table, arg);
}

void commands_add(struct commands *cs, const struct command *table, void *arg)
{
    for (const struct command *row = table; row->name; row++) {
        must(!commands_find(cs, slice_str(row->name)));
        if (cs->count == cs->cap) {
            cs->cap = cs->cap ? cs->cap * 2 : 64;
            cs->all = mem_realloc(cs->all, cs->cap * sizeof *cs->all);
        }
        must(cs->count < cs->cap);
        cs->all[cs->count++] = make_entry(cs, row, arg);
    }
    rebuild(cs, &cs->now);
    if (cs->given.slots)
        rebuild(cs, &cs->given);
}

static bool is_removed(const struct command_entry *e)
{
    return e->renamed_to && !e->renamed_to[0];
}

static void mark_renamed(struct command_entry *e)
{
    e->row.renamed = true;
    for (unsigned i = 0; i < e->sub_count; i++)
        e->subs[i].row.renamed = true;
}

struct slice command_given_name(const struct command *row)
{
    return slice_str(row->parent ? row->parent->name : row->name);
}

bool commands_rename(struct commands *cs, struct slice name, struct slice new_name)
{
    struct command_entry *e = commands_find(cs, name);
    struct command_entry *there = new_name.len ? commands_find(cs, new_name) : NULL;
    if (e && there == e) /* it has that name */
        return true;
    if (!e || there)
        return false;
    mem_free(e->renamed_to);
    e->renamed_to = mem_alloc(new_name.len + 1);
    for (size_t i = 0; i < new_name.len; i++) {
        char c = new_name.data[i];
        e->renamed_to[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    e->renamed_to[new_name.len] = '\0';
    mark_renamed(e);
    rebuild(cs, &cs->now);
    cs->given.given = true;
    rebuild(cs, &cs->given);
    return true;
}

size_t commands_count(const struct commands *cs)
{
    size_t n = 0;
    for (size_t i = 0; i < cs->count; i++)
        n += !is_removed(cs->all[i]);
    return n;
}

void commands_each(struct commands *cs, commands_visit *visit, void *arg)
{
    for (size_t i = 0; i < cs->count; i++)
        if (!is_removed(cs->all[i]))
            visit(arg, cs->all[i]);
}

void commands_each_given(struct commands *cs, commands_visit *visit, void *arg)
{
    for (size_t i = 0; i < cs->count; i++)
        visit(arg, cs->all[i]);
}

static void reset_entry(struct command_entry *e)
{
    latency_free(e->stats.latency);
    e->stats = (struct command_stats){0};
}

void commands_reset_stats(struct commands *cs)
{
    for (size_t i = 0; i < cs->count; i++) {
        reset_entry(cs->all[i]);
        for (unsigned k = 0; k < cs->all[i]->sub_count; k++)
            reset_entry(&cs->all[i]->subs[k]);
    }
}

/* ---- words ---- */
const char *command_flag_name(unsigned bit_index)
{
    static const char *const names[] = {
        "write", "readonly", "denyoom", "admin", "pubsub", "noscript", "blocking", "loading",
        "stale", "skip_monitor", "skip_slowlog", "asking", "fast", "no_auth", "may_replicate",
        "no_async_loading", "no_multi", "movablekeys", "allow_busy", "sentinel", "only_sentinel",
        "no_mandatory_keys", "protected", "touches_arbitrary_keys",
    };
    return bit_index < sizeof names / sizeof *names ? names[bit_index] : NULL;
}

const char *command_category_name(unsigned bit_index)
{
    static const char *const names[] = {
        "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap",
        "hyperloglog", "geo", "stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous",
        "connection", "transaction", "scripting",
    };
    return bit_index < sizeof names / sizeof *names ? names[bit_index] : NULL;
}

bool command_arity_ok(const struct command_entry *e, int argc)
{
    return e->row.arity >= 0 ? argc == e->row.arity : argc >= -e->row.arity;
}
