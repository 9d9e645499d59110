/* SPDX-License-Identifier: BSD-3-Clause */
/* What `fix --in-place` keeps of the files that it replaces, so that --undo puts back each byte:
 *
 *   HOLDFAST-UNDO 1
 *   file <offset> <old length> <old crc> <new length> <new crc> <crc in front> <name>
 *   ...                                                one line a file
 *   end <crc of the lines above>
 *   <old bytes of the first file from its offset to its end> <of the second> ...
 *
 * offset is where the file as it was and what replaced it begin to differ; lengths and CRCs
 * (crc64, 16 digits) are of what each has from there on, and of the bytes in front, which both
 * share. In place of "file" stands "made" where there was none: it goes. A file is put back only
 * while it is what replaced it; one that is as it was already is left alone. */
#ifndef TOOLS_LOG_UNDO_H
#define TOOLS_LOG_UNDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"

struct undo_file {
    char *path; /* the file */
    bool made;  /* it was not there */
    uint64_t offset, old_len, old_crc, new_len, new_crc, head_crc;
};

/* Compares the file with what is to replace it. path is copied. */
bool undo_compare(struct undo_file *u, const char *path, const char *with, struct fault *f);
/* All files, which lie in one directory, are kept in undo_path, durably. */
bool undo_write(const char *undo_path, const struct undo_file *files, size_t count,
                struct fault *f);
/* Puts them back; *files: how many had to be. False: nothing was changed, or only some (a crash, a
 * full disk): it can be run again. */
bool undo_restore(const char *undo_path, size_t *files, struct fault *f);
/* Is there such a file beside path, older than that one (NULL: any)? The newest; for mem_free.
 * NULL: no. */
char *undo_find(const char *path, const char *than);
/* Its name, for mem_free. */
char *undo_name(const char *path, int64_t now_s);

#endif
