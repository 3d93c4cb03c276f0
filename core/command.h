/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command.h: what the files of the tokeep command share: the arguments, the verbs, and how the command
 * speaks. It stands on <tokeep.h> alone, as any program would.
 */
#ifndef TOKEEP_COMMAND_H
#define TOKEEP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <tokeep.h>

/* Every option of every verb; one that several verbs have means the same in each. */
enum option_id {
	OPTION_ACCESS_TOKEN,
	OPTION_ADD_HEADER,
	OPTION_ALL,
	OPTION_BEFORE,
	OPTION_CLIENT,
	OPTION_CLIENT_CREDENTIALS,
	OPTION_CODE,
	OPTION_DATA,
	OPTION_DEVICE,
	OPTION_DRY_RUN,
	OPTION_ENV,
	OPTION_GRANT_TOKEN,
	OPTION_HEADER,
	OPTION_ID,
	OPTION_JSON,
	OPTION_LOCAL,
	OPTION_MIN_TTL,
	OPTION_NO_BROWSER,
	OPTION_PORT,
	OPTION_REFRESH_TOKEN,
	OPTION_REQUEST,
	OPTION_REVEAL,
	OPTION_SCOPE,
	OPTION_TIMEOUT,
	OPTION_USER,
	OPTION_YES,
	OPTIONS
};

struct option_line {
	enum option_id id;
	const char *name;     /* without the dashes */
	const char *argument; /* NULL: takes none; "-": from standard input alone; "X|-": as it is, or from there */
	const char *text;
};

struct command;

struct verb {
	const char *name;
	const char *arguments; /* of the usage line; "-- " in it: what follows "--" is another command */
	const char *summary;
	int least, most;       /* operands; most -1: any number */
	bool context;          /* run is called with a configuration read */
	const struct option_line *options; /* up to one without a name; NULL: none */
	int (*run)(struct command *cmd);
};

struct command {
	const char *config; /* -c, NULL: the usual places */
	int level;          /* of the log lines that are shown */
	bool json;
	const struct verb *verb;
	const char *values[OPTIONS]; /* NULL: not given; "" for one without an argument */
	const char **many;  /* what the option that may be given many times was given, NULL at the end */
	int many_count;
	const char **operands;
	int count;
	char **behind;      /* what follows "--", NULL at the end, where that is another command */
	struct tokeep *tk;
};

/*
 * command_verbs.c: the table of verbs, and the help made of it.
 */
const struct verb *verbs_find(const char *name);
void verbs_print_help(const struct verb *verb); /* NULL: of the whole command */

/* Each returns 0 or a negative result, about which it has spoken. */
int verb_login(struct command *cmd);
int verb_token(struct command *cmd);
int verb_refresh(struct command *cmd);
int verb_exec(struct command *cmd);
int verb_api(struct command *cmd);
int verb_revoke(struct command *cmd);
int verb_list(struct command *cmd);
int verb_show(struct command *cmd);
int verb_find(struct command *cmd);
int verb_delete(struct command *cmd);
int verb_clear(struct command *cmd);
int verb_export(struct command *cmd);
int verb_import(struct command *cmd);
int verb_migrate(struct command *cmd);
int verb_check(struct command *cmd);
int verb_stores(struct command *cmd);
int verb_providers(struct command *cmd);
int verb_version(struct command *cmd);
int verb_help(struct command *cmd);

/*
 * command_arguments.c
 */

/* Fills `cmd`. A positive result: what was asked for has been printed (help, version), nothing is left to do. */
int arguments_parse(struct command *cmd, int argc, char **argv);
void arguments_free(struct command *cmd);

static inline const char *arguments_operand(const struct command *cmd, int n)
{
	return n < cmd->count ? cmd->operands[n] : NULL;
}

/* Whole seconds, not negative. Not given: `seconds` stays as it is. */
int arguments_seconds(struct command *cmd, enum option_id id, int64_t *seconds);
/* Of those in `ids` (up to OPTIONS) one at most may be given. */
int arguments_one_of(struct command *cmd, const enum option_id *ids);
/* The option's short name; 0: it has none. */
char arguments_letter(enum option_id id);
/* The option's name without the dashes, by its verb. */
const char *arguments_name(const struct command *cmd, enum option_id id);

/*
 * command_say.c: standard error: what people, or with --json programs, are told.
 */

/* Says why, as text or as JSON, and returns `result`. */
int say_error(struct command *cmd, int result, const char *format, ...) TOKEEP_PRINTF(3, 4);
/* The same with what the library said. `about` NULL: nothing before it. */
int say_failure(struct command *cmd, struct tokeep *tk, int result, const char *about);
/* A line for people: what has been done. Not with -q, not with --json. */
void say(struct command *cmd, const char *format, ...) TOKEEP_PRINTF(2, 3);
/* A warning: not with -q; with --json an object of its own. */
void say_warning(struct command *cmd, const char *format, ...) TOKEEP_PRINTF(2, 3);
/* A context with the configuration read, its log going here. */
int say_open(struct command *cmd, struct tokeep **tk);

/* A count that grows on a terminal, from the second second on. */
struct progress {
	const char *what; /* "tokens copied" */
	bool shown;       /* a line is there to be wiped */
	int64_t next_ms;
};
void progress_begin(struct command *cmd, struct progress *progress, const char *what);
void progress_show(struct progress *progress, long long count);
void progress_end(struct progress *progress);

/*
 * command_output.c: standard output.
 */
void output_open(void);
/* Has writing failed? Then there is no use in going on. */
bool output_failed(void);
/* Whatever could not be written becomes the result where there is none yet. */
int output_close(struct command *cmd, int result);
/* Not 0: values are for people at a terminal. */
bool output_terminal(void);
/* A value; its control characters become '?' on a terminal. */
void output_value(const char *value);
/* The same, at least `width` columns wide, and two blanks behind. */
void output_column(const char *value, int width);
/* A copy fit for a terminal line. Caller frees; NULL when memory is short. */
char *output_clean(const char *text);

/* "in 59 min", "3 h ago": of a time from now, both ms. Copied to `text`. */
#define OUTPUT_RELATIVE_MAX 32
void output_relative(char *text, int64_t time_ms, int64_t now_ms);
int64_t output_now_ms(void);
/* A time field of a token; -1 where absent or no number. */
int64_t output_time_ms(const struct tokeep_token *token, int field);

/*
 * command_secret.c
 */

/* All of standard input without one newline at its end; on a terminal a line is asked for by `what`, without an echo.
 * Refuses more than one line. Wiped and freed by secret_drop(). */
int secret_read(struct command *cmd, const char *what, char **secret);
void secret_drop(char *secret);
/* Of an option that may be "-". */
int secret_option(struct command *cmd, enum option_id id, const char *what, char **secret);

/* A line of standard input, a terminal, asked for by `what` and a colon; `otherwise` (NULL: nothing) is taken where it is
 * empty. Freed by secret_drop(). */
int secret_ask(struct command *cmd, const char *what, const char *otherwise, char **answer);

/*
 * command_browser.c and command_setup.c, which are steps of tokeep login
 */

/* In the browser. What fails has been told. */
int browser_login(struct command *cmd, struct tokeep_token *token);
/* Where there is no configuration, and people at a terminal: asks what has to be in one, writes it, and goes on with
 * it. */
int setup_offer(struct command *cmd);

/*
 * command_device.c, command_qr.c
 */
int device_login(struct command *cmd, const char *client, const char *secret, struct tokeep_token *token);
/* Nothing where it does not fit, or this build has no QR codes. */
void qr_draw(FILE *out, const char *text);

/*
 * command_records.c, shared with its neighbours
 */

/* Sets user_name; NULL: absent. */
int records_name(struct command *cmd, const char *user, struct tokeep_token *token);
/* USER, --client and --id select a token as DESIGN says for every verb that takes them. */
int records_choose(struct command *cmd, const char *user, struct tokeep_token *token);
/* The first half of it: what they name is put into the token. */
int records_wanted(struct command *cmd, const char *user, struct tokeep_token *token);

#endif
