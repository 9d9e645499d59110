/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands that turn one data set into another, in RESP, one key after the other: plain ones
 * that any server takes; for module values and streams of later versions RESTORE. FUNCTION for
 * libraries, HPEXPIREAT for fields that expire.
 *
 *   diff_patch_init(&p, &out);
 *   sink = diff_patch_whole(&p, &key, existed);    its events are to go there, the key's first;
 *                                                  a long string's parts to diff_patch_part
 *   diff_patch_key(&p, db, name); diff_patch_element(&p, "SADD", ...); diff_patch_expire(&p, ms);
 *   diff_patch_free(&p);
 *
 * What fails is out's fault, or the sink's. */
#ifndef TOOLS_DIFF_PATCH_H
#define TOOLS_DIFF_PATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "format/aof_write.h"
#include "format/out.h"
#include "tools/restore_write.h"
#include "tools/unsaid.h"

struct diff_patch {
    struct out *out;
    bool restore_all; /* whole values by RESTORE, but for strings: exact */
    struct aof_writer plain;
    struct unsaid unsaid; /* in front of it */
    struct sink *commands_to;
    struct restore_writer restore;
    int64_t db; /* selected; -1: none */
    uint64_t commands; /* of its own, without those of whole values */
    struct buf name, text;
    struct diff_batch { /* two: what is added, what goes; they have no order between them */
        const char *verb;
        struct buf words;
        size_t args;
    } batches[2];
};

void diff_patch_init(struct diff_patch *p, struct out *out);
void diff_patch_free(struct diff_patch *p);

struct sink *diff_patch_whole(struct diff_patch *p, const struct key_event *key, bool existed);
void diff_patch_part(struct diff_patch *p, struct slice bytes, bool first, uint64_t left);

/* The key that the next ones are about. */
void diff_patch_key(struct diff_patch *p, unsigned db, struct slice name);
void diff_patch_delete(struct diff_patch *p);
void diff_patch_expire(struct diff_patch *p, int64_t expire_ms); /* KEY_NO_EXPIRE: PERSIST */
void diff_patch_field_expire(struct diff_patch *p, struct slice field, int64_t expire_ms);
/* Several of one verb make one command; two words for HSET and ZADD (second NULL for others). */
void diff_patch_element(struct diff_patch *p, const char *verb, struct slice first,
                        const struct slice *second);
void diff_patch_flush(struct diff_patch *p); /* behind the last element */
void diff_patch_function(struct diff_patch *p, struct slice source); /* FUNCTION LOAD REPLACE */
void diff_patch_function_delete(struct diff_patch *p, struct slice name);

#endif
