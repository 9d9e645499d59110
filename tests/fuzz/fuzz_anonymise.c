/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: a file that may be an RDB, or a log, whole, damaged or none. Whatever it is, a copy of the
 * same size comes out; of an RDB as many keys are found in it, unless it is damaged. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/must.h"
#include "tests/fuzz/fuzz.h"
#include "tools/anon_log.h"
#include "tools/anon_rdb.h"

static const uint8_t secret[ANON_SECRET] = "a secret of ours";

static void as_rdb(struct anon *a, int fd, uint64_t size)
{
    struct rdb_image image = {.fd = fd, .end = size};
    struct anon_file work;
    bool ok = anon_file_copy(&work, fd, size);
    must(ok);
    struct anon_rdb x = {.a = a, .in = &image, .work = &work, .threads = 1};
    anon_rdb_run(&x);
    must(!fault_is(&work.fault) && work.size == size);
    must(x.same || x.holes);
    anon_rdb_free(&x);
    anon_file_close(&work);
    image_free(&image);
}

static void as_log(struct anon *a, int fd, uint64_t size)
{
    struct anon_file work;
    bool ok = anon_file_copy(&work, fd, size);
    must(ok);
    struct anon_log x = {.a = a, .in_fd = fd, .size = size, .work = &work};
    anon_log_run(&x);
    must(!fault_is(&work.fault) && work.size == size);
    anon_log_free(&x);
    anon_file_close(&work);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct anon a;
    if (size < 10)
        return 0;
    hash_init(&(uint64_t[2]){1, 2}[0]);
    anon_init(&a, secret);
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    if (data[0] == '*' || data[0] == '#')
        as_log(&a, fd, size);
    else
        as_rdb(&a, fd, size);
    close(fd);
    anon_free(&a);
    return 0;
}

void fuzz_seeds(void)
{
    static const char log[] = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$5\r\nhello\r\n"
                              "$5\r\nworld\r\n*4\r\n$4\r\nZADD\r\n"
                              "$1\r\nz\r\n$1\r\n1\r\n$1\r\nm\r\n";
    const char *shared = getenv("FIXTURES_SHARED");
    fuzz_add(log, sizeof log - 1);
    fuzz_add_path("fixtures/rdb");
    fuzz_add_path(shared ? shared : "../shared/fixtures");
}
