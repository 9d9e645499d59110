/* SPDX-License-Identifier: BSD-3-Clause */
/* What the crash tests share: a server in a child process, a client on its socket, and a workload
 * of numbered units whose data set after m units is known for every m. */
#ifndef TESTS_CRASH_CLIENT_H
#define TESTS_CRASH_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "tests/crash/crash_trace.h"

enum { DIGEST_LINE = 41, ARGS_MAX = 40, PATH_TEXT = 512 };
/* How long anything may take, for what never comes: a loaded machine stands still for seconds. */
enum { PATIENCE_MS = 120000 };

/* ---- the server ---- */

/* Words of a command line; strings are kept by reference. */
struct args {
    int count;
    const char *words[ARGS_MAX];
};
void args_add(struct args *a, const char *first, ...) __attribute__((sentinel));

/* A server works in dir, listens on socket, logs to log. trace NULL: plain calls. */
pid_t server_spawn(const char *dir, const char *socket, const char *log, const struct args *args,
                   struct trace *trace);
/* Waits up to timeout_ms for its end; the status of waitpid, or -1: it runs on. */
int server_wait(pid_t pid, int timeout_ms);
void server_kill(pid_t pid);

/* A start on dir and no more: loads, computes the digest, ends. */
struct load_result {
    enum { LOADED, REFUSED, DIED } how;
    int status;
    char digest[DIGEST_LINE];
};
void server_load(const char *dir, const char *socket, const char *log, const struct args *args,
                 struct trace *trace, struct load_result *result);
/* The same, and when it asks whether the log is meant, which was switched off, or the newer dump:
 * the dump. args gain that answer. */
void server_load_answered(const char *dir, const char *socket, const char *log, struct args *args,
                          struct trace *trace, struct load_result *result);
/* Does a line of the file hold the words? */
bool file_tells(const char *path, const char *words);
/* redis-check-aof --fix in dir, answered with y. True when it says that all is well. */
bool server_fix(const char *dir, const char *manifest, const char *log, struct trace *trace);

/* ---- a client ---- */

struct client_conn {
    int fd; /* -1: none */
    struct buf in;
    size_t at;
};
bool client_open(struct client_conn *c, const char *socket, int timeout_ms);
void client_shut(struct client_conn *c);
bool client_send(struct client_conn *c, const struct buf *commands);
/* Reads one reply: its kind ('+', '-', ':', '$', '*'; '-' too when an element is an error), its
 * text (elements in lines) in text; 0 when the connection is gone. */
char client_reply(struct client_conn *c, struct buf *text);
/* One command of words. */
char client_call(struct client_conn *c, struct buf *text, const char *word, ...)
    __attribute__((sentinel));
/* The value of an INFO field; "" when there is none. */
const char *client_info(struct client_conn *c, struct buf *text, const char *field);

void resp_command(struct buf *out, const char *word, ...) __attribute__((sentinel));

/* ---- the workload ---- */

/* Appends unit n; the number of replies, of which the last tells that the unit was done. */
int workload_unit(struct buf *out, uint64_t n);
/* The number of the last unit whose bytes lie in this piece of a log, plus one; 0: none. */
uint64_t workload_seen(const char *bytes, size_t n);
/* digests[m]: of the data set after m units. */
bool workload_digests(const char *scratch, char (*digests)[DIGEST_LINE], uint64_t units);

/* ---- small things ---- */

/* A fresh directory. memory: in memory when that is possible, and gone with the process, however it
 * ends, unless the last such one is to be kept. */
const char *scratch_dir(char out[PATH_TEXT], const char *name, bool memory);
void scratch_keep(void);
void remove_tree(const char *dir);
bool copy_tree(const char *from, const char *to); /* to is made */
int64_t now_us(void);
uint64_t mix64(uint64_t *seed);
/* Reads [-s seed] [-n bound] [-o word] and environment SEED, LONG. */
struct options {
    uint64_t seed;
    long bound;
    const char *only;
    bool longer, list;
};
void options_read(struct options *o, int argc, char **argv, long bound, long long_bound);

#endif
