/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * flow.h: find, still valid? else lease, read again, prove, note, ask once, note the answer, save, hand out.
 *
 * flow.c looks; refresh.c decides, with what remember.c knows; exchange.c sends and brings the answer home; recover.c
 * brings home what an earlier run left.
 */
#ifndef TOKEEP_CORE_FLOW_H
#define TOKEEP_CORE_FLOW_H

#include "backend.h"
#include "journal.h"
#include "lease.h"
#include "oauth.h"
#include "pause.h"

struct flow {
	const struct conf *conf;
	struct tokeep_backend *be;
	const struct log *log;
	struct error *err;
	int64_t deadline_ms; /* by lease_clock_ms(); 0: none */
};

/* ms left until the caller's deadline, at most `most`. */
int64_t flow_left_ms(const struct flow *flow, int64_t most);

/* What stands for a secret in the journal and in what is remembered; "" for none. Loads the transport. */
int flow_digest(const struct flow *flow, const char *secret, char hex[TRANSPORT_DIGEST_SIZE]);

/* Where the client's endpoints are, if only its issuer is known so far. */
int flow_discover(const struct flow *flow, struct client *client);

/* A valid access token for what `token` selects. `now`: asks the provider whatever the expiry says.
 * TOKEEP_EUNSAVED: `token` is set all the same. */
int flow_access(const struct flow *flow, struct tokeep_token *token, int64_t min_ttl_s, bool now);

/* `token` is a record whose access token was refused by whoever it was shown to: another one, by a refresh unless
 * somebody else has got one meanwhile. */
int flow_replace(const struct flow *flow, struct tokeep_token *token);

/* "crm --user alice@example.com": what to give `tokeep login` for this record. Caller frees; NULL: no memory. */
char *flow_login_words(const struct flow *flow, const struct tokeep_token *row);

/* Adds that command to what was said; returns `result`. */
int flow_must_login(const struct flow *flow, const struct tokeep_token *row, int result);

/*
 * exchange.c
 */

/* One grant being turned into tokens. */
struct exchange {
	const struct flow *flow;
	struct client *client;
	const struct lease *lease; /* NULL: a login of a new account */
	struct journal journal;
	int (*ask)(const struct exchange *, const struct oauth_net *, struct oauth_result *);
	const char *secret;        /* what is presented: refresh token, code */
	const void *data;          /* of `ask` */
	const struct tokeep_token *row; /* as the store has it, or what is known of a new one */
	char digest[TRANSPORT_DIGEST_SIZE]; /* of `secret` */
	struct oauth_result result;
	bool retry;                /* a lost answer may be asked for once more */
};

/* Notes, sends, retries once where that is due. On success the answer has arrived and is nowhere but in `result`. */
int exchange_send(struct exchange *x);

/* row + answer, as the store is to have it. */
int exchange_record(const struct exchange *x, struct tokeep_token *record);

/* The answer into the journal; where that fails it is said, and the store may still take it. */
bool exchange_note(struct exchange *x, const struct tokeep_token *record);

/* Into the store by `save`, tried some times; out of the journal. TOKEEP_EUNSAVED. `save` may return TOKEEP_ENOTFOUND:
 * the row is another one by now; then the entry stays and nothing is said. */
int exchange_save(struct exchange *x, struct tokeep_token *record,
		  int (*save)(const struct flow *, struct tokeep_token *record, const char *old), const char *old);
void exchange_free(struct exchange *x); /* leaves the journal's entry, if any, where it is */

/* SIGINT, SIGTERM, SIGHUP and SIGQUIT wait. */
void exchange_hold_signals(void *saved_mask);
void exchange_release_signals(const void *saved_mask);

/*
 * recover.c
 */

/* An earlier run's answer for `row` (under its lease): into the store, out of the journal. `row` is then as the store has
 * it. TOKEEP_EUNSAVED: the store still doesn't take it, and `row` is what the journal has. TOKEEP_ESTORE: likewise, but
 * what the journal has is of no use any more today. */
int recover_answer(const struct flow *flow, struct journal *journal, struct tokeep_token *row);

/* Whatever earlier runs left for this store: brought in, or logged with the reason. */
void recover_all(const struct flow *flow);

/* The store can't be read: what the journal has for `token`, if that is alive. TOKEEP_EUNSAVED, else what `r` says. */
int recover_unread(const struct flow *flow, struct tokeep_token *token, int r);

/* Drops what the journal and the pauses know of a record that is deleted; NULL: of every record of this store. */
void recover_forget(const struct flow *flow, const char *id);
#endif
