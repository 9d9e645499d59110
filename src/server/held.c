/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/held.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"

struct held_command *held_command_new(struct command_entry *e, int argc, const struct slice *argv,
                                      struct offer *big)
{
    size_t bytes = 0, header = sizeof(struct held_command) + (size_t)argc * sizeof *argv;
    for (int i = 0; i < argc; i++)
        bytes += big && offer_has(big, argv[i]) ? 0 : argv[i].len;
    must(e && argc > 0);
    struct held_command *h = mem_alloc(header + bytes);
    char *to = (char *)h + header;
    h->entry = e;
    h->argc = argc;
    h->bytes = header + bytes + (big ? offer_memory(big) : 0);
    for (int i = 0; i < argc; i++) {
        h->argv[i] = argv[i];
        if (big && offer_has(big, argv[i]))
            continue;
        h->argv[i].data = to;
        if (argv[i].len)
            memcpy(to, argv[i].data, argv[i].len);
        to += argv[i].len;
    }
    must(to == (char *)h + header + bytes);
    h->big = big ? *big : (struct offer){0};
    if (big)
        *big = (struct offer){0};
    return h;
}

void held_command_free(struct held_command *h)
{
    if (h)
        offer_free(&h->big);
    mem_free(h);
}
