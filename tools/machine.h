/* SPDX-License-Identifier: BSD-3-Clause */
/* redis-server --check-system and --test-memory: is this machine fit to keep data? */
#ifndef TOOLS_MACHINE_H
#define TOOLS_MACHINE_H

/* A line for each check; the exit code: 1 when one warns. */
int check_system_main(void);
/* argv: megabytes, and how many passes (50 unless given). The exit code: 1 when memory failed, or
 * cannot be had. */
int test_memory_main(int argc, char **argv);

#endif
