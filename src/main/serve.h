/* SPDX-License-Identifier: BSD-3-Clause */
/* The server as a program: everything wired together, configured, run. */
#ifndef MAIN_SERVE_H
#define MAIN_SERVE_H

/* The exit code. */
int serve(int argc, char **argv);

#endif
