/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of a number: printf's %.<precision>g, but faster for what usually is encoded. */
#ifndef SCRIPTING_LUA_CJSON_NUMBER_H
#define SCRIPTING_LUA_CJSON_NUMBER_H

#include <stddef.h>

enum { CJSON_PRECISION_MAX = 14, CJSON_NUMBER_TEXT = 40 };

/* Of a finite number, with 1 to CJSON_PRECISION_MAX digits. Its length; there is a NUL behind. */
size_t cjson_format_number(char out[CJSON_NUMBER_TEXT], double d, int precision);

#endif
