/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * grants.h: what the authorization server remembers: clients, grants, and the codes and tokens of each grant.
 * Knows OAuth's rules and neither HTTP nor JSON. Every function may be called from any thread.
 */
#ifndef SANDBOX_GRANTS_H
#define SANDBOX_GRANTS_H

#include "digest.h"

#include <stdbool.h>
#include <stdint.h>

/* How a request was judged. Each dialect has its own words for these. */
enum verdict {
	GRANTED,
	BAD_REQUEST,
	BAD_CLIENT,      /* unknown, or no secret where one is needed */
	BAD_SECRET,
	BAD_GRANT,       /* code or refresh token unknown, used, expired, revoked, another client's */
	BAD_REDIRECT,
	BAD_SCOPE,
	BAD_GRANT_TYPE,
	NOT_FOR_CLIENT,  /* client credentials of a public client */
	NO_ORG,          /* Zoho: client credentials without soid */
	PENDING,
	SLOW_DOWN,
	DENIED,
	EXPIRED,
	OTHER_DC,
	THROTTLED,
	VERDICTS
};

enum rotation { ROTATE_STRICT, ROTATE_GRACE, ROTATE_NEVER };

/* What may be chosen on the command line and changed while it runs. */
struct rules {
	int64_t token_life_s, code_life_s, device_life_s, interval_s;
	enum rotation rotation;
	int64_t grace_s;
	int64_t throttle_count; /* new access tokens of one refresh token ... 0: no limit */
	int64_t throttle_s;     /* ... in so many seconds */
	int64_t access_limit;   /* live access tokens of one grant; one more ends the oldest */
	int64_t grant_limit;    /* live grants of one user and client; one more ends the oldest. 0: no limit */
	const char *prefix;     /* of every token */
	bool code_reuse_kills;  /* a code used twice ends what it gave (RFC 6749 4.1.2) */
	bool slow_down_grows;   /* five seconds more each time (RFC 8628 3.5) */
};

struct client {
	struct client *next;
	char *id;
	char *secret; /* NULL: a public client */
};

/* What a request gave. `user` and `client_id` are set as soon as they are known, also on failure. */
struct issue {
	char *access_token, *refresh_token /* NULL: not in this answer */, *scope, *user, *client_id, *nonce;
	int64_t expires_in_s;
	int64_t retry_after_s; /* with THROTTLED */
};
void issue_free(struct issue *issue);

struct grants;
struct grants *grants_new(const struct rules *rules);
void grants_free(struct grants *g);
struct rules grants_rules(struct grants *g);
void grants_set_rules(struct grants *g, const struct rules *rules);

/* Clients are added before the server starts and never go. */
void grants_add_client(struct grants *g, const char *id, const char *secret);
const struct client *grants_client(struct grants *g, const char *id); /* NULL id: the first; NULL: unknown */

/* A login that the user has agreed to. */
struct login {
	const char *client_id, *user, *scope;
	const char *redirect_uri, *challenge, *nonce; /* may be NULL */
	bool online;                                  /* Zoho: gives no refresh token */
	bool seeded;                                  /* made by the control endpoint: any redirect_uri, no PKCE */
};
char *grants_code(struct grants *g, const struct login *login);

enum verdict grants_exchange(struct grants *g, const char *client_id, const char *code, const char *redirect_uri,
			     const char *verifier, struct issue *issue);
enum verdict grants_refresh(struct grants *g, const char *client_id, const char *refresh_token, const char *scope,
			    struct issue *issue);
void grants_client_credentials(struct grants *g, const char *client_id, const char *scope, struct issue *issue);

/* The device flow. The user decides by user_code; `user` NULL denies. */
struct device {
	char *device_code, *user_code;
	int64_t expires_in_s, interval_s;
};
void device_free(struct device *device);
void grants_device(struct grants *g, const char *client_id, const char *scope, struct device *device);
bool grants_decide(struct grants *g, const char *user_code, const char *user); /* false: no such code waits */
enum verdict grants_device_poll(struct grants *g, const char *client_id, const char *device_code,
				struct issue *issue);

/* Whose token it is and whether it would be taken now. false: unknown. */
struct token_info {
	const char *kind; /* "access_token", "refresh_token", "code", "device_code", "user_code" */
	bool live;
	char *user, *client_id, *scope;
	int64_t expires_ms; /* 0: never */
};
bool grants_look(struct grants *g, const char *token, struct token_info *info);
void token_info_free(struct token_info *info);

/* Of `client_id` only, unless NULL. A refresh token takes its access tokens along. false: no such token lives. */
bool grants_revoke(struct grants *g, const char *token, const char *client_id);

/* A grant out of nothing, for tests; `refresh_token` NULL: a random one. false: that token is there already. */
bool grants_seed(struct grants *g, const struct login *login, const char *refresh_token, struct issue *issue);

void grants_expire_access(struct grants *g); /* every access token ends now */
void grants_revoke_all(struct grants *g);
void grants_forget(struct grants *g);        /* as at the start, rules and clients stay */

struct grant_info {
	unsigned id;
	const char *user, *client_id, *scope, *state;
	struct digest refresh_token; /* the one that would be taken now */
	unsigned access_tokens;      /* that live */
};
void grants_each(struct grants *g, void (*each)(void *, const struct grant_info *), void *data);

struct grant_counts {
	uint64_t refreshes;       /* answered with a new access token */
	uint64_t grace_refreshes; /* of these, for a spent token within its grace */
	uint64_t reuse_detected;  /* a spent refresh token came again and ended its grant */
	uint64_t code_reuse_detected;
	uint64_t throttled;
};
struct grant_counts grants_counts(struct grants *g);
#endif
