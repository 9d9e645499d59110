/* SPDX-License-Identifier: BSD-3-Clause */
/* TLS below a connection to a server. words: what stands behind the ? of an address,
 *
 *   cacert=FILE&cacertdir=DIR&cert=FILE&key=FILE&insecure=yes
 *
 * as the options of redis-cli of these names. As there, the certificate must be of an authority
 * (one of the system's when none is named) unless insecure says yes; the name in it is not looked
 * at. False: f says why. */
#ifndef TOOLS_LIVE_TLS_H
#define TOOLS_LIVE_TLS_H

#include <stdbool.h>

#include "base/fault.h"
#include "base/slice.h"
#include "os/wire.h"

bool live_tls(struct slice words, const char *host, struct wire *out, struct fault *f);

#endif
