/* SPDX-License-Identifier: BSD-3-Clause */
/* Distances are haversines on a sphere of radius EARTH; what is outside for sure is told by cheaper
 * sums first, with a margin far above their rounding.
 *
 * A cover looks at a grid whose cells are about as large as the shape, so that the cell of the
 * center and the eight around it hold it: first by a rule of thumb, that halves cells from the size
 * of the world down to that of the shape, then, if an outer edge of the nine lies inside the
 * shape's bounds, with a grid once coarser. Cells that lie out of bounds are left out.
 *
 * Those bounds are a rule of thumb, too: they forget that meridians meet. So the exact bounds are
 * taken in the end, and what cells of the grid they touch that are not there yet is added. */
#include "base/geohash.h"

#include <math.h>
#include <string.h>

#include "base/must.h"

enum { STEPS = 26, COARSE = 3 };
static const double EARTH = 6372797.560856;     /* metres */
static const double HALF_AROUND = 20037726.37;  /* metres of equator in a map's half */
static const double MARGIN = 1e-9;              /* relative; rounding is below 1e-14 */

static double radians(double degrees)
{
    return degrees * (M_PI / 180);
}

static double degrees(double r)
{
    return r / (M_PI / 180);
}

static double sane(double x, double most)
{
    return x < -most ? -most : x > most ? most : x;
}

/* ---- hashes ---- */

bool geohash_valid(struct geohash_point p)
{
    return p.lon >= -GEOHASH_LON_MAX && p.lon <= GEOHASH_LON_MAX && p.lat >= -GEOHASH_LAT_MAX &&
           p.lat <= GEOHASH_LAT_MAX;
}

/* Each bit to twice its place. */
static uint64_t spread(uint64_t x)
{
    x = (x | x << 16) & 0x0000ffff0000ffff;
    x = (x | x << 8) & 0x00ff00ff00ff00ff;
    x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
    x = (x | x << 2) & 0x3333333333333333;
    return (x | x << 1) & 0x5555555555555555;
}

/* The even bits. */
static uint32_t gather(uint64_t x)
{
    x &= 0x5555555555555555;
    x = (x | x >> 1) & 0x3333333333333333;
    x = (x | x >> 2) & 0x0f0f0f0f0f0f0f0f;
    x = (x | x >> 4) & 0x00ff00ff00ff00ff;
    x = (x | x >> 8) & 0x0000ffff0000ffff;
    return (uint32_t)(x | x >> 16);
}

static uint64_t interleave(uint64_t column, uint64_t row)
{
    return spread(column) << 1 | spread(row);
}

/* Where x lies from -most to most, in cells of a grid of 2^steps. */
static double in_cells(double x, double most, int steps)
{
    return (x + most) / (most + most) * (double)(UINT64_C(1) << steps);
}

/* The lower edge of a cell, as a coordinate. */
static double edge(uint32_t cell, double most, int steps)
{
    return -most + (double)cell / (double)(UINT64_C(1) << steps) * (most + most);
}

uint64_t geohash_encode(struct geohash_point p)
{
    must(geohash_valid(p));
    return interleave((uint32_t)in_cells(p.lon, GEOHASH_LON_MAX, STEPS),
                      (uint32_t)in_cells(p.lat, GEOHASH_LAT_MAX, STEPS));
}

static double middle(uint32_t cell, double most)
{
    double low = edge(cell, most, STEPS);
    double high = -most + ((double)cell + 1) / (double)(1 << STEPS) * (most + most);
    return sane((low + high) / 2, most);
}

struct geohash_point geohash_decode(uint64_t hash)
{
    return (struct geohash_point){middle(gather(hash >> 1), GEOHASH_LON_MAX),
                                  middle(gather(hash), GEOHASH_LAT_MAX)};
}

uint64_t geohash_of_score(double score)
{
    if (score >= 0x1p63)
        return score < 0x1p64 ? (uint64_t)score : 0;
    return score > -0x1p63 ? (uint64_t)(int64_t)score : UINT64_C(1) << 63;
}

void geohash_text(struct geohash_point p, char out[GEOHASH_TEXT])
{
    static const char alphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    enum { BITS = 52, EACH = 5 };
    must(geohash_valid(p));
    uint64_t hash = interleave((uint32_t)in_cells(p.lon, 180, STEPS),
                               (uint32_t)in_cells(p.lat, 90, STEPS));
    for (int i = 0; i < GEOHASH_TEXT - 1; i++)
        out[i] = alphabet[hash >> (BITS - EACH * (i + 1)) & 31];
    out[GEOHASH_TEXT - 1] = alphabet[0];
}

/* ---- distances ---- */

/* Along a meridian; latitudes in radians. */
static double lat_distance(double a, double b)
{
    return EARTH * fabs(a - b);
}

/* Half the chord between two places of a sphere of radius 1, squared. */
static double half_chord(double lat, double cos_lat, double other, double cos_other,
                         double half_lon)
{
    double u = sin((other - lat) / 2);
    return u * u + cos_lat * cos_other * half_lon * half_lon;
}

/* Between opposite places, sums that are rounded may come to more than 1. */
static double arc(double half_chord_squared)
{
    double half = sqrt(half_chord_squared);
    return 2.0 * EARTH * asin(half < 1 ? half : 1);
}

double geohash_distance(struct geohash_point a, struct geohash_point b)
{
    double lat = radians(a.lat), other = radians(b.lat);
    double half_lon = sin((radians(b.lon) - radians(a.lon)) / 2);
    if (half_lon == 0)
        return lat_distance(lat, other);
    return arc(half_chord(lat, cos(lat), other, cos(other), half_lon));
}

/* ---- shapes ---- */

static void set_center(struct geohash_shape *s, struct geohash_point center, double most)
{
    must(geohash_valid(center));
    s->center = center;
    s->lon = radians(center.lon);
    s->lat = radians(center.lat);
    s->cos_lat = cos(s->lat);
    s->lat_most = most / EARTH * (1 + MARGIN);
}

void geohash_circle(struct geohash_shape *s, struct geohash_point center, double radius)
{
    must(radius >= 0);
    *s = (struct geohash_shape){.radius = radius};
    set_center(s, center, radius);
    double half = radius / EARTH / 2;
    double chord = half < M_PI / 2 ? sin(half) : 2;
    s->half_chord_most = chord * chord * (1 + MARGIN);
}

void geohash_box(struct geohash_shape *s, struct geohash_point center, double width, double height)
{
    must(width >= 0 && height >= 0);
    *s = (struct geohash_shape){.box = true, .width = width, .height = height};
    set_center(s, center, height / 2);
}

static bool in_circle(const struct geohash_shape *s, struct geohash_point p, double *distance)
{
    double lat = radians(p.lat);
    if (fabs(lat - s->lat) > s->lat_most)
        return false;
    double half_lon = sin((radians(p.lon) - s->lon) / 2);
    if (half_lon == 0) {
        *distance = lat_distance(s->lat, lat);
    } else {
        double chord = half_chord(s->lat, s->cos_lat, lat, cos(lat), half_lon);
        if (chord > s->half_chord_most)
            return false;
        *distance = arc(chord);
    }
    return *distance <= s->radius;
}

/* Two distances share their sums; that along the parallel has no part by latitude. */
static bool in_box(const struct geohash_shape *s, struct geohash_point p, double *distance)
{
    double lat = radians(p.lat);
    if (lat_distance(lat, s->lat) > s->height / 2)
        return false;
    double half_lon = sin((radians(p.lon) - s->lon) / 2);
    if (half_lon == 0) {
        *distance = lat_distance(s->lat, lat);
        return true;
    }
    double cos_lat = cos(lat);
    if (arc(half_chord(lat, cos_lat, lat, cos_lat, half_lon)) > s->width / 2)
        return false;
    *distance = arc(half_chord(s->lat, s->cos_lat, lat, cos_lat, half_lon));
    return true;
}

bool geohash_within(const struct geohash_shape *s, struct geohash_point p, double *distance)
{
    return s->box ? in_box(s, p, distance) : in_circle(s, p, distance);
}

/* ---- covers ---- */

struct bounds {
    double lon, lat; /* degrees to each side of the center */
};

/* As long as a degree of longitude were nowhere shorter than at the edge that is nearer to a pole;
 * negative when that lies behind it. */
static struct bounds rough_bounds(const struct geohash_shape *s)
{
    double half_width = s->box ? s->width / 2 : s->radius;
    double half_height = s->box ? s->height / 2 : s->radius;
    double lat = degrees(half_height / EARTH);
    double shortest = cos(radians(fabs(s->center.lat) + lat));
    return (struct bounds){degrees(half_width / EARTH / shortest), lat};
}

/* Longitude of what touches a meridian; in a box at the latitude where that is the most. */
static double exact_lon(const struct geohash_shape *s, double lat)
{
    double most = fabs(s->center.lat) + lat;
    if (s->box) {
        double highest = sane(most, GEOHASH_LAT_MAX), quarter = s->width / 4 / EARTH;
        double x = quarter < M_PI / 2 ? sin(quarter) / cos(radians(highest)) : 1;
        return x < 1 ? degrees(2 * asin(x)) : 180;
    }
    if (most >= 90) /* it holds the pole */
        return 180;
    double x = sin(s->radius / EARTH) / s->cos_lat;
    return x < 1 ? degrees(asin(x)) : 180;
}

static struct bounds exact_bounds(const struct geohash_shape *s)
{
    double lat = degrees((s->box ? s->height / 2 : s->radius) / EARTH);
    lat = lat < 180 ? lat * (1 + MARGIN) + MARGIN : 180;
    double lon = exact_lon(s, lat) * (1 + MARGIN) + MARGIN;
    return (struct bounds){lon < 180 ? lon : 180, lat};
}

/* A cell's place in a grid of 2^steps by 2^steps. */
struct cell {
    uint32_t column, row;
};

struct grid {
    int steps;
    struct cell center;
    struct geohash_cover *cover;
};

static bool add(struct grid *g, struct cell cell)
{
    struct geohash_cover *c = g->cover;
    int shift = 2 * (STEPS - g->steps);
    uint64_t first = interleave(cell.column, cell.row) << shift;
    for (unsigned i = 0; i < c->count; i++)
        if (c->of[i].first == first)
            return true;
    if (c->count == GEOHASH_COVER_MAX)
        return false;
    c->of[c->count].first = first;
    c->of[c->count++].end = first + (UINT64_C(1) << shift);
    return true;
}

static int rule_of_thumb(const struct geohash_shape *s)
{
    double size = s->radius;
    if (s->box)
        size = sqrt(s->width / 2 * (s->width / 2) + s->height / 2 * (s->height / 2));
    if (size == 0)
        return STEPS;
    int steps = -1;
    for (; size < HALF_AROUND; size *= 2)
        steps++;
    if (fabs(s->center.lat) > 66) /* degrees of longitude are shorter there */
        steps -= fabs(s->center.lat) > 80 ? 2 : 1;
    return steps < 1 ? 1 : steps > STEPS ? STEPS : steps;
}

static void set_steps(struct grid *g, const struct geohash_shape *s, int steps)
{
    must(steps >= 1 && steps <= STEPS);
    g->steps = steps;
    g->center.column = (uint32_t)in_cells(s->center.lon, GEOHASH_LON_MAX, steps);
    g->center.row = (uint32_t)in_cells(s->center.lat, GEOHASH_LAT_MAX, steps);
}

/* One cell on, around the world; rows, too. */
static uint32_t moved(uint32_t from, int by, int steps)
{
    return by ? (from + (uint32_t)by) & ((UINT32_C(1) << steps) - 1) : from;
}

/* Does the shape reach over the nine? */
static bool too_fine(const struct grid *g, const struct geohash_shape *s, struct bounds b)
{
    uint32_t north = moved(g->center.row, 1, g->steps), south = moved(g->center.row, -1, g->steps);
    uint32_t east = moved(g->center.column, 1, g->steps);
    uint32_t west = moved(g->center.column, -1, g->steps);
    return edge(north + 1, GEOHASH_LAT_MAX, g->steps) < s->center.lat + b.lat ||
           edge(south, GEOHASH_LAT_MAX, g->steps) > s->center.lat - b.lat ||
           edge(east + 1, GEOHASH_LON_MAX, g->steps) < s->center.lon + b.lon ||
           edge(west, GEOHASH_LON_MAX, g->steps) > s->center.lon - b.lon;
}

/* The cells around the center's, but those on a side where that itself reaches out of bounds. */
static void add_nine(struct grid *g, const struct geohash_shape *s, struct bounds b)
{
    static const struct {
        int column, row;
    } order[] = {{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
    struct cell at = g->center;
    bool all = g->steps < 2; /* there are no more */
    bool west = edge(at.column, GEOHASH_LON_MAX, g->steps) < s->center.lon - b.lon && !all;
    bool east = edge(at.column + 1, GEOHASH_LON_MAX, g->steps) > s->center.lon + b.lon && !all;
    bool south = edge(at.row, GEOHASH_LAT_MAX, g->steps) < s->center.lat - b.lat && !all;
    bool north = edge(at.row + 1, GEOHASH_LAT_MAX, g->steps) > s->center.lat + b.lat && !all;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        int column = order[i].column, row = order[i].row;
        if ((column < 0 && west) || (column > 0 && east))
            continue;
        if ((row < 0 && south) || (row > 0 && north))
            continue;
        add(g, (struct cell){moved(at.column, column, g->steps), moved(at.row, row, g->steps)});
    }
    must(g->cover->count >= 1);
}

/* The columns from one to another, around the world, and the one behind the last when the date line
 * lies between. */
static bool add_row(struct grid *g, uint32_t row, int64_t from, int64_t to)
{
    int64_t columns = INT64_C(1) << g->steps;
    if (to - from >= columns) {
        from = 0;
        to = columns;
    }
    for (int64_t column = from; column <= to; column++) {
        struct cell cell = {(uint32_t)(column & (columns - 1)), row};
        if (!add(g, cell))
            return false;
    }
    return (from >= 0 && to < columns) || add(g, (struct cell){(uint32_t)columns, row});
}

/* What the exact bounds touch. False: too many cells. */
static bool add_rest(struct grid *g, const struct geohash_shape *s)
{
    struct bounds b = exact_bounds(s);
    double south = sane(s->center.lat - b.lat, GEOHASH_LAT_MAX);
    double north = sane(s->center.lat + b.lat, GEOHASH_LAT_MAX);
    int64_t from = (int64_t)floor(in_cells(s->center.lon - b.lon, GEOHASH_LON_MAX, g->steps));
    int64_t to = (int64_t)floor(in_cells(s->center.lon + b.lon, GEOHASH_LON_MAX, g->steps));
    uint32_t last = (uint32_t)in_cells(north, GEOHASH_LAT_MAX, g->steps);
    must(from <= to);
    for (uint32_t row = (uint32_t)in_cells(south, GEOHASH_LAT_MAX, g->steps); row <= last; row++)
        if (!add_row(g, row, from, to))
            return false;
    return true;
}

void geohash_cover(const struct geohash_shape *s, struct geohash_cover *c)
{
    struct grid g = {.cover = c};
    struct bounds rough = rough_bounds(s);
    set_steps(&g, s, rule_of_thumb(s));
    if (g.steps > 1 && too_fine(&g, s, rough))
        set_steps(&g, s, g.steps - 1);
    for (;; set_steps(&g, s, g.steps - 1)) {
        c->count = 0;
        add_nine(&g, s, rough);
        if (add_rest(&g, s))
            return;
        must(g.steps > COARSE); /* such a grid has fewer cells than there is room for */
    }
}
