/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/say.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/must.h"
#include "base/num.h"

enum { SPILL_BYTES = 1 << 20 };

/* ---- JSON ---- */

/* The length of the UTF-8 character that s begins with; 0: none. */
static size_t utf8_length(struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.data;
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (p[0] < 0xc2 || p[0] > 0xf4 || s.len < n)
        return 0;
    uint32_t code = p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code < 0xe000;
    return code < least[n] || code > 0x10ffff || surrogate ? 0 : n;
}

static bool is_utf8(struct slice s)
{
    for (size_t n; s.len; s = slice_from(s, n))
        if (!(n = utf8_length(s)))
            return false;
    return true;
}

static void json_char(struct buf *to, unsigned char c)
{
    static const char names[] = "\b\t\n\f\r", letters[] = "btnfr", digits[] = "0123456789abcdef";
    const char *named = c ? strchr(names, c) : NULL;
    if (c == '"' || c == '\\' || named) {
        char two[] = {'\\', named ? letters[named - names] : (char)c};
        buf_append(to, two, sizeof two);
    } else {
        char six[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
        buf_append(to, six, sizeof six);
    }
}

/* Bytes that stand as they are: printable ASCII but two. */
static size_t plain_run(struct slice s)
{
    size_t n = 0;
    while (n < s.len && (unsigned char)s.data[n] >= ' ' && (unsigned char)s.data[n] < 0x7f &&
           s.data[n] != '"' && s.data[n] != '\\')
        n++;
    return n;
}

static void json_string(struct buf *to, struct slice s)
{
    buf_byte(to, '"');
    for (size_t n; s.len; s = slice_from(s, n)) {
        n = plain_run(s);
        if (n > 0) {
            buf_append(to, s.data, n);
        } else if ((n = utf8_length(s)) == 0) {
            buf_append(to, "\xef\xbf\xbd", 3); /* U+FFFD in place of a byte that is none */
            n = 1;
        } else if (n == 1) {
            json_char(to, (unsigned char)s.data[0]);
        } else {
            buf_append(to, s.data, n);
        }
    }
    buf_byte(to, '"');
}

void json_base64(struct buf *to, struct slice s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)s.data;
    for (size_t i = 0; i < s.len; i += 3) {
        size_t n = s.len - i < 3 ? s.len - i : 3;
        uint32_t v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                     (n > 2 ? p[i + 2] : 0);
        char four[] = {digits[v >> 18], digits[v >> 12 & 63], n > 1 ? digits[v >> 6 & 63] : '=',
                       n > 2 ? digits[v & 63] : '='};
        buf_append(to, four, 4);
    }
}

void json_bytes(struct buf *to, struct slice bytes)
{
    if (is_utf8(bytes)) {
        json_string(to, bytes);
        return;
    }
    buf_printf(to, "{\"base64\":\"");
    json_base64(to, bytes);
    buf_printf(to, "\"}");
}

/* NULL: null; what is no UTF-8 is replaced. */
static void json_text(struct buf *to, const char *text)
{
    if (text)
        json_string(to, slice_str(text));
    else
        buf_printf(to, "null");
}

const char *say_time(char out[SAY_TIME_TEXT], int64_t unix_ms)
{
    time_t s = (time_t)(unix_ms / 1000);
    struct tm tm;
    if (unix_ms < 0 || !gmtime_r(&s, &tm))
        return "an unknown time";
    size_t n = strftime(out, SAY_TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, SAY_TIME_TEXT - n, ".%03dZ", (int)(unix_ms % 1000));
    return out;
}

static void json_value(struct buf *to, const struct say_field *f)
{
    char time[SAY_TIME_TEXT], number[NUM_DOUBLE_TEXT];
    switch (f->kind) {
    case SAY_KIND_U64: buf_printf(to, "%" PRIu64, f->u); break;
    case SAY_KIND_I64: buf_printf(to, "%" PRId64, f->i); break;
    case SAY_KIND_DOUBLE:
        if (isfinite(f->d))
            buf_append(to, number, num_format_double(number, f->d));
        else
            buf_printf(to, "null");
        break;
    case SAY_KIND_BOOL: buf_printf(to, "%s", f->u ? "true" : "false"); break;
    case SAY_KIND_TEXT: json_text(to, f->text); break;
    case SAY_KIND_BYTES: json_bytes(to, f->bytes); break;
    case SAY_KIND_TIME: json_text(to, f->i < 0 ? NULL : say_time(time, f->i)); break;
    case SAY_KIND_JSON: buf_add(to, f->bytes); break;
    case SAY_KIND_NULL: case SAY_END: buf_printf(to, "null"); break;
    }
}

static void json_fields(struct buf *to, const struct say_field *fields, bool comma)
{
    for (; fields->kind != SAY_END; fields++, comma = true) {
        if (comma)
            buf_byte(to, ',');
        json_text(to, fields->name);
        buf_byte(to, ':');
        json_value(to, fields);
    }
}

/* ---- text ---- */

const char *say_text(struct buf *hold, struct slice bytes, size_t max)
{
    buf_clear(hold);
    for (size_t i = 0; i < bytes.len && hold->len < max; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        if (c < ' ' || c >= 0x7f || c == '\\')
            buf_printf(hold, c == '\\' ? "\\\\" : "\\x%02x", c);
        else
            buf_byte(hold, c);
        if (hold->len >= max && i + 1 < bytes.len)
            buf_printf(hold, "...");
    }
    return buf_cstr(hold);
}

/* The length of what s begins with, if a terminal only shows it: 0, it may do something. */
static size_t shown(struct slice s)
{
    unsigned char c = (unsigned char)s.data[0];
    size_t n = utf8_length(s);
    bool c1 = n == 2 && c == 0xc2 && (unsigned char)s.data[1] < 0xa0;
    return (c < ' ' && c != '\t') || c == 0x7f || c1 ? 0 : n;
}

void say_print(FILE *to, struct slice text)
{
    for (size_t n; text.len; text = slice_from(text, n)) {
        n = shown(text);
        if (n) {
            fwrite(text.data, 1, n, to);
            continue;
        }
        fprintf(to, "\\x%02x", (unsigned char)text.data[0]);
        n = 1;
    }
}

static void print_line(struct say *s, const char *format, va_list ap)
{
    struct buf line = {0};
    if (s->json || s->quiet || !format || !*format)
        return;
    buf_vprintf(&line, format, ap);
    say_print(s->to, buf_slice(&line));
    putc('\n', s->to);
    buf_free(&line);
}

void say_escape(struct buf *text)
{
    struct buf plain = {0};
    say_text(&plain, buf_slice(text), SIZE_MAX);
    buf_clear(text);
    buf_add(text, buf_slice(&plain));
    buf_free(&plain);
}

void say_line(struct say *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    print_line(s, format, ap);
    va_end(ap);
}

/* ---- the object ---- */

void say_begin(struct say *s, FILE *to, bool json, bool quiet, const char *verb)
{
    *s = (struct say){.to = to, .json = json, .quiet = quiet, .verb = verb};
}

void say_free(struct say *s)
{
    buf_free(&s->fields);
    for (size_t i = 0; i < SAY_LISTS; i++) {
        buf_free(&s->lists[i].buf);
        if (s->lists[i].spilled)
            fclose(s->lists[i].spilled);
    }
}

void say_fields(struct say *s, const struct say_field *fields, const char *format, ...)
{
    va_list ap;
    must(!s->ended);
    if (s->json)
        json_fields(&s->fields, fields, true);
    va_start(ap, format);
    print_line(s, format, ap);
    va_end(ap);
}

static struct say_list_of *list_named(struct say *s, const char *name)
{
    for (size_t i = 0; i < SAY_LISTS; i++) {
        struct say_list_of *l = &s->lists[i];
        if (!l->name)
            l->name = name;
        if (strcmp(l->name, name) == 0)
            return l;
    }
    must(!"more lists than SAY_LISTS");
    return NULL;
}

void say_list(struct say *s, const char *list)
{
    must(!s->ended);
    list_named(s, list);
}

/* What does not fit in memory goes to a file; when there is no room for that either, the answer
 * would not be whole: better none. */
static void spill(struct say_list_of *l)
{
    if (!l->spilled)
        l->spilled = tmpfile();
    if (!l->spilled || fwrite(l->buf.data, 1, l->buf.len, l->spilled) != l->buf.len) {
        fprintf(stderr, "No room for a temporary file: %s\n", strerror(errno));
        exit(2);
    }
    buf_clear(&l->buf);
}

void say_row(struct say *s, const char *list, const struct say_field *fields, const char *format,
             ...)
{
    va_list ap;
    must(!s->ended);
    if (s->json) {
        struct say_list_of *l = list_named(s, list);
        buf_printf(&l->buf, l->rows++ ? ",\n{" : "\n{");
        json_fields(&l->buf, fields, false);
        buf_byte(&l->buf, '}');
        if (l->buf.len > SPILL_BYTES)
            spill(l);
    }
    va_start(ap, format);
    print_line(s, format, ap);
    va_end(ap);
}

static void print_list(struct say *s, struct say_list_of *l)
{
    char part[4096];
    size_t n;
    fprintf(s->to, ",\n\"%s\":[", l->name);
    if (l->spilled) {
        rewind(l->spilled);
        while ((n = fread(part, 1, sizeof part, l->spilled)) > 0)
            fwrite(part, 1, n, s->to);
    }
    if (l->buf.len)
        fwrite(l->buf.data, 1, l->buf.len, s->to);
    putc(']', s->to);
}

void say_end(struct say *s, const char *result, int exit_code)
{
    must(!s->ended);
    s->ended = true;
    if (s->json) {
        fprintf(s->to, "{\"schema\":%d,\"verb\":\"%s\",\"result\":\"%s\",\"exit\":%d", SAY_SCHEMA,
                s->verb, result, exit_code);
        if (s->fields.len)
            fwrite(s->fields.data, 1, s->fields.len, s->to);
        for (size_t i = 0; i < SAY_LISTS && s->lists[i].name; i++)
            print_list(s, &s->lists[i]);
        fputs("}\n", s->to);
    }
    fflush(s->to);
}
