/* SPDX-License-Identifier: BSD-3-Clause */
/* Behind damage: where does a record begin again?
 *
 * The rule. A place counts when from there on FOOTING_RECORDS records follow one another, each of
 * which can be read to its end and is plausible, or fewer, at least one key among them, up to the
 * very end of the span. Plausible is a key
 *   - whose type the file's version has,
 *   - whose name is not empty, unless it is neither the first nor followed by zeros (which read as
 *     keys without a name and without a value), and has at most FOOTING_NAME bytes,
 *   - in a database below FOOTING_DBS;
 * and any other record that can be read. Attributes belong to the key behind them.
 *
 * Its errors are of two kinds; tests/tools measures them. Records in front of the place are passed
 * over: at most the one that was damaged, as a rule, and those whose name is too long. And a place
 * inside a value may hold, when what is read there happens to end where a record begins: mostly
 * that takes one wrong record, as from there on all are right, at times some more. So the first
 * records are doubtful to whoever asked (rdb_rescue.h says how many), and a few up to the end are
 * all.
 *
 * A name unlike all before it (rdb_name_is_odd where none was, or much longer than any) is no proof
 * against a place, as such names may be: but fields of a large collection read as a chain of such
 * keys, and the last of them may swallow thousands of true ones. So when one of the records has
 * such a name, a later place is preferred that lies in front of the end of the last of these, where
 * as many records follow whose names are like those before, and from which record follows record up
 * to that end. A true key with such a name is lost only where its value holds all that. Looking
 * for it stops, and the first place counts, when FOOTING_DOUBTS bytes were passed over or read in
 * vain. */
#ifndef TOOLS_RDB_FOOTING_H
#define TOOLS_RDB_FOOTING_H

#include <stdbool.h>
#include <stdint.h>

#include "format/rdb_read.h"
#include "tools/rdb_image.h"

enum { FOOTING_RECORDS = 6, FOOTING_NAME = 64 << 10, FOOTING_DBS = 65536 };
enum { FOOTING_DOUBTS = 64 << 20 };

/* What the names of keys were like where nothing was in doubt. */
struct rdb_names {
    bool any_odd;
    size_t longest;
};

struct rdb_footing {
    struct rdb_image *image;
    struct rdb_reader *reader; /* used up: to be resumed */
    uint64_t to;               /* of the span */
    bool whole;                /* a record ends there */
    unsigned db;
    uint64_t until;            /* a guess: no place at or behind it is wanted, nor one whose records
                                * take more than 2 MiB; 0: any */
    size_t window_bytes;       /* read at once; 0: 1 MiB */
    const struct rdb_names *names; /* NULL: any name will do */

    struct buf window;
    uint64_t window_at;
    unsigned keys;  /* found: when fewer than FOOTING_RECORDS follow up to the end, the keys among
                     * them; else 0 */
    uint64_t tried; /* bytes of places that did not hold */
    uint64_t unlike_to; /* end of the last record with a name unlike those before; 0: none */
    bool like_only;     /* its own */
};

/* The first such place from `from` on. False: there is none. */
bool rdb_footing(struct rdb_footing *f, uint64_t from, uint64_t *at);
void rdb_footing_free(struct rdb_footing *f);
/* As a rule misread bytes are so, and names are not: empty, or with bytes below a space. */
bool rdb_name_is_odd(struct slice name);
/* Does an RDB end here? head: what follows from its opcode 255 on; left: bytes up to the end of the
 * span. */
bool rdb_ends_here(int version, struct slice head, uint64_t left);
/* Of a key without a name, which was just read: do zeros follow that would be another? */
bool rdb_zeros_follow(struct in *in);
/* *2\r\n$..., or a line of annotation: a log goes on behind an RDB. */
bool rdb_commands_begin(struct slice text);
enum { FOOTING_END_HEAD = 1 + 8 + 14 };

#endif
