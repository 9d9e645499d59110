/* SPDX-License-Identifier: BSD-3-Clause */
/* The reply to FUNCTION LIST WITHCODE: an array of libraries, each an array of names and values in
 * turn, one of them library_code. A name may also stand where a value is (a library may be called
 * so), which is why they are told by their place. */
#include "tools/live_functions.h"

#include <string.h>

struct list {
    const struct live *live;
    struct sink *to;
    struct live_unshown *unshown;
    struct fault *fault;
    size_t place;       /* in the library */
    bool code_next, has_code;
};

static void take_error(struct list *l, const struct reply_item *item)
{
    struct slice text = item->text;
    struct buf *why = &l->unshown->why;
    l->unshown->hidden = text.len >= 6 && memcmp(text.data, "NOPERM", 6) == 0;
    if (live_is_unknown(item))
        buf_printf(why, "the server knows none (Redis before 7.0)");
    else if (l->unshown->hidden)
        buf_printf(why, "the server does not let this user see them: %.*s", SLICE_ARG(text));
    else
        fault_set(l->fault, FAULT_NOT_NOW, "%s answers %.*s to FUNCTION LIST", l->live->address,
                  SLICE_ARG(text));
}

/* A library without its code would be lost without a word. */
static void end_library(struct list *l)
{
    if (l->place && !l->has_code && !fault_is(l->fault))
        fault_set(l->fault, FAULT_FORMAT, "%s: this is no reply to FUNCTION LIST",
                  l->live->address);
    l->place = 0;
    l->code_next = l->has_code = false;
}

static void take(void *arg, const struct reply_item *item)
{
    struct list *l = arg;
    bool head = item->depth == 1 && item->kind == REPLY_ARRAY;
    if (item->depth == 0 && item->kind == REPLY_ERROR) {
        take_error(l, item);
    } else if (item->depth == 0 ? item->kind != REPLY_ARRAY : item->depth == 1 && !head) {
        l->place = 1;
        end_library(l);
    } else if (head) {
        end_library(l);
    } else if (item->depth == 2 && l->place++ % 2 == 0) {
        l->code_next = slice_eq_str(item->text, "library_code");
    } else if (item->depth == 2 && l->code_next) {
        l->has_code = item->kind == REPLY_BULK;
        if (l->has_code)
            SINK_EVENT(l->to, function, item->text);
        l->code_next = false;
    }
}

bool live_functions(struct live *l, struct sink *to, struct live_unshown *u, struct fault *f)
{
    struct list list = {.live = l, .to = to, .unshown = u, .fault = f};
    live_put(l, 3, WORDS(W("FUNCTION"), W("LIST"), W("WITHCODE")));
    if (!live_reply_each(l, take, &list, f))
        return false;
    end_library(&list);
    return !fault_is(f);
}
