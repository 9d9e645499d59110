/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/link.h"

#include "base/slice.h"
#include "tests/unit/unit.h"

struct node {
    char name;
    struct link link;
};

static struct slice names(struct link *head, char out[8])
{
    size_t n = 0;
    LINK_FOR(pos, head)
    out[n++] = LINK_OF(pos, struct node, link)->name;
    return slice(out, n);
}

static void order_and_removal(void)
{
    struct node a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};
    struct link head;
    char text[8];
    link_init(&head);
    link_init(&b.link);
    CHECK(link_empty(&head) && !link_linked(&b.link));
    link_push_back(&head, &b.link);
    link_push_front(&head, &a.link);
    link_push_back(&head, &c.link);
    CHECK_SLICE(names(&head, text), SLICE_LIT("abc"));
    link_remove(&b.link);
    CHECK(!link_linked(&b.link));
    CHECK_SLICE(names(&head, text), SLICE_LIT("ac"));
    link_before(&c.link, &b.link);
    CHECK_SLICE(names(&head, text), SLICE_LIT("abc"));
    LINK_FOR_SAFE(pos, &head)
    link_remove(pos);
    CHECK(link_empty(&head));
}

int main(void)
{
    return UNIT_RUN(UNIT(order_and_removal));
}
