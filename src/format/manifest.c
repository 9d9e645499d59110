/* SPDX-License-Identifier: BSD-3-Clause */
/* A line is words in pairs, key and value: "file NAME seq N type T", any order, unknown pairs
 * ignored, a repeated key's last value counts. Words are split at blanks; "..." with the escapes
 * \n \r \t \a \b \xHH and \c for any c, and '...' with \', quote one. */
#include "format/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc64.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "base/quote.h"

/* A comment to others: CRC64 of what stands before it, the last line. */
#define SUM_MARK "#HF:sum "
enum { SUM_LINE = sizeof SUM_MARK - 1 + 16 };

/* ---- lists ---- */

static void list_must_hold(const struct manifest_list *list)
{
    must(list->files || list->count == 0);
    must(list->count == 0 || list->files[list->count - 1].name);
}

/* Increments ascend: the first and the last tell it well enough to look each time. */
static void manifest_must_hold(const struct manifest *m)
{
    const struct manifest_list *incr = &m->incr;
    list_must_hold(incr);
    list_must_hold(&m->history);
    must(incr->count < 2 || incr->files[0].seq < incr->files[incr->count - 1].seq);
    must(!m->base.name || m->base.seq > 0);
    must(!m->base.name || m->base.size >= -1);
}

/* A copy, with a name of its own. */
static struct manifest_file copy_of(const struct manifest_file *file)
{
    must(file->name);
    struct manifest_file copy = *file;
    copy.name = mem_strdup(file->name);
    return copy;
}

static struct manifest_file named(const char *name, int64_t seq)
{
    must(seq > 0);
    return (struct manifest_file){.name = mem_strdup(name), .seq = seq, .size = -1};
}

/* Takes the file's name over. */
static void list_insert(struct manifest_list *list, size_t at, struct manifest_file file)
{
    must(at <= list->count);
    list->files = mem_realloc(list->files, (list->count + 1) * sizeof *list->files);
    memmove(list->files + at + 1, list->files + at, (list->count - at) * sizeof *list->files);
    list->files[at] = file;
    list->count++;
    list_must_hold(list);
}

static void list_free(struct manifest_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->files[i].name);
    mem_free(list->files);
    *list = (struct manifest_list){0};
}

void manifest_free(struct manifest *m)
{
    mem_free(m->base.name);
    list_free(&m->incr);
    list_free(&m->history);
    *m = (struct manifest){0};
}

static void list_copy(struct manifest_list *to, const struct manifest_list *from)
{
    for (size_t i = 0; i < from->count; i++)
        list_insert(to, i, copy_of(&from->files[i]));
}

void manifest_copy(struct manifest *to, const struct manifest *from)
{
    must(to != from);
    *to = (struct manifest){0};
    if (from->base.name)
        to->base = copy_of(&from->base);
    list_copy(&to->incr, &from->incr);
    list_copy(&to->history, &from->history);
    must(to->incr.count == from->incr.count && to->history.count == from->history.count);
    manifest_must_hold(to);
}

static int64_t newest(const struct manifest_list *list)
{
    int64_t seq = 0;
    for (size_t i = 0; i < list->count; i++)
        seq = list->files[i].seq > seq ? list->files[i].seq : seq;
    return seq;
}

/* History holds bases and increments under one type, so both numbers stay above all of it. */
int64_t manifest_next_base(const struct manifest *m)
{
    int64_t seq = newest(&m->history);
    if (m->base.name && m->base.seq > seq)
        seq = m->base.seq;
    must(seq >= 0);
    return seq < INT64_MAX ? seq + 1 : 0;
}

int64_t manifest_next_incr(const struct manifest *m)
{
    int64_t live = newest(&m->incr), old = newest(&m->history);
    int64_t seq = live > old ? live : old;
    must(seq >= 0);
    return seq < INT64_MAX ? seq + 1 : 0;
}

static char *numbered(const char *stem, int64_t seq, const char *suffix)
{
    char number[NUM_I64_TEXT];
    must(seq > 0);
    num_format_i64(number, seq);
    struct buf name = {0};
    buf_printf(&name, "%s.%s%s", stem, number, suffix);
    buf_cstr(&name);
    char *copy = mem_strdup(name.data);
    buf_free(&name);
    return copy;
}

char *manifest_base_name(const char *stem, int64_t seq, bool rdb)
{
    return numbered(stem, seq, rdb ? ".base.rdb" : ".base.aof");
}

char *manifest_incr_name(const char *stem, int64_t seq)
{
    return numbered(stem, seq, ".incr.aof");
}

void manifest_add_incr(struct manifest *m, const char *name, int64_t seq)
{
    must(m->incr.count == 0 || m->incr.files[m->incr.count - 1].seq < seq);
    list_insert(&m->incr, m->incr.count, named(name, seq));
    manifest_must_hold(m);
}

void manifest_set_base(struct manifest *m, const char *name, int64_t seq)
{
    if (m->base.name)
        list_insert(&m->history, 0, m->base);
    m->base = named(name, seq);
    manifest_must_hold(m);
}

void manifest_retire_incr(struct manifest *m, size_t keep)
{
    struct manifest_list *incr = &m->incr;
    size_t retire = incr->count > keep ? incr->count - keep : 0;
    for (size_t i = 0; i < retire; i++)
        list_insert(&m->history, 0, incr->files[i]);
    if (retire)
        memmove(incr->files, incr->files + retire, (incr->count - retire) * sizeof *incr->files);
    incr->count -= retire;
    must(incr->count <= keep);
    manifest_must_hold(m);
}

void manifest_drop_history(struct manifest *m)
{
    list_free(&m->history);
}

static void list_forget(struct manifest_list *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->files[i].name, name) != 0)
            continue;
        mem_free(l->files[i].name);
        l->count--;
        memmove(l->files + i, l->files + i + 1, (l->count - i) * sizeof *l->files);
        return;
    }
}

void manifest_forget_history(struct manifest *m, const char *name)
{
    must(name);
    list_forget(&m->history, name);
}

void manifest_forget_part(struct manifest *m, const char *name)
{
    must(name);
    if (m->base.name && strcmp(m->base.name, name) == 0) {
        mem_free(m->base.name);
        m->base = (struct manifest_file){0};
    }
    list_forget(&m->incr, name);
}

static bool each_is_plain(struct manifest_file *files, size_t count, bool make)
{
    bool plain = true;
    for (size_t i = 0; i < count; i++) {
        plain = plain && files[i].id == 0 && files[i].size < 0 && files[i].from == 0;
        if (make) {
            files[i].id = 0;
            files[i].size = -1;
            files[i].from = 0;
        }
    }
    return plain;
}

void manifest_make_plain(struct manifest *m)
{
    each_is_plain(&m->base, m->base.name != NULL, true);
    each_is_plain(m->incr.files, m->incr.count, true);
    each_is_plain(m->history.files, m->history.count, true);
    must(manifest_is_plain(m));
}

bool manifest_is_plain(const struct manifest *m)
{
    struct manifest_file base = m->base;
    return each_is_plain(&base, base.name != NULL, false) &&
           each_is_plain(m->incr.files, m->incr.count, false) &&
           each_is_plain(m->history.files, m->history.count, false);
}

/* ---- words ---- */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The quoted text that begins at s.data[*i]; false when it does not end. */
static bool quoted(struct slice s, size_t *i, struct buf *word)
{
    const char *at = s.data + *i, *end = s.data + s.len;
    char *to = buf_reserve(word, s.len - *i);
    bool ends = quote_take(&at, end, &to);
    word->len = (size_t)(to - word->data);
    must(word->len <= word->cap); /* an escape is no shorter than what it stands for */
    must(at <= end);
    *i = (size_t)(at - s.data);
    return ends && (at == end || blank(*at)); /* nothing may touch its end */
}

/* 1 and *word, 0 at the end of s, -1 for quotes that do not close. */
static int next_word(struct slice s, size_t *i, struct buf *word)
{
    buf_clear(word);
    while (*i < s.len && blank(s.data[*i]))
        (*i)++;
    if (*i == s.len)
        return 0;
    while (*i < s.len && !blank(s.data[*i])) {
        if (s.data[*i] == '"' || s.data[*i] == '\'')
            return quoted(s, i, word) ? 1 : -1;
        buf_byte(word, (uint8_t)s.data[(*i)++]);
    }
    must(*i <= s.len && word->len > 0);
    return 1;
}

/* ---- lines ---- */

enum { ID_DIGITS = 16 };

struct line {
    struct buf file, word;
    int64_t seq, size, from;
    uint64_t id;
    char type;
    bool has_file;
    int words;
    const char *bad;
};

static void take_pair(struct line *l, struct slice name, struct slice value)
{
    if (slice_eq_nocase(name, "file")) {
        l->has_file = true;
        buf_clear(&l->file);
        buf_add(&l->file, value);
    } else if (slice_eq_nocase(name, "seq")) {
        if (!num_parse_i64(value, &l->seq) || l->seq < 1)
            l->bad = "the sequence number is not a positive number";
    } else if (slice_eq_nocase(name, "type")) {
        l->type = value.len ? value.data[0] : '\0';
    } else if (slice_eq_nocase(name, "id")) {
        if (value.len != ID_DIGITS || !num_parse_hex(value, &l->id) || l->id == 0)
            l->bad = "the id is not a number of 16 hexadecimal digits";
    } else if (slice_eq_nocase(name, "size")) {
        if (!num_parse_i64(value, &l->size) || l->size < 0)
            l->bad = "the size is not a number of bytes";
    } else if (slice_eq_nocase(name, "from")) {
        if (!num_parse_i64(value, &l->from) || l->from < 1)
            l->bad = "the increment that a base begins with is not a positive number";
    }
}

static void split_line(struct line *l, struct slice text)
{
    size_t at = 0;
    int got;
    struct buf name = {0};
    while ((got = next_word(text, &at, &l->word)) > 0) {
        if (l->words++ % 2)
            take_pair(l, buf_slice(&name), buf_slice(&l->word));
        else {
            buf_clear(&name);
            buf_add(&name, buf_slice(&l->word));
        }
    }
    buf_free(&name);
    if (got < 0)
        l->bad = "unbalanced quotes";
    else if (l->words < 6 || l->words % 2)
        l->bad = l->words ? "not \"file NAME seq N type T\"" : "a blank line";
}

static const char *check_line(const struct line *l)
{
    struct slice name = buf_slice(&l->file);
    if (l->bad)
        return l->bad;
    if (!l->has_file || name.len == 0)
        return "no file name";
    if (memchr(name.data, '/', name.len) || memchr(name.data, '\\', name.len))
        return "the file name can't be a path, just a filename";
    if (memchr(name.data, '\0', name.len))
        return "a zero byte in the file name";
    if (l->seq == 0)
        return "no sequence number";
    return NULL;
}

static bool list_has(const struct manifest_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->files[i].name, name) == 0)
            return true;
    return false;
}

bool manifest_names(const struct manifest *m, const char *name)
{
    return (m->base.name && strcmp(m->base.name, name) == 0) || list_has(&m->incr, name) ||
           list_has(&m->history, name);
}

static const char *add_line(struct manifest *m, struct line *l)
{
    const char *bad = check_line(l);
    if (bad)
        return bad;
    buf_cstr(&l->file);
    must(strlen(l->file.data) == l->file.len); /* check_line: no zero byte in it */
    must(l->seq > 0 && l->size >= -1);
    const struct manifest_file file = {l->file.data, l->seq, l->id, l->size, l->from};
    struct manifest_list *incr = &m->incr;
    if (manifest_names(m, file.name))
        return "the file is named twice";
    switch (l->type) {
    case 'b':
        if (m->base.name)
            return "a second base file";
        m->base = copy_of(&file);
        return NULL;
    case 'h':
        list_insert(&m->history, m->history.count, copy_of(&file));
        return NULL;
    case 'i':
        if (incr->count && incr->files[incr->count - 1].seq >= l->seq)
            return "the sequence numbers of increments do not ascend";
        list_insert(incr, incr->count, copy_of(&file));
        return NULL;
    default:
        return "unknown type of file";
    }
}

static const char *parse_line(struct manifest *m, struct slice text)
{
    struct line l = {.size = -1};
    if (text.len + 1 > MANIFEST_LINE_MAX)
        return "the line is too long";
    if (memchr(text.data, '\0', text.len))
        return "a zero byte";
    split_line(&l, text);
    const char *bad = add_line(m, &l);
    buf_free(&l.file);
    buf_free(&l.word);
    return bad;
}

/* A turned bit can make an increment history, which is deleted: the names, numbers and sizes of the
 * files can't tell that. */
static void check_sum(struct slice text, struct fault *f)
{
    static const char mark[] = SUM_MARK;
    for (size_t at = 0; at < text.len; at++) {
        struct slice line = slice_from(text, at);
        const char *end = memchr(line.data, '\n', line.len);
        size_t len = end ? (size_t)(end - line.data) : line.len;
        uint64_t said;
        if (len > sizeof mark - 1 && memcmp(line.data, mark, sizeof mark - 1) == 0 &&
            (!num_parse_hex(slice(line.data + sizeof mark - 1, len - (sizeof mark - 1)), &said) ||
             len != SUM_LINE || said != crc64(0, text.data, at) || at + len + 1 != text.len)) {
            fault_set(f, FAULT_FORMAT,
                      "AOF manifest: the checksum is wrong: it is damaged, or it was changed by "
                      "hand (then remove the line %.*s too)", (int)sizeof mark - 2, mark);
            return;
        }
        at += len;
        must(at <= text.len);
    }
}

bool manifest_parse(struct manifest *m, struct slice text, struct fault *f)
{
    must(!m->base.name && m->incr.count == 0 && m->history.count == 0);
    if (text.len == 0)
        fault_set(f, FAULT_FORMAT, "Found an empty AOF manifest");
    check_sum(text, f);
    for (unsigned line = 1; text.len > 0 && !fault_is(f); line++) {
        const char *end = memchr(text.data, '\n', text.len);
        const char *bad = NULL;
        size_t len = end ? (size_t)(end - text.data) : text.len;
        if (!end)
            bad = "the line does not end, or is too long";
        else if (text.data[0] != '#')
            bad = parse_line(m, slice(text.data, len));
        if (bad)
            fault_set(f, FAULT_FORMAT, "AOF manifest, line %u: %s", line, bad);
        text = slice_from(text, len + 1);
    }
    manifest_must_hold(m);
    return !fault_is(f);
}

/* ---- printing ---- */

static void print_name(struct buf *out, const char *name)
{
    if (!*name || quote_plain(slice_str(name)))
        buf_add(out, slice_str(name));
    else
        quote_put(out, slice_str(name), true);
}

static void print_file(struct buf *out, const struct manifest_file *file, char type)
{
    must(file->seq > 0);
    buf_printf(out, "file ");
    print_name(out, file->name);
    buf_printf(out, " seq %lld type %c", (long long)file->seq, type);
    if (file->id)
        buf_printf(out, " id %016llx", (unsigned long long)file->id);
    if (file->size >= 0)
        buf_printf(out, " size %lld", (long long)file->size);
    if (file->from > 0)
        buf_printf(out, " from %lld", (long long)file->from);
    buf_byte(out, '\n');
}

/* Without the pairs the text stays as older servers write it. */
static bool tells_ids(const struct manifest *m)
{
    bool told = m->base.name && m->base.id;
    for (size_t i = 0; i < m->incr.count; i++)
        told = told || m->incr.files[i].id;
    return told;
}

void manifest_print(const struct manifest *m, struct buf *out)
{
    manifest_must_hold(m);
    must(out->len == 0 || !tells_ids(m)); /* the checksum is of all of the text */
    if (!m->base.name && m->history.count + m->incr.count == 0 && out->len == 0)
        buf_printf(out, "# no files\n");
    if (m->base.name)
        print_file(out, &m->base, 'b');
    for (size_t i = 0; i < m->history.count; i++)
        print_file(out, &m->history.files[i], 'h');
    for (size_t i = 0; i < m->incr.count; i++)
        print_file(out, &m->incr.files[i], 'i');
    if (tells_ids(m))
        buf_printf(out, SUM_MARK "%016llx\n", (unsigned long long)crc64(0, out->data, out->len));
}
