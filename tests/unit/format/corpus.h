/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the tests of this folder find their files, and reading those. */
#ifndef TESTS_UNIT_FORMAT_CORPUS_H
#define TESTS_UNIT_FORMAT_CORPUS_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "tests/unit/unit.h"

static inline bool corpus_slurp(const char *path, struct buf *to)
{
    FILE *f = fopen(path, "rb");
    buf_clear(to);
    if (!f)
        return false;
    size_t n;
    while ((n = fread(buf_reserve(to, 1 << 16), 1, 1 << 16, f)) > 0)
        to->len += n;
    fclose(f);
    buf_cstr(to);
    return true;
}

/* The directory of shared fixtures; the tests that need it skip themselves without it. */
static inline const char *corpus_shared(void)
{
    const char *given = getenv("FIXTURES_SHARED");
    return given ? given : "../shared/fixtures";
}

/* Calls visit for each file of dir whose name ends in suffix. Returns how many there were. */
static inline int corpus_each(const char *dir, const char *suffix,
                              void (*visit)(const char *dir, const char *name))
{
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t len = strlen(e->d_name), end = strlen(suffix);
        if (len < end || strcmp(e->d_name + len - end, suffix) != 0)
            continue;
        visit(dir, e->d_name);
        n++;
    }
    if (d)
        closedir(d);
    return n;
}

/* Calls visit for each line of a file, ended by NUL. Returns how many there were. */
static inline int corpus_lines(const char *path, void (*visit)(const char *line))
{
    struct buf text = {0};
    int n = 0;
    if (!corpus_slurp(path, &text))
        return 0;
    for (char *at = text.data; *at;) {
        char *end = strchr(at, '\n');
        if (end)
            *end = '\0';
        visit(at);
        n++;
        at = end ? end + 1 : at + strlen(at);
    }
    buf_free(&text);
    return n;
}

#endif
