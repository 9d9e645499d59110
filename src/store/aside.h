/* SPDX-License-Identifier: BSD-3-Clause */
/* All that a keyspace holds, moved as a whole: put by while something else is loaded in its place,
 * or loaded beside it and then put in its place.
 *
 * The databases themselves stay: whoever points at one finds other keys in it. */
#ifndef STORE_ASIDE_H
#define STORE_ASIDE_H

struct keyspace;

/* All that the databases hold is put by, and they are empty (KEY_FLUSHED). It comes back in the
 * place of what they hold by then (KEY_FLUSHED once more), or goes for good. Cost: but for the
 * freeing, none that depends on the keys. */
struct aside; /* opaque */
struct aside *keyspace_put_aside(struct keyspace *ks);
void keyspace_take_back(struct keyspace *ks, struct aside *put_by);
void keyspace_drop_aside(struct keyspace *ks, struct aside *put_by);

/* Behind a put-aside, when what came in its place is complete: KEY_FLUSHED in each database, as any
 * key may be another now. */
void keyspace_tell_replaced(struct keyspace *ks);

/* One of which nobody hears, for what is loaded beside: settings and number of databases are those
 * of the other; keys expire in neither. It goes like one that was put by. */
void keyspace_begin_beside(struct keyspace *beside, const struct keyspace *ks);
void keyspace_drop_beside(struct keyspace *beside);

/* What the databases of both hold changes places, by their numbers (KEY_FLUSHED in each that either
 * has); numbers, settings, listeners stay, and so does it whether a child holds the tables. Both
 * may have as many databases. Cost: none that depends on the keys, unless only one has slots. */
void keyspace_swap_contents(struct keyspace *a, struct keyspace *b);

#endif
