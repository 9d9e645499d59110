/* SPDX-License-Identifier: BSD-3-Clause */
/* Intrusive doubly linked list: embed struct link in what is listed, keep a struct link as head.
 *
 *   struct job { struct link link; ... };
 *   LINK_FOR(pos, &head) { struct job *j = LINK_OF(pos, struct job, link); ... }
 *
 * The head is circular: empty when it points at itself. No allocation; every operation O(1). */
#ifndef BASE_LINK_H
#define BASE_LINK_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *prev, *next;
};

#define LINK_OF(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
#define LINK_FOR(pos, head) for (struct link *pos = (head)->next; pos != (head); pos = pos->next)
/* Safe when the body removes pos. */
#define LINK_FOR_SAFE(pos, head) \
    for (struct link *pos = (head)->next, *pos##_next = pos->next; pos != (head); \
         pos = pos##_next, pos##_next = pos->next)

static inline void link_init(struct link *l)
{
    l->prev = l->next = l;
}

static inline bool link_empty(const struct link *head)
{
    return head->next == head;
}

/* In a list (or a head with members)? A link is out of any list after link_init or link_remove. */
static inline bool link_linked(const struct link *l)
{
    return l->next != l;
}

static inline void link_before(struct link *at, struct link *l)
{
    l->prev = at->prev;
    l->next = at;
    at->prev->next = l;
    at->prev = l;
}

static inline void link_push_back(struct link *head, struct link *l)
{
    link_before(head, l);
}

static inline void link_push_front(struct link *head, struct link *l)
{
    link_before(head->next, l);
}

static inline void link_remove(struct link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    link_init(l);
}

#endif
