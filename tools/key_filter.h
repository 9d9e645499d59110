/* SPDX-License-Identifier: BSD-3-Clause */
/* Which keys: by pattern, name, type, database, expiry. What dump, convert and report take.
 *
 *   struct dump { struct key_filter filter; ... };
 *   static const struct tool_option options[] = {KEY_FILTER_OPTIONS(struct dump, filter), ...
 *   if (!key_filter_begin(&d->filter, t)) return TOOL_FAILED;      told
 *   if (key_filter_takes(&d->filter, key)) ...
 *   key_filter_end(&d->filter); */
#ifndef TOOLS_KEY_FILTER_H
#define TOOLS_KEY_FILTER_H

#include <stdbool.h>

#include "base/glob.h"
#include "format/key_event.h"
#include "tools/tool.h"

/* The last database that a server can be told to have. */
enum { DB_LAST = INT32_MAX - 1 };

struct key_filter {
    /* options */
    struct tool_texts match, except, keys, types, dbs, slots;
    bool with_expiry, without_expiry, expired;
    /* made of them */
    unsigned type_bits; /* 0: any */
    bool by_slot;
    int64_t now_ms;
    struct glob *match_globs, *except_globs;
};
#define KEY_FILTER_OPTIONS(type_, field_) \
    {"--match", TOOL_TEXTS, "PATTERN", offsetof(type_, field_.match), \
     "only keys that match (as KEYS does); again for more patterns"}, \
    {"--except", TOOL_TEXTS, "PATTERN", offsetof(type_, field_.except), "no keys that match"}, \
    {"--key", TOOL_TEXTS, "NAME", offsetof(type_, field_.keys), "only the key of this name"}, \
    {"--type", TOOL_TEXTS, "TYPE", offsetof(type_, field_.types), \
     "only string, list, set, zset, hash, stream or module"}, \
    {"--db", TOOL_TEXTS, "N", offsetof(type_, field_.dbs), "only this database, or N-M"}, \
    {"--slot", TOOL_TEXTS, "N", offsetof(type_, field_.slots), \
     "only this cluster slot, or N-M"}, \
    {"--with-expiry", TOOL_FLAG, NULL, offsetof(type_, field_.with_expiry), \
     "only keys that expire"}, \
    {"--without-expiry", TOOL_FLAG, NULL, offsetof(type_, field_.without_expiry), \
     "only keys that do not"}, \
    {"--expired", TOOL_FLAG, NULL, offsetof(type_, field_.expired), \
     "only keys whose time is over"}

bool key_filter_begin(struct key_filter *k, struct tool *t); /* false: told */
bool key_filter_takes(const struct key_filter *k, const struct key_event *key);
/* It asks for no key in particular: libraries, which belong to none, are meant, too. */
bool key_filter_takes_all(const struct key_filter *k);
/* It asks for some keys, and not for all but some. */
bool key_filter_picks(const struct key_filter *k);
void key_filter_end(struct key_filter *k);
/* "string", "list", ... "module"; RDB_ARRAY's "array". */
const char *key_type_name(const struct key_event *key);

#endif
