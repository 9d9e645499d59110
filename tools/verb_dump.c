/* SPDX-License-Identifier: BSD-3-Clause */
/* A data set as lines of JSON, or as commands. */
#include <inttypes.h>
#include <string.h>

#include "base/must.h"
#include "format/aof_write.h"
#include "tools/dataset.h"
#include "tools/dump_json.h"
#include "tools/key_filter.h"
#include "tools/out_file.h"
#include "tools/restore_write.h"
#include "tools/sift.h"
#include "tools/unsaid.h"
#include "tools/verbs.h"

struct dump {
    struct key_filter filter;
    const char *format;
    bool keys_only, aux, dump;
    uint64_t payload_version;
};

static const struct tool_option options[] = {
    TOOL_OPTION("--format", TEXT, "json|resp|restore", struct dump, format,
                "lines of JSON (default); commands; RESTORE commands"),
    KEY_FILTER_OPTIONS(struct dump, filter),
    TOOL_OPTION("--keys-only", FLAG, NULL, struct dump, keys_only, "JSON without values"),
    TOOL_OPTION("--aux", FLAG, NULL, struct dump, aux, "JSON with the file's AUX fields, too"),
    TOOL_OPTION("--payload", U64, "9|10|11", struct dump, payload_version,
                "version of RESTORE's payloads: 9 (5.0), 10 (7.0, default), 11 (7.2)"),
    TOOL_OPTION("--dump", FLAG, NULL, struct dump, dump,
                "of a data directory with both, its dump and not its log"),
    {0}};

enum format { FORMAT_JSON, FORMAT_RESP, FORMAT_RESTORE, FORMAT_UNKNOWN };
static enum format format_of(const struct dump *d)
{
    static const char *const names[] = {"json", "resp", "restore"};
    unsigned f = FORMAT_JSON;
    for (; d->format && f < FORMAT_UNKNOWN && strcmp(d->format, names[f]) != 0; f++)
        ;
    return (enum format)f;
}

struct writers {
    struct unsaid unsaid;
    struct dump_json json;
    struct aof_writer resp;
    struct restore_writer restore;
};

static struct sink *begin_writer(struct writers *w, enum format format, const struct dump *d,
                                 struct out *out)
{
    switch (format) {
    case FORMAT_JSON:
        dump_json_init(&w->json, out);
        w->json.keys_only = d->keys_only;
        w->json.aux = d->aux;
        return &w->json.sink;
    case FORMAT_RESP:
        aof_writer_init(&w->resp, out);
        return unsaid_begin(&w->unsaid, &w->resp.sink);
    default:
        restore_writer_init(&w->restore, out, d->payload_version ? (int)d->payload_version : 10);
        return restore_writer_sink(&w->restore);
    }
}

static bool end_writer(struct writers *w, enum format format, struct fault *f)
{
    bool ok = true;
    if (format == FORMAT_RESP) {
        ok = fault_is(f) || aof_writer_end(&w->resp);
        if (!ok)
            *f = w->resp.sink.fault;
        aof_writer_free(&w->resp);
        unsaid_end(&w->unsaid);
    } else if (format == FORMAT_JSON) {
        dump_json_free(&w->json);
    } else {
        restore_writer_free(&w->restore);
    }
    return ok;
}

/* What was written before a fault is there for who reads it: each line but the last is whole. */
static enum tool_exit write_all(struct tool *t, struct dump *d, enum format format,
                                struct dataset *set, struct out_file *o)
{
    struct writers w = {0};
    struct sift sift;
    struct fault f = {0}, late = {0};
    sift_init(&sift, &d->filter, begin_writer(&w, format, d, &o->out));
    sift.no_libraries = key_filter_picks(&d->filter);
    bool ok = dataset_read(set, &sift.pass.sink, &f);
    ok = end_writer(&w, format, &f) && ok;
    if (o->path && !ok)
        out_file_drop(o);
    else if (!out_file_end(o, &late) && ok)
        f = late;
    say_fields(&t->say, FIELDS(SAY_U64("keys", sift.taken), SAY_U64("left_out", sift.left_out),
                               SAY_U64("libraries_left_out", sift.libraries_left_out)),
               "%" PRIu64 " keys", sift.taken);
    enum tool_exit unsaid = format == FORMAT_RESP
                                ? unsaid_tell(&w.unsaid, t, "--format restore") : TOOL_GOOD;
    return tool_worse(fault_is(&f) ? tool_fault(t, &f) : set->worst, unsaid);
}

static const char *product_to(const struct tool *t, const void *state)
{
    (void)state;
    return t->output ? t->output : "-";
}

static int run(struct tool *t, void *state)
{
    struct dump *d = state;
    struct dataset set;
    struct out_file o;
    struct fault f = {0};
    enum format format = format_of(d);
    if (format == FORMAT_UNKNOWN)
        return tool_usage(t, "--format %s: json, resp or restore", d->format);
    if (d->payload_version && (d->payload_version < 9 || d->payload_version > 11))
        return tool_usage(t, "--payload %" PRIu64 ": 9, 10 or 11", d->payload_version);
    if (!key_filter_begin(&d->filter, t))
        return TOOL_FAILED;
    enum tool_exit code;
    const char *to = product_to(t, d);
    struct out_file_options opt = {.compression = compression_of_name(to)};
    if (!dataset_open(&set, t, t->args[0], &(struct dataset_options){.source.dump = d->dump}, &f)) {
        code = tool_fault(t, &f);
    } else {
        code = out_file_open(&o, to, &opt, &f) ? write_all(t, d, format, &set, &o)
                                             : tool_fault(t, &f);
        dataset_close(&set);
    }
    key_filter_end(&d->filter);
    return code;
}

const struct verb verb_dump = {
    .name = "dump",
    .does = "prints keys and values as lines of JSON, or as commands",
    .args = "FILE|DIR|HOST:PORT",
    .example = "  holdfast dump dump.rdb --match 'user:*'\n"
               "  holdfast dump /var/lib/redis --format resp | redis-cli --pipe\n"
               "  holdfast dump dump.rdb --type hash --output hashes.json.gz",
    .text = "A log with commands behind its base is read by a server for a moment, in a directory "
            "of its own:\nthat takes the memory of the data set, and up to four times the largest "
            "value while it is read.\n"
            "A running server is read by SCAN and DUMP: what changes meanwhile is as it was when "
            "it was read.\n"
            "Where keys are asked for by name, pattern, type, database, slot or expiry, no "
            "library of functions\ncomes along.\n"
            "Any server takes the commands of resp, but for HPEXPIREAT, which single fields of a "
            "hash that expire\nneed, and what a group of a stream holds of entries that were "
            "deleted, which no command can say (restore\ncan): where there are some, that is said, "
            "with their number (exit code 6).",
    .options = options,
    .state_size = sizeof(struct dump),
    .args_min = 1,
    .args_max = 1,
    .takes_output = true,
    .product_to = product_to,
    .run = run,
};
