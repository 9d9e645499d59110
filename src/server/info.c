/* SPDX-License-Identifier: BSD-3-Clause */
/* The registry of sections, and the choice which to show:
 *
 *   INFO              the default ones        INFO all          all but those of modules
 *   INFO everything   all                     INFO a b          these, by name */
#include "server/info.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "base/slice.h"

enum { PARTS_MAX = 48, PROVIDED_MAX = 64 };
struct part {
    const char *section;
    unsigned when;
    info_fill *fill;
    void *arg;
};
struct info {
    struct part parts[PARTS_MAX];
    int count;
    struct provided {
        const char *name;
        info_read *read;
        const void *arg;
    } provided[PROVIDED_MAX];
    int provided_count;
};

struct info *info_new(void)
{
    return mem_zalloc(sizeof(struct info));
}

void info_free(struct info *info)
{
    mem_free(info);
}

void info_add(struct info *info, const char *section, unsigned when, info_fill *fill, void *arg)
{
    must(info->count < PARTS_MAX && section && fill);
    info->parts[info->count++] = (struct part){section, when, fill, arg};
}

void info_take_over(struct info *info, const char *section, unsigned when, info_fill *fill,
                    void *arg)
{
    int kept = 0;
    bool placed = false;
    for (int i = 0; i < info->count; i++) {
        bool of_it = strcmp(info->parts[i].section, section) == 0;
        if (of_it && placed)
            continue;
        info->parts[kept++] = of_it ? (struct part){section, when, fill, arg} : info->parts[i];
        placed |= of_it;
    }
    must(kept <= info->count);
    info->count = kept;
    if (!placed)
        info_add(info, section, when, fill, arg);
}

static bool wanted(const struct part *p, int count, const struct slice *sections)
{
    if (count == 0)
        return p->when & INFO_DEFAULT;
    for (int i = 0; i < count; i++) {
        struct slice s = sections[i];
        if (slice_eq_nocase(s, "all") || slice_eq_nocase(s, "everything") ||
            slice_eq_nocase(s, p->section) ||
            (slice_eq_nocase(s, "default") && p->when & INFO_DEFAULT))
            return true;
    }
    return false;
}

void info_render(struct info *info, int count, const struct slice *sections, struct buf *text)
{
    struct info_out o = {text, info};
    bool shown[PARTS_MAX] = {false};
    size_t start = text->len;
    for (int i = 0; i < info->count; i++) {
        const struct part *p = &info->parts[i];
        if (shown[i] || !wanted(p, count, sections))
            continue;
        buf_printf(text, "%s# %s\r\n", text->len > start ? "\r\n" : "", p->section);
        for (int k = i; k < info->count; k++) { /* and the parts that others added to it */
            if (strcmp(info->parts[k].section, p->section) == 0) {
                shown[k] = true;
                info->parts[k].fill(info->parts[k].arg, &o);
            }
        }
    }
}

void info_provide(struct info *info, const char *name, info_read *read, const void *arg)
{
    must(info->provided_count < PROVIDED_MAX && name && read);
    for (int i = 0; i < info->provided_count; i++)
        must(strcmp(info->provided[i].name, name) != 0); /* one owner */
    info->provided[info->provided_count++] = (struct provided){name, read, arg};
}

uint64_t info_asked(const struct info_out *o, const char *name)
{
    must(o->info->provided_count <= PROVIDED_MAX && name);
    for (int i = 0; i < o->info->provided_count; i++)
        if (strcmp(o->info->provided[i].name, name) == 0)
            return o->info->provided[i].read(o->info->provided[i].arg);
    return 0;
}

void info_provided(struct info_out *o, const char *name)
{
    info_u64(o, name, info_asked(o, name));
}

void info_u64(struct info_out *o, const char *name, uint64_t n)
{
    buf_printf(o->text, "%s:%llu\r\n", name, (unsigned long long)n);
}

void info_i64(struct info_out *o, const char *name, int64_t n)
{
    buf_printf(o->text, "%s:%lld\r\n", name, (long long)n);
}

void info_str(struct info_out *o, const char *name, const char *text)
{
    buf_printf(o->text, "%s:%s\r\n", name, text ? text : "");
}

void info_f(struct info_out *o, const char *name, const char *format, ...)
{
    va_list ap;
    buf_printf(o->text, "%s:", name);
    va_start(ap, format);
    buf_vprintf(o->text, format, ap);
    va_end(ap);
    buf_append(o->text, "\r\n", 2);
}

void info_bytes(struct info_out *o, const char *name, uint64_t n)
{
    info_u64(o, name, n);
    info_human(o, name, n);
}

void info_human(struct info_out *o, const char *name, uint64_t n)
{
    char human[NUM_DOUBLE_TEXT];
    num_format_bytes(human, n);
    buf_printf(o->text, "%s_human:%s\r\n", name, human);
}
