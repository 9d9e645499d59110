/* SPDX-License-Identifier: BSD-3-Clause */
/* Every item begins with a line: a sign that tells its type, text, CR LF. Of three forms,
 *
 *   +OK\r\n  :7\r\n  ,1.5\r\n  #t\r\n     the line is all of it
 *   $<length>\r\n<bytes>\r\n              bytes follow it
 *   *<count>\r\n                          the items of its elements follow it
 *
 * Between calls only whole items have been given out, so a half one is begun anew, but for how far
 * its line was searched (seen) and, once its line is there, how many bytes it has (whole): neither
 * a byte at a time nor a large bulk in small pieces is quadratic.
 *
 * An element is counted off the aggregate it stands in when it begins, not when it ends: what is
 * open need not know whether it counts. An attribute does not. The aggregate it stands in lacks at
 * least the element that the attribute belongs to, so it stays open until that has come; at depth
 * 0, where nothing is counted, owner_due says as much.
 *
 * A line ends at the first LF, and CR must be in front of it. What numbers say is taken as the
 * description allows it (a plus, zeros in front); lengths and counts, on which all that follows
 * depends, only as servers write them. */
#include "format/reply_read.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"

/* LINE_FRAME: the bytes of a line that are not its text. */
enum { LINE_FRAME = 3, LINE_END = 2, LEFT_FIRST = 8, FORMAT_LEN = 3 };

void reply_open(struct reply_reader *r, const struct reply_limits *limits)
{
    must(limits->bulk_max >= 0 && limits->elements_max >= 0);
    memset(r, 0, sizeof *r);
    r->limits = *limits;
    if (!r->limits.depth)
        r->limits.depth = REPLY_DEPTH_MAX;
    if (!r->limits.bulk_max)
        r->limits.bulk_max = REPLY_BULK_MAX;
    if (!r->limits.elements_max)
        r->limits.elements_max = REPLY_ELEMENTS_MAX;
}

void reply_close(struct reply_reader *r)
{
    mem_free(r->left);
    r->left = NULL;
    r->depth = r->cap = 0;
}

static enum reply_got __attribute__((format(printf, 2, 3)))
bad(struct reply_reader *r, const char *format, ...)
{
    va_list ap;
    must(!r->error[0]);
    int len = snprintf(r->error, sizeof r->error, "Protocol error: ");
    va_start(ap, format);
    vsnprintf(r->error + len, sizeof r->error - (size_t)len, format, ap);
    va_end(ap);
    return REPLY_BAD;
}

/* ---- items that are a line ---- */
static bool made_of(struct slice text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++)
        if (!text.data[i] || !strchr(characters, text.data[i]))
            return false;
    return true;
}

static struct slice without_sign(struct slice number)
{
    bool has_sign = number.len && (*number.data == '-' || *number.data == '+');
    return has_sign ? slice_from(number, 1) : number;
}

/* An LF cannot be in it: the line would have ended there. */
static bool parse_text(struct slice line, struct reply_item *out)
{
    out->text = line;
    return !memchr(line.data, '\r', line.len);
}

static bool parse_integer(struct slice line, struct reply_item *out)
{
    struct slice digits = without_sign(line);
    bool minus = line.len && *line.data == '-';
    uint64_t n;
    while (digits.len > 1 && *digits.data == '0')
        digits = slice_from(digits, 1);
    if (!num_parse_u64(digits, &n) || n > (uint64_t)INT64_MAX + minus)
        return false;
    out->number = (int64_t)(minus ? 0 - n : n);
    return true;
}

static bool parse_null(struct slice line, struct reply_item *out)
{
    (void)out;
    return line.len == 0;
}

static bool parse_bool(struct slice line, struct reply_item *out)
{
    out->number = slice_eq_str(line, "t");
    return out->number || slice_eq_str(line, "f");
}

/* Servers print a NaN with the sign it happens to have. The characters leave out what the C
 * library reads beyond the description: hexadecimal, "infinity". */
static bool parse_double(struct slice line, struct reply_item *out)
{
    out->text = line;
    if (slice_eq_nocase(line, "nan") || slice_eq_nocase(line, "-nan")) {
        out->real = NAN;
        return true;
    }
    return made_of(line, "0123456789+-.eEinfINF") && num_parse_double(line, &out->real);
}

static bool parse_bignum(struct slice line, struct reply_item *out)
{
    out->text = line;
    return without_sign(line).len > 0 && made_of(without_sign(line), "0123456789");
}

/* ---- types ---- */
static const struct type {
    const char *name;          /* as errors call it; NULL: no type has this sign */
    enum reply_kind kind;
    enum reply_kind null;      /* kind of the one with the length -1; 0: none */
    unsigned per_count;        /* elements that one of its count stands for; 0: no aggregate */
    bool (*parse)(struct slice line, struct reply_item *out); /* NULL: a length or a count */
} types[] = {
    ['+'] = {.name = "status", .kind = REPLY_STATUS, .parse = parse_text},
    ['-'] = {.name = "error", .kind = REPLY_ERROR, .parse = parse_text},
    [':'] = {.name = "integer", .kind = REPLY_INT, .parse = parse_integer},
    ['_'] = {.name = "null", .kind = REPLY_NULL, .parse = parse_null},
    ['#'] = {.name = "boolean", .kind = REPLY_BOOL, .parse = parse_bool},
    [','] = {.name = "double", .kind = REPLY_DOUBLE, .parse = parse_double},
    ['('] = {.name = "big number", .kind = REPLY_BIGNUM, .parse = parse_bignum},
    ['$'] = {.name = "bulk string", .kind = REPLY_BULK, .null = REPLY_NULL},
    ['!'] = {.name = "bulk error", .kind = REPLY_ERROR},
    ['='] = {.name = "verbatim string", .kind = REPLY_VERBATIM},
    ['*'] = {.name = "array", .kind = REPLY_ARRAY, .null = REPLY_NULL_ARRAY, .per_count = 1},
    ['~'] = {.name = "set", .kind = REPLY_SET, .per_count = 1},
    ['>'] = {.name = "push", .kind = REPLY_PUSH, .per_count = 1},
    ['%'] = {.name = "map", .kind = REPLY_MAP, .per_count = 2},
    ['|'] = {.name = "attribute", .kind = REPLY_ATTRIBUTE, .per_count = 2},
};

static const struct type *find_type(char sign)
{
    unsigned char at = (unsigned char)sign;
    bool known = at < sizeof types / sizeof *types && types[at].name;
    return known ? &types[at] : NULL;
}

static enum reply_got unknown_type(struct reply_reader *r, char sign)
{
    if (sign > ' ' && sign <= '~')
        return bad(r, "unknown type '%c'", sign);
    return bad(r, "unknown type, byte 0x%02x", (unsigned char)sign);
}

/* ---- reading one ---- */
/* The text of the line that in, which is not empty, begins with. */
static enum reply_got find_line(struct reply_reader *r, struct slice in, struct slice *line)
{
    size_t window = in.len < REPLY_LINE_MAX ? in.len : REPLY_LINE_MAX;
    must(r->seen <= window);
    const char *end = memchr(in.data + r->seen, '\n', window - r->seen);
    if (!end) {
        r->seen = window;
        return window < REPLY_LINE_MAX ? REPLY_MORE : bad(r, "line over %d bytes", REPLY_LINE_MAX);
    }
    must(end > in.data); /* LF is no sign of a type */
    r->seen = 0;
    if (end[-1] != '\r')
        return bad(r, "LF without CR in front of it");
    *line = slice(in.data + 1, (size_t)(end - in.data) + 1 - LINE_FRAME);
    return REPLY_ITEM;
}

static enum reply_got read_length(struct reply_reader *r, const struct type *type,
                                  struct slice line, int64_t max, int64_t *out)
{
    if (slice_eq_str(line, "?"))
        return bad(r, "streamed %s, which is not supported", type->name);
    if (!num_parse_i64(line, out) || *out < 0)
        return bad(r, "invalid %s length", type->name);
    if (*out > max)
        return bad(r, "%s length over the limit of %lld", type->name, (long long)max);
    return REPLY_ITEM;
}

/* "txt:" in front of the text. */
static enum reply_got split_format(struct reply_reader *r, struct reply_item *out)
{
    if (out->text.len <= FORMAT_LEN || out->text.data[FORMAT_LEN] != ':')
        return bad(r, "verbatim string without a format");
    memcpy(out->format, out->text.data, FORMAT_LEN);
    out->text = slice_from(out->text, FORMAT_LEN + 1);
    return REPLY_ITEM;
}

static enum reply_got read_bulk(struct reply_reader *r, const struct type *type, struct slice in,
                                struct slice line, struct reply_item *out)
{
    int64_t length;
    enum reply_got got = read_length(r, type, line, r->limits.bulk_max, &length);
    if (got != REPLY_ITEM)
        return got;
    must(r->whole <= in.len);
    out->text = slice(in.data + r->whole, (size_t)length);
    r->whole += (size_t)length + LINE_END;
    if (in.len < r->whole)
        return REPLY_MORE;
    if (memcmp(out->text.data + length, "\r\n", LINE_END) != 0)
        return bad(r, "%s without CR LF at its end", type->name);
    return type->kind == REPLY_VERBATIM ? split_format(r, out) : REPLY_ITEM;
}

static enum reply_got read_aggregate(struct reply_reader *r, const struct type *type,
                                     struct slice line, struct reply_item *out)
{
    int64_t max = r->limits.elements_max / type->per_count;
    enum reply_got got = read_length(r, type, line, max, &out->number);
    if (got == REPLY_ITEM && r->depth == r->limits.depth)
        return bad(r, "aggregates nested deeper than %u", r->limits.depth);
    return got;
}

static enum reply_got read_item(struct reply_reader *r, const struct type *type, struct slice in,
                                struct slice line, struct reply_item *out)
{
    *out = (struct reply_item){.kind = type->kind, .depth = r->depth};
    r->whole = line.len + LINE_FRAME;
    if (type->parse)
        return type->parse(line, out) ? REPLY_ITEM : bad(r, "invalid %s", type->name);
    if (type->null && slice_eq_str(line, "-1")) {
        out->kind = type->null;
        return REPLY_ITEM;
    }
    return type->per_count ? read_aggregate(r, type, line, out)
                           : read_bulk(r, type, in, line, out);
}

/* ---- what is open ---- */
static void count_off(struct reply_reader *r, enum reply_kind kind)
{
    if (r->depth == 0) {
        r->owner_due = kind == REPLY_ATTRIBUTE;
    } else if (kind != REPLY_ATTRIBUTE) {
        must(r->left[r->depth - 1] > 0);
        r->left[r->depth - 1]--;
    }
}

/* Grows with how deep replies really are. */
static void open_aggregate(struct reply_reader *r, uint64_t elements)
{
    must(r->depth < r->limits.depth);
    if (r->depth == r->cap) {
        r->cap = r->cap ? r->cap * 2 : LEFT_FIRST;
        r->left = mem_realloc(r->left, r->cap * sizeof *r->left);
    }
    must(elements > 0);
    r->left[r->depth++] = elements;
}

static void close_full(struct reply_reader *r)
{
    while (r->depth > 0 && r->left[r->depth - 1] == 0)
        r->depth--;
}

enum reply_got reply_next(struct reply_reader *r, const char *data, size_t len,
                          struct reply_item *out)
{
    must(r->at <= len);
    if (r->error[0])
        return REPLY_BAD;
    if (r->at == len || len - r->at < r->whole)
        return REPLY_MORE;
    struct slice in = slice(data + r->at, len - r->at), line = {0};
    const struct type *type = find_type(*in.data);
    if (!type)
        return unknown_type(r, *in.data);
    enum reply_got got = find_line(r, in, &line);
    if (got == REPLY_ITEM)
        got = read_item(r, type, in, line, out);
    if (got != REPLY_ITEM)
        return got;
    must(r->whole <= in.len);
    r->at += r->whole;
    r->whole = 0;
    count_off(r, out->kind);
    if (type->per_count && out->number > 0)
        open_aggregate(r, (uint64_t)out->number * type->per_count);
    close_full(r);
    out->last = r->depth == 0 && !r->owner_due;
    must(r->depth <= r->cap && r->seen == 0);
    return REPLY_ITEM;
}

size_t reply_wanted(const struct reply_reader *r, size_t len)
{
    must(r->at <= len);
    size_t here = len - r->at;
    return r->whole > here ? r->whole - here : 0;
}
