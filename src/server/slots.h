/* SPDX-License-Identifier: BSD-3-Clause */
/* Per-client state of a feature: pub/sub's channels, a blocked command's keys, a replica's offset.
 *
 *   s->slot = slots_reserve(slots, sizeof(struct sub), sub_release);
 *   struct sub *mine = slot_get(client, s->slot);    // allocated, zeroed, at the first call
 *   struct sub *maybe = slot_peek(client, s->slot);  // NULL when the client never had one
 *
 * release (may be NULL) is called with the state before its memory goes. What the state holds
 * beside its own block is the client's memory too, if its owner tells how much:
 *
 *   slots_measure(slots, s->slot, bytes_of);
 */
#ifndef SERVER_SLOTS_H
#define SERVER_SLOTS_H

#include <stddef.h>

struct client;
struct slots;

struct slots *slots_new(void);
void slots_free(struct slots *s);
int slots_reserve(struct slots *s, size_t size, void (*release)(struct client *c, void *state));
/* bytes is asked often, for each client that has such a state: it returns a number that is kept. */
typedef size_t slot_bytes(const void *state);
void slots_measure(struct slots *s, int slot, slot_bytes *bytes);
void *slot_get(struct client *c, int slot);
void *slot_peek(const struct client *c, int slot);
void slot_drop(struct client *c, int slot);
void slots_drop_all(struct client *c);
size_t slots_memory(const struct client *c); /* of all its states */

#endif
