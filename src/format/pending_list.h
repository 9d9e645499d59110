/* SPDX-License-Identifier: BSD-3-Clause */
/* The pending list of a stream's group while it is joined with what its consumers own: entries come
 * in any order, are gone through by id, and each is claimed once.
 *
 *   pending_list_begin(&l, n);                      entries that will come, as far as is known
 *   pending_list_add(&l, &event);
 *   if (!pending_list_sort(&l)) ...                 an id is there twice
 *   while (pending_list_next(&l, &event, &claimed)) ...
 *   pending_list_claim(&l, &event)                  event.id is looked for, the rest is filled in
 *   pending_list_end(&l);                           nobody asks for them any more
 *   pending_list_free(&l);
 *
 * Memory: 40 bytes an entry; where outside is set, lists of more than PENDING_LIST_HELD are held by
 * it. When that fails, pending_list_fault tells, sort is false, next ends, nothing is claimed. */
#ifndef FORMAT_PENDING_LIST_H
#define FORMAT_PENDING_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "format/stream_event.h"

enum { PENDING_LIST_HELD = 100000 };
enum pending_claim { PENDING_CLAIMED, PENDING_ABSENT, PENDING_CLAIMED_BEFORE };

/* Who holds long lists, one at a time: the same operations, with the same meaning. A list that was
 * given up has no end; the next one begins. */
struct pending_outside {
    void (*begin)(void *arg);
    void (*add)(void *arg, const struct stream_pending_event *e);
    bool (*sort)(void *arg);
    bool (*next)(void *arg, struct stream_pending_event *e, bool *claimed);
    enum pending_claim (*claim)(void *arg, struct stream_pending_event *e);
    void (*end)(void *arg);
    const struct fault *(*fault)(void *arg);
    void *arg;
};

struct pending_list {
    const struct pending_outside *outside; /* NULL: nobody; the caller's to set, first of all */
    bool is_outside;                       /* this list */
    bool ordered;
    struct buf held;                       /* reused from list to list */
    size_t at;                             /* of held: the next */
    size_t near;                           /* of held: behind the one that was claimed last */
};

void pending_list_begin(struct pending_list *l, uint64_t expected);
void pending_list_add(struct pending_list *l, const struct stream_pending_event *e);
bool pending_list_sort(struct pending_list *l);
/* From the lowest id on. False behind the highest; then again from the lowest. */
bool pending_list_next(struct pending_list *l, struct stream_pending_event *e, bool *claimed);
enum pending_claim pending_list_claim(struct pending_list *l, struct stream_pending_event *e);
void pending_list_end(struct pending_list *l); /* gives back what a long list took */
/* NULL: all is well. */
const struct fault *pending_list_fault(const struct pending_list *l);
void pending_list_free(struct pending_list *l);

#endif
