/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mysql_connection.c: a connection that can be trusted: TLS checked before the password goes out, time-outs, no
 * reading of files for the server, a session whose settings don't depend on the server's.
 *
 * It is opened when first needed and again after it was lost, never inside a transaction: only whoever began one knows
 * what to repeat.
 */
#include "mysql_store.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define IDLE_S 300 /* the server ends a connection that was silent for so long; it is opened again when needed */

int64_t connection_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

void connection_pause(int64_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

int connection_random(void *bytes, size_t size)
{
	ssize_t n;

	do {
		n = getrandom(bytes, size, 0);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)size ? 0 : -1;
}

/* OpenSSL writes to a connection that the server has closed without asking for no signal. */
void connection_hold_sigpipe(struct held *held)
{
	sigset_t pending, sigpipe;

	sigemptyset(&sigpipe);
	sigaddset(&sigpipe, SIGPIPE);
	sigpending(&pending);
	held->was_pending = sigismember(&pending, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &sigpipe, &held->mask);
}

void connection_release_sigpipe(const struct held *held)
{
	const struct timespec now = { 0 };
	sigset_t sigpipe;

	sigemptyset(&sigpipe);
	sigaddset(&sigpipe, SIGPIPE);
	if (!held->was_pending)
		while (sigtimedwait(&sigpipe, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &held->mask, NULL);
}

/* The library's set-up, once per process. It ignores SIGPIPE for the whole of it, which is not ours to change. */
static void set_up(void)
{
	struct sigaction before;
	int saved = !sigaction(SIGPIPE, NULL, &before);

	mysql_library_init(0, NULL, NULL);
	if (saved)
		sigaction(SIGPIPE, &before, NULL);
}

/* The client library lets these decide how the server is reached and whether it is checked; plain getenv() is what it
 * calls, also in a setuid program, and so must we. */
static int check_environment(struct store *s)
{
	static const struct {
		const char *name;
		bool always; /* else where somebody with fewer rights may have set it */
	} meddling[] = {
		{ "MARIADB_TLS_DISABLE_PEER_VERIFICATION", true },
		{ "LIBMYSQL_PLUGINS", false },
		{ "MARIADB_PLUGIN_DIR", false },
		{ "MYSQL_UNIX_PORT", false },
		{ "MARIADB_UNIX_PORT", false },
	};

	for (size_t i = 0; i < sizeof(meddling) / sizeof(*meddling); i++) {
		const char *name = meddling[i].name;

		if (getenv(name) && (meddling[i].always || !secure_getenv(name)))
			return tokeep_backend_fail(s->be, TOKEEP_ECONFIG,
						   "%s: %s is set, which would change how the server is reached and checked; run: unset %s",
						   s->where, name, name);
	}
	return 0;
}

/* A password leaves this host in clear only inside TLS that was verified. "dialog", which asks on the terminal, and
 * the old hash are nothing for us. */
static const char *authentication(const struct store *s)
{
	if (s->verify)
		return "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password,parsec,auth_gssapi_client,mysql_clear_password";
	return "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password,parsec,auth_gssapi_client";
}

static int set_options(const struct store *s, MYSQL *db)
{
	const unsigned int no_files = 0, protocol = s->local ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
	const my_bool no = 0, tls = s->verify;
	const struct {
		enum mysql_option option;
		const void *value;
	} options[] = {
		{ MYSQL_OPT_PROTOCOL, &protocol },
		{ MYSQL_OPT_CONNECT_TIMEOUT, &s->connect_timeout_s },
		{ MYSQL_OPT_READ_TIMEOUT, &s->read_timeout_s },
		{ MYSQL_OPT_WRITE_TIMEOUT, &s->write_timeout_s },
		{ MYSQL_OPT_LOCAL_INFILE, &no_files },
		{ MYSQL_OPT_RECONNECT, &no },
		{ MYSQL_SET_CHARSET_NAME, "utf8mb4" },
		{ MYSQL_OPT_SSL_ENFORCE, &tls },
		{ MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &tls },
		{ MARIADB_OPT_RESTRICTED_AUTH, authentication(s) },
	};
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(options) / sizeof(*options); i++)
		r = mysql_options(db, options[i].option, options[i].value);
	if (!r && s->verify)
		r = mysql_options(db, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3");
	if (!r && s->verify && s->ssl_ca)
		r = mysql_options(db, MYSQL_OPT_SSL_CA, s->ssl_ca);
	return r;
}

/* Nothing of the server's settings may truncate a value, wait for minutes or lock more than a row; and should this host
 * be cut off without the server noticing, its locks are not to last for hours. */
static int set_session(struct store *s)
{
	/* Waiting for a lock ends before waiting for the answer does. */
	const unsigned int wait_s = s->read_timeout_s > 3 ? 3 : s->read_timeout_s > 1 ? s->read_timeout_s - 1 : 1;
	char *sql = query_text("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', sql_notes = 0,"
			       " autocommit = 1, innodb_lock_wait_timeout = %u, lock_wait_timeout = %u,"
			       " wait_timeout = %d", wait_s, wait_s, IDLE_S);
	int r = sql ? query_command(s, sql) : error_memory(s);

	free(sql);
	if (r)
		return r;
	return query_command(s, s->repeatable ? "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ" :
						"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
}

/* The option alone does not do it: against a server without TLS some versions go on in clear. */
static int check_tls(struct store *s)
{
	if (!s->verify || mysql_get_ssl_cipher(s->db))
		return 0;
	return error_own(s, TOKEEP_ESTORE, "connecting: the server does not use TLS, which ssl = \"verify\" asks for");
}

static int open_connection(struct store *s, MYSQL *db)
{
	const int64_t start = connection_clock_ms();
	struct held held;
	bool open;

	if (set_options(s, db))
		return error_server(s, mysql_errno(db), mysql_error(db), 0);
	connection_hold_sigpipe(&held);
	open = mysql_real_connect(db, s->host, s->user, s->password, s->database, s->local ? 0 : s->port,
				  s->local ? s->socket : NULL, CLIENT_FOUND_ROWS);
	connection_release_sigpipe(&held);
	return open ? 0 : error_server(s, mysql_errno(db), mysql_error(db), connection_clock_ms() - start);
}

int connection_need(struct store *s)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *doing = s->doing;
	MYSQL *db;
	int r;

	if (s->db)
		return 0;
	r = check_environment(s);
	if (r)
		return r;
	pthread_once(&once, set_up);
	db = mysql_init(NULL);
	if (!db)
		return error_memory(s);
	s->doing = "connecting";
	r = open_connection(s, db);
	if (r) {
		mysql_close(db);
		s->again = false; /* a second call would meet the same */
		s->doing = doing;
		return r;
	}
	s->db = db;
	r = check_tls(s);
	if (!r)
		r = set_session(s);
	if (!r && s->leased)
		lease_session(s);
	if (!s->db)
		r = TOKEEP_ESTORE; /* lost there, and said so */
	if (r)
		connection_drop(s);
	s->doing = doing;
	return r;
}

void connection_drop(struct store *s)
{
	struct held held;

	connection_hold_sigpipe(&held);
	query_forget(s);
	if (s->db)
		mysql_close(s->db);
	connection_release_sigpipe(&held);
	s->db = NULL;
	s->ids_locked = false;
}
