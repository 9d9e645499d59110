/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/log_set.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/aof_parts.h"
#include "os/file.h"
#include "tools/log_line.h"

bool log_set_look(void *arg, const char *name, uint64_t *size, struct buf *head, struct fault *f)
{
    const struct source *s = arg;
    struct stat st;
    char *path = file_join(s->dir, name);
    int fd = file_open(path, O_RDONLY, 0);
    int err = fd < 0 ? fd : file_fstat(fd, &st);
    char *to = buf_reserve(head, AOF_PART_HEAD);
    ssize_t got = err < 0 ? err : file_pread(fd, to, AOF_PART_HEAD, 0);
    if (got < 0)
        fault_io(f, (int)-got, "open", "Can't read %s", path);
    else
        head->len += (size_t)got;
    *size = err < 0 ? 0 : (uint64_t)st.st_size;
    if (fd >= 0)
        file_close(fd);
    mem_free(path);
    return got >= 0;
}

enum tool_exit log_set_check(const struct source *s, struct buf *what)
{
    struct aof_parts found = {0};
    struct fault f = {0};
    must(s->kind == SOURCE_SET);
    if (!aof_parts_check(&s->manifest, log_set_look, (void *)(uintptr_t)s, &found, &f)) {
        buf_printf(what, "%s", f.what);
        return f.code == FAULT_IO ? TOOL_CANNOT_OPEN : TOOL_LOSS;
    }
    if (found.lost)
        buf_printf(what, "The newest increment has lost %" PRIu64 " bytes that it had when its "
                   "server was stopped", found.lost);
    return found.lost ? TOOL_LOSS : TOOL_GOOD;
}

/* Sizes and first lines are those of files that nobody packed. */
static bool is_packed(const struct source *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->parts[i].compression != COMPRESSION_NONE)
            return true;
    return false;
}

enum log_set_part log_set_part(const struct source *s, size_t i, struct aof_parts *found,
                               struct fault *f)
{
    const struct manifest_file *line = log_part_line(s, i);
    struct buf head = {0};
    struct fault unread = {0};
    uint64_t size = 0;
    must(i < s->count + s->history);
    bool asked = line && i < s->count && !is_packed(s) && !s->parts[i].missing &&
                 log_set_look((void *)(uintptr_t)s, line->name, &size, &head, &unread) &&
                 (size > 0 || s->parts[i].kind == PART_BASE);
    enum log_set_part is = PART_MEANT;
    if (asked && !aof_part_belongs(found, line, buf_slice(&head), f))
        is = line->id && aof_part_origin(buf_slice(&head)).id == line->id ? PART_MISPLACED
                                                                           : PART_FOREIGN;
    buf_free(&head);
    return is;
}

enum tool_exit log_set_tell(struct tool *t, const struct source *s)
{
    struct buf what = {0};
    enum tool_exit is = log_line_missing(t, s);
    if (is != TOOL_GOOD || s->kind != SOURCE_SET || is_packed(s))
        return is;
    is = log_set_check(s, &what);
    if (is != TOOL_GOOD)
        tool_tell(t, is, "%s: %s", s->path, buf_cstr(&what));
    buf_free(&what);
    return is;
}
