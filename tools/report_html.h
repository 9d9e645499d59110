/* SPDX-License-Identifier: BSD-3-Clause */
/* A report as one HTML page that needs nothing else: what --json says (report_say.h), inside a
 * script element that is not run, and the script that draws it. Names of keys are whoever wrote
 * them likes them to be: no byte of the data can end that element, and the page puts them in as
 * text. */
#ifndef TOOLS_REPORT_HTML_H
#define TOOLS_REPORT_HTML_H

#include <stdbool.h>

#include "tools/report_collect.h"
#include "tools/tool.h"

/* Replaces no file. top: as for report_say; of prefixes there are more, for the map. */
bool report_html_write(struct tool *t, const char *path, const struct report *r,
                       const struct report *before, size_t top, struct fault *f);

extern const char *const report_page_head[], *const report_page_tail[]; /* NULL behind the last */

#endif
