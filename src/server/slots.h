/* SPDX-License-Identifier: BSD-3-Clause */
/* Per-client state of a feature: pub/sub's channels, a blocked command's keys, a replica's offset.
 *
 *   s->slot = slots_reserve(slots, sizeof(struct sub), sub_release);
 *   struct sub *mine = slot_get(client, s->slot);    // allocated, zeroed, at the first call
 *   struct sub *maybe = slot_peek(client, s->slot);  // NULL when the client never had one
 *
 * release (may be NULL) is called with the state before its memory goes. */
#ifndef SERVER_SLOTS_H
#define SERVER_SLOTS_H

#include <stddef.h>

struct client;
struct slots;

struct slots *slots_new(void);
void slots_free(struct slots *s);
int slots_reserve(struct slots *s, size_t size, void (*release)(struct client *c, void *state));
void *slot_get(struct client *c, int slot);
void *slot_peek(const struct client *c, int slot);
void slot_drop(struct client *c, int slot);
void slots_drop_all(struct client *c);

#endif
