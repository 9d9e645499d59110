/* SPDX-License-Identifier: BSD-3-Clause */
/* Which keys are remembered for whom: for each key a sorted row of numbers, which stand for
 * clients.
 *
 * One block a key: 8 bytes, the key, and 4 bytes a number; with the table's share some 60 bytes
 * for a key of 16 bytes that one client has read, and 5 for each client more. Costs: adding a
 * number a look-up and a search in the row; the rest O(numbers taken).
 *
 * Numbers of clients that have gone stay until their key is taken, or its row is full: clients that
 * come and go do not make it longer. */
#ifndef SERVER_TRACKED_KEYS_H
#define SERVER_TRACKED_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "containers/table.h"

typedef bool tracked_is_used(const void *arg, uint32_t number);

struct tracked_keys {
    struct table keys;
    uint64_t items;        /* numbers, of all keys */
    tracked_is_used *used; /* does the number stand for somebody? NULL: each does */
    const void *arg;
};
struct tracked; /* opaque: a key with its row */

void tracked_keys_init(struct tracked_keys *t, tracked_is_used *used, const void *arg);
void tracked_keys_release(struct tracked_keys *t); /* all of it goes; init makes it usable again */
/* True when it is new for the key. */
bool tracked_keys_add(struct tracked_keys *t, struct slice key, uint32_t number);
/* Takes the key out: the caller's then, who frees it. NULL: it is not remembered. */
struct tracked *tracked_keys_take(struct tracked_keys *t, struct slice key);
struct tracked *tracked_keys_take_any(struct tracked_keys *t); /* by chance; NULL: there is none */
struct slice tracked_key(const struct tracked *k);
/* Its row, ascending. */
const uint32_t *tracked_numbers(const struct tracked *k, size_t *count);
void tracked_free(struct tracked *k);

#endif
