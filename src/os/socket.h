/* SPDX-License-Identifier: BSD-3-Clause */
/* Stream sockets: listen, accept, connect, options, names. All descriptors made here are
 * non-blocking and close-on-exec.
 *
 *   int fds[SOCKET_LISTEN_MAX];
 *   int n = socket_listen_binds(binds, bind_count, 6379, 511, fds, &f);
 *   if (n < 0) log_warning("%s", f.what); */
#ifndef OS_SOCKET_H
#define OS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/fault.h"

enum { SOCKET_LISTEN_MAX = 16, SOCKET_NAME_MAX = 160 };

/* One address: "127.0.0.1", "::1", a host name, "*" (any IPv4), "::*" (any IPv6, and only that).
 * The descriptor, or -errno with f filled. */
int socket_listen_tcp(const char *bind_to, int port, int backlog, struct fault *f);
/* Every address of a bind line. One that starts with '-' is skipped when the machine has no such
 * address; any is skipped when the machine lacks its protocol. The count of descriptors (an error
 * when none is left), or -errno with f filled and nothing open. */
int socket_listen_binds(char *const *binds, size_t count, int port, int backlog,
                        int fds[SOCKET_LISTEN_MAX], struct fault *f);
/* Removes a socket file left behind. perm 0: as the umask says. */
int socket_listen_unix(const char *path, mode_t perm, int backlog, struct fault *f);

/* The next connection, or -errno (-EAGAIN: none waiting). */
int socket_accept(int listener);
/* Starts connecting; source NULL: any. The descriptor (writable once connected or failed, then ask
 * socket_error), or -errno with f filled. */
int socket_connect_tcp(const char *host, int port, const char *source, struct fault *f);
int socket_connect_unix(const char *path, struct fault *f);
int socket_error(int fd); /* pending error as -errno, or 0 */

/* Bytes, 0 at the end (recv), or -errno; never raises SIGPIPE. */
ssize_t socket_recv(int fd, void *to, size_t n);
ssize_t socket_send(int fd, const void *from, size_t n);
ssize_t socket_sendv(int fd, const struct iovec *parts, int count);

int socket_set_nodelay(int fd, bool on);
int socket_set_keepalive(int fd, int interval_s);
int socket_set_mark(int fd, unsigned mark);
void socket_close(int fd);

/* "127.0.0.1:6379", "[::1]:6379", "/path:0" for a unix socket (path from listen), "?:0" unknown. */
const char *socket_peer_name(int fd, char out[SOCKET_NAME_MAX]);
const char *socket_local_name(int fd, char out[SOCKET_NAME_MAX]);
/* Parts of the local name: text and port; false for a unix socket or none. */
bool socket_local_address(int fd, char ip[64], int *port);
bool socket_is_unix(int fd);
/* Does the peer come from 127.0.0.0/8, ::1 or a unix socket? */
bool socket_is_local(int fd);

#endif
