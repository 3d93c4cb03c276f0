/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mysql_store.h: what the parts of the mysql store share; the only file that includes the database's header.
 *
 *     mysql.c             the entry points
 *     mysql_options.c     what the config says
 *     mysql_connection.c  a connection that can be trusted, and how it is lost
 *     mysql_error.c       what a failure means: words, next step, is it worth another try
 *     mysql_query.c       prepared statements
 *     mysql_table.c       the table: ours, or one of Zoho's SDKs
 *     mysql_row.c         rows: read, found, written
 *     mysql_ids.c         new ids
 *     mysql_change.c      transactions: tried again, or many changes as one
 *     mysql_write.c       save, swap, probe, delete
 *     mysql_lease.c       the lease row
 *
 * Functions return 0 or a negative TOKEEP_E..., after tokeep_backend_fail().
 */
#ifndef TOKEEP_MYSQL_STORE_H
#define TOKEEP_MYSQL_STORE_H

#include <tokeep-store.h>

#include <mysql.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#define FIELDS (TOKEEP_FIELD_STATUS + 1)
#define ZOHO_FIELDS (TOKEEP_FIELD_API_DOMAIN + 1)
#define STATEMENTS 12    /* prepared at a time */
#define VALUES_MAX 24    /* of one statement */
#define ID_SIZE 24       /* of a new id */
#define OWNER_SIZE 33    /* of a lease: 128 random bits in hex */

struct column {
	bool there, required; /* required: NOT NULL */
	bool text;            /* TEXT or BLOB: its width is in bytes */
	unsigned long width;  /* characters (bytes); 0: no text column, the server decides */
};

struct statement {
	char *sql;
	MYSQL_STMT *handle;
	unsigned long used;
};

struct cell {
	char *text;
	size_t room;
	unsigned long length;
	my_bool null;
};

struct store {
	struct tokeep_backend *be;

	/* mysql_options.c */
	const char *host, *socket, *database, *table, *user, *password, *ssl_ca;
	unsigned int port, connect_timeout_s, read_timeout_s, write_timeout_s;
	bool local;  /* by a unix socket */
	bool verify; /* TLS, and the server's certificate is checked */
	char *where; /* "user@host:port/database.table", as messages begin */

	/* mysql_connection.c */
	MYSQL *db;         /* NULL: not connected */
	const char *doing; /* "saving", for messages */
	bool repeatable;   /* the isolation this server's binary log needs */

	/* mysql_error.c: of the last failure */
	unsigned int failure; /* the server's number; 0: not the server's */
	char words[512];      /* the server's */
	bool again;           /* the same once more may work */
	bool soon;            /* ... however often: it ends by itself */
	int64_t refused_first_ms, refused_last_ms; /* by a node that was not ready */
	bool lost;            /* the connection went with it */

	/* mysql_query.c. In every statement {t} stands for the table's name. */
	struct statement statements[STATEMENTS];
	unsigned long clock; /* counts uses of statements */
	struct cell cells[VALUES_MAX];
	unsigned int columns; /* of the row in `cells` */
	unsigned long long affected;
	unsigned int warnings;

	/* mysql_table.c */
	bool learned;    /* the others are known */
	bool has_table;  /* it exists */
	bool rolls_back; /* its engine does */
	struct column column[FIELDS];

	/* mysql_ids.c */
	enum { IDS_UNKNOWN, IDS_REMEMBERED, IDS_COUNTED } ids;
	bool counted;                /* once: the next is what the table had */
	unsigned long long table_id;
	unsigned long long last_id;  /* remembered; of now only under the lock */

	/* mysql_change.c */
	bool batch, broken;         /* broken: the batch is lost */
	bool ids_locked;            /* in this transaction */
	struct tokeep_token *saved; /* the batch's last one */

	/* mysql_lease.c */
	char owner[OWNER_SIZE];
	bool leased;
};

/* mysql_options.c */
int options_read(struct store *s);

/* mysql_connection.c */
struct held {
	sigset_t mask;
	bool was_pending;
};
void connection_hold_sigpipe(struct held *held); /* of this thread, around a write to the server */
void connection_release_sigpipe(const struct held *held);
int connection_need(struct store *s); /* connects where it isn't */
void connection_drop(struct store *s);
int64_t connection_clock_ms(void);    /* monotonic */
void connection_pause(int64_t ms);
int connection_random(void *bytes, size_t size); /* 0 or -1 */

/* mysql_error.c */
/* Says what the server (or the client library) said; returns what to return. `ms`: how long it took to fail. */
int error_server(struct store *s, unsigned int number, const char *words, int64_t ms);
int error_own(struct store *s, int result, const char *format, ...) TOKEEP_PRINTF(3, 4);
int error_memory(struct store *s);

/* mysql_query.c. In every statement {t} stands for the table's name. */
/* A statement without values, as text. */
int query_command(struct store *s, const char *sql);
/* A prepared one. Values are text, NULL is NULL. Sets affected (rows found, changed or not) and warnings. */
int query_run(struct store *s, const char *sql, const char *const values[], unsigned int count);
/* Each row in turn is in s->cells. Not 0: stops. `each` must not query. */
int query_rows(struct store *s, const char *sql, const char *const values[], unsigned int count,
	       int (*each)(struct store *s, void *data), void *data);
/* The one value of the first row as a number; 0 where there is none. */
int query_number(struct store *s, const char *sql, const char *const values[], unsigned int count,
		 unsigned long long *number);
/* The columns a SELECT would give. */
int query_columns(struct store *s, const char *sql, void (*each)(struct store *s, const MYSQL_FIELD *field));
const char *query_cell(const struct store *s, unsigned int i); /* NULL where NULL */
void query_forget(struct store *s); /* every statement; wipes cells */
/* Text of a statement; NULL when memory is short. Caller frees. */
char *query_text(const char *format, ...) TOKEEP_PRINTF(1, 2);

/* mysql_table.c */
int table_learn(struct store *s);  /* once; sets has_table */
int table_create(struct store *s); /* where it isn't there */
int table_check_engine(struct store *s); /* once; before a write */
/* Else it says how to widen the column. */
int table_fits(struct store *s, int field, const char *value);
/* Names of the columns that are there, in the order of fields, for SELECT. Caller frees. */
char *table_columns(const struct store *s);

/* mysql_row.c */
int row_find(struct store *s, const struct tokeep_token *wanted, struct tokeep_token *row);
int row_find_id(struct store *s, const char *id, bool lock, struct tokeep_token *row);
int row_each(struct store *s, struct tokeep_sink *sink);
int row_insert(struct store *s, const char *id, const struct tokeep_token *token);
/* Writes what `token` has and `row`, its row, hasn't. */
int row_update(struct store *s, const struct tokeep_token *row, const struct tokeep_token *token);
int row_delete(struct store *s, const char *id);
/* The row has all that `token` has; else TOKEEP_ENOTFOUND. Waits for whoever is about to change it, which may be our own
 * transaction over a connection that got lost. */
int row_holds(struct store *s, const char *id, const struct tokeep_token *token);
int row_copy(struct tokeep_token *to, const struct tokeep_token *from);

/* mysql_ids.c */
int ids_prepare(struct store *s); /* outside a transaction: the table that remembers */
int ids_lock(struct store *s);    /* until the transaction ends we alone insert */
int ids_next(struct store *s, char id[ID_SIZE]);
int ids_note(struct store *s, const char *id); /* it has been given */
int ids_note_all(struct store *s);             /* so have all in the table */

/* mysql_change.c */
struct change {
	const char *doing;
	bool creates; /* makes the table where it isn't there */
	bool probes;  /* is rolled back */
	int (*run)(struct store *s, void *data);
	/* After a COMMIT whose outcome is unknown: 0, it holds; TOKEEP_ENOTFOUND, it doesn't. */
	int (*holds)(struct store *s, void *data);
};
int change_run(struct store *s, const struct change *change, void *data);
int change_read(struct store *s, const char *doing, int (*run)(struct store *s, void *data), void *data);
int change_begin(struct store *s);
int change_commit(struct store *s, bool keep);

/* mysql_write.c */
int write_save(struct store *s, struct tokeep_token *token);
int write_swap(struct store *s, struct tokeep_token *token, const char *old_refresh_token);
int write_probe(struct store *s, const struct tokeep_token *token);
int write_delete(struct store *s, const char *id);
int write_delete_all(struct store *s);

/* mysql_lease.c */
int lease_take(struct store *s, const char *key, int64_t wait_ms, int64_t hold_ms);
int lease_release(struct store *s, const char *key);
void lease_session(struct store *s); /* what a holder's connection needs */
#endif
