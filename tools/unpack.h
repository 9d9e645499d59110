/* SPDX-License-Identifier: BSD-3-Clause */
/* gzip and zstd, both ways, over callbacks: who reads or writes a file sees plain bytes. Several
 * members or frames behind one another are one stream. Memory: zlib's 32 KiB window; zstd's window
 * is refused above 8 MiB (--long of more than 23), as a file could ask for any amount. */
#ifndef TOOLS_UNPACK_H
#define TOOLS_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "format/in.h"
#include "format/out.h"

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };
/* By a file's first four bytes. */
enum compression compression_of(struct slice head);
/* By a file's name: .gz, .zst. */
enum compression compression_of_name(const char *path);
const char *compression_name(enum compression c); /* "none", "gzip", "zstd" */
bool compression_called(struct slice name, enum compression *c); /* false: there is none such */

struct unpacker; /* opaque */
/* read gives packed bytes. */
struct unpacker *unpacker_new(enum compression c, in_read *read, void *arg);
void unpacker_free(struct unpacker *u);
void unpacker_rebind(struct unpacker *u, void *arg); /* read's arg has moved there */
/* An in_read of plain bytes; arg is the unpacker. A stream that ends inside its compression simply
 * ends, as one does that is damaged, behind all that came out in front of the damage: who reads it
 * misses something, and the two below tell. */
ssize_t unpacker_read(void *arg, void *to, size_t n);
bool unpacker_cut(const struct unpacker *u);     /* it ended inside its compression */
bool unpacker_damaged(const struct unpacker *u); /* it ended by damage */

struct packer; /* opaque */
/* level 0: the default. write takes packed bytes. */
struct packer *packer_new(enum compression c, int level, out_write *write, void *arg);
void packer_free(struct packer *p);
int packer_write(void *arg, const void *from, size_t n); /* an out_write; arg is the packer */
int packer_end(struct packer *p); /* the last bytes go out: 0 or -errno */

#endif
