/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/file.h"
#include "tools/input.h"

enum { SOCKET_PATH_MAX = 100 };
static const char log_dir[] = "log", socket_name[] = "socket", log_name[] = "server.log";

/* ---- its directory ---- */

/* All of it is ours: files, and one level of directories. */
static bool remove_one(void *arg, const char *name)
{
    char *path = file_join(arg, name);
    if (unlink(path) < 0 && errno == EISDIR) {
        file_each(path, remove_one, path);
        rmdir(path);
    }
    mem_free(path);
    return true;
}

/* A server that is being ended may still write. */
static void remove_dir(char *dir)
{
    enum { TRIES = 100 };
    const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    for (int i = 0; i < TRIES; i++) {
        file_each(dir, remove_one, dir);
        if (rmdir(dir) == 0 || errno != ENOTEMPTY)
            return;
        nanosleep(&pause, NULL);
    }
}

/* A process that waits for the end of this one, however it ends, and removes the directory. */
static bool start_cleaner(struct scratch *s, struct fault *f)
{
    int ends[2];
    char nothing;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        fault_io(f, errno, "pipe", "A pipe can't be made");
        return false;
    }
    s->cleaner = fork();
    if (s->cleaner == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        setsid(); /* what ends this one from a terminal does not end it */
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        dup2(ends[0], STDIN_FILENO);
        close_range(STDERR_FILENO + 1, ~0u, 0); /* also what another one's cleaner waits for */
        while (read(STDIN_FILENO, &nothing, 1) < 0 && errno == EINTR)
            ;
        remove_dir(s->dir);
        _exit(0);
    }
    close(ends[0]);
    s->cleaner_waits = ends[1];
    if (s->cleaner < 0)
        fault_io(f, errno, "fork", "A process can't be started");
    return s->cleaner > 0;
}

static char *make_dir(struct fault *f)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = file_join(tmp && *tmp ? tmp : "/var/tmp", "holdfast-XXXXXX");
    if (strlen(dir) + sizeof socket_name < SOCKET_PATH_MAX && mkdtemp(dir))
        return dir;
    fault_io(f, strlen(dir) < SOCKET_PATH_MAX ? errno : ENAMETOOLONG, "mkdir",
             "No temporary directory can be made in %s (TMPDIR)", dir);
    mem_free(dir);
    return NULL;
}

/* Unpacked on the way, if need be; of damaged compression as much as comes out: who reads the part
 * by itself is told. */
static bool copy_part(const struct source_part *p, const char *to, struct fault *f)
{
    struct input i;
    if (!source_part_open(&i, p, f))
        return false;
    int fd = file_create(to, 0), err = fd < 0 ? fd : 0;
    while (err == 0 && !in_at_end(&i.in)) {
        struct slice some = in_window(&i.in, SIZE_MAX);
        err = file_write_all(fd, some.data, some.len, NULL);
        in_skip(&i.in, some.len);
    }
    if (fd >= 0)
        file_close(fd);
    if (err < 0)
        fault_io(f, -err, "write", "Can't write %s", to);
    else if (in_bad(&i.in))
        *f = i.in.fault;
    input_close(&i);
    return !fault_is(f);
}

/* The newest is appended to, and cut where it is torn: never the source's own. */
static bool bring_part(const struct source *s, size_t i, const char *dir, struct fault *f)
{
    const struct source_part *p = &s->parts[i];
    char *to = file_join(dir, p->name), *real = realpath(p->path, NULL);
    bool link = i + 1 < s->count && p->compression == COMPRESSION_NONE && real, ok = true;
    if (p->missing)
        fault_set(f, FAULT_FORMAT, "%s is missing: the manifest names it", p->path);
    else if (link && symlink(real, to) < 0)
        fault_io(f, errno, "symlink", "Can't link %s", to);
    else if (!link)
        ok = copy_part(p, to, f);
    mem_free(to);
    free(real);
    return ok && !fault_is(f);
}

static bool put_manifest(const struct source *s, const char *dir, struct fault *f)
{
    struct manifest m = {0};
    struct buf text = {0};
    const char *slash = strrchr(s->path, '/');
    char *path = file_join(dir, slash ? slash + 1 : s->path);
    manifest_copy(&m, &s->manifest);
    manifest_drop_history(&m);
    manifest_print(&m, &text);
    int fd = file_create(path, 0);
    int err = fd < 0 ? fd : file_write_all(fd, text.data, text.len, NULL);
    if (fd >= 0)
        file_close(fd);
    if (err < 0)
        fault_io(f, -err, "write", "Can't write %s", path);
    mem_free(path);
    manifest_free(&m);
    buf_free(&text);
    return err == 0;
}

/* A set in DIR/log, a single file in DIR, where older servers had it. */
static bool bring_files(const struct scratch *sc, const struct source *s, struct fault *f)
{
    char *dir = file_join(sc->dir, log_dir);
    bool ok = true;
    if (s->kind == SOURCE_LOG) {
        char *to = file_join(sc->dir, "appendonly.aof");
        ok = copy_part(&s->parts[0], to, f);
        mem_free(to);
    } else {
        int err = file_mkdir(dir, 0700);
        if (err < 0)
            fault_io(f, -err, "mkdir", "Can't make %s", dir);
        ok = err == 0 && put_manifest(s, dir, f);
        for (size_t i = 0; ok && i < s->count; i++)
            ok = bring_part(s, i, dir, f);
    }
    mem_free(dir);
    return ok;
}

/* ---- the process ---- */

/* x.aof.manifest: the name that appendfilename has there. For mem_free. */
static char *file_name_of(const struct source *s)
{
    const char *slash = strrchr(s->path, '/'), *name = slash ? slash + 1 : s->path;
    struct buf stem = {0};
    size_t n = strlen(name), tail = strlen(".manifest");
    if (s->kind == SOURCE_SET && n > tail)
        buf_append(&stem, name, n - tail);
    else
        buf_printf(&stem, "appendonly.aof");
    char *out = mem_strdup(buf_cstr(&stem));
    buf_free(&stem);
    return out;
}

static _Noreturn void become_server(const char *program, const char *dir, const char *stem)
{
    char *const words[] = {
        "redis-server", "--dir", (char *)(uintptr_t)dir, "--port", "0", "--unixsocket",
        (char *)(uintptr_t)socket_name, "--unixsocketperm", "700", "--logfile",
        (char *)(uintptr_t)log_name, "--save", "", "--appendonly", "yes", "--appendfilename",
        (char *)(uintptr_t)stem, "--appenddirname", (char *)(uintptr_t)log_dir, "--appendfsync",
        "no", "--auto-aof-rewrite-percentage", "0", "--databases", "10000", "--dbfilename",
        "scratch.rdb", "--rdbcompression", "no", "--rdb-verify-after-save", "no", NULL};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    if (chdir(dir) == 0)
        execv(program, words);
    _exit(127);
}

/* Its log, cut into lines: the last that says what was wrong, and the last of all. "": none. Lines
 * about the machine are no reason. */
static void read_log(const struct scratch *s, struct buf *text, const char **wrong,
                     const char **last)
{
    struct fault none = {0};
    char *path = file_join(s->dir, log_name);
    file_slurp(path, 64 << 20, text, &none);
    mem_free(path);
    buf_cstr(text);
    *wrong = *last = "";
    for (char *at = text->len ? strtok(text->data, "\n") : NULL; at; at = strtok(NULL, "\n")) {
        const char *mark = strstr(at, " # ");
        *last = at;
        if (mark && strncmp(mark + 3, "WARNING ", 8) != 0)
            *wrong = mark + 3;
    }
}

/* The line with the names of the source's own files: those in dir nobody has seen. */
static const char *own_names(const struct scratch *s, const char *line, struct buf *out)
{
    const struct source *of = s->source;
    char *real = realpath(s->dir, NULL);
    const char *dir = real ? real : s->dir;
    size_t len = strlen(dir), sub = strlen(log_dir);
    must(of && of->count > 0);
    for (const char *at; (at = strstr(line, dir)) && at[len] == '/';) {
        buf_append(out, line, (size_t)(at - line));
        line = at + len + 1;
        if (strncmp(line, log_dir, sub) == 0 && line[sub] == '/')
            line += sub + 1;
        buf_printf(out, "%s", of->kind == SOURCE_SET ? of->dir : of->parts[0].path);
        if (of->kind == SOURCE_SET)
            buf_byte(out, '/');
        else
            line += strcspn(line, " :,'\"");
    }
    buf_printf(out, "%s", line);
    free(real);
    return buf_cstr(out);
}

static void tell_why(const struct scratch *s, struct fault *f)
{
    struct buf text = {0}, named = {0};
    const char *wrong, *last;
    read_log(s, &text, &wrong, &last);
    fault_set(f, FAULT_FORMAT, "A server does not load it: %s",
              *wrong ? own_names(s, wrong, &named) : "it says nothing");
    buf_free(&text);
    buf_free(&named);
}

/* Of the files that says nothing: the machine may be slow. */
static void tell_late(const struct scratch *s, int limit_s, struct fault *f)
{
    struct buf text = {0}, named = {0};
    const char *wrong, *last;
    read_log(s, &text, &wrong, &last);
    fault_set(f, FAULT_IO, "A server for a moment does not start within %d s. Its log ends: %s",
              limit_s, *last ? own_names(s, last, &named) : "it is empty");
    buf_free(&text);
    buf_free(&named);
}

/* Answers, and has loaded. */
static bool ready(struct scratch *s, struct fault *f)
{
    struct fault refused = {0};
    if (!s->live) {
        struct buf address = {0};
        buf_printf(&address, "unix:%s/%s", s->dir, socket_name);
        s->live = live_open_own(buf_cstr(&address), &refused);
        buf_free(&address);
        if (!s->live)
            return false;
        s->live->timeout_ms = 24 * 3600 * 1000; /* it ends with us, and we see when it ends */
    }
    live_put(s->live, 1, WORDS(W("PING")));
    return live_reply(s->live, f) && s->live->items[0].kind == REPLY_STATUS;
}

static bool wait_until_ready(struct scratch *s, int limit_s, struct fault *f)
{
    int64_t until = clock_mono_s() + limit_s;
    for (;;) {
        int status;
        if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
            s->pid = 0;
            tell_why(s, f);
            return false;
        }
        struct fault gone = {0};
        if (ready(s, &gone))
            return true;
        if (fault_is(&gone)) { /* it ended while it was asked */
            live_close(s->live);
            s->live = NULL;
        }
        if (!s->live && clock_mono_s() > until) {
            tell_late(s, limit_s, f);
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
}

struct scratch *scratch_start(struct tool *t, const struct source *s, int limit_s, struct fault *f)
{
    struct scratch *sc = mem_zalloc(sizeof *sc);
    must(s->kind != SOURCE_RDB && t->env->program);
    sc->source = s;
    sc->on_pipe = signal(SIGPIPE, SIG_IGN);
    sc->dir = make_dir(f);
    sc->cleaner_waits = -1;
    if (sc->dir && start_cleaner(sc, f) && bring_files(sc, s, f)) {
        char *stem = file_name_of(s);
        sc->pid = fork();
        if (sc->pid == 0)
            become_server(t->env->program, sc->dir, stem);
        mem_free(stem);
        if (sc->pid < 0)
            fault_io(f, errno, "fork", "A server for a moment can't be started");
        else if (wait_until_ready(sc, limit_s, f)) {
            sc->source = NULL;
            return sc;
        }
    }
    scratch_end(sc);
    return NULL;
}

bool scratch_dump(struct scratch *s, struct fault *f)
{
    if (!live_ask(s->live, 1, WORDS(W("SAVE")), f))
        return false;
    s->dump = file_join(s->dir, "scratch.rdb");
    return true;
}

void scratch_end(struct scratch *s)
{
    if (!s)
        return;
    live_close(s->live);
    if (s->pid > 0) {
        kill(s->pid, SIGKILL); /* nothing of it is to stay */
        waitpid(s->pid, NULL, 0);
    }
    if (s->cleaner_waits >= 0)
        close(s->cleaner_waits);
    if (s->cleaner > 0)
        waitpid(s->cleaner, NULL, 0);
    else if (s->dir)
        remove_dir(s->dir);
    signal(SIGPIPE, s->on_pipe);
    mem_free(s->dump);
    mem_free(s->dir);
    mem_free(s);
}
