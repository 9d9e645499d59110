/* SPDX-License-Identifier: BSD-3-Clause */
/* Moments as people and programs write them. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/num.h"
#include "os/clock.h"
#include "tools/tool.h"

static bool seconds(const char *text, int64_t *unix_ms)
{
    double s;
    if (!isdigit((unsigned char)*text) || !num_parse_double(slice_str(text), &s) || s > 1e12)
        return false;
    *unix_ms = (int64_t)llround(s * 1000);
    return true;
}

/* -2h */
static bool ago(const char *text, int64_t *unix_ms)
{
    static const char units[] = "smhdw";
    static const int64_t lengths[] = {1, 60, 3600, 86400, 7 * 86400};
    size_t n = strlen(text);
    const char *unit = n > 1 ? strchr(units, text[n - 1]) : NULL;
    uint64_t count;
    if (!unit || !num_parse_u64(slice(text, n - 1), &count) || count > 1000000)
        return false;
    *unix_ms = clock_wall_ms() - (int64_t)count * lengths[unit - units] * 1000;
    return true;
}

/* .250 behind the seconds; *at moves behind it. */
static int milliseconds(const char **at)
{
    int ms = 0, unit = 100;
    if (**at != '.')
        return 0;
    for ((*at)++; isdigit((unsigned char)**at); (*at)++, unit /= 10)
        ms += (**at - '0') * unit;
    return ms;
}

/* 31 November and second 60 would be taken for what comes behind them. An hour that summer time
 * leaves out is another matter: it is a moment. */
static bool same_day_and_second(const struct tm *said, const struct tm *is)
{
    return said->tm_mday == is->tm_mday && said->tm_mon == is->tm_mon &&
           said->tm_sec == is->tm_sec;
}

static bool date(const char *text, int64_t *unix_ms)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
                                        "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {.tm_isdst = -1}, is;
        const char *end = strptime(text, forms[i], &tm);
        int ms = end && i < 2 ? milliseconds(&end) : 0;
        bool utc = end && *end == 'Z' && end[1] == '\0';
        if (!end || (*end && !utc))
            continue;
        is = tm;
        time_t s = utc ? timegm(&is) : mktime(&is);
        *unix_ms = (int64_t)s * 1000 + ms;
        return s != (time_t)-1 && s >= 0 && same_day_and_second(&tm, &is);
    }
    return false;
}

bool tool_time(const char *text, int64_t *unix_ms)
{
    if (text[0] == '@')
        return seconds(text + 1, unix_ms);
    if (text[0] == '-')
        return ago(text + 1, unix_ms);
    return date(text, unix_ms) || seconds(text, unix_ms);
}
