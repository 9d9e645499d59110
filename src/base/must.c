/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

static void (*reporter)(const char *expression, const char *file, int line);

void must_set_reporter(void (*report)(const char *expression, const char *file, int line))
{
    reporter = report;
}

void must_failed(const char *expression, const char *file, int line)
{
    if (reporter)
        reporter(expression, file, line);
    else
        fprintf(stderr, "%s:%d: must hold: %s\n", file, line, expression);
    abort();
}
