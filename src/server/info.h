/* SPDX-License-Identifier: BSD-3-Clause */
/* INFO: sections that their owners register and fill.
 *
 *   info_add(info, "Persistence", INFO_DEFAULT, persist_info, p);
 *   static void persist_info(void *arg, struct info_out *o) { info_u64(o, "loading", 0); ... }
 *
 * Sections of the same name are joined in the order of registration. */
#ifndef SERVER_INFO_H
#define SERVER_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { INFO_DEFAULT = 1, INFO_ALL = 2 /* only with "all"/"everything" or by name */ };

struct info;
struct info_out {
    struct buf *text;
    const struct info *info;
};
typedef void info_fill(void *arg, struct info_out *o);

struct info *info_new(void);
void info_free(struct info *info);
void info_add(struct info *info, const char *section, unsigned when, info_fill *fill, void *arg);
/* The section is arg's alone: what others added to it so far is gone. */
void info_take_over(struct info *info, const char *section, unsigned when, info_fill *fill,
                    void *arg);
/* sections: as the INFO command's arguments; none: the default ones. Appends to text. */
void info_render(struct info *info, int count, const struct slice *sections, struct buf *text);

/* A number that stands in somebody else's section: the owner of the section prints it there
 * (info_provided), or 0 while nobody provides it. */
typedef uint64_t info_read(const void *arg);
void info_provide(struct info *info, const char *name, info_read *read, const void *arg);
void info_provided(struct info_out *o, const char *name);
uint64_t info_asked(const struct info_out *o, const char *name); /* the number alone */

void info_u64(struct info_out *o, const char *name, uint64_t n);
void info_i64(struct info_out *o, const char *name, int64_t n);
void info_str(struct info_out *o, const char *name, const char *text);
void info_f(struct info_out *o, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void info_bytes(struct info_out *o, const char *name, uint64_t n); /* name:n and name_human:1.00M */
void info_human(struct info_out *o, const char *name, uint64_t n); /* the second line alone */

#endif
