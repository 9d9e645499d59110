/* SPDX-License-Identifier: BSD-3-Clause */
/* The file "backup" (backup.h). */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "base/quote.h"
#include "base/sha.h"
#include "tools/backup.h"

enum { VERSION = 1, WORDS_MAX = 16, SUM_DIGITS = 64 };
static const char *const kinds[] = {"base", "incr", "manifest", "dump"};

void backup_free(struct backup *b)
{
    for (size_t i = 0; i < b->count; i++)
        mem_free(b->files[i].name);
    mem_free(b->files);
    mem_free(b->name);
    mem_free(b->server);
    mem_free(b->source);
    *b = (struct backup){0};
}

struct backup_file *backup_add_file(struct backup *b, const char *name, enum backup_file_kind kind)
{
    b->files = mem_realloc(b->files, (b->count + 1) * sizeof *b->files);
    b->files[b->count] = (struct backup_file){.name = mem_strdup(name), .kind = kind};
    return &b->files[b->count++];
}

const struct backup_file *backup_file_named(const struct backup *b, const char *name)
{
    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->files[i].name, name) == 0)
            return &b->files[i];
    return NULL;
}

/* ---- writing ---- */

static void put_text(struct buf *out, const char *word, const char *text)
{
    struct slice s = slice_str(text && *text ? text : "-");
    buf_printf(out, "%s ", word);
    if (quote_plain(s))
        buf_add(out, s);
    else
        quote_put(out, s, false);
    buf_byte(out, '\n');
}

static void put_file(struct buf *out, const struct backup_file *f)
{
    struct slice name = slice_str(f->name);
    buf_printf(out, "file ");
    if (quote_plain(name))
        buf_add(out, name);
    else
        quote_put(out, name, false);
    buf_printf(out, " kind %s size %" PRIu64 " stored %" PRIu64 " sha256 %s\n", kinds[f->kind],
               f->size, f->stored, f->sha256);
}

void backup_print(const struct backup *b, struct buf *out)
{
    char sum[SUM_DIGITS + 1];
    must(out->len == 0);
    buf_printf(out, "holdfast-backup %d\nkind %s\n", VERSION, b->is_dump ? "dump" : "log");
    put_text(out, "server", b->server);
    put_text(out, "source", b->source);
    put_text(out, "log-id", b->log_id);
    put_text(out, "position", b->position);
    buf_printf(out, "begun %" PRId64 "\nended %" PRId64 "\ntimes %" PRId64 " %" PRId64 "\n",
               b->begun_ms, b->ended_ms, b->first_ms, b->last_ms);
    buf_printf(out, "keys %" PRIu64 "\ncommands %" PRIu64 "\n", b->keys, b->commands);
    put_text(out, "base-digest", b->base_digest);
    put_text(out, "state-digest", b->state_digest);
    put_text(out, "compression", compression_name(b->compression));
    for (size_t i = 0; i < b->count; i++)
        put_file(out, &b->files[i]);
    sha256_hex(buf_slice(out), sum);
    buf_printf(out, "sum %s\n", sum);
}

/* ---- reading ---- */

static bool take_text(struct slice word, char *to, size_t room)
{
    if (slice_eq_str(word, "-"))
        word.len = 0;
    if (word.len >= room || (word.len && memchr(word.data, '\0', word.len)))
        return false;
    memcpy(to, word.data, word.len);
    to[word.len] = '\0';
    return true;
}

static bool take_string(struct slice word, char **to)
{
    struct buf text = {0};
    if (*to || memchr(word.data, '\0', word.len))
        return false;
    buf_add(&text, word);
    *to = mem_strdup(buf_cstr(&text));
    buf_free(&text);
    return true;
}

static bool take_hex(struct slice word, size_t digits, char *to, bool may_lack)
{
    if (may_lack && slice_eq_str(word, "-")) {
        *to = '\0';
        return true;
    }
    for (size_t i = 0; i < word.len; i++)
        if (num_hex_digit(word.data[i]) < 0)
            return false;
    return word.len == digits && take_text(word, to, digits + 1);
}

/* Below the backup's own directory, and nothing else: no way up, no way to the root. */
static bool name_is_inside(struct slice name)
{
    if (!name.len || name.len > 1024 || name.data[0] == '/' || memchr(name.data, '\0', name.len))
        return false;
    for (struct slice rest = name; rest.len;) {
        const char *slash = memchr(rest.data, '/', rest.len);
        struct slice part = slice(rest.data, slash ? (size_t)(slash - rest.data) : rest.len);
        if (!part.len || slice_eq_str(part, ".") || slice_eq_str(part, ".."))
            return false;
        rest = slice_from(rest, part.len + (slash != NULL));
    }
    return true;
}

/* file NAME kind K size N stored N sha256 H */
static bool take_file(struct backup *b, const struct slice *w, int n)
{
    struct buf name = {0};
    unsigned kind = 0;
    if (n != 10 || !name_is_inside(w[1]) || !slice_eq_str(w[2], "kind") ||
        !slice_eq_str(w[4], "size") || !slice_eq_str(w[6], "stored") ||
        !slice_eq_str(w[8], "sha256"))
        return false;
    while (kind < 4 && !slice_eq_str(w[3], kinds[kind]))
        kind++;
    struct backup_file f = {.kind = (enum backup_file_kind)kind};
    if (kind == 4 || !num_parse_u64(w[5], &f.size) || !num_parse_u64(w[7], &f.stored) ||
        !take_hex(w[9], SUM_DIGITS, f.sha256, false))
        return false;
    buf_add(&name, w[1]);
    bool twice = backup_file_named(b, buf_cstr(&name)) != NULL;
    if (!twice) {
        struct backup_file *to = backup_add_file(b, buf_cstr(&name), f.kind);
        f.name = to->name;
        *to = f;
    }
    buf_free(&name);
    return !twice;
}

static bool take_figures(struct backup *b, const struct slice *w, int n)
{
    if (n == 3 && slice_eq_str(w[0], "times"))
        return num_parse_i64(w[1], &b->first_ms) && num_parse_i64(w[2], &b->last_ms);
    if (n != 2)
        return false;
    if (slice_eq_str(w[0], "begun"))
        return num_parse_i64(w[1], &b->begun_ms);
    if (slice_eq_str(w[0], "ended"))
        return num_parse_i64(w[1], &b->ended_ms);
    if (slice_eq_str(w[0], "keys"))
        return num_parse_u64(w[1], &b->keys);
    if (slice_eq_str(w[0], "commands"))
        return num_parse_u64(w[1], &b->commands);
    if (slice_eq_str(w[0], "base-digest"))
        return take_hex(w[1], DIGEST_DIGITS, b->base_digest, true);
    if (slice_eq_str(w[0], "state-digest"))
        return take_hex(w[1], DIGEST_DIGITS, b->state_digest, true);
    return false;
}

static bool take_line(struct backup *b, const struct slice *w, int n)
{
    if (n > 1 && slice_eq_str(w[0], "file"))
        return take_file(b, w, n);
    if (n == 2 && slice_eq_str(w[0], "kind")) {
        b->is_dump = slice_eq_str(w[1], "dump");
        return b->is_dump || slice_eq_str(w[1], "log");
    }
    if (n == 2 && slice_eq_str(w[0], "server"))
        return take_string(w[1], &b->server);
    if (n == 2 && slice_eq_str(w[0], "source"))
        return take_string(w[1], &b->source);
    if (n == 2 && slice_eq_str(w[0], "log-id"))
        return take_hex(w[1], 16, b->log_id, true);
    if (n == 2 && slice_eq_str(w[0], "position"))
        return take_text(w[1], b->position, sizeof b->position);
    if (n == 2 && slice_eq_str(w[0], "compression"))
        return compression_called(w[1], &b->compression);
    return take_figures(b, w, n);
}

/* The lines without the last one, which is their sum. */
static bool check_sum(struct slice text, struct slice *lines, struct fault *f)
{
    enum { SUM_LINE = 4 + SUM_DIGITS + 1 };
    char sum[SUM_DIGITS + 1];
    if (text.len < SUM_LINE || memcmp(text.data + text.len - SUM_LINE, "sum ", 4) != 0 ||
        text.data[text.len - 1] != '\n') {
        fault_set(f, FAULT_EOF, "The file \"backup\" does not end with its sum");
        return false;
    }
    *lines = slice(text.data, text.len - SUM_LINE);
    sha256_hex(*lines, sum);
    if (memcmp(sum, text.data + text.len - SUM_LINE + 4, SUM_DIGITS) == 0)
        return true;
    fault_set(f, FAULT_CRC, "The file \"backup\" is not what was written: its sum differs");
    return false;
}

static bool version_known(struct slice *lines, struct fault *f)
{
    static const char head[] = "holdfast-backup ";
    const char *end = lines->len ? memchr(lines->data, '\n', lines->len) : NULL;
    uint64_t version;
    size_t n = sizeof head - 1;
    if (!end || (size_t)(end - lines->data) < n || memcmp(lines->data, head, n) != 0 ||
        !num_parse_u64(slice(lines->data + n, (size_t)(end - lines->data) - n), &version)) {
        fault_set(f, FAULT_FORMAT, "This is no file \"backup\"");
        return false;
    }
    *lines = slice_from(*lines, (size_t)(end - lines->data) + 1);
    if (version != VERSION)
        fault_set(f, FAULT_VERSION, "A backup of version %" PRIu64, version);
    return version == VERSION;
}

bool backup_parse(struct backup *b, struct slice text, struct fault *f)
{
    struct slice lines, words[WORDS_MAX];
    struct buf line = {0};
    int number = 1;
    *b = (struct backup){.first_ms = -1, .last_ms = -1};
    if (!check_sum(text, &lines, f) || !version_known(&lines, f))
        return false;
    while (lines.len && !fault_is(f)) {
        const char *end = memchr(lines.data, '\n', lines.len);
        size_t n = end ? (size_t)(end - lines.data) : lines.len;
        buf_clear(&line);
        buf_append(&line, lines.data, n);
        buf_cstr(&line);
        lines = slice_from(lines, n + (end != NULL));
        number++;
        int count = quote_split(line.data, line.len, words, WORDS_MAX);
        if (count < 1 || count > WORDS_MAX || !take_line(b, words, count))
            fault_set(f, FAULT_FORMAT, "Line %d of the file \"backup\" can't be read", number);
    }
    buf_free(&line);
    if (!fault_is(f) && b->count == 0)
        fault_set(f, FAULT_FORMAT, "The file \"backup\" names no file");
    if (fault_is(f))
        backup_free(b);
    return !fault_is(f);
}
