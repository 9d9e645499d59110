/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/machine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/mem_test.h"
#include "base/must.h"
#include "base/num.h"
#include "os/system_check.h"

int check_system_main(void)
{
    struct buf why = {0};
    int warnings = 0;
    for (const struct system_check *check = system_checks(); check->name; check++) {
        printf("[%s]...", check->name);
        fflush(stdout);
        buf_clear(&why);
        enum system_state state = check->look(&why);
        must((state == SYSTEM_WARNING) == (why.len > 0));
        warnings += state == SYSTEM_WARNING;
        if (state == SYSTEM_WARNING)
            printf("WARNING:\n%s\n", buf_cstr(&why));
        else
            puts(state == SYSTEM_OK ? "OK" : "skipped");
    }
    buf_free(&why);
    return warnings > 0;
}

/* One pattern, there and back. False: the memory is not sound. */
static bool one_test(volatile uint64_t *words, size_t count, enum mem_test kind, unsigned pass)
{
    size_t first = 0;
    printf(" %s", mem_test_name(kind));
    fflush(stdout);
    mem_test_fill(words, count, kind, pass);
    size_t bad = mem_test_check(words, count, kind, pass, &first);
    if (!bad)
        return true;
    printf("\n\n*** MEMORY ERROR DETECTED: %zu of %zu words are not what was written, the first at "
           "%p holds %016" PRIx64 "\n", bad, count, (void *)(uintptr_t)(words + first),
           words[first]);
    return false;
}

static bool all_tests(volatile uint64_t *words, size_t count, unsigned passes)
{
    for (unsigned pass = 1; pass <= passes; pass++) {
        printf("Pass %u of %u:", pass, passes);
        for (int kind = 0; kind < MEM_TESTS; kind++)
            if (!one_test(words, count, (enum mem_test)kind, pass))
                return false;
        puts(" ok");
    }
    return true;
}

static bool number(const char *text, int64_t most, int64_t *to)
{
    return num_parse_i64(slice_str(text), to) && *to >= 1 && *to <= most;
}

int test_memory_main(int argc, char **argv)
{
    enum { PASSES = 50, MB_MOST = 1 << 24, PASSES_MOST = 1 << 20 };
    int64_t mb, passes = PASSES;
    if (argc < 1 || argc > 2 || !number(argv[0], MB_MOST, &mb) ||
        (argc == 2 && !number(argv[1], PASSES_MOST, &passes))) {
        fputs("Please specify the amount of memory to test in megabytes, and, if you like, how "
              "many passes:\nredis-server --test-memory 4096 10\n", stderr);
        return 1;
    }
    size_t size = (size_t)mb << 20;
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        fprintf(stderr, "Unable to allocate %" PRId64 " megabytes: %s\n", mb, strerror(errno));
        return 1;
    }
    printf("Testing %" PRId64 " megabytes\n", mb);
    bool sound = all_tests(at, size / sizeof(uint64_t), (unsigned)passes);
    munmap(at, size);
    if (sound)
        puts("\nYour memory passed this test. What it does not show is memory that fails now and "
             "then, or when it is hot: let it run for hours, over most of the memory.");
    return !sound;
}
