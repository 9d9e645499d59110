/* SPDX-License-Identifier: BSD-3-Clause */
/* In front of a writer of commands: counts what they cannot say, or not every server takes.
 *
 *   sink = unsaid_begin(&x, &writer.sink);      events go there, and on to the writer
 *   unsaid_end(&x);
 *   worst = unsaid_tell(&x, t, "--format restore");   once, with counts; the option that can say it
 */
#ifndef TOOLS_UNSAID_H
#define TOOLS_UNSAID_H

#include <stdint.h>

#include "tools/pass.h"
#include "tools/stream_lost.h"
#include "tools/tool.h"

struct unsaid {
    struct pass pass;
    struct sink_ops plain; /* that only pass on */
    uint64_t expiries;     /* of fields */
    struct stream_lost lost;
};

struct sink *unsaid_begin(struct unsaid *x, struct sink *to);
void unsaid_end(struct unsaid *x);
enum tool_exit unsaid_tell(const struct unsaid *x, struct tool *t, const char *option);

#endif
