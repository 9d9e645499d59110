/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>

#include "base/geohash.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

static const struct geohash_point palermo = {13.361389, 38.115556};
static const struct geohash_point catania = {15.087269, 37.502669};

static double between(double a, double b)
{
    return a + rand_unit() * (b - a);
}

/* As redis-server 7.0.15 answers. */
static void knows_two_towns(void)
{
    char text[GEOHASH_TEXT];
    CHECK_INT((int64_t)geohash_encode(palermo), 3479099956230698);
    CHECK_INT((int64_t)geohash_encode(catania), 3479447370796909);
    struct geohash_point p = geohash_decode(3479099956230698);
    CHECK(fabs(p.lon - 13.36138933897018433) < 1e-15 && fabs(p.lat - 38.11555639549629859) < 1e-15);
    geohash_text(p, text);
    CHECK_SLICE(slice(text, sizeof text), SLICE_LIT("sqc8b49rny0"));
    double far = geohash_distance(p, geohash_decode(3479447370796909));
    CHECK(fabs(far - 166274.1516) < 0.00005);
}

static void edges_have_hashes(void)
{
    CHECK_INT((int64_t)geohash_encode((struct geohash_point){-180, -GEOHASH_LAT_MAX}), 0);
    /* Behind the last column and row: bits of their own. */
    uint64_t last = geohash_encode((struct geohash_point){180, GEOHASH_LAT_MAX});
    CHECK_INT((int64_t)last, 3ll << 52);
    struct geohash_point p = geohash_decode(last);
    CHECK(p.lon == 180 && p.lat == GEOHASH_LAT_MAX);
    CHECK(geohash_valid(p) && !geohash_valid((struct geohash_point){180.1, 0}));
    CHECK(!geohash_valid((struct geohash_point){0, -85.1}));
    CHECK(!geohash_valid((struct geohash_point){NAN, 0}));
    CHECK(geohash_valid(geohash_decode(UINT64_MAX)));
}

static void any_score_has_a_hash(void)
{
    CHECK_INT((int64_t)geohash_of_score(7.9), 7);
    CHECK_INT((int64_t)geohash_of_score(-1.5), -1);
    CHECK(geohash_of_score(INFINITY) == 0 && geohash_of_score(1e300) == 0);
    CHECK(geohash_of_score(-INFINITY) == UINT64_C(1) << 63);
    CHECK(geohash_of_score(0x1p63) == UINT64_C(1) << 63);
}

static void what_is_decoded_is_near(void)
{
    rand_seed(unit_seed());
    for (int i = 0; i < 20000; i++) {
        struct geohash_point p = {between(-180, 180), between(-GEOHASH_LAT_MAX, GEOHASH_LAT_MAX)};
        uint64_t hash = geohash_encode(p);
        struct geohash_point near = geohash_decode(hash);
        CHECK(fabs(near.lon - p.lon) <= 180 / 0x1p26);
        CHECK(fabs(near.lat - p.lat) <= GEOHASH_LAT_MAX / 0x1p26);
        CHECK(geohash_encode(near) == hash && geohash_distance(p, near) < 0.5);
    }
}

static void distances_are_those_of_a_sphere(void)
{
    const double around = 2 * M_PI * 6372797.560856;
    struct geohash_point zero = {0, 0}, east = {90, 0}, other = {180, 0}, north = {0, 45};
    CHECK(geohash_distance(zero, zero) == 0);
    CHECK(fabs(geohash_distance(zero, east) - around / 4) < 1e-3);
    CHECK(fabs(geohash_distance(zero, other) - around / 2) < 1e-3);
    CHECK(fabs(geohash_distance(zero, north) - around / 8) < 1e-3);
    CHECK(fabs(geohash_distance(east, north) - around / 4) < 1e-3);
    CHECK(fabs(geohash_distance((struct geohash_point){-180, 7}, (struct geohash_point){180, 7})) <
          1e-3);
}

/* ---- shapes and covers ---- */

static struct geohash_point some_place(void)
{
    switch (rand_below(5)) {
    case 0:
        return (struct geohash_point){rand_below(2) ? 180 : -180, between(-85, 85)};
    case 1:
        return (struct geohash_point){between(-180, 180),
                                      rand_below(2) ? GEOHASH_LAT_MAX : -GEOHASH_LAT_MAX};
    case 2:
        return (struct geohash_point){between(-180, 180),
                                      between(75, 85.05) * (rand_below(2) ? 1 : -1)};
    case 3:
        return (struct geohash_point){between(175, 180) * (rand_below(2) ? 1 : -1),
                                      between(-85, 85)};
    default:
        return (struct geohash_point){between(-180, 180), between(-85.05, 85.05)};
    }
}

static double some_size(void)
{
    double size = pow(10, between(-1, 7.6));
    return rand_below(20) ? size : rand_below(2) ? 0 : INFINITY;
}

/* Near the center, as far as the shape goes, often on its edge. */
static struct geohash_point some_near(const struct geohash_shape *s)
{
    double most = s->box ? s->width + s->height : s->radius;
    double part = rand_below(2) ? between(0, 1.1) : between(0.97, 1);
    double far = part * fmin(most, 2e7) / 6372797.56;
    double way = between(0, 2 * M_PI), lat = s->lat;
    double to = asin(sin(lat) * cos(far) + cos(lat) * sin(far) * cos(way));
    double lon = s->lon + atan2(sin(way) * sin(far) * cos(lat), cos(far) - sin(lat) * sin(to));
    lon = remainder(lon, 2 * M_PI) * 180 / M_PI;
    to = to * 180 / M_PI;
    return (struct geohash_point){fmax(-180, fmin(180, lon)),
                                  fmax(-GEOHASH_LAT_MAX, fmin(GEOHASH_LAT_MAX, to))};
}

static int holders(const struct geohash_cover *c, uint64_t hash)
{
    int n = 0;
    for (unsigned i = 0; i < c->count; i++)
        n += hash >= c->of[i].first && hash < c->of[i].end;
    return n;
}

static void covers_hold_all_that_is_inside(void)
{
    int inside = 0, outside = 0;
    rand_seed(unit_seed());
    for (int i = 0; i < 4000; i++) {
        struct geohash_shape s;
        struct geohash_cover c;
        if (rand_below(2))
            geohash_circle(&s, some_place(), some_size());
        else
            geohash_box(&s, some_place(), some_size(), some_size());
        geohash_cover(&s, &c);
        CHECK(c.count >= 1 && c.count <= GEOHASH_COVER_MAX);
        for (int k = 0; k < 60; k++) {
            double distance = -1;
            struct geohash_point p = k < 10 ? some_place() : some_near(&s);
            uint64_t hash = geohash_encode(p);
            p = geohash_decode(hash); /* what a search is about */
            bool in = geohash_within(&s, p, &distance);
            int n = holders(&c, hash);
            if (n > 1 || (in && n == 0))
                printf("%s at %.17g %.17g, %g %g %g: %.17g %.17g in %d cells\n",
                       s.box ? "box" : "circle", s.center.lon, s.center.lat, s.radius, s.width,
                       s.height, p.lon, p.lat, n);
            CHECK(n <= 1 && (!in || n == 1));
            inside += in;
            outside += !in;
            CHECK(!in || distance == geohash_distance(s.center, p));
        }
    }
    CHECK(inside > 20000 && outside > 20000);
}

/* The sums that tell sooner who is outside say what the distance itself says. */
static void circles_end_at_their_radius(void)
{
    rand_seed(unit_seed());
    for (int i = 0; i < 100000; i++) {
        struct geohash_shape s;
        double distance;
        struct geohash_point center = some_place(), p;
        geohash_circle(&s, center, pow(10, between(-1, 7)));
        p = some_near(&s);
        double far = geohash_distance(center, p);
        CHECK(geohash_within(&s, p, &distance) == (far <= s.radius));
        geohash_circle(&s, center, far); /* just so */
        CHECK(geohash_within(&s, p, &distance) && distance == far);
        geohash_circle(&s, center, nextafter(far, 0));
        CHECK(far == 0 || !geohash_within(&s, p, &distance));
    }
}

static void covers_are_small(void)
{
    struct geohash_shape s;
    struct geohash_cover c;
    geohash_circle(&s, palermo, 200000);
    geohash_cover(&s, &c);
    CHECK(c.count <= 9 && c.of[0].end - c.of[0].first <= UINT64_C(1) << 42);
    geohash_circle(&s, palermo, 1);
    geohash_cover(&s, &c);
    CHECK(c.count <= 9 && c.of[0].end - c.of[0].first <= 64);
    geohash_circle(&s, palermo, 1e9);
    geohash_cover(&s, &c);
    CHECK(c.of[0].end - c.of[0].first == UINT64_C(1) << 50);
}

int main(void)
{
    return UNIT_RUN(UNIT(knows_two_towns), UNIT(edges_have_hashes), UNIT(any_score_has_a_hash),
                    UNIT(what_is_decoded_is_near), UNIT(distances_are_those_of_a_sphere),
                    UNIT(covers_hold_all_that_is_inside), UNIT(circles_end_at_their_radius),
                    UNIT(covers_are_small));
}
