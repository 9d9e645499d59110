/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/logo.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/must.h"
#include "base/version.h"
#include "server/role.h"
#include "server/server.h"
#include "server/settings.h"

static void show_picture(const struct settings *st, const char *mode)
{
    must(mode && *mode);
    char text[1024];
    int len = snprintf(text, sizeof text,
        "\n"
        "      |>            |>\n"
        "   _  |  _  _  _  _ |  _     Holdfast, like Redis " REDIS_VERSION " (%zu bit)\n"
        "  | |_|_| || || || |_|_| |\n"
        "  |  _   _    __    _  _ |   Running in %s mode\n"
        "  | |_| |_|  /  \\  |_||_||   Port: %d\n"
        "  |    _    |    |   _   |   PID: %ld\n"
        "  |   |_|   |    |  |_|  |\n"
        "  |_________|____|_______|   What it was given, it keeps\n"
        "\n", sizeof(void *) * 8, mode, (int)st->port, (long)getpid());
    must(len > 0 && (size_t)len < sizeof text);
    log_raw(LOG_NOTICE_LEVEL, text);
}

void logo_show(const struct settings *st)
{
    const char *mode = server_role(st->server)->mode;
    bool to_file = st->log_file && st->log_file[0];
    if (st->always_logo || (!st->syslog_on && !to_file && isatty(STDOUT_FILENO)))
        show_picture(st, mode);
    else
        log_notice("Running mode=%s, port=%d.", mode, (int)st->port);
}
