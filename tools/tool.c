/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of the verbs: taken apart by their tables, as tool_help.c makes help of them. */
#include "tools/tool.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/version.h"
#include "tools/tool_help.h"

/* ---- exit codes ---- */

enum tool_exit tool_worse(enum tool_exit a, enum tool_exit b)
{
    static const int rank[] = {
        [TOOL_GOOD] = 0, [TOOL_REPAIRED] = 1, [TOOL_DIFFERS] = 2, [TOOL_TRUNCATED] = 3,
        [TOOL_DAMAGED] = 4, [TOOL_LOSS] = 5, [TOOL_NEWER] = 6, [TOOL_CANNOT_OPEN] = 7,
        [TOOL_FAILED] = 8};
    return rank[a] >= rank[b] ? a : b;
}

const char *tool_exit_name(enum tool_exit e)
{
    static const char *const names[] = {
        [TOOL_GOOD] = "good", [TOOL_FAILED] = "failed", [TOOL_CANNOT_OPEN] = "cannot-open",
        [TOOL_TRUNCATED] = "truncated", [TOOL_DAMAGED] = "damaged", [TOOL_LOSS] = "loss",
        [TOOL_NEWER] = "newer", [TOOL_REPAIRED] = "repaired", [TOOL_DIFFERS] = "differs"};
    must(e <= TOOL_DIFFERS);
    return names[e];
}

/* ---- answers ---- */

enum tool_exit tool_fault_exit(enum fault_code code)
{
    switch (code) {
    case FAULT_IO: return TOOL_CANNOT_OPEN;
    case FAULT_EOF: return TOOL_TRUNCATED;
    case FAULT_VERSION: case FAULT_CANNOT_HOLD: return TOOL_NEWER;
    case FAULT_FORMAT: case FAULT_CRC: case FAULT_LIMIT: return TOOL_LOSS;
    case FAULT_REFUSED: return TOOL_DAMAGED;
    default: return TOOL_FAILED;
    }
}

enum fault_code tool_exit_fault(enum tool_exit e)
{
    static const enum fault_code codes[] = {
        [TOOL_CANNOT_OPEN] = FAULT_IO, [TOOL_TRUNCATED] = FAULT_EOF, [TOOL_DAMAGED] = FAULT_REFUSED,
        [TOOL_LOSS] = FAULT_FORMAT, [TOOL_NEWER] = FAULT_VERSION};
    must(e != TOOL_GOOD && e <= TOOL_DIFFERS);
    return e >= TOOL_CANNOT_OPEN && e <= TOOL_NEWER ? codes[e] : FAULT_INVALID;
}

/* The object for programs has stderr, as the product has stdout: nothing else may stand there. */
static bool stderr_is_object(const struct tool *t)
{
    return t->json && t->say.to == stderr;
}

/* People read it on stderr, also where stdout holds the object for programs. */
static void tell_error(struct tool *t, enum tool_exit code, const char *text)
{
    progress_bar_end(&t->progress);
    say_row(&t->say, "errors", FIELDS(SAY_TEXT("what", text),
                                      SAY_TEXT("result", tool_exit_name(code))), NULL);
    fflush(t->say.to);
    if (stderr_is_object(t))
        return;
    fprintf(stderr, "holdfast %s: ", t->verb->name);
    say_print(stderr, slice_str(text));
    fputc('\n', stderr);
}

enum tool_exit tool_fault(struct tool *t, const struct fault *f)
{
    char text[FAULT_TEXT_MAX];
    must(fault_is(f));
    tell_error(t, tool_fault_exit(f->code), fault_text(f, text, sizeof text));
    return tool_fault_exit(f->code);
}

static void tell_formatted(struct tool *t, enum tool_exit code, const char *format, va_list ap)
{
    struct buf text = {0};
    buf_vprintf(&text, format, ap);
    tell_error(t, code, buf_cstr(&text));
    buf_free(&text);
}

enum tool_exit tool_tell(struct tool *t, enum tool_exit code, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    tell_formatted(t, code, format, ap);
    va_end(ap);
    return code;
}

enum tool_exit tool_usage(struct tool *t, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    tell_formatted(t, TOOL_FAILED, format, ap);
    va_end(ap);
    if (!stderr_is_object(t))
        fprintf(stderr, "Try: holdfast help %s\n", t->verb->name);
    return TOOL_FAILED;
}

bool tool_agreed(struct tool *t, const char *format, ...)
{
    char answer[16];
    va_list ap;
    if (t->yes)
        return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        fprintf(stderr, "holdfast %s: nobody is there to be asked; --yes agrees beforehand\n",
                t->verb->name);
        return false;
    }
    progress_bar_end(&t->progress);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputs(" [y/N] ", stderr);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

/* ---- options ---- */

struct parse {
    struct tool *t;
    struct common_options *common;
    void *state;
    int argc, next;
    char **argv;
    struct buf wrong; /* the first error: told when all words say where the product goes */
};

static void parse_wrong(struct parse *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void parse_wrong(struct parse *p, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    if (p->wrong.len == 0)
        buf_vprintf(&p->wrong, format, ap);
    va_end(ap);
}

/* The option at argv[next], and its value. */
static void parse_option(struct parse *p)
{
    char *word = p->argv[p->next++], *equals = strchr(word, '=');
    struct slice name = equals ? slice(word, (size_t)(equals - word)) : slice_str(word);
    const struct tool_option *o = option_named(p->t->verb->options, name);
    void *state = o ? p->state : p->common;
    if (slice_eq_str(name, "-h"))
        name = SLICE_LIT("--help");
    if (!o)
        o = option_named(tool_common_options, name);
    if (!o) {
        parse_wrong(p, "there is no option %.*s", SLICE_ARG(name));
        return;
    }
    const char *value = equals ? equals + 1 : NULL;
    if (o->kind == TOOL_FLAG && value) {
        parse_wrong(p, "%s takes no value", o->name);
        return;
    }
    if (o->kind != TOOL_FLAG && !value) {
        if (p->next == p->argc) {
            parse_wrong(p, "%s needs a value: %s %s", o->name, o->name, o->value);
            return;
        }
        value = p->argv[p->next++];
    }
    if (!option_set(state, o, value))
        parse_wrong(p, "%s %s: this is no value for it (%s)", o->name, value, o->value);
}

/* Options anywhere; what is none moves to the front, behind argv[0]. */
static void parse_words(struct parse *p)
{
    size_t kept = 0;
    bool ended = false;
    p->t->args = p->argv + 1;
    for (p->next = 1; p->next < p->argc;) {
        char *word = p->argv[p->next];
        if (!ended && strcmp(word, "--") == 0) {
            ended = true;
            p->next++;
        } else if (ended || word[0] != '-' || strcmp(word, "-") == 0) {
            p->t->args[kept++] = word;
            p->next++;
        } else {
            parse_option(p);
        }
    }
    p->t->args[kept] = NULL;
    p->t->argc = kept;
}

/* In the words before they are taken apart: an error in them is to be answered as asked, too. */
static bool asks_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

/* Answers go where the product does not. */
static void choose_output(struct tool *t, const struct common_options *c, const void *state)
{
    t->quiet = t->say.quiet = c->quiet;
    t->output = c->output;
    const char *product = t->verb->product_to ? t->verb->product_to(t, state) : NULL;
    t->say.to = product && strcmp(product, "-") == 0 ? stderr : stdout;
    t->want_progress = c->progress && !stderr_is_object(t);
    progress_bar_init(&t->progress, t->want_progress, t->quiet || stderr_is_object(t));
}

static bool take_common(struct tool *t, const struct common_options *c)
{
    enum { THREADS_MAX = 64 };
    t->yes = c->yes;
    t->in_place = c->in_place;
    t->threads = c->threads ? c->threads : (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
    if (t->threads > THREADS_MAX)
        t->threads = THREADS_MAX;
    if (c->output && !t->verb->takes_output) {
        tool_usage(t, "%s writes nothing that --output could name", t->verb->name);
        return false;
    }
    if (c->in_place && !t->verb->takes_in_place) {
        tool_usage(t, "%s changes no file: --in-place means nothing", t->verb->name);
        return false;
    }
    if (t->argc < t->verb->args_min || t->argc > t->verb->args_max) {
        tool_usage(t, "it takes %s", *t->verb->args ? t->verb->args : "no more words");
        return false;
    }
    return true;
}

int tool_run(const struct verb *verb, int argc, char **argv, const struct tool_env *env)
{
    struct common_options common = {0};
    struct tool t = {.verb = verb, .env = env, .json = asks_json(argc, argv)};
    void *state = mem_alloc(verb->state_size + 1);
    struct parse p = {.t = &t, .common = &common, .state = state, .argc = argc, .argv = argv};
    memset(state, 0, verb->state_size + 1);
    if (verb->defaults)
        verb->defaults(state);
    hash_init(NULL);
    signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is an error of the write: EFBIG */
    say_begin(&t.say, stdout, t.json, false, verb->name);
    parse_words(&p);
    choose_output(&t, &common, state);
    int code = TOOL_FAILED;
    if (p.wrong.len) {
        tool_usage(&t, "%s", buf_cstr(&p.wrong));
    } else if (common.help) {
        tool_help(stdout, verb);
        code = TOOL_GOOD;
        t.say.json = false;
    } else if (take_common(&t, &common)) {
        code = verb->run(&t, state);
    }
    progress_bar_end(&t.progress);
    say_end(&t.say, tool_exit_name((enum tool_exit)code), code);
    if (ferror(t.say.to) || (fflush(stdout) != 0 && code == TOOL_GOOD)) {
        fprintf(stderr, "holdfast %s: the answer could not be written\n", verb->name);
        code = TOOL_CANNOT_OPEN;
    }
    say_free(&t.say);
    buf_free(&p.wrong);
    mem_free(state);
    return code;
}

bool tool_asked(const struct verb *verb, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *equals = strchr(argv[i], '=');
        struct slice word = equals ? slice(argv[i], (size_t)(equals - argv[i]))
                                   : slice_str(argv[i]);
        if (!slice_eq_str(word, "--help") && (option_named(verb->options, word) ||
                                              option_named(tool_common_options, word)))
            return true;
    }
    return false;
}

static const struct verb *verb_named(const struct tool_env *env, const char *name)
{
    for (size_t i = 0; env->verbs[i]; i++)
        if (strcmp(env->verbs[i]->name, name) == 0)
            return env->verbs[i];
    return NULL;
}

static bool any_is(int argc, char **argv, const char *word)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

/* Programs get their object here, too; its verb is help, which would know. */
static int no_verb(const struct tool_env *env, const char *name, int argc, char **argv)
{
    struct buf what = {0};
    struct say say;
    bool json = any_is(argc, argv, "--json");
    buf_printf(&what, "there is no verb %s", name);
    say_begin(&say, stdout, json, false, "help");
    say_row(&say, "errors", FIELDS(SAY_TEXT("what", buf_cstr(&what)),
                                   SAY_TEXT("result", tool_exit_name(TOOL_FAILED))), NULL);
    if (!json) {
        fputs("holdfast: ", stderr);
        say_print(stderr, buf_slice(&what));
        fputc('\n', stderr);
        tool_help_all(stderr, env->verbs);
    }
    say_end(&say, tool_exit_name(TOOL_FAILED), TOOL_FAILED);
    say_free(&say);
    buf_free(&what);
    return TOOL_FAILED;
}

/* help, help VERB, help --man [VERB], help --verbs, help --completion */
static int help(int argc, char **argv, const struct tool_env *env)
{
    bool man = argc > 2 && strcmp(argv[2], "--man") == 0;
    const char *name = argc > (man ? 3 : 2) ? argv[man ? 3 : 2] : NULL;
    const struct verb *verb = name ? verb_named(env, name) : NULL;
    if (name && strcmp(name, "--completion") == 0)
        tool_completion(stdout, env->verbs);
    else if (name && strcmp(name, "--verbs") == 0)
        for (size_t i = 0; env->verbs[i]; i++)
            printf("%s\n", env->verbs[i]->name);
    else if (name && !verb)
        return no_verb(env, name, argc, argv);
    else if (man)
        tool_man(stdout, verb, env->verbs);
    else if (verb)
        tool_help(stdout, verb);
    else
        tool_help_all(stdout, env->verbs);
    return fflush(stdout) == 0 ? TOOL_GOOD : TOOL_CANNOT_OPEN;
}

int tool_main(int argc, char **argv, const struct tool_env *env)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        tool_help_all(stderr, env->verbs);
        return TOOL_FAILED;
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help(argc, argv, env);
    if (strcmp(name, "--version") == 0 || strcmp(name, "-v") == 0) {
        printf("holdfast %s\n", REDIS_VERSION);
        return TOOL_GOOD;
    }
    const struct verb *verb = verb_named(env, name);
    return verb ? tool_run(verb, argc - 1, argv + 1, env) : no_verb(env, name, argc, argv);
}
