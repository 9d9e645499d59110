/* SPDX-License-Identifier: BSD-3-Clause */
/* One file to read: plain, gzip or zstd (by its first bytes), a pipe, or "-", which is stdin.
 *
 *   struct input i;
 *   if (!input_open(&i, path, &f)) ...
 *   ... rdb_open(&r, &i.in, ...) ...            front to back
 *   if (!input_seekable(&i, &f)) ...            or any place:
 *   file_pread(i.fd, ...) up to i.size
 *   input_close(&i);
 *
 * The stream gives decoded bytes. input_seekable, before anything is read from the stream: what is
 * compressed, or comes from a pipe, is unpacked into a file without a name in TMPDIR (or
 * /var/tmp, as it may be large); in starts at its first byte then. Files are opened read-only.
 * A file whose compression is cut off or damaged simply ends there; input_cut tells of it. */
#ifndef TOOLS_INPUT_H
#define TOOLS_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "format/in.h"
#include "tools/unpack.h"

struct input {
    const char *name; /* for people: the path, or "standard input"; borrowed */
    int fd;           /* of a plain file, or of the unpacked one: any place may be read */
    bool seekable;
    uint64_t size;    /* of what fd holds; IN_SIZE_UNKNOWN for a pipe and what is compressed */
    uint64_t file_size; /* on disk, for progress; 0: unknown */
    int64_t changed_ms; /* when the file was last written; 0: unknown */
    enum compression compression;
    struct fault cut; /* input_cut's */
    struct unpacker *unpacker; /* NULL: plain */
    struct in in, packed; /* packed: what the unpacker reads */
};

/* A file for reading, or reading and writing; a FIFO that nobody writes to is not waited for longer
 * than ten seconds. -errno. */
int input_open_fd(const char *path, int flags);
/* i must stay where it is. */
bool input_open(struct input *i, const char *path, struct fault *f);
bool input_seekable(struct input *i, struct fault *f);
/* The same, with as much as can be unpacked: false only when the machine fails. */
bool input_seekable_part(struct input *i, struct fault *f);
/* Once all was unpacked, or the stream read to its end: what is wrong with the compression around
 * it. FAULT_EOF: its end is missing; FAULT_FORMAT: damage, a wrong checksum of its own among it.
 * FAULT_NONE: nothing, or it is not known yet. */
const struct fault *input_cut(struct input *i);
/* The fault of a reader of the stream; where it met the end too early, what ended the stream. */
const struct fault *input_fault(struct input *i);
void input_close(struct input *i);
/* From one that is open and not read from yet: moved, and from is closed then; or, of a seekable
 * one, a second that is read from its front, while from is not. */
void input_move(struct input *to, struct input *from);
bool input_again(struct input *to, const struct input *from, struct fault *f);
/* For a second look from the front at a seekable one. */
void input_rewind(struct input *i);
/* Another stream over the bytes from..to of a seekable input, for a thread of its own or a second
 * look; at: the offset is counted from the file's first byte only when in_offset is added to from.
 * The stream is the caller's to in_free. */
struct input_range {
    int fd;
    uint64_t at, end;
};
void input_range_open(struct input_range *r, struct in *in, const struct input *i, uint64_t from,
                      uint64_t to, size_t block_size);

#endif
