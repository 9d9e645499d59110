/* SPDX-License-Identifier: BSD-3-Clause */
/* Places are members of a sorted set, their hashes (base/geohash.h) the scores. GEOADD is the ZADD
 * it becomes, and is logged so. Searches are in cmd_geo_search.c. */
#include "commands/cmd_geo.h"

#include <math.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/num.h"
#include "commands/cmd_zset.h"
#include "commands/elements.h"
#include "server/reply.h"

/* ---- arguments ---- */

bool geo_arg_point(struct ctx *c, int i, struct geohash_point *p)
{
    if (!ctx_arg_double(c, i, &p->lon) || !ctx_arg_double(c, i + 1, &p->lat))
        return false;
    if (geohash_valid(*p))
        return true;
    reply_errorf(c, "ERR invalid longitude,latitude pair %f,%f", p->lon, p->lat);
    return false;
}

bool geo_arg_unit(struct ctx *c, int i, double *meters)
{
    static const struct {
        const char *word;
        double meters;
    } units[] = {{"m", 1}, {"km", 1000}, {"ft", 0.3048}, {"mi", 1609.34}};
    for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
        if (ctx_arg_is(c, i, units[k].word)) {
            *meters = units[k].meters;
            return true;
        }
    }
    reply_error(c, "ERR unsupported unit provided. please use M, KM, FT, MI");
    return false;
}

/* ---- numbers ---- */

static size_t put_digits(char *out, uint64_t n, int digits)
{
    for (int i = digits; i-- > 0; n /= 10)
        out[i] = (char)('0' + n % 10);
    must(n == 0);
    return (size_t)digits;
}

/* Four digits behind the point; of two texts as near as each other, as ten thousandths are counted
 * in a double, the even one. */
static size_t distance_text(char out[NUM_DOUBLE_TEXT], double distance)
{
    uint64_t n = (uint64_t)nearbyint(distance * 10000);
    size_t len = num_format_u64(out, n / 10000);
    out[len++] = '.';
    return len + put_digits(out + len, n % 10000, 4);
}

void geo_reply_distance(struct ctx *c, double distance)
{
    char text[NUM_DOUBLE_TEXT];
    must(distance >= 0);
    reply_bulk(c, slice(text, distance_text(text, distance)));
}

/* As num_format_long_double's 17 digits behind the point, but in whole numbers: a coordinate has at
 * most 8 bits before the point, and what lies behind is a 2^BITS-th part of so many. False: it has
 * finer parts. */
static bool coordinate_text(char out[NUM_DOUBLE_TEXT], double x, size_t *len)
{
    enum { BITS = 64 };
    static const uint64_t E17 = 100000000000000000;
    double whole, part = modf(fabs(x), &whole), scaled = ldexp(part, BITS);
    uint64_t parts = (uint64_t)scaled;
    must(whole <= GEOHASH_LON_MAX && part < 1);
    if ((double)parts != scaled)
        return false;
    unsigned __int128 product = (unsigned __int128)parts * E17;
    uint64_t digits = (uint64_t)(product >> BITS), rest = (uint64_t)product;
    uint64_t half = UINT64_C(1) << (BITS - 1);
    digits += rest > half || (rest == half && digits % 2);
    size_t n = 0;
    if (x < 0)
        out[n++] = '-';
    n += num_format_u64(out + n, (uint64_t)whole + digits / E17);
    out[n++] = '.';
    n += put_digits(out + n, digits % E17, 17);
    while (out[n - 1] == '0')
        n--;
    *len = out[n - 1] == '.' ? n - 1 : n;
    return digits || whole != 0;
}

static void reply_coordinate(struct ctx *c, double x)
{
    char text[NUM_DOUBLE_TEXT], any[NUM_LONG_DOUBLE_TEXT];
    size_t len;
    struct slice digits = slice(text, 0);
    if (coordinate_text(text, x, &len))
        digits.len = len;
    else
        digits = slice(any, num_format_long_double(any, (long double)x));
    if (c->resp != 3) {
        reply_bulk(c, digits);
        return;
    }
    reply_raw(c, SLICE_LIT(","));
    reply_raw(c, digits);
    reply_raw(c, SLICE_LIT("\r\n"));
}

void geo_reply_point(struct ctx *c, struct geohash_point p)
{
    reply_array(c, 2);
    reply_coordinate(c, p.lon);
    reply_coordinate(c, p.lat);
}

/* ---- GEOADD ---- */

/* ZADD's words: options and members are those of GEOADD, scores the texts of the hashes. */
struct zadd {
    struct buf words, texts;
};

static void add_word(struct zadd *z, struct slice word)
{
    buf_append(&z->words, &word, sizeof word);
}

/* False after an error. first: the first longitude */
static bool make_zadd(struct ctx *c, int first, struct zadd *z)
{
    size_t places = (size_t)(c->argc - first) / 3;
    char *text = buf_reserve(&z->texts, places * NUM_I64_TEXT); /* which then stays where it is */
    buf_reserve(&z->words, ((size_t)first + places * 2) * sizeof(struct slice));
    add_word(z, SLICE_LIT("ZADD"));
    for (int i = 1; i < first; i++)
        add_word(z, c->argv[i]);
    for (int i = first; i < c->argc; i += 3, text += NUM_I64_TEXT) {
        struct geohash_point p;
        if (!geo_arg_point(c, i, &p))
            return false;
        add_word(z, slice(text, num_format_u64(text, geohash_encode(p))));
        add_word(z, c->argv[i + 2]);
    }
    must(z->words.len == ((size_t)first + places * 2) * sizeof(struct slice));
    return true;
}

static void run_zadd(struct ctx *c, const struct zadd *z)
{
    const struct slice *given = c->argv;
    int given_count = c->argc;
    c->argv = (const struct slice *)(const void *)z->words.data;
    c->argc = (int)(z->words.len / sizeof *c->argv);
    must(c->argc >= 2 && c->argc < given_count);
    cmd_zadd(c);
    if (c->dirty)
        ctx_log_instead(c, c->argc, c->argv);
    c->argv = given; /* who observes the call is shown what was called */
    c->argc = given_count;
}

void cmd_geoadd(struct ctx *c)
{
    struct zadd z = {{0}, {0}};
    bool nx = false, xx = false;
    int first = 2;
    for (; first < c->argc; first++) {
        if (ctx_arg_is(c, first, "nx"))
            nx = true;
        else if (ctx_arg_is(c, first, "xx"))
            xx = true;
        else if (!ctx_arg_is(c, first, "ch"))
            break;
    }
    if (first == c->argc || (c->argc - first) % 3 || (nx && xx))
        reply_syntax(c);
    else if (make_zadd(c, first, &z))
        run_zadd(c, &z);
    buf_free(&z.words);
    buf_free(&z.texts);
}

/* ---- GEODIST, GEOHASH, GEOPOS ---- */

/* v.ptr NULL: there is no key */
static bool place_of(const struct val *v, struct slice member, struct geohash_point *p)
{
    double score;
    if (!v->ptr || !zset_score(v, member, &score))
        return false;
    *p = geohash_decode(geohash_of_score(score));
    return true;
}

void cmd_geodist(struct ctx *c)
{
    struct entry *e;
    struct val v;
    struct geohash_point a, b;
    double meters = 1;
    if (c->argc > 5) {
        reply_syntax(c);
        return;
    }
    if ((c->argc == 5 && !geo_arg_unit(c, 4, &meters)) || !collection_read(c, VALUE_ZSET, &e, &v))
        return;
    if (place_of(&v, c->argv[2], &a) && place_of(&v, c->argv[3], &b))
        geo_reply_distance(c, geohash_distance(a, b) / meters);
    else
        reply_null(c);
}

/* For each member from argv[2] on its place, or nothing in its stead. */
static void reply_places(struct ctx *c, void (*place)(struct ctx *c, struct geohash_point p),
                         void (*nothing)(struct ctx *c))
{
    struct entry *e;
    struct val v;
    if (!collection_read(c, VALUE_ZSET, &e, &v))
        return;
    must(c->argc >= 2); /* by its arity */
    reply_array(c, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++) {
        struct geohash_point p;
        if (place_of(&v, c->argv[i], &p))
            place(c, p);
        else
            nothing(c);
    }
}

static void reply_hash(struct ctx *c, struct geohash_point p)
{
    char text[GEOHASH_TEXT];
    geohash_text(p, text);
    reply_bulk(c, slice(text, sizeof text));
}

void cmd_geohash(struct ctx *c)
{
    reply_places(c, reply_hash, reply_null);
}

void cmd_geopos(struct ctx *c)
{
    reply_places(c, geo_reply_point, reply_null_array);
}
