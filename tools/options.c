/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/options.h"

#include "base/num.h"

const struct tool_option tool_common_options[] = {
    TOOL_OPTION("--json", FLAG, NULL, struct common_options, json,
                "one JSON object in place of text"),
    TOOL_OPTION("--yes", FLAG, NULL, struct common_options, yes, "agree to what would be asked"),
    TOOL_OPTION("--quiet", FLAG, NULL, struct common_options, quiet,
                "no text: the exit code answers"),
    TOOL_OPTION("--progress", FLAG, NULL, struct common_options, progress,
                "a bar with rate and time left, from the start and without a terminal, too"),
    TOOL_OPTION("--threads", U64, "N", struct common_options, threads,
                "threads at most; without it one for each CPU"),
    TOOL_OPTION("--output", TEXT, "PATH", struct common_options, output,
                "where the result goes; of dump, report and diff - is standard output"),
    TOOL_OPTION("--in-place", FLAG, NULL, struct common_options, in_place,
                "change the files themselves; what is replaced is kept beside them"),
    TOOL_OPTION("--help", FLAG, NULL, struct common_options, help, "this text"),
    {0}};

const struct tool_option *option_named(const struct tool_option *table, struct slice word)
{
    for (; table && table->name; table++)
        if (slice_eq_str(word, table->name))
            return table;
    return NULL;
}

bool option_set(void *state, const struct tool_option *o, const char *value)
{
    char *at = (char *)state + o->offset;
    struct slice text = value ? slice_str(value) : (struct slice){0};
    switch (o->kind) {
    case TOOL_FLAG:
        *(bool *)at = true;
        return true;
    case TOOL_TEXT:
        *(const char **)(void *)at = value;
        return true;
    case TOOL_U64:
        return num_parse_u64(text, (uint64_t *)(void *)at);
    case TOOL_SIZE:
        return num_parse_size(text, (uint64_t *)(void *)at);
    case TOOL_TEXTS: {
        struct tool_texts *all = (void *)at;
        if (all->count == TOOL_TEXTS_MAX)
            return false;
        all->texts[all->count++] = value;
        return true;
    }
    }
    return false;
}
