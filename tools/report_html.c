/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/report_html.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/out_file.h"
#include "tools/report_say.h"

enum { MAP_PREFIXES = 400 };

/* < and & stand inside strings only, where they may be written so. */
static void escape(struct buf *to, struct slice json)
{
    for (size_t i = 0; i < json.len; i++) {
        char c = json.data[i];
        if (c == '<' || c == '>' || c == '&')
            buf_printf(to, "\\u%04x", (unsigned)c);
        else
            buf_byte(to, (unsigned char)c);
    }
}

static void put_lines(struct out *out, const char *const *lines)
{
    for (; *lines; lines++)
        out_slice(out, slice_str(*lines));
}

/* What --json prints, whatever the tool itself was asked to say. */
static bool put_data(struct tool *t, struct out *out, const struct report *r,
                     const struct report *before, size_t top)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    if (!file)
        return false;
    struct tool page = *t;
    struct buf escaped = {0};
    say_begin(&page.say, file, true, true, "report");
    report_say(&page, r, before, top, top > MAP_PREFIXES ? top : MAP_PREFIXES);
    say_end(&page.say, tool_exit_name(TOOL_GOOD), TOOL_GOOD);
    say_free(&page.say);
    bool ok = fclose(file) == 0;
    escape(&escaped, slice(text, len));
    out_slice(out, buf_slice(&escaped));
    buf_free(&escaped);
    free(text);
    return ok;
}

bool report_html_write(struct tool *t, const char *path, const struct report *r,
                       const struct report *before, size_t top, struct fault *f)
{
    struct out_file o;
    struct out_file_options opt = {.compression = compression_of_name(path)};
    if (!out_file_open(&o, path, &opt, f))
        return false;
    put_lines(&o.out, report_page_head);
    if (!put_data(t, &o.out, r, before, top))
        fault_set(f, FAULT_LIMIT, "There is no memory for the page");
    put_lines(&o.out, report_page_tail);
    if (!fault_is(f))
        return out_file_end(&o, f);
    out_file_drop(&o);
    return false;
}
