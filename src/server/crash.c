/* SPDX-License-Identifier: BSD-3-Clause */
/* A signal handler gets no argument, so what it needs is file-scope. It runs on a stack of its own:
 * the crash may be that the stack was used up. Nothing here allocates after crash_catch. */
#include "server/crash.h"

#include <execinfo.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/log.h"
#include "base/must.h"

enum { FRAMES_MAX = 64, STACK_SIZE = 64 * 1024 };

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static struct {
    void (*tell[CRASH_REPORTERS])(void *arg);
    void *arg[CRASH_REPORTERS];
    int reporters;
    volatile sig_atomic_t reporting;
    char stack[STACK_SIZE];
    char failed[256]; /* the must() that failed */
} crash;

void crash_add_reporter(void (*tell)(void *arg), void *arg)
{
    must(crash.reporters < CRASH_REPORTERS);
    crash.tell[crash.reporters] = tell;
    crash.arg[crash.reporters++] = arg;
}

static void log_line(const char *text)
{
    log_raw(LOG_WARNING_LEVEL, text);
    log_raw(LOG_WARNING_LEVEL, "\n");
}

static const char *signal_name(int n)
{
    switch (n) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    default: return "SIGABRT";
    }
}

static void *place_of(const ucontext_t *uc)
{
#if defined(__x86_64__) && defined(__linux__)
    return (void *)(uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__) && defined(__linux__)
    return (void *)(uintptr_t)uc->uc_mcontext.pc;
#else
    (void)uc;
    return NULL;
#endif
}

/* The addresses with the file they lie in: "addr2line -e redis-server" takes the offsets. */
static void log_stack(void *place)
{
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    char line[64];
    snprintf(line, sizeof line, "at %p", place);
    log_line("------ stack ------");
    if (place)
        log_line(line);
    /* backtrace_symbols would allocate in a heap that may be the very thing that is broken. */
    char **symbols = crash.reporting > 1 ? NULL : backtrace_symbols(frames, count);
    for (int i = 0; i < count; i++) {
        if (symbols) {
            log_line(symbols[i]);
        } else {
            snprintf(line, sizeof line, "%p", frames[i]);
            log_line(line);
        }
    }
}

static void end_with(int number)
{
    struct sigaction act = {.sa_handler = SIG_DFL, .sa_flags = SA_NODEFER};
    sigemptyset(&act.sa_mask);
    sigaction(number, &act, NULL);
    raise(number);
    _exit(1);
}

static void crashed(int number, siginfo_t *info, void *context)
{
    char line[512];
    void *place = place_of(context);
    if (crash.reporting++) { /* the report itself crashed: say no more */
        if (crash.reporting == 2)
            log_line("(crashed again while reporting)");
        end_with(number);
    }
    log_line("\n=== CRASH REPORT, please send all of it ===");
    snprintf(line, sizeof line, "Holdfast was ended by signal %d (%s), code %d", number,
             signal_name(number), info->si_code);
    log_line(line);
    if (number != SIGABRT) {
        snprintf(line, sizeof line, "address: %p", info->si_addr);
        log_line(line);
    }
    if (crash.failed[0])
        log_line(crash.failed);
    log_stack(number == SIGABRT ? NULL : place);
    for (int i = 0; i < crash.reporters; i++)
        crash.tell[i](crash.arg[i]);
    log_line("\n=== END OF CRASH REPORT ===");
    end_with(number);
}

static void must_report(const char *expression, const char *file, int line)
{
    snprintf(crash.failed, sizeof crash.failed, "must hold: %s:%d: %s",
             file, line, expression);
}

void crash_catch(void)
{
    void *warm[1];
    stack_t own = {.ss_sp = crash.stack, .ss_size = sizeof crash.stack};
    struct sigaction act = {.sa_sigaction = crashed,
                            .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigaltstack(&own, NULL);
    backtrace(warm, 1); /* loads what it needs now rather than in the crash */
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof crash_signals / sizeof *crash_signals; i++)
        sigaction(crash_signals[i], &act, NULL);
    must_set_reporter(must_report);
}

void crash_ignore(void)
{
    for (size_t i = 0; i < sizeof crash_signals / sizeof *crash_signals; i++)
        signal(crash_signals[i], SIG_DFL);
    must_set_reporter(NULL);
}
