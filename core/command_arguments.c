/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command_arguments.c: from argv to a struct command. Options of all verbs may stand anywhere, those of a verb
 * behind it. What was given is never repeated in a message: it may be a secret in the wrong place.
 */
#include "command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_OPTIONS "c:vqhV"

enum { FIRST_LONG = 256, OPERAND = 1 }; /* what getopt_long returns besides letters */

static const struct option global_options[] = {
	{ "config",  required_argument, NULL, 'c' },
	{ "verbose", no_argument,       NULL, 'v' },
	{ "quiet",   no_argument,       NULL, 'q' },
	{ "help",    no_argument,       NULL, 'h' },
	{ "version", no_argument,       NULL, 'V' },
};
enum { GLOBALS = sizeof(global_options) / sizeof(global_options[0]) };

/* Options of verbs that have a short name, too. Each takes an argument. */
static const struct {
	char letter;
	enum option_id id;
} letters[] = {
	{ 'X', OPTION_REQUEST },
	{ 'H', OPTION_ADD_HEADER },
	{ 'd', OPTION_DATA },
};
enum { LETTERS = sizeof(letters) / sizeof(letters[0]) };

/* What parsing has found besides what goes into the command. */
struct found {
	bool help, version;
	int from_stdin; /* times that "-" was given for a secret or a file */
};

static const struct option_line *line_of(const struct command *cmd, enum option_id id)
{
	for (const struct option_line *line = cmd->verb->options; line && line->name; line++)
		if (line->id == id)
			return line;
	return NULL;
}

const char *arguments_name(const struct command *cmd, enum option_id id)
{
	const struct option_line *line = line_of(cmd, id);

	return line ? line->name : "?";
}

static int usage_error(struct command *cmd, const char *what, const char *name)
{
	return say_error(cmd, TOKEEP_EINVAL, "%s%s; run: tokeep help%s%s", what, name, cmd->verb ? " " : "",
			 cmd->verb ? cmd->verb->name : "");
}

/* --name of an option that getopt refused, without the value behind it. */
static int refuse_option(struct command *cmd, char **argv, const char *why)
{
	char name[40];

	if (optopt > 0 && optopt < FIRST_LONG)
		snprintf(name, sizeof(name), "-%c", optopt);
	else
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(argv[optind - 1], "="), argv[optind - 1]);
	return usage_error(cmd, why, name);
}

/* Both getopt of glibc and that of musl begin anew at 0; the BSDs have a variable for it. */
static void restart_getopt(void)
{
#ifdef __linux__
	optind = 0;
#else
	optreset = 1;
	optind = 1;
#endif
	opterr = 0;
}

static bool is_global(struct command *cmd, struct found *found, int letter)
{
	switch (letter) {
	case 'c':
		cmd->config = optarg;
		return true;
	case 'v':
		cmd->level = cmd->level < TOKEEP_LOG_INFO ? TOKEEP_LOG_INFO : TOKEEP_LOG_DEBUG;
		return true;
	case 'q':
		cmd->level = TOKEEP_LOG_ERR;
		return true;
	case 'h':
		return found->help = true;
	case 'V':
		return found->version = true;
	}
	return false;
}

/* "-" for the argument may mean standard input. */
static bool takes_stdin(const char *argument)
{
	size_t size = strlen(argument);

	return argument[size - 1] == '-' && (size == 1 || argument[size - 2] == '|');
}

static int take_option(struct command *cmd, struct found *found, enum option_id id)
{
	const struct option_line *line = line_of(cmd, id);

	cmd->values[id] = optarg ? optarg : "";
	if (id == OPTION_ADD_HEADER)
		cmd->many[cmd->many_count++] = optarg;
	if (!line->argument || !takes_stdin(line->argument))
		return 0;
	if (!strcmp(optarg, "-"))
		found->from_stdin++;
	else if (!strcmp(line->argument, "-"))
		return say_error(cmd, TOKEEP_EINVAL,
				 "--%s: takes only - : a secret among the arguments is seen by every process of the host; "
				 "give it on standard input",
				 line->name);
	return 0;
}

static int take_operand(struct command *cmd, struct found *found, const char *operand)
{
	const struct verb *verb = cmd->verb;

	if (verb->most >= 0 && cmd->count == verb->most)
		return usage_error(cmd, "too many arguments for tokeep ", verb->name);
	if (!*operand)
		return usage_error(cmd, "an argument is empty", "");
	if (!strcmp(operand, "-"))
		found->from_stdin++;
	cmd->operands[cmd->count++] = operand;
	return 0;
}

/* The options before the verb. `optind` is the verb's place afterwards. */
static int parse_globals(struct command *cmd, struct found *found, int argc, char **argv)
{
	struct option options[GLOBALS + 2] = { { .name = NULL } };
	int c;

	memcpy(options, global_options, sizeof(global_options));
	options[GLOBALS] = (struct option){ "json", no_argument, NULL, FIRST_LONG + OPTION_JSON };
	restart_getopt();
	while ((c = getopt_long(argc, argv, "+:" SHORT_OPTIONS, options, NULL)) != -1) {
		if (c == ':')
			return refuse_option(cmd, argv, "an argument is missing behind ");
		if (c == '?')
			return refuse_option(cmd, argv, "option not understood before a verb: ");
		is_global(cmd, found, c);
	}
	return 0;
}

char arguments_letter(enum option_id id)
{
	for (int i = 0; i < LETTERS; i++)
		if (letters[i].id == id)
			return letters[i].letter;
	return 0;
}

static enum option_id id_of(int c)
{
	for (int i = 0; i < LETTERS; i++)
		if (letters[i].letter == c)
			return letters[i].id;
	return (enum option_id)(c - FIRST_LONG);
}

/* The short options of every verb and those of this one. */
static void short_options(const struct command *cmd, char *text, size_t size)
{
	size_t n = (size_t)snprintf(text, size, "-:%s", SHORT_OPTIONS);

	for (int i = 0; i < LETTERS; i++)
		if (line_of(cmd, letters[i].id))
			n += (size_t)snprintf(text + n, size - n, "%c:", letters[i].letter);
}

static int parse_verb(struct command *cmd, struct found *found, int argc, char **argv)
{
	struct option options[GLOBALS + OPTIONS + 1] = { { .name = NULL } };
	const struct option_line *line = cmd->verb->options;
	char shorts[sizeof("-:" SHORT_OPTIONS) + 2 * LETTERS];
	int c, r = 0;

	short_options(cmd, shorts, sizeof(shorts));
	memcpy(options, global_options, sizeof(global_options));
	for (int n = GLOBALS; line && line->name; line++, n++)
		options[n] = (struct option){ line->name, line->argument ? required_argument : no_argument, NULL,
					      FIRST_LONG + (int)line->id };
	restart_getopt();
	while (!r && (c = getopt_long(argc, argv, shorts, options, NULL)) != -1) {
		if (c == ':')
			return refuse_option(cmd, argv, "an argument is missing behind ");
		if (c == '?')
			return refuse_option(cmd, argv, "option not understood: ");
		if (c == OPERAND)
			r = take_operand(cmd, found, optarg);
		else if (!is_global(cmd, found, c))
			r = take_option(cmd, found, id_of(c));
		if (found->help || found->version)
			return r;
	}
	if (strstr(cmd->verb->arguments, "-- ")) {
		cmd->behind = argv + optind;
		return r;
	}
	for (; !r && optind < argc; optind++) /* behind "--" */
		r = take_operand(cmd, found, argv[optind]);
	return r;
}

/* Known before anything else, since it decides how a wrong argument is told. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--json"))
			return true;
	return false;
}

static int print_version(void)
{
	printf("tokeep %s\n", tokeep_version());
	return 1;
}

static int print_help(const struct verb *verb)
{
	verbs_print_help(verb);
	return 1;
}

int arguments_parse(struct command *cmd, int argc, char **argv)
{
	struct found found = { false };
	int r;

	cmd->json = wants_json(argc, argv);
	r = parse_globals(cmd, &found, argc, argv);
	if (r)
		return r;
	if (found.version)
		return print_version();
	if (optind == argc && found.help)
		return print_help(NULL);
	if (optind == argc)
		return usage_error(cmd, "what is to be done?", "");

	argc -= optind;
	argv += optind;
	cmd->verb = verbs_find(argv[0]);
	if (!cmd->verb)
		return usage_error(cmd, "no such verb: ", argv[0]);
	if (found.help)
		return print_help(cmd->verb);
	cmd->operands = calloc((size_t)argc, sizeof(*cmd->operands));
	cmd->many = calloc((size_t)argc + 1, sizeof(*cmd->many));
	if (!cmd->operands || !cmd->many)
		return say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	r = parse_verb(cmd, &found, argc, argv);
	if (r)
		return r;
	if (found.help)
		return print_help(cmd->verb);
	if (found.version)
		return print_version();
	cmd->json = cmd->json || cmd->values[OPTION_JSON]; /* it may have been shortened */
	if (found.from_stdin > 1)
		return say_error(cmd, TOKEEP_EINVAL, "standard input can be read only once: one - too many");
	if (cmd->count < cmd->verb->least)
		return usage_error(cmd, "an argument is missing: ", cmd->verb->arguments);
	return 0;
}

void arguments_free(struct command *cmd)
{
	free(cmd->operands);
	free(cmd->many);
}

int arguments_seconds(struct command *cmd, enum option_id id, int64_t *seconds)
{
	const char *text = cmd->values[id];
	char *end;
	long long n;

	if (!text)
		return 0;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n > INT32_MAX)
		return say_error(cmd, TOKEEP_EINVAL, "--%s: takes whole seconds, from 0 to %d",
				 arguments_name(cmd, id), INT32_MAX);
	*seconds = n;
	return 0;
}

int arguments_one_of(struct command *cmd, const enum option_id *ids)
{
	const char *first = NULL;

	for (; *ids != OPTIONS; ids++) {
		if (!cmd->values[*ids])
			continue;
		if (first)
			return say_error(cmd, TOKEEP_EINVAL, "--%s and --%s: only one of them can be", first,
					 arguments_name(cmd, *ids));
		first = arguments_name(cmd, *ids);
	}
	return 0;
}
