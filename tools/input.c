/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "tools/temp_file.h"

/* To open a pipe waits for who writes, and that may be nobody: the wait ends. */
enum { PIPE_WAIT_MS = 10000 };
static int open_pipe(const char *path, int flags)
{
    if (flags != O_RDONLY)
        return -ESPIPE; /* it can't be cut */
    int fd = file_open(path, flags | O_NONBLOCK, 0);
    if (fd < 0)
        return fd;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&p, 1, PIPE_WAIT_MS);
    } while (ready < 0 && errno == EINTR);
    if (ready > 0 && fcntl(fd, F_SETFL, 0) == 0)
        return fd;
    file_close(fd);
    return -ETIMEDOUT;
}

int input_open_fd(const char *path, int flags)
{
    struct stat st;
    bool pipe = file_stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
    return pipe ? open_pipe(path, flags) : file_open(path, flags, 0);
}

static ssize_t read_fd(void *arg, void *to, size_t n)
{
    return file_read(*(const int *)arg, to, n);
}

static ssize_t read_packed(void *arg, void *to, size_t n)
{
    struct in *packed = arg;
    if (in_at_end(packed))
        return in_bad(packed) ? -(packed->fault.err ? packed->fault.err : EIO) : 0;
    struct slice some = in_window(packed, n);
    must(some.len > 0);
    memcpy(to, some.data, some.len);
    in_skip(packed, some.len);
    return (ssize_t)some.len;
}

static void begin_stream(struct input *i)
{
    in_init_callback(&i->in, read_fd, &i->fd, i->size, 0);
    i->compression = compression_of(in_peek(&i->in, 4));
    if (i->compression == COMPRESSION_NONE)
        return;
    i->packed = i->in;
    i->unpacker = unpacker_new(i->compression, read_packed, &i->packed);
    in_init_callback(&i->in, unpacker_read, i->unpacker, IN_SIZE_UNKNOWN, 0);
    i->size = IN_SIZE_UNKNOWN;
    i->seekable = false;
}

bool input_open(struct input *i, const char *path, struct fault *f)
{
    struct stat st;
    bool is_stdin = strcmp(path, "-") == 0;
    *i = (struct input){.name = is_stdin ? "standard input" : path, .size = IN_SIZE_UNKNOWN};
    i->fd = is_stdin ? dup(STDIN_FILENO) : input_open_fd(path, O_RDONLY);
    if (i->fd < 0) {
        fault_io(f, is_stdin ? errno : -i->fd, "open", "Can't open %s", i->name);
        return false;
    }
    int err = file_fstat(i->fd, &st);
    if (err == 0 && S_ISDIR(st.st_mode))
        err = -EISDIR;
    if (err < 0) {
        fault_io(f, -err, "open", "Can't open %s", i->name);
        file_close(i->fd);
        return false;
    }
    if (S_ISREG(st.st_mode) && lseek(i->fd, 0, SEEK_CUR) == 0) {
        i->seekable = true;
        i->size = i->file_size = (uint64_t)st.st_size;
        i->changed_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    }
    begin_stream(i);
    if (!in_bad(&i->in))
        return true;
    *f = i->in.fault;
    input_close(i);
    return false;
}

void input_close(struct input *i)
{
    in_free(&i->in);
    if (i->unpacker)
        in_free(&i->packed);
    unpacker_free(i->unpacker);
    i->unpacker = NULL;
    file_close(i->fd);
}

void input_move(struct input *to, struct input *from)
{
    must(in_offset(&from->in) == 0);
    *to = *from;
    (to->unpacker ? &to->packed : &to->in)->arg = &to->fd;
    if (to->unpacker)
        unpacker_rebind(to->unpacker, &to->packed);
    *from = (struct input){.fd = -1};
}

bool input_again(struct input *to, const struct input *from, struct fault *f)
{
    must(from->seekable && !from->unpacker);
    *to = *from;
    to->in = (struct in){0};
    to->fd = fcntl(from->fd, F_DUPFD_CLOEXEC, 0);
    if (to->fd < 0) {
        fault_io(f, errno, "dup", "Can't open %s again", from->name);
        return false;
    }
    input_rewind(to);
    return true;
}

/* ---- unpacked ---- */

static bool copy_all(struct in *in, int to, struct fault *f)
{
    while (!in_at_end(in)) {
        struct slice some = in_window(in, SIZE_MAX);
        int err = file_write_all(to, some.data, some.len, NULL);
        if (err < 0) {
            fault_io(f, -err, "write", "Can't write to a temporary file");
            return false;
        }
        in_skip(in, some.len);
    }
    if (in_bad(in))
        *f = in->fault;
    return !in_bad(in);
}

const struct fault *input_cut(struct input *i)
{
    if (fault_is(&i->cut) || !i->unpacker || !in_at_end(&i->in))
        return &i->cut;
    if (unpacker_damaged(i->unpacker)) /* whatever a reader of what came out says */
        fault_set(&i->cut, FAULT_FORMAT, "Its compression (%s) is damaged",
                  compression_name(i->compression));
    else if (unpacker_cut(i->unpacker))
        fault_set(&i->cut, FAULT_EOF, "Its compression (%s) is cut off at the end",
                  compression_name(i->compression));
    else if (in_bad(&i->in))
        i->cut = i->in.fault;
    return &i->cut;
}

const struct fault *input_fault(struct input *i)
{
    const struct fault *cut = input_cut(i);
    must(in_bad(&i->in));
    return i->in.fault.code == FAULT_EOF && fault_is(cut) ? cut : &i->in.fault;
}

/* False: the machine fails. */
static bool unpack_all(struct input *i, struct fault *f)
{
    int fd = temp_file(f);
    if (fd < 0)
        return false;
    if (!copy_all(&i->in, fd, f)) {
        file_close(fd);
        return false;
    }
    struct fault cut = *input_cut(i);
    input_close(i);
    i->fd = fd;
    i->cut = cut;
    i->size = (uint64_t)file_size(fd);
    i->seekable = true;
    input_rewind(i);
    return true;
}

bool input_seekable_part(struct input *i, struct fault *f)
{
    must(in_offset(&i->in) == 0);
    return i->seekable || unpack_all(i, f);
}

bool input_seekable(struct input *i, struct fault *f)
{
    if (!input_seekable_part(i, f))
        return false;
    bool damaged = fault_is(&i->cut) && i->cut.code != FAULT_EOF;
    if (damaged)
        *f = i->cut;
    return !damaged;
}

void input_rewind(struct input *i)
{
    must(i->seekable && !i->unpacker);
    in_free(&i->in);
    lseek(i->fd, 0, SEEK_SET);
    in_init_callback(&i->in, read_fd, &i->fd, i->size, 0);
}

static ssize_t read_range(void *arg, void *to, size_t n)
{
    struct input_range *r = arg;
    if (n > r->end - r->at)
        n = (size_t)(r->end - r->at);
    ssize_t got = n ? file_pread(r->fd, to, n, (off_t)r->at) : 0;
    r->at += got > 0 ? (uint64_t)got : 0;
    return got;
}

void input_range_open(struct input_range *r, struct in *in, const struct input *i, uint64_t from,
                      uint64_t to, size_t block_size)
{
    must(i->seekable && from <= to);
    *r = (struct input_range){.fd = i->fd, .at = from, .end = to};
    in_init_callback(in, read_range, r, to - from, block_size);
}
