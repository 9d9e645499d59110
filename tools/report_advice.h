/* SPDX-License-Identifier: BSD-3-Clause */
/* What could be better, each with the numbers it comes from. */
#ifndef TOOLS_REPORT_ADVICE_H
#define TOOLS_REPORT_ADVICE_H

#include "tools/report_collect.h"

struct report_advice {
    const char *what;     /* "limit", "no-expiry", "large", "small-strings", "expired" */
    const char *text;     /* a sentence */
    const char *setting;  /* of "limit"; NULL */
    uint64_t value;       /* that it should have */
    struct slice prefix;  /* {0}: of no prefix */
    uint64_t keys;        /* concerned */
    uint64_t saves;       /* bytes of memory, about; 0: none */
};
typedef void report_advise(void *arg, const struct report_advice *a);
void report_advice_each(const struct report *r, report_advise *give, void *arg);

/* 1234567 as 1,234,567, appended. */
void report_put_number(struct buf *to, uint64_t n);
void report_put_size(struct buf *to, uint64_t bytes); /* 1.50M */

#endif
