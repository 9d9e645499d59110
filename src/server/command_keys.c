/* SPDX-License-Identifier: BSD-3-Clause */
/* Which words of a call are keys: by the specs of its row, or by the command's own search where
 * specs cannot tell (SORT's STORE, GEORADIUS'). */
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "server/command.h"

struct found {
    const struct command_entry *entry;
    int argc;
    const struct slice *argv;
    struct key_use *uses;
    int count, max;
};

static void add(struct found *to, int at, uint32_t flags)
{
    must(at > 0 && at < to->argc);
    if (flags & KEY_VARIABLE && to->entry->row.key_flags)
        flags = to->entry->row.key_flags(to->argc, to->argv, flags);
    if (to->count < to->max)
        to->uses[to->count] = (struct key_use){at, flags};
    to->count++;
}

/* The position the search of a spec begins at; 0 when it is not in this call. */
static int spec_begin(const struct key_spec *k, int argc, const struct slice *argv)
{
    if (k->begin == KEY_BEGIN_INDEX)
        return k->begin_index < argc ? k->begin_index : 0;
    if (k->begin != KEY_BEGIN_KEYWORD)
        return 0;
    int from = k->begin_index > 0 ? k->begin_index : argc + k->begin_index;
    int step = k->begin_index > 0 ? 1 : -1;
    for (int i = from; i >= 1 && i < argc - 1; i += step)
        if (slice_eq_nocase(argv[i], k->keyword))
            return i + 1;
    return 0;
}

/* From *first to *last; false: the words are wrong. */
static bool spec_range(const struct found *to, const struct key_spec *k, int *first, int *last)
{
    if (k->find == KEY_FIND_RANGE) {
        *last = k->last >= 0 ? *first + k->last : to->argc + k->last;
        if (k->last < 0 && k->limit > 1) /* only the first part of what is left are keys */
            *last = *first + (to->argc - *first) / k->limit - 1;
    } else {
        int64_t count;
        int place = *first + k->keynum_index;
        if (place >= to->argc || !num_parse_i64(to->argv[place], &count) || count < 0 ||
            count > to->argc)
            return false;
        *first += k->first_key;
        *last = *first + ((int)count - 1) * (k->step > 0 ? k->step : 1);
        if (count == 0) /* what may do without keys has none; the others want one */
            return to->entry->row.flags & CMD_NO_MANDATORY_KEYS;
    }
    return *last < to->argc && *last >= *first;
}

static bool add_spec(struct found *to, const struct key_spec *k)
{
    int first = spec_begin(k, to->argc, to->argv), last;
    if (!first)
        return true;
    if (!spec_range(to, k, &first, &last))
        return false;
    for (int i = first; i <= last; i += k->step > 0 ? k->step : 1)
        add(to, i, k->flags);
    return true;
}

/* What the row's own search finds. Its first spec is of a key at a fixed place; what is found
 * elsewhere is what the last spec is about. */
static bool add_searched(struct found *to)
{
    const struct key_spec *keys = to->entry->row.keys;
    int last = KEY_SPECS_MAX - 1, *at = mem_alloc((size_t)to->argc * sizeof *at);
    int n = to->entry->row.find_keys(to->argc, to->argv, at, to->argc);
    while (last > 0 && keys[last].begin == KEY_BEGIN_NONE)
        last--;
    must(n <= to->argc);
    for (int i = 0; i < n; i++)
        add(to, at[i], keys[at[i] == keys[0].begin_index ? 0 : last].flags);
    mem_free(at);
    return n >= 0;
}

int command_key_uses(const struct command_entry *e, int argc, const struct slice *argv,
                     struct key_use *uses, int max)
{
    struct found to = {e, argc, argv, uses, 0, max};
    if (e->row.find_keys)
        return add_searched(&to) ? to.count : KEYS_UNTOLD;
    for (int i = 0; i < KEY_SPECS_MAX && e->row.keys[i].begin != KEY_BEGIN_NONE; i++)
        if (!(e->row.keys[i].flags & KEY_NOT_KEY) && !add_spec(&to, &e->row.keys[i]))
            return KEYS_UNTOLD;
    return to.count;
}
