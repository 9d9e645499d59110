/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory that is whole or not there: until it is, it is out.new-PID (unfinished.h), and what a
 * run left that was killed, the next one of the same out removes.
 *
 *   struct new_dir d;
 *   if (!new_dir_begin(&d, out, "appendonlydir", &f)) ...
 *   ok = new_dir_copy(&d, from, name, &f) && new_dir_text(&d, name, text, &f);
 *   char *path = new_dir_path(&d, name);                who writes a file by himself
 *   if (ok) ok = new_dir_end(&d, &f); else new_dir_drop(&d); */
#ifndef TOOLS_NEW_DIR_H
#define TOOLS_NEW_DIR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"

struct new_dir {
    char *out, *tmp, *sub; /* sub: in tmp; NULL: none was wanted */
};
/* out must not exist. sub: the directory in it that files go to, or NULL. */
bool new_dir_begin(struct new_dir *d, const char *out, const char *sub, struct fault *f);
char *new_dir_path(const struct new_dir *d, const char *name); /* for mem_free */
/* A whole file, unpacked if it is compressed, written durably. */
bool new_dir_copy(const struct new_dir *d, const char *from, const char *name, struct fault *f);
bool new_dir_text(const struct new_dir *d, const char *name, struct slice text, struct fault *f);
/* What a server must be told to find the log in it: ", appenddirname ..., appendfilename ...", as
 * far as they are not the usual ones. */
void new_dir_options(const struct new_dir *d, const char *manifest, struct buf *to);
/* It gets its name, durably. */
bool new_dir_end(struct new_dir *d, struct fault *f);
void new_dir_drop(struct new_dir *d);

#endif
