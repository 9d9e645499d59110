/* SPDX-License-Identifier: BSD-3-Clause */
/* BITFIELD and BITFIELD_RO: all operations are read from the arguments first, so that an error in
 * the last one leaves everything as it was; then they run one after the other.
 *
 * A field's bits are taken from the text byte by byte, the highest first:
 *
 *   byte     |........|........|........|
 *   field       ^offset ------------^ offset + bits */
#include "base/buf.h"
#include "base/must.h"
#include "commands/bits.h"
#include "commands/cmd_bitmap.h"
#include "server/notify.h"
#include "server/reply.h"

enum { BYTE_BITS = 8 };
enum kind { FIELD_GET, FIELD_SET, FIELD_INCR };
enum overflow { OVER_WRAP, OVER_SAT, OVER_FAIL };

struct field {
    enum kind kind;
    enum overflow overflow;
    bool is_signed;
    unsigned bits;
    uint64_t offset;
    int64_t value;
};

struct plan {
    struct buf fields;  /* of struct field */
    enum overflow overflow;
    bool writes;
    uint64_t write_end; /* bytes the text needs for what is written */
};

/* ---- arguments ---- */

static bool parse_type(struct ctx *c, int i, struct field *f)
{
    struct slice text = c->argv[i];
    int64_t bits;
    f->is_signed = text.len && text.data[0] == 'i';
    int64_t most = f->is_signed ? 64 : 63;
    if (text.len > 1 && (f->is_signed || text.data[0] == 'u') &&
        num_parse_i64(slice_from(text, 1), &bits) && bits >= 1 && bits <= most) {
        f->bits = (unsigned)bits;
        return true;
    }
    reply_error(c, "ERR Invalid bitfield type. Use something like i16 u8. "
                   "Note that u64 is not supported but i64 is.");
    return false;
}

static bool parse_overflow(struct ctx *c, int i, struct plan *p)
{
    static const char *const words[] = {"wrap", "sat", "fail"};
    for (int way = 0; way < 3; way++) {
        if (ctx_arg_is(c, i, words[way])) {
            p->overflow = (enum overflow)way;
            return true;
        }
    }
    reply_error(c, "ERR Invalid OVERFLOW type specified");
    return false;
}

/* The operation at argument *i, which moves to its last word. False after an error. */
static bool parse_field(struct ctx *c, int *i, struct plan *p)
{
    struct field f = {.overflow = p->overflow};
    int left = c->argc - *i - 1;
    if (ctx_arg_is(c, *i, "overflow") && left >= 1)
        return parse_overflow(c, ++*i, p);
    if (ctx_arg_is(c, *i, "get") && left >= 2) {
        f.kind = FIELD_GET;
    } else if (ctx_arg_is(c, *i, "set") && left >= 3) {
        f.kind = FIELD_SET;
    } else if (ctx_arg_is(c, *i, "incrby") && left >= 3) {
        f.kind = FIELD_INCR;
    } else {
        reply_syntax(c);
        return false;
    }
    if (!parse_type(c, *i + 1, &f) || !bits_arg_offset(c, *i + 2, f.bits, &f.offset))
        return false;
    if (f.kind != FIELD_GET && !ctx_arg_i64(c, *i + 3, &f.value))
        return false;
    if (f.kind != FIELD_GET) {
        /* As elsewhere, a field that begins in the last byte allowed may end in the 8 behind it. */
        uint64_t end = (f.offset + f.bits - 1) / BYTE_BITS + 1;
        p->writes = true;
        p->write_end = end > p->write_end ? end : p->write_end;
    }
    *i += f.kind == FIELD_GET ? 2 : 3;
    buf_append(&p->fields, &f, sizeof f);
    return true;
}

static bool parse(struct ctx *c, struct plan *p)
{
    for (int i = 2; i < c->argc; i++)
        if (!parse_field(c, &i, p))
            return false;
    return true;
}

/* ---- bits of a text ---- */

/* How many of the field's bits, from bit done on, lie in one byte, and how far from its end. */
static unsigned run_in_byte(const struct field *f, unsigned done, unsigned *shift)
{
    unsigned at = (unsigned)((f->offset + done) % BYTE_BITS), room = BYTE_BITS - at;
    unsigned n = f->bits - done < room ? f->bits - done : room;
    *shift = room - n;
    return n;
}

/* Beyond the text's end there are zeros. */
static uint64_t read_bits(struct slice text, const struct field *f)
{
    uint64_t value = 0;
    unsigned shift, n;
    for (unsigned done = 0; done < f->bits; done += n) {
        uint64_t byte = (f->offset + done) / BYTE_BITS;
        n = run_in_byte(f, done, &shift);
        unsigned bits = byte < text.len ? (uint8_t)text.data[byte] : 0;
        value = value << n | (bits >> shift & ((1u << n) - 1));
    }
    return value;
}

static void write_bits(uint8_t *text, const struct field *f, uint64_t value)
{
    unsigned shift, n;
    for (unsigned done = 0; done < f->bits; done += n) {
        uint8_t *byte = &text[(f->offset + done) / BYTE_BITS];
        n = run_in_byte(f, done, &shift);
        unsigned mask = ((1u << n) - 1) << shift;
        unsigned bits = (unsigned)(value >> (f->bits - done - n)) << shift & mask;
        *byte = (uint8_t)((*byte & ~mask) | bits);
    }
}

/* ---- values ---- */

typedef __int128 wide; /* holds every sum */

static int64_t max_of(const struct field *f)
{
    must(f->bits - f->is_signed <= 63);
    return (int64_t)((1ULL << (f->bits - f->is_signed)) - 1);
}

static wide min_of(const struct field *f)
{
    return f->is_signed ? -(wide)max_of(f) - 1 : 0;
}

/* The low bits, with their sign. */
static int64_t cut(const struct field *f, uint64_t value)
{
    must(f->bits >= 1 && f->bits <= 64);
    unsigned unused = 64 - f->bits;
    value <<= unused;
    return f->is_signed ? (int64_t)value >> unused : (int64_t)(value >> unused);
}

/* What the field is to hold; false when that overflows and must not be. */
static bool new_value(const struct field *f, int64_t old, int64_t *value)
{
    wide wanted = f->value;
    if (f->kind == FIELD_INCR)
        wanted += old;
    else if (!f->is_signed)
        wanted = (uint64_t)f->value; /* a negative number is a very large one */
    if (wanted >= min_of(f) && wanted <= max_of(f)) {
        *value = (int64_t)wanted;
        return true;
    }
    if (f->overflow == OVER_SAT)
        *value = wanted < 0 ? (int64_t)min_of(f) : max_of(f);
    else
        *value = cut(f, (uint64_t)wanted);
    must(*value >= min_of(f) && *value <= max_of(f));
    return f->overflow != OVER_FAIL;
}

/* ---- running ---- */

struct target {
    struct slice text; /* what it holds now */
    uint8_t *bytes;    /* the same, once it may be written; NULL before the first change */
    char scratch[NUM_I64_TEXT];
};

static void open_target(struct ctx *c, struct target *t, size_t len)
{
    len = len > t->text.len ? len : t->text.len;
    t->bytes = bits_open(c, c->argv[1], len);
    t->text = slice(t->bytes, len);
}

static void run_field(struct ctx *c, struct target *t, const struct field *f)
{
    int64_t old = cut(f, read_bits(t->text, f)), value;
    if (f->kind == FIELD_GET) {
        reply_int(c, old);
        return;
    }
    if (!new_value(f, old, &value)) {
        reply_null(c);
        return;
    }
    if (value != old) {
        if (!t->bytes)
            open_target(c, t, 0);
        must((f->offset + f->bits - 1) / BYTE_BITS < t->text.len);
        write_bits(t->bytes, f, (uint64_t)value);
        ctx_changed(c, 1);
    }
    reply_int(c, f->kind == FIELD_SET ? old : value);
}

static void run(struct ctx *c, const struct plan *p)
{
    const struct field *fields = (const struct field *)(const void *)p->fields.data;
    size_t n = p->fields.len / sizeof *fields;
    struct target t = {0};
    struct entry *e;
    must(n * sizeof *fields == p->fields.len);
    if (!(p->writes ? ctx_lookup_write : ctx_lookup)(c, c->argv[1], VALUE_STRING, &e))
        return;
    t.text = e ? entry_string(e, t.scratch) : SLICE_LIT("");
    uint64_t before = c->dirty;
    bool grows = p->writes && p->write_end > t.text.len;
    if (grows)
        open_target(c, &t, (size_t)p->write_end);
    reply_array(c, n);
    for (size_t i = 0; i < n; i++)
        run_field(c, &t, &fields[i]);
    if (grows && c->dirty == before)
        ctx_changed(c, 1); /* nothing but zeros behind its end: that must be logged, too */
    if (c->dirty != before)
        ctx_notify(c, NOTIFY_STRING, "setbit", c->argv[1]);
    else if (p->writes && entry_encoding(e) != ENC_RAW)
        db_string_as_raw(c->db, c->argv[1]); /* as SETBIT does */
}

static void bitfield_command(struct ctx *c, bool may_write)
{
    struct plan p = {0};
    if (parse(c, &p)) {
        if (p.writes && !may_write)
            reply_error(c, "ERR BITFIELD_RO only supports the GET subcommand");
        else
            run(c, &p);
    }
    buf_free(&p.fields);
}

void cmd_bitfield(struct ctx *c)
{
    bitfield_command(c, true);
}

void cmd_bitfield_ro(struct ctx *c)
{
    bitfield_command(c, false);
}

/* Only SET and INCRBY write. */
uint32_t bitfield_key_flags(int argc, const struct slice *argv, uint32_t flags)
{
    for (int i = 2; i < argc; i++)
        if (slice_eq_nocase(argv[i], "set") || slice_eq_nocase(argv[i], "incrby"))
            return flags;
    return KEY_RO | KEY_ACCESS;
}
