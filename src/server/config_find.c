/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and lines: what all config_*.c files look things up with. */
#include <string.h>
#include <strings.h>

#include "base/quote.h"
#include "server/config_parts.h"

/* Negative, 0, positive as by strcasecmp; a zero byte is a byte like others. */
static int compare_name(struct slice a, const char *b)
{
    size_t len = strlen(b), n = a.len < len ? a.len : len;
    int order = n ? strncasecmp(a.data, b, n) : 0;
    return order ? order : (a.len > len) - (a.len < len);
}

struct option *config_find(const struct config *cfg, struct slice name)
{
    size_t low = 0, high = cfg->name_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare_name(name, cfg->names[middle].text);
        if (order == 0)
            return &cfg->options[cfg->names[middle].option];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool config_is_secret(const struct config *cfg, struct slice name)
{
    const struct option *o = config_find(cfg, name);
    return o && o->row->flags & CONFIG_SENSITIVE;
}

void config_note_change(struct config *cfg, const char *name)
{
    struct option *o = config_find(cfg, slice_str(name));
    if (o)
        o->changed = true;
}

bool config_split(struct slice line, struct buf *hold, struct slice *words, int max, int *count)
{
    buf_clear(hold);
    buf_add(hold, line);
    *count = hold->len ? quote_split(hold->data, hold->len, words, max) : 0;
    return *count >= 0;
}
