/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mysql_error.c: what a failure means: the server's own words, the next step, and whether it is worth another try. */
#include "mysql_store.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers that one of the servers has and the header lacks. */
enum { KILLED = 1927, INTERACTION_TIMEOUT = 4031, RECORD_CHANGED = 1020 };

/* Where nodes come or go, the others are soon one again; one that is cut off is not. */
#define SOON_MS 5000
#define PAUSE_MAX_MS 1000 /* between tries; after a longer one it is another event */

enum kind {
	SAY,   /* nothing but the hint */
	AGAIN, /* rolled back by the server: the transaction once more may work */
	SOON,  /* refused by a node of a cluster that has none at the moment: may work in a second or two */
	LOST,  /* the connection is gone */
	LOG,   /* not with this isolation: over a new connection with the other one */
	QUOTES, /* the words quote a value: not to be repeated */
	NOISE  /* the words are whatever stood in the client library's buffer */
};

static const struct {
	unsigned int number;
	enum kind kind;
	const char *hint; /* NULL: none */
} known[] = {
	{ ER_LOCK_DEADLOCK, AGAIN, "another writer was in the way: try again" },
	{ ER_LOCK_WAIT_TIMEOUT, AGAIN, "another writer holds the row or table: try again" },
	{ RECORD_CHANGED, AGAIN, NULL },
	{ CR_SERVER_GONE_ERROR, LOST, NULL },
	{ CR_SERVER_LOST, LOST, NULL },
	{ CR_SERVER_LOST_EXTENDED, LOST, NULL },
	{ CR_STMT_CLOSED, LOST, NULL },
	{ ER_SERVER_SHUTDOWN, LOST, "the server is going down" },
	{ ER_NORMAL_SHUTDOWN, LOST, "the server is going down" },
	{ KILLED, LOST, NULL },
	{ INTERACTION_TIMEOUT, LOST, NULL },
	{ ER_NET_READ_ERROR, LOST, NULL },
	{ ER_NET_READ_INTERRUPTED, LOST, NULL },
	{ ER_NET_ERROR_ON_WRITE, LOST, NULL },
	{ ER_NET_WRITE_INTERRUPTED, LOST, NULL },
	{ CR_SSL_CONNECTION_ERROR, LOST,
	  "ssl_ca names the certificates to trust, and the server's must be for the host as configured;"
	  " a unix socket (host = \"localhost\") needs none, and ssl = \"off\" is for loopback" },
	{ CR_CONNECTION_ERROR, SAY, "does the server run, and is it to be reached there? (options host, port, socket)" },
	{ CR_CONN_HOST_ERROR, SAY, "does the server run, and is it to be reached there? (options host, port, socket)" },
	{ CR_UNKNOWN_HOST, SAY, "see option host" },
	{ CR_PLUGIN_NOT_ALLOWED, NOISE,
	  "the server asks for the password in a way that tokeep does not answer over such a connection" },
	{ ER_ACCESS_DENIED_ERROR, SAY, "see options user and password (password_file)" },
	{ ER_ACCESS_DENIED_NO_PASSWORD_ERROR, SAY, "this account goes by the name of the operating system's user" },
	{ ER_MUST_CHANGE_PASSWORD, SAY, "see ALTER USER" },
	{ ER_UNKNOWN_COM_ERROR, SOON, "this node of the cluster is not ready" },
	{ ER_OPTION_PREVENTS_STATEMENT, SAY, "the server takes no writes: is it a replica?" },
	{ ER_RECORD_FILE_FULL, SAY, "the server's disk is full" },
	{ ER_DISK_FULL, SAY, "the server's disk is full" },
	{ ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, QUOTES,
	  "the column's character set or type can't hold it" },
	{ ER_BINLOG_STMT_MODE_AND_ROW_ENGINE, LOG, "set binlog_format to MIXED or ROW" },
	{ ER_DUP_ENTRY, QUOTES, NULL },
	{ ER_DUP_ENTRY_WITH_KEY_NAME, QUOTES, NULL },
	{ ER_TRUNCATED_WRONG_VALUE, QUOTES, NULL },
	{ ER_WARN_DATA_OUT_OF_RANGE, QUOTES, NULL },
};

static size_t find(unsigned int number)
{
	size_t i = 0;

	while (i < sizeof(known) / sizeof(*known) && known[i].number != number)
		i++;
	return i;
}

/* What stands between the first and the last quote before " for " may be a token. */
static char *without_value(const char *words)
{
	const char *first = strchr(words, '\''), *last = NULL;

	for (const char *p = first; p && (p = strstr(p, "' for ")); p++)
		last = p;
	if (!first || !last || last == first)
		return first ? strndup(words, first - words) : strdup(words);
	return query_text("%.*s'...%s", (int)(first - words), words, last);
}

/* Where the server's words don't name what to do, the statement to run can. */
static char *statement_to_run(const struct store *s, unsigned int number)
{
	switch (number) {
	case ER_BAD_DB_ERROR:
		return query_text("CREATE DATABASE `%s` CHARACTER SET utf8mb4", s->database);
	case ER_DBACCESS_DENIED_ERROR:
	case ER_TABLEACCESS_DENIED_ERROR:
	case ER_COLUMNACCESS_DENIED_ERROR:
		return query_text("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON `%s`.* TO '%s'@'%%'", s->database,
				  s->user);
	default:
		return NULL;
	}
}

static bool may_come_soon(struct store *s)
{
	const int64_t now = connection_clock_ms();

	if (now - s->refused_last_ms > PAUSE_MAX_MS)
		s->refused_first_ms = now;
	s->refused_last_ms = now;
	return now - s->refused_first_ms < SOON_MS;
}

int error_server(struct store *s, unsigned int number, const char *words, int64_t ms)
{
	const size_t i = find(number);
	const bool is_known = i < sizeof(known) / sizeof(*known);
	const enum kind kind = is_known ? known[i].kind : SAY;
	const char *hint = is_known && known[i].hint ? known[i].hint : NULL;
	char *safe = kind == QUOTES ? without_value(words) : strdup(kind == NOISE ? "refused" : words);
	char *run = statement_to_run(s, number);

	s->failure = number;
	s->lost = kind == LOST || kind == LOG;
	s->repeatable |= kind == LOG;
	/* After a time-out the next try would take as long again. */
	s->soon = kind == SOON && may_come_soon(s);
	s->again = kind == AGAIN || s->soon || (s->lost && ms < s->read_timeout_s * INT64_C(1000));
	snprintf(s->words, sizeof(s->words), "%s", safe ? safe : "out of memory");
	tokeep_backend_fail(s->be, TOKEEP_ESTORE, "%s: %s: %s (error %u)%s%s", s->where, s->doing, s->words, number, run ? "; run: " : hint ? "; " : "",
			    run ? run : hint ? hint : "");
	free(safe);
	free(run);
	return number == CR_OUT_OF_MEMORY ? error_memory(s) : TOKEEP_ESTORE;
}

int error_own(struct store *s, int result, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	s->failure = 0;
	s->again = s->soon = s->lost = false;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (!text)
		return error_memory(s);
	tokeep_backend_fail(s->be, result, "%s: %s", s->where, text);
	free(text);
	return result;
}

int error_memory(struct store *s)
{
	s->failure = 0;
	s->again = s->soon = s->lost = false;
	return tokeep_backend_fail(s->be, TOKEEP_ENOMEM, "%s: out of memory", s->where);
}
