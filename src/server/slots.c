/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/slots.h"

#include "base/mem.h"
#include "base/must.h"
#include "server/client.h"
#include "server/server.h"

enum { SLOTS_MAX = 16 };

struct slots {
    int count;
    size_t sizes[SLOTS_MAX];
    void (*release[SLOTS_MAX])(struct client *c, void *state);
    slot_bytes *bytes[SLOTS_MAX]; /* NULL: nothing beside the state */
};

struct slots *slots_new(void)
{
    return mem_zalloc(sizeof(struct slots));
}

void slots_free(struct slots *s)
{
    mem_free(s);
}

int slots_reserve(struct slots *s, size_t size, void (*release)(struct client *c, void *state))
{
    must(s->count < SLOTS_MAX && size > 0);
    s->sizes[s->count] = size;
    s->release[s->count] = release;
    return s->count++;
}

void slots_measure(struct slots *s, int slot, slot_bytes *bytes)
{
    must(slot >= 0 && slot < s->count && !s->bytes[slot]);
    s->bytes[slot] = bytes;
}

void *slot_get(struct client *c, int slot)
{
    must(slot >= 0 && slot < server_slots(c->server)->count);
    if (!c->slots)
        c->slots = mem_zalloc(SLOTS_MAX * sizeof *c->slots);
    if (!c->slots[slot])
        c->slots[slot] = mem_zalloc(server_slots(c->server)->sizes[slot]);
    return c->slots[slot];
}

void *slot_peek(const struct client *c, int slot)
{
    must(slot >= 0 && slot < SLOTS_MAX);
    return c->slots ? c->slots[slot] : NULL;
}

void slot_drop(struct client *c, int slot)
{
    struct slots *s = server_slots(c->server);
    void *state = slot_peek(c, slot);
    if (!state)
        return;
    must(slot < s->count);
    if (s->release[slot])
        s->release[slot](c, state);
    c->slots[slot] = NULL;
    mem_free(state);
}

void slots_drop_all(struct client *c)
{
    for (int i = 0; c->slots && i < SLOTS_MAX; i++)
        slot_drop(c, i);
    mem_free(c->slots);
    c->slots = NULL;
}

size_t slots_memory(const struct client *c)
{
    const struct slots *s = server_slots(c->server);
    size_t bytes = c->slots ? SLOTS_MAX * sizeof *c->slots : 0;
    for (int i = 0; c->slots && i < s->count; i++)
        if (c->slots[i])
            bytes += s->sizes[i] + (s->bytes[i] ? s->bytes[i](c->slots[i]) : 0);
    return bytes;
}
