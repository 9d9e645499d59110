/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver: every input of the corpus as it is, then mutations of random ones until the runs or
 * the seconds are used up. No coverage feedback: build with libFuzzer (and FUZZ_NO_MAIN) for that.
 *
 * Each input lies in a block of exactly its size, so that a sanitizer sees a read past it. The one
 * being run is kept in static storage and written out by whoever notices the end: the handlers of
 * fatal signals, of the alarm that finds hangs, or the sanitizer's death callback. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/rand.h"

enum { INPUT_MAX = 1 << 20, HANG_S = 60, DEFAULT_RUNS = 100000, DEFAULT_S = 10, BLOCK_MAX = 128 };

extern char *program_invocation_short_name;
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static struct {
    struct buf *inputs;
    size_t count, cap;
} corpus;

static struct {
    uint8_t data[INPUT_MAX];
    volatile size_t len;
    volatile bool running;
    char file[256];
} now;

/* ---- leaving a trace ---- */

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return;
}

static void keep_input(void)
{
    if (!now.running)
        return;
    now.running = false;
    int fd = open(now.file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, now.data, now.len) != (ssize_t)now.len) {
        say("the input could not be written\n");
        return;
    }
    close(fd);
    say("the input is in ");
    say(now.file);
    say("\n");
}

static void on_signal(int sig)
{
    if (sig == SIGALRM)
        say("an input took too long\n");
    keep_input();
    signal(sig == SIGALRM ? SIGABRT : sig, SIG_DFL);
    raise(sig == SIGALRM ? SIGABRT : sig);
}

static void catch_deaths(void)
{
    static const int plain[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    signal(SIGABRT, on_signal);
    signal(SIGALRM, on_signal);
    if (__sanitizer_set_death_callback) { /* it catches the others itself and tells more */
        __sanitizer_set_death_callback(keep_input);
        return;
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        signal(plain[i], on_signal);
}

/* ---- corpus ---- */

void fuzz_add(const void *data, size_t size)
{
    if (size > INPUT_MAX)
        size = INPUT_MAX;
    if (corpus.count == corpus.cap) {
        corpus.cap = corpus.cap ? corpus.cap * 2 : 64;
        corpus.inputs = mem_realloc(corpus.inputs, corpus.cap * sizeof *corpus.inputs);
    }
    struct buf *b = &corpus.inputs[corpus.count++];
    *b = (struct buf){0};
    buf_append(b, data, size);
}

static bool read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    size_t got;
    do {
        got = fread(buf_reserve(out, 65536), 1, 65536, f);
        out->len += got;
    } while (got);
    fclose(f);
    return true;
}

void fuzz_add_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return;
    struct buf b = {0};
    DIR *dir = S_ISDIR(st.st_mode) ? opendir(path) : NULL;
    if (dir) {
        for (struct dirent *e; (e = readdir(dir));) {
            if (e->d_name[0] == '.')
                continue;
            buf_clear(&b);
            buf_printf(&b, "%s/%s", path, e->d_name);
            fuzz_add_path(buf_cstr(&b));
        }
        closedir(dir);
    } else if (read_file(path, &b)) {
        fuzz_add(b.data, b.len);
    }
    buf_free(&b);
}

static void add_base64(const char *text, const char *end)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct buf out = {0};
    uint32_t bits = 0;
    int have = 0;
    for (; text < end; text++) {
        const char *at = *text ? strchr(alphabet, *text) : NULL;
        if (!at)
            break; /* '=' */
        bits = bits << 6 | (uint32_t)(at - alphabet);
        have += 6;
        if (have >= 8) {
            have -= 8;
            buf_byte(&out, (uint8_t)(bits >> have));
        }
    }
    fuzz_add(out.data, out.len);
    buf_free(&out);
}

void fuzz_add_base64(const char *jsonl_path, const char *member)
{
    struct buf b = {0}, name = {0};
    buf_printf(&name, "\"%s\"", member);
    if (read_file(jsonl_path, &b)) {
        for (const char *p = buf_cstr(&b); (p = strstr(p, buf_cstr(&name)));) {
            p += name.len;
            p += strspn(p, " ");
            if (*p != ':')
                continue;
            p++;
            p += strspn(p, " ");
            if (*p != '"')
                continue;
            p++;
            add_base64(p, p + strcspn(p, "\""));
        }
    }
    buf_free(&b);
    buf_free(&name);
}

/* ---- mutations: all work on now.data, now.len ---- */

static size_t some(size_t up_to)
{
    return (size_t)rand_below(up_to);
}

/* A place and a length of at most BLOCK_MAX within the input, which is not empty. */
static size_t some_block(size_t *len)
{
    size_t at = some(now.len), most = now.len - at;
    *len = 1 + some(most < BLOCK_MAX ? most : BLOCK_MAX);
    return at;
}

static void insert_bytes(size_t at, const uint8_t *bytes, size_t len)
{
    if (len > INPUT_MAX - now.len)
        len = INPUT_MAX - now.len;
    memmove(now.data + at + len, now.data + at, now.len - at);
    memcpy(now.data + at, bytes, len);
    now.len += len;
}

static void insert_block(void)
{
    uint8_t block[BLOCK_MAX];
    size_t len = 1 + some(BLOCK_MAX);
    if (now.len && some(2)) {
        size_t from = some_block(&len);
        memcpy(block, now.data + from, len);
    } else {
        bool one_byte = some(2);
        memset(block, (int)some(256), len);
        for (size_t i = 0; i < len && !one_byte; i++)
            block[i] = (uint8_t)rand_u64();
    }
    insert_bytes(some(now.len + 1), block, len);
}

static void splice_other(void)
{
    const struct buf *other = &corpus.inputs[some(corpus.count)];
    if (!other->len)
        return;
    size_t from = some(other->len), at = some(now.len + 1);
    size_t len = other->len - from < INPUT_MAX - at ? other->len - from : INPUT_MAX - at;
    memcpy(now.data + at, other->data + from, len);
    now.len = at + len;
}

static void set_integer(void)
{
    static const uint64_t values[] = {0,          1,          0x7f,       0x80,       0xff,
                                      0x100,      0x3fff,     0x4000,     0x7fff,     0x8000,
                                      0xffff,     0x10000,    0xffffff,   0x7fffffff, 0x80000000u,
                                      0xffffffffu, 0x7fffffffffffffffu, 0x8000000000000000u,
                                      0xffffffffffffffffu, 0xfffffffffffffffeu};
    uint64_t value = values[some(sizeof values / sizeof *values)];
    size_t width = (size_t)1 << some(4);
    if (width > now.len)
        return;
    uint8_t *p = now.data + some(now.len - width + 1), bytes[8];
    switch (some(3)) {
    case 0: /* near what is there */
        store_le64(bytes, value);
        p[0] = (uint8_t)(p[0] + some(9) - 4);
        return;
    case 1:
        store_le64(bytes, value);
        memcpy(p, bytes, width);
        return;
    default:
        store_be64(bytes, value);
        memcpy(p, bytes + 8 - width, width);
    }
}

static void mutate(void)
{
    size_t len = 0, at = now.len ? some_block(&len) : 0;
    switch (now.len ? some(9) : 0) {
    case 0:
        insert_block();
        break;
    case 1:
    case 2:
        now.data[at] ^= (uint8_t)(1u << some(8));
        break;
    case 3:
        now.data[at] = (uint8_t)rand_u64();
        break;
    case 4:
        now.len = at;
        break;
    case 5:
        memmove(now.data + at, now.data + at + len, now.len - at - len);
        now.len -= len;
        break;
    case 6:
        memmove(now.data + some(now.len - len + 1), now.data + at, len);
        break;
    case 7:
        splice_other();
        break;
    default:
        set_integer();
    }
}

/* ---- running ---- */

static void run_input(void)
{
    uint8_t *exact = mem_alloc(now.len + !now.len);
    memcpy(exact, now.data, now.len);
    alarm(HANG_S);
    now.running = true;
    LLVMFuzzerTestOneInput(exact, now.len);
    now.running = false;
    mem_free(exact);
}

static void load_input(size_t i)
{
    now.len = corpus.inputs[i].len;
    if (now.len)
        memcpy(now.data, corpus.inputs[i].data, now.len);
}

#ifndef FUZZ_NO_MAIN
static _Noreturn void usage(void)
{
    fprintf(stderr, "usage: %s [-s seconds] [-n runs] [-S seed] [FILE or DIRECTORY ...]\n",
            program_invocation_short_name);
    exit(2);
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    uint64_t seed = 0, runs = 0, done = 0;
    double seconds = 0;
    rand_secure(&seed, sizeof seed);
    for (int option; (option = getopt(argc, argv, "s:n:S:")) != -1;) {
        if (option == 's')
            seconds = strtod(optarg, NULL);
        else if (option == 'n')
            runs = strtoull(optarg, NULL, 10);
        else if (option == 'S')
            seed = strtoull(optarg, NULL, 10);
        else
            usage();
    }
    if (runs == 0 && seconds == 0) {
        runs = DEFAULT_RUNS;
        seconds = DEFAULT_S;
    }
    snprintf(now.file, sizeof now.file, "crash-%s", program_invocation_short_name);
    setvbuf(stdout, NULL, _IOLBF, 0);
    mem_thread_enter();
    fuzz_seeds();
    for (; optind < argc; optind++)
        fuzz_add_path(argv[optind]);
    if (corpus.count == 0)
        fuzz_add("", 0);
    printf("%s: seed %llu, %zu inputs\n", program_invocation_short_name, (unsigned long long)seed,
           corpus.count);
    rand_seed(seed);
    catch_deaths();
    double end = seconds_now() + (seconds > 0 ? seconds : 1e9);
    for (size_t i = 0; i < corpus.count; i++, done++) {
        load_input(i);
        run_input();
    }
    for (; (!runs || done < runs) && (done % 16 || seconds_now() < end); done++) {
        load_input(some(corpus.count));
        for (size_t n = 1 + some(some(8) ? 3 : 16); n; n--)
            mutate();
        run_input();
    }
    printf("%llu runs\n1 passed, 0 failed\n", (unsigned long long)done);
    return 0;
}
#endif
