/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/key_slot.h"

#include <string.h>

#include "base/crc16.h"

static struct slice tag_of(struct slice key)
{
    const char *open = key.len ? memchr(key.data, '{', key.len) : NULL;
    if (!open)
        return key;
    const char *tag = open + 1, *end = key.data + key.len;
    const char *close = memchr(tag, '}', (size_t)(end - tag));
    return close && close > tag ? slice(tag, (size_t)(close - tag)) : key;
}

unsigned key_slot(struct slice key)
{
    struct slice tag = tag_of(key);
    return crc16(tag.data, tag.len) & (KEY_SLOTS - 1);
}
