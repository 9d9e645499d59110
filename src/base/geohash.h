/* SPDX-License-Identifier: BSD-3-Clause */
/* Places on the earth as numbers of 52 bits, near ones mostly near each other; distances; and which
 * numbers there are around a place. All as Redis' geo commands have it, to the last bit.
 *
 * A hash is the cell of a grid of 2^26 columns by 2^26 rows: longitude -180 to 180, latitude within
 * the square of the web's maps (EPSG:900913). The column's bits are the odd ones, the row's the
 * even ones, so that a coarser grid's cells are ranges of hashes. A place on the last meridian or
 * parallel lies in a column or row behind the grid's last, with a bit of its own.
 *
 * The earth is a sphere. Degrees, metres. Nothing here fails or allocates. */
#ifndef BASE_GEOHASH_H
#define BASE_GEOHASH_H

#include <stdbool.h>
#include <stdint.h>

#define GEOHASH_LON_MAX 180.0
#define GEOHASH_LAT_MAX 85.05112878
enum { GEOHASH_TEXT = 11, GEOHASH_COVER_MAX = 96 };

struct geohash_point {
    double lon, lat;
};

bool geohash_valid(struct geohash_point p); /* within the limits above */
uint64_t geohash_encode(struct geohash_point p);
/* The middle of its cell, within the limits. Any number can be decoded: what lies over the grid is
 * not looked at, or clipped. */
struct geohash_point geohash_decode(uint64_t hash);
/* The same for what a sorted set may hold: a fraction is cut off, what no 64 bits hold is some
 * hash. */
uint64_t geohash_of_score(double score);
/* As geohash.org writes places, for whom latitude goes to 90. The last character is always 0: there
 * are not bits enough. No NUL. */
void geohash_text(struct geohash_point p, char out[GEOHASH_TEXT]);
double geohash_distance(struct geohash_point a, struct geohash_point b);

/* ---- what is near ---- */
/* A circle, or all whose latitude differs by at most half the height, and who are, along their own
 * parallel, within half the width. */
struct geohash_shape {
    struct geohash_point center;
    bool box;
    double radius;        /* of the circle */
    double width, height; /* of the box */
    double lon, lat, cos_lat; /* of the center, in radians */
    double lat_most;          /* radians of latitude that may lie between it and what is inside */
    double half_chord_most;   /* of the circle, squared: who is over it is outside */
};
void geohash_circle(struct geohash_shape *s, struct geohash_point center, double radius);
void geohash_box(struct geohash_shape *s, struct geohash_point center, double width, double height);
/* Inside, and how far from the center then. */
bool geohash_within(const struct geohash_shape *s, struct geohash_point p, double *distance);

/* Ranges of hashes that hold all that is inside, and more; none twice. In the order in which Redis
 * looks at them, so that an unsorted reply is the same: the cell of the center, then those around
 * it. Behind them the cells that it forgets: on the other side of a pole, on the date line. */
struct geohash_cover {
    unsigned count;
    struct {
        uint64_t first, end; /* end is behind */
    } of[GEOHASH_COVER_MAX];
};
void geohash_cover(const struct geohash_shape *s, struct geohash_cover *c);

#endif
