/* SPDX-License-Identifier: BSD-3-Clause */
/* How a start shows itself: a picture with version, mode, port and process where somebody watches
 * (the log goes to a terminal) or always-show-logo is on, else one line. */
#ifndef SERVER_LOGO_H
#define SERVER_LOGO_H

struct settings;

void logo_show(const struct settings *st);

#endif
