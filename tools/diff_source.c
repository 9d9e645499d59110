/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/diff_source.h"

#include <string.h>

#include "format/rdb_write.h"
#include "os/file.h"
#include "tools/sift.h"
#include "tools/temp_file.h"

static int write_fd(void *arg, const void *from, size_t n)
{
    return file_write_all(*(int *)arg, from, n, NULL);
}

static bool copy_live(struct dataset *d, const struct key_filter *filter, int fd, struct fault *f)
{
    struct out out;
    struct rdb_writer w;
    struct sift sift;
    out_init_callback(&out, write_fd, &fd, 0);
    rdb_writer_init(&w, &out, &(struct rdb_write_options){.compress = true});
    rdb_writer_begin(&w);
    sift_init(&sift, filter, &w.sink);
    bool ok = dataset_read(d, &sift.pass.sink, f);
    if (ok && !rdb_writer_end(&w)) {
        *f = w.sink.fault;
        ok = false;
    }
    rdb_writer_free(&w);
    out_free(&out);
    return ok;
}

static bool keep_live(struct dataset *d, const struct key_filter *filter, struct fault *f)
{
    int fd = temp_file(f);
    if (fd < 0)
        return false;
    if (!copy_live(d, filter, fd, f)) {
        file_close(fd);
        return false;
    }
    live_close(d->live);
    d->live = NULL;
    d->input = (struct input){.name = d->name, .fd = fd, .seekable = true,
                              .size = (uint64_t)file_size(fd)};
    d->input.file_size = d->input.size;
    d->has_input = true;
    input_rewind(&d->input);
    return true;
}

bool diff_source_open(struct dataset *d, struct tool *t, const char *word, bool dump,
                      const struct key_filter *filter, struct fault *f)
{
    struct dataset_options opt = {.source.dump = dump, .again = true};
    if (!dataset_open(d, t, word, &opt, f))
        return false;
    if (!d->live || keep_live(d, filter, f))
        return true;
    dataset_close(d);
    return false;
}
