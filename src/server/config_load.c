/* SPDX-License-Identifier: BSD-3-Clause */
/* Sources at start. A file is lines: name and words, '#' begins a comment only at the start of a
 * line. "include pattern" reads other files at that point. Arguments become lines of the same kind:
 *
 *   redis-server [file | -] [--name word ...] ...
 *
 * Later lines win, except that those of a MULTI option add up. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/quote.h"
#include "os/file.h"
#include "server/config_parts.h"

enum { FILE_MAX = 64 << 20 };

/* text from at on, up to the end of its next word. */
static size_t word_end(struct slice text, size_t at)
{
    while (at < text.len && isspace((unsigned char)text.data[at]))
        at++;
    while (at < text.len && !isspace((unsigned char)text.data[at]))
        at++;
    return at;
}

/* Of a line that may hold a password no more than what it is about. */
static struct slice without_secrets(const struct config *cfg, struct slice text)
{
    size_t end = word_end(text, 0);
    struct slice name = slice(text.data, end);
    while (name.len && (isspace((unsigned char)*name.data) || strchr("\"'", *name.data)))
        name = slice_from(name, 1);
    while (name.len && strchr("\"'", name.data[name.len - 1]))
        name.len--;
    if (config_is_secret(cfg, name))
        return slice(text.data, end);
    for (; end < text.len; end++) /* a user's password, and "user" mistyped */
        if (strchr("><", text.data[end]))
            return slice(text.data, end);
    return text;
}

static void line_fault(const struct config *cfg, struct fault *f, const char *name, int line,
                       struct slice text, const char *reason)
{
    struct slice shown = without_secrets(cfg, text);
    const char *more = shown.len < text.len ? " (more)" : "";
    if (shown.len > 100)
        shown.len = 100;
    while (shown.len && (shown.data[shown.len - 1] == '\r' || shown.data[shown.len - 1] == ' '))
        shown.len--;
    fault_set(f, FAULT_INVALID, "Reading %s, at line %d\n>>> '%.*s'%s\n%s", name, line,
              SLICE_ARG(shown), more, reason);
}

static bool include(struct config *cfg, struct slice pattern, struct fault *f)
{
    char path[PATH_MAX];
    glob_t found;
    if (cfg->depth >= CONFIG_INCLUDE_DEPTH) {
        fault_set(f, FAULT_INVALID, "include is nested too deeply");
        return false;
    }
    snprintf(path, sizeof path, "%.*s", SLICE_ARG(pattern));
    if (!strpbrk(path, "*?[]"))
        return config_load_file(cfg, path, f);
    bool ok = true;
    if (glob(path, 0, NULL, &found) == 0) {
        for (size_t i = 0; ok && i < found.gl_pathc; i++)
            ok = config_load_file(cfg, found.gl_pathv[i], f);
        globfree(&found);
    }
    return ok;
}

/* Names of old files that 7.2 passes over, each with one word behind it. */
static bool is_forgotten(struct slice name, int count)
{
    static const char *const names[] = {"list-max-ziplist-entries", "list-max-ziplist-value",
                                        "lua-replicate-commands"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (count == 2 && slice_eq_nocase(name, names[i]))
            return true;
    return false;
}

static bool take_words(struct config *cfg, int count, struct slice *words, struct fault *f)
{
    if (slice_eq_nocase(words[0], "include") && count == 2)
        return include(cfg, words[1], f);
    if (is_forgotten(words[0], count))
        return true;
    struct option *o = config_find(cfg, words[0]);
    if (!o || (count == 1 && option_is_directive(o))) {
        fault_set(f, FAULT_INVALID, "Bad directive or wrong number of arguments");
        return false;
    }
    o->included = o->included || cfg->depth > 1;
    o->changed = !cfg->in_file;
    return option_store_line(o, count - 1, words + 1, f);
}

static bool take_line(struct config *cfg, const char *name, int number, struct slice line,
                      struct buf *hold, struct slice *words, struct fault *f)
{
    struct fault why = {0};
    int count;
    size_t start = 0;
    while (start < line.len && strchr(" \t\r\n", line.data[start]))
        start++;
    if (start == line.len || line.data[start] == '#')
        return true;
    if (!config_split(line, hold, words, CONFIG_WORDS_MAX, &count)) {
        line_fault(cfg, f, name, number, line, "Unbalanced quotes in configuration line");
        cfg->told_where = true;
        return false;
    }
    if (count > 1 && memchr(words[0].data, '.', words[0].len) && !config_find(cfg, words[0])) {
        config_keep_line(cfg, name, number, count, words);
        return true;
    }
    if (count == 0 || take_words(cfg, count, words, &why))
        return true;
    if (cfg->told_where) /* inside an included file */
        *f = why;
    else
        line_fault(cfg, f, name, number, line, why.what);
    cfg->told_where = true;
    return false;
}

bool config_load_text(struct config *cfg, const char *name, struct slice text, struct fault *f)
{
    struct slice *words = mem_alloc(CONFIG_WORDS_MAX * sizeof *words);
    struct buf hold = {0};
    bool ok = true;
    int number = 0;
    cfg->told_where = cfg->told_where && cfg->depth;
    cfg->depth++;
    while (text.len && ok) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t len = end ? (size_t)(end - text.data) : text.len;
        ok = take_line(cfg, name, ++number, slice(text.data, len), &hold, words, f);
        text = slice_from(text, len + (end != NULL));
    }
    cfg->depth--;
    buf_free(&hold);
    mem_free(words);
    return ok;
}

bool config_load_file(struct config *cfg, const char *path, struct fault *f)
{
    struct buf text = {0};
    struct fault why = {0};
    char name[FAULT_WHAT_MAX / 2], *absolute = realpath(path, NULL);
    /* The file that CONFIG REWRITE writes, absolute: "dir" may change what path means. */
    if (cfg->depth == 0) {
        mem_free(cfg->file);
        cfg->file = mem_strdup(absolute ? absolute : path);
    }
    free(absolute);
    if (!file_slurp(path, FILE_MAX, &text, &why)) {
        fault_set(f, why.code, "Fatal error, can't open config file '%.100s': %.100s", path,
                  why.err ? strerror(why.err) : why.what);
        return false;
    }
    if (cfg->depth)
        snprintf(name, sizeof name, "the configuration file %.80s", path);
    else
        snprintf(name, sizeof name, "the configuration file");
    bool outer = cfg->in_file;
    cfg->in_file = outer || cfg->depth == 0; /* an include may stand on the command line */
    bool ok = config_load_text(cfg, name, buf_slice(&text), f);
    cfg->in_file = outer;
    buf_free(&text);
    return ok;
}

static bool load_stdin(struct config *cfg, struct fault *f)
{
    struct buf text = {0};
    ssize_t got;
    while (text.len < FILE_MAX &&
           (got = file_read(STDIN_FILENO, buf_reserve(&text, 4096), 4096)) > 0)
        text.len += (size_t)got;
    bool ok = config_load_text(cfg, "standard input", buf_slice(&text), f);
    buf_free(&text);
    return ok;
}

/* It may stand without a word, so the word behind it that looks like a name is one. */
static bool may_be_bare(const struct config *cfg, const char *name)
{
    const struct option *o = config_find(cfg, slice_str(name));
    return o && o->row->flags & CONFIG_BARE;
}

/* "--name" begins a line; what follows up to the next is its words; the first of them may begin
 * with "--" as well (a password). One argument may hold a whole line ("--port 7000"), as scripts
 * came to write it. */
static void option_lines(const struct config *cfg, int argc, char **argv, struct buf *out)
{
    bool wants_word = false;
    for (int i = 0; i < argc; i++) {
        bool name = !wants_word && strncmp(argv[i], "--", 2) == 0 && argv[i][2];
        wants_word = name && !strchr(argv[i], ' ') && !may_be_bare(cfg, argv[i] + 2);
        if (name) {
            if (out->len)
                buf_byte(out, '\n');
            buf_add(out, slice_str(argv[i] + 2));
        } else {
            buf_byte(out, ' ');
            quote_put(out, slice_str(argv[i]), false);
        }
    }
    if (out->len)
        buf_byte(out, '\n');
}

/* Looked at when all lines are known: the last one of an option counts. */
static bool all_can_be_had(const struct config *cfg, struct fault *f)
{
    for (size_t i = 0; i < cfg->count; i++)
        if (!option_can_be_had(&cfg->options[i], f))
            return false;
    return true;
}

bool config_load_args(struct config *cfg, int argc, char **argv, struct fault *f)
{
    struct buf lines = {0};
    bool use_stdin = false;
    if (argc && strncmp(argv[0], "--", 2) != 0 && strcmp(argv[0], "-") != 0) {
        if (!config_load_file(cfg, argv[0], f))
            return false;
        argc--;
        argv++;
    }
    int kept = 0;
    char **words = mem_alloc(((size_t)argc + 1) * sizeof *words);
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "-") == 0 && (i == 0 || i == argc - 1))
            use_stdin = true;
        else
            words[kept++] = argv[i];
    }
    option_lines(cfg, kept, words, &lines);
    bool ok = !use_stdin || load_stdin(cfg, f);
    ok = ok && config_load_text(cfg, "the command line", buf_slice(&lines), f);
    ok = ok && all_can_be_had(cfg, f);
    mem_free(words);
    buf_free(&lines);
    return ok;
}
