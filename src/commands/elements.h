/* SPDX-License-Identifier: BSD-3-Clause */
/* What the families of collections share: writing a changed value back, walking the elements of any
 * of them, drawing elements at random, keeping the result of a *STORE command.
 *
 *   struct entry *e;
 *   if (!ctx_lookup_write(c, key, VALUE_SET, &e)) return;
 *   struct val v = e ? entry_val(e) : set_new(...);
 *   ... changed += set_add(&v, ...);
 *   collection_put(c, key, e, v, changed, "sadd"); */
#ifndef COMMANDS_ELEMENTS_H
#define COMMANDS_ELEMENTS_H

#include "commands/scan.h"
#include "server/ctx.h"
#include "store/val_hash.h"
#include "store/val_list.h"
#include "store/val_set.h"
#include "store/val_zset.h"

/* The collection at argv[1], to read: *v is all zero when the key is absent (*e NULL). False: it
 * holds another type, which was replied. */
bool collection_read(struct ctx *c, enum value_type type, struct entry **e, struct val *v);
/* LLEN, SCARD, HLEN, ZCARD. Replies. */
void collection_count_command(struct ctx *c, enum value_type type);

/* Writes v back to e, or adds the key when e is NULL; a value that is empty goes. event is told
 * (notify.h), and "del" behind it of a key that went. With no changes nothing is reported, told or
 * logged, but a new encoding is kept. */
void collection_put(struct ctx *c, struct slice key, struct entry *e, struct val v,
                    uint64_t changes, const char *event);
/* *STORE: replaces what key held by v, or removes the key when v is empty (v.ptr NULL counts as
 * empty), and replies the number of elements. Takes over v. Tells event, or "del". */
void collection_store(struct ctx *c, struct slice key, struct val v, const char *event);
/* The second half of it, for any type: the key goes, if it is there, expired or not. */
void store_nothing(struct ctx *c, struct slice key);

/* ---- one element of a set, hash or sorted set ---- */
struct element {
    struct slice name, value; /* value: hash */
    double score;             /* zset; 1 in a set */
};
struct element_iter {
    uint8_t type;
    union {
        struct set_iter set;
        struct hash_iter hash;
        struct zset_iter zset; /* ascending */
    } of;
};
void element_iter_init(struct element_iter *it, const struct val *v);
bool element_iter_next(struct element_iter *it, struct element *e);

/* SRANDMEMBER, HRANDFIELD and ZRANDMEMBER: argv[2] the count, argv[3] the word that asks for the
 * values (NULL: there is none). Replies. */
void element_sample_command(struct ctx *c, enum value_type type, const char *with_word);
/* SSCAN, HSCAN and ZSCAN. Replies. */
void element_scan_command(struct ctx *c, enum value_type type);

/* ---- arguments ---- */
/* LMPOP, ZMPOP and those that wait: numkeys key... low|high [COUNT n], with numkeys at argv[at].
 * False after replying an error. */
struct pop_args {
    int first, keys; /* argv[first] .. argv[first + keys - 1] */
    bool high;       /* the second word stood there */
    int64_t count;
};
bool pop_args_parse(struct ctx *c, int at, const char *low, const char *high, struct pop_args *a);
/* The count of LPOP, SPOP, ZPOPMIN: argv[2], not negative. */
bool pop_count_parse(struct ctx *c, int64_t *count);
/* Logs "word key count" instead of the command. */
void pop_log(struct ctx *c, const char *word, struct slice key, size_t count);

#endif
