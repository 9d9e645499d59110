/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/tool_help.h"

#include <ctype.h>
#include <string.h>

#include "base/version.h"
#include "tools/verb.h"

/* The exit codes, once for help and man pages. */
static const struct {
    int code;
    const char *means;
} exits[] = {
    {TOOL_GOOD, "good"},
    {TOOL_FAILED, "the command line makes no sense, or it can't be done"},
    {TOOL_CANNOT_OPEN, "something can't be opened, read or written"},
    {TOOL_TRUNCATED, "only the end is missing: a write that was cut off"},
    {TOOL_DAMAGED, "damaged, and none of the data is lost"},
    {TOOL_LOSS, "damaged, and some of the data is lost"},
    {TOOL_NEWER, "a version or a value that this program can't read"},
    {TOOL_REPAIRED, "repaired"},
    {TOOL_DIFFERS, "what was compared differs"},
};
enum { EXITS = sizeof exits / sizeof *exits };

static bool concerns(const struct verb *verb, const struct tool_option *common)
{
    return (verb->takes_output || strcmp(common->name, "--output") != 0) &&
           (verb->takes_in_place || strcmp(common->name, "--in-place") != 0);
}

/* ---- help ---- */

static void put_option(FILE *to, const struct tool_option *o)
{
    int width = fprintf(to, "  %s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    enum { COLUMN = 26 };
    if (width >= COLUMN - 1)
        width = fprintf(to, "\n") - 1;
    fprintf(to, "%*s%s\n", COLUMN - width, "", o->help);
}

static void put_options(FILE *to, const struct verb *verb)
{
    for (const struct tool_option *o = verb->options; o && o->name; o++)
        put_option(to, o);
    if (verb->options && verb->options->name)
        putc('\n', to);
    for (const struct tool_option *o = tool_common_options; o->name; o++)
        if (concerns(verb, o))
            put_option(to, o);
}

void tool_help(FILE *to, const struct verb *verb)
{
    fprintf(to, "%s\n\n", verb->example);
    fprintf(to, "holdfast %s [OPTIONS] %s\n\n%c%s.\n\n", verb->name, verb->args,
            toupper((unsigned char)verb->does[0]), verb->does + 1);
    put_options(to, verb);
    if (verb->text)
        fprintf(to, "\n%s\n", verb->text);
    fputs("\nExit codes:\n", to);
    for (int i = 0; i < EXITS; i++)
        fprintf(to, "  %d  %s\n", exits[i].code, exits[i].means);
}

void tool_help_all(FILE *to, const struct verb *const *verbs)
{
    fputs("holdfast VERB [OPTIONS] ...\n\n", to);
    for (size_t i = 0; verbs[i]; i++)
        fprintf(to, "  %-10s  %s\n", verbs[i]->name, verbs[i]->does);
    fputs("\nholdfast help VERB tells about one of them, with an example.\n", to);
}

/* ---- man pages ---- */

/* What troff would take for a command or an escape is kept from it. */
static void put_troff(FILE *to, const char *text)
{
    bool line_begins = true;
    for (; *text; text++) {
        if (line_begins && (*text == '.' || *text == '\''))
            fputs("\\&", to);
        if (*text == '\\')
            fputs("\\e", to);
        else if (*text == '-')
            fputs("\\-", to);
        else
            putc(*text, to);
        line_begins = *text == '\n';
    }
}

static void put_troff_options(FILE *to, const struct tool_option *o, const struct verb *verb)
{
    for (; o && o->name; o++) {
        if (verb && !concerns(verb, o))
            continue;
        fputs(".TP\n.B ", to);
        put_troff(to, o->name);
        if (o->value)
            fprintf(to, " \\fI%s\\fR", o->value);
        putc('\n', to);
        put_troff(to, o->help);
        putc('\n', to);
    }
}

static void put_verb_man(FILE *to, const struct verb *verb)
{
    fprintf(to, ".SH NAME\nholdfast\\-%s \\- ", verb->name);
    put_troff(to, verb->does);
    fputs("\n.SH EXAMPLE\n.nf\n", to);
    put_troff(to, verb->example);
    fprintf(to, "\n.fi\n.SH SYNOPSIS\n.B holdfast %s\n[\\fIOPTIONS\\fR] ", verb->name);
    put_troff(to, verb->args);
    fputs("\n.SH OPTIONS\n", to);
    put_troff_options(to, verb->options, NULL);
    put_troff_options(to, tool_common_options, verb);
    if (verb->text) {
        fputs(".SH NOTES\n.nf\n", to);
        put_troff(to, verb->text);
        fputs("\n.fi\n", to);
    }
    fputs(".SH EXIT STATUS\n", to);
    for (int i = 0; i < EXITS; i++) {
        fprintf(to, ".TP\n.B %d\n", exits[i].code);
        put_troff(to, exits[i].means);
        putc('\n', to);
    }
    fputs(".SH SEE ALSO\nholdfast(1)\n", to);
}

static void put_all_man(FILE *to, const struct verb *const *verbs)
{
    fputs(".SH NAME\nholdfast \\- offline tools for RDB files and append\\-only logs\n"
          ".SH SYNOPSIS\n.B holdfast\n\\fIVERB\\fR [\\fIOPTIONS\\fR] ...\n.SH VERBS\n", to);
    for (size_t i = 0; verbs[i]; i++) {
        fprintf(to, ".TP\n.B %s\n", verbs[i]->name);
        put_troff(to, verbs[i]->does);
        fprintf(to, "\nSee holdfast\\-%s(1).\n", verbs[i]->name);
    }
}

void tool_man(FILE *to, const struct verb *verb, const struct verb *const *verbs)
{
    fprintf(to, ".TH HOLDFAST%s%s 1 \"\" \"Holdfast (Redis %s)\"\n", verb ? "\\-" : "",
            verb ? verb->name : "", REDIS_VERSION);
    if (verb)
        put_verb_man(to, verb);
    else
        put_all_man(to, verbs);
}

/* ---- completion ---- */

void tool_completion(FILE *to, const struct verb *const *verbs)
{
    fputs("# bash completion for holdfast\n_holdfast() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} words=\n"
          "    if [ \"$COMP_CWORD\" = 1 ]; then\n        words='help", to);
    for (size_t i = 0; verbs[i]; i++)
        fprintf(to, " %s", verbs[i]->name);
    fputs("'\n    else\n        case $verb in\n", to);
    for (size_t i = 0; verbs[i]; i++) {
        const struct verb *v = verbs[i];
        fprintf(to, "        %s) words='", v->name);
        for (const struct tool_option *o = v->options; o && o->name; o++)
            fprintf(to, "%s ", o->name);
        for (const struct tool_option *o = tool_common_options; o->name; o++)
            if (concerns(v, o))
                fprintf(to, "%s ", o->name);
        fputs("' ;;\n", to);
    }
    fputs("        esac\n        case $word in -*) ;; *) words= ;; esac\n    fi\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
          "complete -o default -F _holdfast holdfast\n", to);
}
