/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/supervisor.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "server/process.h"
#include "server/settings.h"

/* False without trouble: nobody listens. */
static bool find_socket(const struct settings *st, struct sockaddr_un *to, socklen_t *len,
                        const char **trouble)
{
    const char *path = getenv("NOTIFY_SOCKET");
    *trouble = NULL;
    if (st->supervised != SUPERVISED_SYSTEMD && st->supervised != SUPERVISED_AUTO)
        return false;
    if (!path || strlen(path) >= sizeof to->sun_path) {
        if (st->supervised == SUPERVISED_SYSTEMD)
            *trouble = "NOTIFY_SOCKET is not set";
        return false;
    }
    *to = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(to->sun_path, path, strlen(path));
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (to->sun_path[0] == '@')
        to->sun_path[0] = '\0';
    return true;
}

static const char *send_text(const struct sockaddr_un *to, socklen_t len, const struct buf *text)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool ok = fd >= 0 &&
              sendto(fd, text->data, text->len, MSG_NOSIGNAL, (const void *)to, len) >= 0;
    const char *trouble = ok ? NULL : strerror(errno);
    if (fd >= 0)
        close(fd);
    return trouble;
}

void supervisor_tell(struct settings *st, const char *format, ...)
{
    struct sockaddr_un to;
    socklen_t len = 0;
    const char *trouble;
    if (find_socket(st, &to, &len, &trouble)) {
        struct buf text = {0};
        va_list ap;
        va_start(ap, format);
        buf_vprintf(&text, format, ap);
        va_end(ap);
        trouble = send_text(&to, len, &text);
        buf_free(&text);
    }
    if (trouble && !st->supervisor_warned)
        log_warning("The supervisor can't be told how we are: %s", trouble);
    st->supervisor_warned = st->supervisor_warned || trouble;
}
