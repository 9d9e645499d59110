/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/crash_stack.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <ucontext.h>

enum { FRAMES_MAX = 100 };

void crash_stack_warm(void)
{
    void *warm[1];
    Dl_info info;
    backtrace(warm, 1);
    dladdr((void *)(uintptr_t)crash_stack_warm, &info);
}

void *crash_stack_place(void *context)
{
#if defined(__x86_64__) && defined(__linux__)
    const ucontext_t *uc = context;
    return (void *)(uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__) && defined(__linux__)
    const ucontext_t *uc = context;
    return (void *)(uintptr_t)uc->uc_mcontext.pc;
#else
    (void)context;
    return NULL;
#endif
}

static void log_frame(void *at, crash_stack_put *put)
{
    char line[512];
    Dl_info info = {0};
    if (!dladdr(at, &info) || !info.dli_fname)
        snprintf(line, sizeof line, "[%p]\n", at);
    else if (info.dli_sname)
        snprintf(line, sizeof line, "%s(%s+0x%tx)[%p]\n", info.dli_fname, info.dli_sname,
                 (char *)at - (char *)info.dli_saddr, at);
    else
        snprintf(line, sizeof line, "%s(+0x%tx)[%p]\n", info.dli_fname,
                 (char *)at - (char *)info.dli_fbase, at);
    put(LOG_WARNING_LEVEL, line);
}

void crash_stack_log(void *place, crash_stack_put *put)
{
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    if (place) {
        put(LOG_WARNING_LEVEL, "EIP:\n");
        log_frame(place, put);
    }
    put(LOG_WARNING_LEVEL, "\nBacktrace:\n");
    for (int i = 0; i < count; i++)
        log_frame(frames[i], put);
}

static void log_register(const char *name, uint64_t value)
{
    char line[64];
    snprintf(line, sizeof line, "%-4s%016llx\n", name, (unsigned long long)value);
    log_raw(LOG_WARNING_LEVEL, line);
}

void crash_stack_registers(void *context)
{
#if defined(__x86_64__) && defined(__linux__)
    static const struct {
        const char *name;
        int at;
    } of[] = {{"RAX", REG_RAX}, {"RBX", REG_RBX}, {"RCX", REG_RCX}, {"RDX", REG_RDX},
              {"RDI", REG_RDI}, {"RSI", REG_RSI}, {"RBP", REG_RBP}, {"RSP", REG_RSP},
              {"R8", REG_R8},   {"R9", REG_R9},   {"R10", REG_R10}, {"R11", REG_R11},
              {"R12", REG_R12}, {"R13", REG_R13}, {"R14", REG_R14}, {"R15", REG_R15},
              {"RIP", REG_RIP}, {"EFL", REG_EFL}};
    const ucontext_t *uc = context;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        log_register(of[i].name, (uint64_t)uc->uc_mcontext.gregs[of[i].at]);
#elif defined(__aarch64__) && defined(__linux__)
    const ucontext_t *uc = context;
    char name[8];
    for (int i = 0; i < 31; i++) {
        snprintf(name, sizeof name, "X%d", i);
        log_register(name, uc->uc_mcontext.regs[i]);
    }
    log_register("SP", uc->uc_mcontext.sp);
    log_register("PC", uc->uc_mcontext.pc);
#else
    (void)context, (void)log_register;
    log_raw(LOG_WARNING_LEVEL, "(not known on this machine)\n");
#endif
}
