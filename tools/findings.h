/* SPDX-License-Identifier: BSD-3-Clause */
/* What is wrong with a file, each thing as one row of the list "faults", whoever found it (check,
 * salvage, fix, backup verify): the same words, fields and exit codes. And the verdict on all. */
#ifndef TOOLS_FINDINGS_H
#define TOOLS_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/slice.h"
#include "tools/tool.h"

struct finding {
    enum tool_exit cost;  /* TRUNCATED, DAMAGED (nothing of the data is lost), LOSS, NEWER,
                           * or that of a file that can't be opened */
    const char *file;     /* its name */
    uint64_t from, to;    /* bytes concerned; to == from: a place */
    const char *unit;     /* "block", "batch", "command", "record", "trailer", "manifest"; NULL */
    uint64_t number;      /* of the unit, from 1; 0: not numbered */
    const char *doing;    /* what was being read; NULL */
    const char *what;     /* the sentence */
    bool has_db, has_key;
    unsigned db;
    struct slice key;     /* maybe cut */
    const char *costs;    /* a sentence: "3 keys lie in it"; NULL */
    uint64_t keys_lost, commands_lost; /* as far as it is known; 0 */
};

enum { FINDINGS_SAID_MAX = 1000 }; /* rows; the others are counted */
struct findings {
    struct tool *tool;
    enum tool_exit worst;
    uint64_t count;
    bool history; /* what is added now is of files that no server loads: it loses none of the data,
                   * whatever it is, and costs DAMAGED */
};

void findings_begin(struct findings *to, struct tool *t);
void finding_add(struct findings *to, const struct finding *x);
/* Of a reader's fault: cost by its code (the end is missing: truncated; a version, or what has no
 * place: newer; a system call: cannot open; all else: loss), offset, doing and key taken over. */
void finding_fault(struct findings *to, const char *file, const struct fault *f);
/* Says "faults": count; the verdict. */
enum tool_exit findings_end(struct findings *to);

#endif
