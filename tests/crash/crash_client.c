/* SPDX-License-Identifier: BSD-3-Clause */
/* The client side: RESP over a unix socket, and the units.
 *
 *   unit n, n % 3 == 0:  RPUSH log [payload]u000n
 *   else                 MULTI, changes of several types and databases, a stream with a group
 *                        among them, EXEC
 *
 * Every unit appends its number to the list log, so no two data sets are equal, and its
 * length is the number of units. */
#include "tests/crash/crash_client.h"

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"

int64_t now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

uint64_t mix64(uint64_t *seed)
{
    uint64_t x = *seed += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* ---- commands ---- */

static void put_word(struct buf *out, const char *word, size_t n)
{
    buf_printf(out, "$%zu\r\n", n);
    buf_append(out, word, n);
    buf_append(out, "\r\n", 2);
}

static void put_words(struct buf *out, const char *word, va_list ap)
{
    const char *words[ARGS_MAX];
    int count = 0;
    for (; word; word = va_arg(ap, const char *)) {
        must(count < ARGS_MAX);
        words[count++] = word;
    }
    buf_printf(out, "*%d\r\n", count);
    for (int i = 0; i < count; i++)
        put_word(out, words[i], strlen(words[i]));
}

void resp_command(struct buf *out, const char *word, ...)
{
    va_list ap;
    va_start(ap, word);
    put_words(out, word, ap);
    va_end(ap);
}

/* ---- connection ---- */

bool client_open(struct client_conn *c, const char *socket_path, int timeout_ms)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int64_t until = now_us() + (int64_t)timeout_ms * 1000;
    *c = (struct client_conn){.fd = -1};
    must(strlen(socket_path) < sizeof sa.sun_path);
    strcpy(sa.sun_path, socket_path);
    for (;;) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        must(fd >= 0);
        if (connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0) {
            struct timeval limit = {.tv_sec = PATIENCE_MS / 1000};
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
            c->fd = fd;
            return true;
        }
        close(fd);
        if (now_us() > until)
            return false;
        usleep(500);
    }
}

void client_shut(struct client_conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    buf_free(&c->in);
    c->at = 0;
}

bool client_send(struct client_conn *c, const struct buf *commands)
{
    size_t done = 0;
    while (done < commands->len) {
        ssize_t n = send(c->fd, commands->data + done, commands->len - done, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool more(struct client_conn *c)
{
    if (c->at) {
        buf_drop_front(&c->in, c->at);
        c->at = 0;
    }
    ssize_t n = recv(c->fd, buf_reserve(&c->in, 65536), 65536, 0);
    if (n <= 0)
        return false;
    c->in.len += (size_t)n;
    return true;
}

static bool take_line(struct client_conn *c, char *kind, struct buf *line)
{
    for (;;) {
        const char *from = c->in.data + c->at;
        const char *end = c->in.len > c->at ? memchr(from, '\n', c->in.len - c->at) : NULL;
        if (end) {
            *kind = *from;
            buf_clear(line);
            buf_append(line, from + 1, (size_t)(end - from) - 2);
            buf_cstr(line);
            c->at += (size_t)(end - from) + 1;
            return true;
        }
        if (!more(c))
            return false;
    }
}

static bool take_bulk(struct client_conn *c, size_t n, struct buf *text)
{
    while (c->in.len - c->at < n + 2)
        if (!more(c))
            return false;
    buf_append(text, c->in.data + c->at, n);
    c->at += n + 2;
    return true;
}

static char reply_into(struct client_conn *c, struct buf *text)
{
    struct buf line = {0};
    char kind = 0, all = 0;
    if (!take_line(c, &kind, &line)) {
        buf_free(&line);
        return 0;
    }
    long n = atol(line.data);
    all = kind;
    if (kind == '*') {
        for (long i = 0; i < n && all; i++) {
            char one = reply_into(c, text);
            buf_byte(text, '\n');
            all = one == 0 ? 0 : one == '-' ? '-' : all;
        }
    } else if (kind == '$') {
        if (n >= 0 && !take_bulk(c, (size_t)n, text))
            all = 0;
    } else {
        buf_append(text, line.data, line.len);
    }
    buf_free(&line);
    return all;
}

char client_reply(struct client_conn *c, struct buf *text)
{
    buf_clear(text);
    char kind = c->fd >= 0 ? reply_into(c, text) : 0;
    buf_cstr(text);
    return kind;
}

char client_call(struct client_conn *c, struct buf *text, const char *word, ...)
{
    struct buf out = {0};
    va_list ap;
    va_start(ap, word);
    put_words(&out, word, ap);
    va_end(ap);
    bool sent = c->fd >= 0 && client_send(c, &out);
    buf_free(&out);
    buf_clear(text);
    buf_cstr(text);
    return sent ? client_reply(c, text) : 0;
}

const char *client_info(struct client_conn *c, struct buf *text, const char *field)
{
    size_t n = strlen(field);
    client_call(c, text, "INFO", "persistence", "replication", NULL);
    for (char *at = text->data; at && *at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, field, n) == 0 && at[n] == ':') {
            char *end = strchr(at, '\r');
            if (end)
                *end = '\0';
            return at + n + 1;
        }
    }
    return "";
}

/* ---- the workload ---- */

static void payload(struct buf *out, uint64_t n, size_t len)
{
    uint64_t seed = n;
    buf_clear(out);
    while (out->len < len)
        buf_printf(out, "%016llx.", (unsigned long long)mix64(&seed));
    out->len = len;
    buf_cstr(out);
}

static int single(struct buf *out, uint64_t n, const char *name)
{
    struct buf element = {0};
    if (n % 12 == 0)
        payload(&element, n, 5000 + n % 5 * 1000);
    buf_append(&element, name, strlen(name));
    resp_command(out, "RPUSH", "log", buf_cstr(&element), NULL);
    buf_free(&element);
    return 1;
}

/* An entry, pending in a group, which is made anew now and then; what it says is the same whenever
 * it is said. The number of commands. */
static int put_stream(struct buf *out, uint64_t n)
{
    char id[24], before[24], number[24], when[24];
    int count = 3;
    snprintf(id, sizeof id, "%llu-1", (unsigned long long)n);
    snprintf(before, sizeof before, "%llu-1", (unsigned long long)(n > 2 ? n - 2 : 0));
    snprintf(number, sizeof number, "%llu", (unsigned long long)n);
    snprintf(when, sizeof when, "%llu", 1600000000000ull + n);
    resp_command(out, "XADD", "stream", "MAXLEN", "9", id, "n", number, "odd", "", NULL);
    if (n % 10 == 1 && (count += 2)) {
        resp_command(out, "XGROUP", "DESTROY", "stream", "g", NULL);
        resp_command(out, "XGROUP", "CREATE", "stream", "g", "0", NULL);
    }
    resp_command(out, "XCLAIM", "stream", "g", n % 2 ? "one" : "two", "0", id, "TIME", when,
                 "RETRYCOUNT", "3", "FORCE", "LASTID", id, NULL);
    resp_command(out, "XACK", "stream", "g", before, NULL);
    if (n % 6 == 4 && ++count)
        resp_command(out, "XDEL", "stream", id, NULL);
    return count;
}

/* Twelve writes of one script, to two databases. */
static int scripted(struct buf *out, uint64_t n, const char *name)
{
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)n);
    resp_command(out, "EVAL",
                 "for i = 1, 8 do redis.call('HSET', 'scripted', i, ARGV[1]) end "
                 "redis.call('SELECT', 3) redis.call('SADD', 'set', ARGV[1]) "
                 "redis.call('SELECT', 0) redis.call('INCR', 'counter') "
                 "redis.call('SET', 'key:' .. ARGV[1] % 17, ARGV[1]) "
                 "return redis.call('RPUSH', 'log', ARGV[2])", "0", number, name, NULL);
    return 1;
}

int workload_unit(struct buf *out, uint64_t n)
{
    char name[24], key[24], other[24], value[96], number[24], member[24], when[24];
    struct buf text = {0};
    int count = 6;
    snprintf(name, sizeof name, "u%06llu", (unsigned long long)n);
    if (n % 3 == 0)
        return single(out, n, name);
    if (n % 9 == 4)
        return scripted(out, n, name);
    snprintf(key, sizeof key, "key:%u", (unsigned)(n % 17));
    snprintf(other, sizeof other, "key:%u", (unsigned)((n + 5) % 17));
    snprintf(number, sizeof number, "%llu", (unsigned long long)n);
    snprintf(member, sizeof member, "m%u", (unsigned)(n % 11));
    snprintf(when, sizeof when, "%llu", 4102444800000ull + n);
    payload(&text, n, n % 7 ? 20 : 900);
    snprintf(value, sizeof value, "v%.90s", text.data);
    resp_command(out, "MULTI", NULL);
    resp_command(out, "SET", key, n % 7 ? value : text.data, NULL);
    resp_command(out, "HSET", "hash", member, number, NULL);
    resp_command(out, "ZADD", "zset", number, member, NULL);
    resp_command(out, "INCR", "counter", NULL);
    count += put_stream(out, n);
    if (n % 4 == 1 && ++count)
        resp_command(out, "DEL", other, NULL);
    if (n % 5 == 1 && ++count)
        resp_command(out, "PEXPIREAT", key, when, NULL);
    if (n % 8 == 2 && (count += 3)) {
        resp_command(out, "SELECT", "3", NULL);
        resp_command(out, "SADD", "set", member, value, NULL);
        resp_command(out, "SELECT", "0", NULL);
    }
    resp_command(out, "RPUSH", "log", name, NULL);
    resp_command(out, "EXEC", NULL);
    buf_free(&text);
    return count + 1;
}

uint64_t workload_seen(const char *bytes, size_t n)
{
    uint64_t most = 0;
    for (size_t i = 0; i + 9 <= n; i++) {
        if (bytes[i] != 'u' || bytes[i + 7] != '\r')
            continue;
        uint64_t number = 0;
        size_t digits = 0;
        for (; digits < 6 && bytes[i + 1 + digits] >= '0' && bytes[i + 1 + digits] <= '9'; digits++)
            number = number * 10 + (uint64_t)(bytes[i + 1 + digits] - '0');
        if (digits == 6 && number + 1 > most)
            most = number + 1;
    }
    return most;
}

bool workload_digests(const char *scratch, char (*digests)[DIGEST_LINE], uint64_t units)
{
    char dir[PATH_TEXT + 16], path[PATH_TEXT + 16], log[PATH_TEXT + 16];
    struct client_conn c;
    struct args args = {0};
    struct buf text = {0}, out = {0};
    bool ok = true;
    snprintf(dir, sizeof dir, "%s/reference", scratch);
    snprintf(path, sizeof path, "%s/ref.sock", scratch);
    snprintf(log, sizeof log, "%s/ref.log", scratch);
    mkdir(dir, 0755);
    args_add(&args, "--save", "", "--appendonly", "no", NULL);
    pid_t pid = server_spawn(dir, path, log, &args, NULL);
    ok = client_open(&c, path, PATIENCE_MS);
    for (uint64_t n = 0; ok && n <= units; n++) {
        ok = client_call(&c, &text, "DEBUG", "DIGEST", NULL) == '+' && text.len == DIGEST_LINE - 1;
        if (ok)
            memcpy(digests[n], text.data, DIGEST_LINE);
        else
            printf("no digest: %s\n", text.data);
        buf_clear(&out);
        int replies = n < units ? workload_unit(&out, n) : 0;
        ok = ok && client_send(&c, &out);
        for (int i = 0; ok && i < replies; i++) {
            char kind = client_reply(&c, &text);
            ok = kind && kind != '-';
            if (!ok)
                printf("unit %llu: %s\n", (unsigned long long)n, text.data);
        }
    }
    client_shut(&c);
    server_kill(pid);
    buf_free(&text);
    buf_free(&out);
    return ok;
}

/* ---- small things ---- */

void args_add(struct args *a, const char *first, ...)
{
    va_list ap;
    va_start(ap, first);
    for (const char *w = first; w; w = va_arg(ap, const char *)) {
        must(a->count < ARGS_MAX);
        a->words[a->count++] = w;
    }
    va_end(ap);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void remove_tree(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The write end is held by this process and by its children, servers that die with it. */
static int alive_fd = -1;

/* A process that removes dir when this one is gone, killed too: memory must not fill up. */
static void remove_when_gone(const char *dir)
{
    int ends[2];
    char told;
    must(pipe(ends) == 0);
    fflush(NULL);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        if (fork() != 0)
            _exit(0);
        setsid();
        for (int fd = 0; fd < 3; fd++)
            close(fd);
        close(ends[1]);
        if (read(ends[0], &told, 1) == 0)
            remove_tree(dir);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    close(ends[0]);
    if (alive_fd >= 0)
        close(alive_fd);
    alive_fd = ends[1];
}

void scratch_keep(void)
{
    must(write(alive_fd, "k", 1) == 1);
}

const char *scratch_dir(char out[PATH_TEXT], const char *name, bool memory)
{
    const char *given = getenv("TMPDIR");
    char tmp[PATH_TEXT / 2];
    if (memory && access("/dev/shm", W_OK) == 0)
        given = "/dev/shm";
    snprintf(tmp, sizeof tmp, "%s/%s-XXXXXX", given ? given : "/tmp", name);
    if (!mkdtemp(tmp) || !realpath(tmp, out)) {
        perror(tmp);
        exit(1);
    }
    if (memory)
        remove_when_gone(out);
    return out;
}

bool copy_tree(const char *from, const char *to)
{
    char command[2 * PATH_TEXT + 32];
    snprintf(command, sizeof command, "cp -a '%s' '%s'", from, to);
    return system(command) == 0;
}

void options_read(struct options *o, int argc, char **argv, long bound, long long_bound)
{
    const char *seed = getenv("SEED"), *longer = getenv("LONG");
    int c;
    o->longer = longer && *longer;
    o->bound = o->longer ? long_bound : bound;
#ifdef MEM_SYSTEM /* under a sanitizer each start costs ten times as much */
    o->bound = o->bound / 10 + 1;
#endif
    o->seed = seed ? strtoull(seed, NULL, 0) : (uint64_t)now_us();
    while ((c = getopt(argc, argv, "s:n:o:l")) >= 0) {
        if (c == 's')
            o->seed = strtoull(optarg, NULL, 0);
        else if (c == 'n')
            o->bound = atol(optarg);
        else if (c == 'o')
            o->only = optarg;
        else if (c == 'l')
            o->list = true;
        else
            exit(2);
    }
}
