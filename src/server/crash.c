/* SPDX-License-Identifier: BSD-3-Clause */
/* A signal handler gets no argument, so what it needs is file-scope. It runs on a stack of its own:
 * the crash may be that the stack was used up.
 *
 * The report has parts, the surest ones first. A crash inside one jumps to the next; a part that
 * hangs (the crash was inside the allocator, whose lock is held, and the part allocates) is ended
 * by an alarm, and the process with it. */
#include "server/crash.h"

#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/must.h"
#include "base/version.h"
#include "server/crash_stack.h"

enum { STACK_SIZE = 256 * 1024 };

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static struct {
    const char *title[CRASH_REPORTERS];
    void (*tell[CRASH_REPORTERS])(void *arg);
    void *arg[CRASH_REPORTERS];
    int reporters;
    volatile sig_atomic_t signal; /* that is being reported; 0: none */
    atomic_int thread;            /* that crashed first; 0: none */
    volatile sig_atomic_t part;   /* of the report */
    sigjmp_buf next_part;
    char stack[STACK_SIZE];
} crash;

void crash_add_reporter(const char *title, void (*tell)(void *arg), void *arg)
{
    must(crash.reporters < CRASH_REPORTERS);
    must(title && tell && !crash.signal);
    crash.title[crash.reporters] = title;
    crash.tell[crash.reporters] = tell;
    crash.arg[crash.reporters++] = arg;
}

void crash_drop_reporters(void)
{
    must(crash.reporters >= 0 && !crash.signal);
    crash.reporters = 0;
}

static void head_line(const char *title)
{
    char line[96];
    snprintf(line, sizeof line, "\n------ %s ------\n", title);
    log_raw(LOG_WARNING_LEVEL, line);
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

static _Noreturn void end_with(int number)
{
    struct sigaction act = {.sa_handler = SIG_DFL, .sa_flags = SA_NODEFER};
    sigemptyset(&act.sa_mask);
    sigaction(number, &act, NULL);
    raise(number);
    _exit(1);
}

/* The watchdog's timer (turn_watch.h) may be running, and sends the same signal. */
static void time_is_over(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    if (info->si_code == SI_TIMER)
        return;
    log_raw(LOG_WARNING_LEVEL, "\n(the report hangs and ends here)\n");
    end_with(crash.signal);
}

static void set_alarm(void)
{
    struct sigaction act = {.sa_sigaction = time_is_over, .sa_flags = SA_SIGINFO};
    sigset_t only;
    sigemptyset(&act.sa_mask);
    sigaction(SIGALRM, &act, NULL);
    sigemptyset(&only);
    sigaddset(&only, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    alarm(CRASH_SECONDS);
}

static void log_reason(int number, const siginfo_t *info, void *context)
{
    void *place = crash_stack_place(context);
    log_warning("Redis " REDIS_VERSION " crashed by signal: %d (%s), si_code: %d", number,
                signal_name(number), info->si_code);
    if (info->si_code == SI_USER)
        log_warning("Killed by PID: %ld, UID: %d", (long)info->si_pid, (int)info->si_uid);
    else if (number == SIGSEGV || number == SIGBUS)
        log_warning("Accessing address: %p", info->si_addr);
    if (place && number != SIGABRT)
        log_warning("Crashed running the instruction at: %p", place);
}

/* The signal's own parts, then those of the reporters. False: that was the last. */
static bool tell_part(int part, int number, const siginfo_t *info, void *context)
{
    enum { REASON, STACK, REGISTERS, OWN };
    if (part == REASON) {
        log_reason(number, info, context);
    } else if (part == STACK) {
        head_line("STACK TRACE");
        crash_stack_log(number == SIGABRT ? NULL : crash_stack_place(context), log_raw);
    } else if (part == REGISTERS) {
        head_line("REGISTERS");
        crash_stack_registers(context);
    } else if (part - OWN < crash.reporters) {
        head_line(crash.title[part - OWN]);
        crash.tell[part - OWN](crash.arg[part - OWN]);
    } else {
        return false;
    }
    return true;
}

static void crashed(int number, siginfo_t *info, void *context)
{
    int first = 0, thread = (int)syscall(SYS_gettid);
    if (!atomic_compare_exchange_strong(&crash.thread, &first, thread)) {
        if (first == thread)
            siglongjmp(crash.next_part, 1);
        for (;;) /* another thread's crash is being reported, and ends this one, too */
            pause();
    }
    bool again = sigsetjmp(crash.next_part, 1);
    if (!again) {
        crash.signal = number;
        set_alarm();
        log_raw(LOG_WARNING_LEVEL, "\n\n=== REDIS BUG REPORT START: of Holdfast; all of it helps, "
                                   "to its end ===\n");
    } else {
        log_raw(LOG_WARNING_LEVEL, "(crashed again while reporting this)\n");
    }
    while (tell_part(crash.part++, number, info, context))
        ;
    log_raw(LOG_WARNING_LEVEL, "\n=== REDIS BUG REPORT END ===\n");
    end_with(number);
}

static void must_report(const char *expression, const char *file, int line)
{
    if (strncmp(expression, "Out Of Memory", 13) == 0) { /* base/mem: no bug, and looked for */
        log_warning("%s", expression);
        return;
    }
    log_warning("=== ASSERTION FAILED ===");
    log_warning("==> %s:%d '%s' is not true", file, line, expression);
}

void crash_catch(void)
{
    stack_t own = {.ss_sp = crash.stack, .ss_size = sizeof crash.stack};
    struct sigaction act = {.sa_sigaction = crashed,
                            .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    must(sigaltstack(&own, NULL) == 0);
    crash_stack_warm();
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof crash_signals / sizeof *crash_signals; i++)
        sigaction(crash_signals[i], &act, NULL);
    must_set_reporter(must_report);
}

void crash_ignore(void)
{
    for (size_t i = 0; i < sizeof crash_signals / sizeof *crash_signals; i++)
        signal(crash_signals[i], SIG_DFL);
    must_set_reporter(must_report);
}
