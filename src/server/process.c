/* SPDX-License-Identifier: BSD-3-Clause */
/* File-scope state, which a process can have only once: the memory of its title, and what a signal
 * handler, which gets no argument, may touch.
 *
 * The title is written over argv and the environment behind it (copied away first); there is no
 * other way on Linux that ps shows in full. */
#include "server/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "os/loop.h"
#include "server/config.h"
#include "server/crash.h"
#include "server/role.h"
#include "server/server.h"
#include "server/settings.h"

#define DEFAULT_PID_FILE "/var/run/redis.pid"

extern char **environ;

static struct {
    char *from, *to; /* memory of argv and environment */
    char *name;      /* argv[0] */
} title;
static volatile sig_atomic_t stop_signal;
static struct loop *signal_loop;

void process_init(int argc, char **argv)
{
    char *end = argv[0];
    size_t n = 0;
    for (int i = 0; i < argc; i++)
        if (argv[i] == end)
            end += strlen(argv[i]) + 1;
    while (environ[n]) {
        if (environ[n] == end)
            end += strlen(environ[n]) + 1;
        n++;
    }
    title.name = strdup(argv[0]);
    char **copy = calloc(n + 1, sizeof *copy);
    if (!copy || !title.name)
        return;
    for (size_t i = 0; i < n; i++)
        copy[i] = strdup(environ[i]);
    environ = copy;
    title.from = argv[0];
    title.to = end;
}

/* ---- title ---- */
static void expand_title(const struct settings *st, struct buf *out)
{
    const char *at = st->title_template ? st->title_template : "";
    char listen[96];
    const char *host = st->bind_count ? st->binds[0] : "*";
    const char *conf = config_file(server_config(st->server));
    const char *mode = server_role(st->server)->mode;
    int port = (int)(st->port ? st->port : st->tls_port);
    if (port)
        snprintf(listen, sizeof listen, strchr(host, ':') ? "[%.60s]:%d" : "%.60s:%d",
                 host[0] == '-' ? host + 1 : host, port);
    else
        snprintf(listen, sizeof listen, "%.90s", st->unix_path ? st->unix_path : "");
    while (*at) {
        const char *close = *at == '{' ? strchr(at, '}') : NULL;
        struct slice word = close ? slice(at + 1, (size_t)(close - at - 1)) : slice(at, 0);
        if (!close) {
            buf_byte(out, (unsigned char)*at++);
            continue;
        }
        if (slice_eq_str(word, "title"))
            buf_add(out, slice_str(title.name ? title.name : "redis-server"));
        else if (slice_eq_str(word, "listen-addr"))
            buf_add(out, slice_str(listen));
        else if (slice_eq_str(word, "port"))
            buf_printf(out, "%d", (int)st->port);
        else if (slice_eq_str(word, "tls-port"))
            buf_printf(out, "%d", (int)st->tls_port);
        else if (slice_eq_str(word, "unixsocket"))
            buf_add(out, slice_str(st->unix_path ? st->unix_path : ""));
        else if (slice_eq_str(word, "config-file"))
            buf_add(out, slice_str(conf ? conf : ""));
        else if (slice_eq_str(word, "server-mode") && strcmp(mode, "standalone") != 0)
            buf_printf(out, "[%s]", mode);
        at = close + 1;
    }
    while (out->len && out->data[out->len - 1] == ' ')
        out->len--;
}

void process_set_title(struct settings *st)
{
    struct buf text = {0};
    if (!st->set_title || !title.from)
        return;
    expand_title(st, &text);
    must(title.from < title.to);
    size_t room = (size_t)(title.to - title.from), n = text.len < room ? text.len : room - 1;
    memset(title.from, 0, room);
    memcpy(title.from, text.data, n);
    buf_free(&text);
}

/* What may stand in braces, and whether it always gives some text. */
static const struct {
    const char *word;
    bool text;
} title_words[] = {{"title", false}, {"listen-addr", true}, {"server-mode", false}, {"port", true},
                   {"tls-port", true}, {"unixsocket", false}, {"config-file", true}};
enum { TITLE_WORDS = sizeof title_words / sizeof *title_words };

/* A template whose title could come out blank is none. */
bool process_check_title(void *owner, struct slice text, struct fault *f)
{
    bool known = true, shows = false;
    (void)owner;
    for (size_t i = 0; i < text.len && known; i++) {
        if (text.data[i] != '{') {
            shows = shows || text.data[i] != ' ';
            continue;
        }
        struct slice rest = slice_from(text, i + 1);
        known = false;
        for (size_t k = 0; k < TITLE_WORDS && !known; k++) {
            size_t n = strlen(title_words[k].word);
            known = rest.len > n && memcmp(rest.data, title_words[k].word, n) == 0 &&
                    rest.data[n] == '}';
            shows = shows || (known && title_words[k].text);
            i += known ? n + 1 : 0;
        }
    }
    if (known && shows)
        return true;
    fault_set(f, FAULT_INVALID, "template format is invalid or contains unknown variables");
    return false;
}

bool process_apply_title(void *owner, struct fault *f)
{
    (void)f;
    process_set_title(owner);
    return true;
}

/* ---- log ---- */
bool process_check_log_file(void *owner, struct slice text, struct fault *f)
{
    char path[4096];
    (void)owner;
    if (!text.len)
        return true;
    snprintf(path, sizeof path, "%.*s", SLICE_ARG(text));
    int fd = file_open(path, O_WRONLY | O_APPEND | O_CREAT, 0666);
    if (fd < 0) {
        fault_set(f, FAULT_INVALID, "Can't open the log file: %s", strerror(-fd));
        return false;
    }
    file_close(fd);
    return true;
}

bool process_open_log(struct settings *st, struct fault *f)
{
    int rc = log_open(st->log_file);
    log_set_level((enum log_level)st->log_level);
    if (st->syslog_on)
        log_use_syslog(st->syslog_ident ? st->syslog_ident : "redis", st->syslog_facility);
    if (rc < 0)
        fault_io(f, -rc, "open", "Can't open the log file %s", st->log_file);
    return rc == 0;
}

bool process_apply_log_level(void *owner, struct fault *f)
{
    struct settings *st = owner;
    (void)f;
    log_set_level((enum log_level)st->log_level);
    return true;
}

bool process_apply_crash_log(void *owner, struct fault *f)
{
    struct settings *st = owner;
    (void)f;
    if (st->crash_log)
        crash_catch();
    else
        crash_ignore();
    return true;
}

/* ---- daemon, pid file, supervision ---- */
void process_daemonize(struct settings *st)
{
    if (!st->daemonize || st->supervised != SUPERVISED_NO)
        return;
    pid_t pid = fork();
    if (pid > 0)
        _exit(0);
    if (pid < 0) {
        log_warning("Can't become a daemon: %s", strerror(errno));
        return;
    }
    setsid();
    int fd = open("/dev/null", O_RDWR);
    if (fd >= 0) {
        dup2(fd, STDIN_FILENO);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        if (fd > STDERR_FILENO)
            close(fd);
    }
}

static const char *pid_file(const struct settings *st)
{
    return st->pid_file ? st->pid_file : st->daemonize ? DEFAULT_PID_FILE : NULL;
}

void process_write_pid_file(struct settings *st)
{
    const char *path = pid_file(st);
    char text[32];
    if (!path)
        return;
    int len = snprintf(text, sizeof text, "%d\n", (int)getpid());
    must(len > 0 && (size_t)len < sizeof text);
    /* A link would have its target cut, a pipe would be waited for. */
    int fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, 0666);
    int rc = fd < 0 ? fd : file_write_all(fd, text, (size_t)len, NULL);
    if (fd >= 0)
        file_close(fd);
    if (rc < 0)
        log_warning("Can't write the pid file: %s", strerror(-rc));
}

void process_remove_pid_file(struct settings *st)
{
    if (pid_file(st)) {
        log_notice("Removing the pid file.");
        file_unlink(pid_file(st));
    }
}

/* ---- signals ---- */
static void asked_to_stop(int signal_number)
{
    /* The second ^C of somebody who does not want to wait for the last save. */
    if (stop_signal && signal_number == SIGINT)
        _exit(1);
    stop_signal = signal_number;
    loop_wake(signal_loop);
}

void process_handle_signals(struct loop *loop)
{
    struct sigaction act = {.sa_handler = asked_to_stop};
    signal_loop = loop;
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is an error of the write: EFBIG */
    sigemptyset(&act.sa_mask);
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
}

int process_stop_signal(void)
{
    return stop_signal;
}

void process_forget_signal(void)
{
    stop_signal = 0;
}

void process_release_signals(void)
{
    if (!signal_loop)
        return;
    signal(SIGTERM, SIG_IGN); /* it does stop */
    signal(SIGINT, SIG_DFL);
    signal_loop = NULL;
}
