/* SPDX-License-Identifier: BSD-3-Clause */
/* The server and the check tool, each in a child made by fork: no program is started, so thousands
 * of starts take seconds. The linker lets server_run pass through here (--wrap): a start that only
 * loads takes the digest there and ends. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/digest.h"
#include "main/serve.h"
#include "os/file.h"
#include "server/server.h"
#include "os/worker.h"
#include "store/walk.h"
#include "tests/crash/crash_client.h"
#include "tools/check.h"
#include "tools/tool.h"

#ifdef MEM_SYSTEM
/* Freed memory that is kept back makes every fork slower. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=2";
}
#endif

int __real_server_run(struct server *s);
int __wrap_server_run(struct server *s);

struct load_page {
    bool done;
    char digest[DIGEST_HEX];
};
static struct load_page *load_page; /* set: only load */

int __wrap_server_run(struct server *s)
{
    struct digest d;
    struct walk_progress walk = {0};
    if (!load_page)
        return __real_server_run(s);
    digest_init(&d);
    d.by_entries = true; /* as DEBUG DIGEST */
    if (walk_keyspace(server_keyspace(s), &d.sink, &walk)) {
        digest_hex(&d, load_page->digest);
        load_page->done = true;
    }
    digest_free(&d);
    workers_free(server_workers(s)); /* what was begun is ended: deleting history */
    _exit(0);
}

static void redirect(const char *log)
{
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    must(fd >= 0);
    dup2(fd, 1);
    dup2(fd, 2);
    close(fd);
}

static _Noreturn void become_server(const char *dir, const char *socket, const char *log,
                                    const struct args *args, struct trace *trace)
{
    char *argv[ARGS_MAX + 12];
    int argc = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    redirect(log);
    must(chdir(dir) == 0);
    const char *fixed[] = {"redis-server", "--port", "0", "--unixsocket", socket,
                           "--enable-debug-command", "yes"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        argv[argc++] = mem_strdup(fixed[i]);
    for (int i = 0; i < args->count; i++)
        argv[argc++] = mem_strdup(args->words[i]);
    argv[argc] = NULL;
    file_use(trace ? trace_calls(trace) : NULL);
    _exit(serve(argc, argv));
}

pid_t server_spawn(const char *dir, const char *socket, const char *log, const struct args *args,
                   struct trace *trace)
{
    fflush(NULL);
    unlink(socket); /* who connects now does not meet a child of the last one, on its way out */
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0)
        become_server(dir, socket, log, args, trace);
    return pid;
}

int server_wait(pid_t pid, int timeout_ms)
{
    int64_t until = now_us() + (int64_t)timeout_ms * 1000;
    int status;
    for (;;) {
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid)
            return status;
        if (got < 0 || now_us() > until)
            return -1;
        usleep(200);
    }
}

void server_kill(pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

void server_load(const char *dir, const char *socket, const char *log, const struct args *args,
                 struct trace *trace, struct load_result *result)
{
    static struct load_page *page;
    if (!page) {
        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        must(page != MAP_FAILED);
    }
    memset(page, 0, sizeof *page);
    fflush(NULL);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        load_page = page;
        alarm(PATIENCE_MS / 1000);
        become_server(dir, socket, log, args, trace);
    }
    must(waitpid(pid, &result->status, 0) == pid);
    result->how = WIFSIGNALED(result->status) || (WEXITSTATUS(result->status) > 1) ? DIED
                  : page->done ? LOADED : REFUSED;
    memcpy(result->digest, page->digest, sizeof result->digest);
}

bool file_tells(const char *path, const char *words)
{
    char line[1200];
    bool found = false;
    FILE *f = fopen(path, "re");
    while (f && !found && fgets(line, sizeof line, f))
        found = strstr(line, words) != NULL;
    if (f)
        fclose(f);
    return found;
}

void server_load_answered(const char *dir, const char *socket, const char *log, struct args *args,
                          struct trace *trace, struct load_result *result)
{
    server_load(dir, socket, log, args, trace, result);
    if (result->how != REFUSED || !file_tells(log, "was switched off before the dump file"))
        return;
    args_add(args, "--on-missing-data", "load-rdb", NULL);
    server_load(dir, socket, log, args, trace, result);
}

bool server_fix(const char *dir, const char *manifest, const char *log, struct trace *trace)
{
    int ends[2], status;
    must(pipe2(ends, O_CLOEXEC) == 0);
    must(write(ends[1], "y\ny\n", 4) == 4);
    close(ends[1]);
    fflush(NULL);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        char *argv[] = {mem_strdup("redis-check-aof"), mem_strdup("--fix"), mem_strdup(manifest),
                        NULL};
        alarm(PATIENCE_MS / 1000);
        redirect(log);
        dup2(ends[0], 0);
        must(chdir(dir) == 0);
        file_use(trace ? trace_calls(trace) : NULL);
        int code = check_aof_main(3, argv, &(struct tool_env){0});
        fflush(stdout);
        _exit(code);
    }
    close(ends[0]);
    must(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
