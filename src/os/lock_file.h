/* SPDX-License-Identifier: BSD-3-Clause */
/* A lock between processes that dies with its holder, whatever ends it: flock on a file that is
 * made for it, and stays, empty.
 *
 *   pid_t holder;
 *   int fd = lock_file_take(path, &holder);
 *   if (fd == -EAGAIN) ... holder has it ...
 *   close(fd);    // gives it back; so a child that must not keep it closes it, too
 *
 * flock and not a record lock: it needs no descriptor that writes, which would keep the file system
 * from being mounted read-only. These calls do not go through os/file: a lock holds no data, and is
 * nothing that a test of crashes would have to write back. */
#ifndef OS_LOCK_FILE_H
#define OS_LOCK_FILE_H

#include <stdbool.h>
#include <sys/types.h>

/* A descriptor, or -errno: -EAGAIN when it is taken (*holder: who took it, though a child may have
 * kept it; 0 when that can't be told, as for another host or another pid namespace), -ENOLCK and
 * the like where the file system has no locks. A symbolic link and what is not a regular file are
 * refused. */
typedef int lock_file_taking(const char *path, pid_t *holder);
lock_file_taking lock_file_take;
/* The same, with patience, up to two seconds, when whoever has it has ended, or nobody knows who
 * that is: a killed process may have it for a moment yet, by its last thread, or by a child that
 * was just being made and has not noticed. */
lock_file_taking lock_file_take_from_ended;
/* Of the directory itself: nothing is made in it. With patience, too. Another lock than that of a
 * file in it; -EBADF and the like where a file system can't. */
lock_file_taking lock_dir_take;

/* It is gone, or a zombie: in a container it may stay one for ever, and its threads may still be on
 * their way out. */
bool process_has_ended(pid_t pid);

/* Of a server's directory (persist/dir_lock.h). */
#define DIR_LOCK_FILE ".holdfast-lock"

#endif
