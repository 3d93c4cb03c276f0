/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tokeep.h: OAuth 2.0 tokens for a program that needs one now.
 *
 * A context reads a configuration, finds a token in the store that the configuration names,
 * refreshes it where it must, and hands it out. See libtokeep(3) for a complete example.
 *
 * Rules that hold for every function here:
 *  - The result is 0, or one of the negative TOKEEP_E values; then tokeep_message() says
 *    "where: what: why". Outputs are set on success and untouched on failure.
 *  - A context belongs to one thread at a time; any number of contexts may live in a process.
 *    In a child of fork() a context of the parent keeps working: the store is opened again.
 *  - Strings are UTF-8 and end in NUL. NULL and "" both mean absent. What a function returns as
 *    const char * belongs to the object it was asked of, until that object is changed or freed.
 *  - Times are milliseconds since the epoch (UTC) where the name ends in _ms, seconds for _s.
 *  - The library never prints, never exits, and keeps no state outside a context.
 */
#ifndef TOKEEP_H
#define TOKEEP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TOKEEP_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define TOKEEP_API __attribute__((visibility("default")))
#else
#define TOKEEP_PRINTF(text, first)
#define TOKEEP_API
#endif

/* Results. Each is the negated exit code of the tokeep command; those from -21 on are finer
 * kinds of one (tokeep_exit_code() folds them). */
enum tokeep_result {
	TOKEEP_OK = 0,
	TOKEEP_EINTERNAL = -1,   /* a defect of the library */
	TOKEEP_EINVAL = -2,      /* an argument that can't be */
	TOKEEP_ECONFIG = -3,     /* the configuration was refused */
	TOKEEP_ENOTFOUND = -4,   /* no such token: an answer, not a failure */
	TOKEEP_ELOGIN = -5,      /* the grant is dead or there is none: log in again */
	TOKEEP_ETRANSPORT = -6,  /* no usable HTTP answer: name, connect, TLS, time-out, cut off */
	TOKEEP_ELATER = -7,      /* the server said so: 429, 5xx, throttled; see tokeep_retry_after() */
	TOKEEP_EREPLY = -8,      /* an answer that is no token answer */
	TOKEEP_ECLIENT = -9,     /* client id, secret, redirect or scope refused */
	TOKEEP_ESTORE = -10,     /* the store failed: full, down, corrupt, locked */
	TOKEEP_EUNSAVED = -11,   /* a fresh token is in the journal, the store did not take it */
	TOKEEP_EHTTP = -12,      /* an API call was answered with 4xx or 5xx */
	TOKEEP_ENOMEM = -21,     /* exit code 1 */
	TOKEEP_EAMBIGUOUS = -22, /* more than one token fits: exit code 2 */
	TOKEEP_ELOAD = -23       /* the plugin was refused: exit code 3 */
};

/* The exit code (0 to 12) for a result, and its word as in JSON errors ("login_required").
 * tokeep_class_name(0) is "ok". */
TOKEEP_API int tokeep_exit_code(int result);
TOKEEP_API const char *tokeep_class_name(int result);

/* "1.0.0", of the library that is loaded. */
TOKEEP_API const char *tokeep_version(void);

/*
 * The token record
 */

/* The first ten are the columns of Zoho's SDKs, in their order. */
enum tokeep_field {
	TOKEEP_FIELD_ID,
	TOKEEP_FIELD_USER_NAME,      /* the account a token belongs to */
	TOKEEP_FIELD_CLIENT_ID,
	TOKEEP_FIELD_CLIENT_SECRET,
	TOKEEP_FIELD_REFRESH_TOKEN,
	TOKEEP_FIELD_ACCESS_TOKEN,
	TOKEEP_FIELD_GRANT_TOKEN,    /* the authorization code, RFC 6749, 4.1.2 */
	TOKEEP_FIELD_EXPIRY_TIME,    /* of the access token, ms since the epoch, decimal */
	TOKEEP_FIELD_REDIRECT_URL,
	TOKEEP_FIELD_API_DOMAIN,     /* where the token may be used (Zoho) */
	TOKEEP_FIELD_SCOPE,
	TOKEEP_FIELD_TOKEN_TYPE,
	TOKEEP_FIELD_GRANT_TYPE,     /* authorization_code, device_code, client_credentials, refresh_token */
	TOKEEP_FIELD_ISSUER,         /* the issuer, else the token URL, that gave it */
	TOKEEP_FIELD_ISSUED_TIME,    /* when the user last logged in, ms */
	TOKEEP_FIELD_REFRESHED_TIME, /* when the access token was last got, ms */
	TOKEEP_FIELD_STATUS          /* ok, or why the last refresh was refused: invalid_grant */
};

/* The longest value in bytes, without the NUL. NUL, CR and LF are refused everywhere. */
#define TOKEEP_VALUE_MAX 65536

struct tokeep_token;

/* The field's name as in files, tables and JSON; NULL past the end, so that
 * `for (f = 0; tokeep_field_name(f); f++)` walks them all. */
TOKEEP_API const char *tokeep_field_name(int field);

/* Not 0: the value is one to print only where the user asked for it. */
TOKEEP_API int tokeep_field_secret(int field);

/* An empty record; NULL when memory is short. Free wipes every value; NULL is fine. */
TOKEEP_API struct tokeep_token *tokeep_token_new(void);
TOKEEP_API void tokeep_token_free(struct tokeep_token *token);

/* NULL where absent. */
TOKEEP_API const char *tokeep_token_get(const struct tokeep_token *token, int field);

/* Copies; NULL and "" make the field absent. TOKEEP_EINVAL: no such field, longer than
 * TOKEEP_VALUE_MAX, or CR or LF in it. */
TOKEEP_API int tokeep_token_set(struct tokeep_token *token, int field, const char *value);

/*
 * The context
 */

struct tokeep;

TOKEEP_API int tokeep_new(struct tokeep **tk);
TOKEEP_API void tokeep_free(struct tokeep *tk);

/* Reads the configuration: `path`, or with NULL the first of $TOKEEP_CONFIG,
 * $XDG_CONFIG_HOME/tokeep/tokeep.conf and the system's (tokeep.conf(5)). Once per context.
 * The store is opened when it is first used. */
TOKEEP_API int tokeep_load(struct tokeep *tk, const char *path);

/* The configuration file in use. Where there is none, or one that sets nothing, as installed, *found is 0, and this is
 * where the user's own would be; NULL: there is no home folder either. */
TOKEEP_API const char *tokeep_config_file(struct tokeep *tk, int *found);

/* Use the store of this name (tokeep.conf(5), `store`) instead of the configured one; NULL: the configured
 * one again. */
TOKEEP_API int tokeep_use_store(struct tokeep *tk, const char *name);

/* How far a lease of a store reaches; PROCESS also says that its tokens end with the process. */
#define TOKEEP_SCOPE_PROCESS 1u
#define TOKEEP_SCOPE_HOST 2u
#define TOKEEP_SCOPE_CLUSTER 3u

/* Of the store in use, as it claims: one of these; 0: it says nothing, or has not been opened yet. */
TOKEEP_API unsigned int tokeep_scope(const struct tokeep *tk);

/* The client id of this group of `clients` in the configuration; the word itself, which then is a client id,
 * where no group has this name. */
TOKEEP_API const char *tokeep_client_id(struct tokeep *tk, const char *client);

/* What the last failing call said; "" when the last call succeeded. Never holds a secret. */
TOKEEP_API const char *tokeep_message(const struct tokeep *tk);

/* After a failure: seconds until it makes sense to ask again, -1 where nobody said. */
TOKEEP_API int64_t tokeep_retry_after(const struct tokeep *tk);

/* Warnings and progress for people, one line without a newline. Levels are syslog's numbers.
 * Never a secret. Without a function nothing is said. */
enum tokeep_level {
	TOKEEP_LOG_ERR = 3,
	TOKEEP_LOG_WARNING = 4,
	TOKEEP_LOG_NOTICE = 5,
	TOKEEP_LOG_INFO = 6,
	TOKEEP_LOG_DEBUG = 7
};
TOKEEP_API void tokeep_set_log(struct tokeep *tk, void (*log)(void *data, int level, const char *line),
			       void *data);

/* From now on every call gives up this many milliseconds after its start (TOKEEP_ETRANSPORT while
 * waiting for a server, TOKEEP_ESTORE for a lock), and nothing is lost by it: an exchange under way is
 * cut, its refresh token kept. 0: only the limits of the configuration. */
TOKEEP_API void tokeep_set_timeout(struct tokeep *tk, int64_t timeout_ms);

/*
 * The store. These are the six entry points of tokeep-store(3), checked on the way.
 */

/* By user_name (and client_id), else access_token, else grant_token, else refresh_token. On success
 * stored values replace those given. TOKEEP_ENOTFOUND, TOKEEP_EAMBIGUOUS (no row is returned). */
TOKEEP_API int tokeep_find_token(struct tokeep *tk, struct tokeep_token *token);
TOKEEP_API int tokeep_find_token_by_id(struct tokeep *tk, const char *id, struct tokeep_token *token);

/* Updates what matches (absent fields keep what is stored), else inserts. Sets the id. */
TOKEEP_API int tokeep_save_token(struct tokeep *tk, struct tokeep_token *token);
TOKEEP_API int tokeep_delete_token(struct tokeep *tk, const char *id);

/* Calls `each` for every token in turn, in constant memory; stops and returns what it returned when
 * that isn't 0. The token is the callee's to read during the call only. */
TOKEEP_API int tokeep_get_tokens(struct tokeep *tk, int (*each)(void *data, const struct tokeep_token *token),
				 void *data);
TOKEEP_API int tokeep_delete_tokens(struct tokeep *tk);

/* Many saves as one, where the store can (else they count one by one). keep 0: roll back. */
TOKEEP_API int tokeep_begin(struct tokeep *tk);
TOKEEP_API int tokeep_commit(struct tokeep *tk, int keep);

/* For people: like find, but where nothing is given and the store holds one token, that; where several
 * fit, the one of default_client; else TOKEEP_EAMBIGUOUS with the choices in the message. `id` given:
 * that one. `client` (a group's name or a client id, or NULL) narrows all of these. */
TOKEEP_API int tokeep_choose_token(struct tokeep *tk, const char *client, struct tokeep_token *token);

/*
 * A valid access token
 */

/* Finds the token (by id where set, else as tokeep_find_token) and makes it valid for at least
 * min_ttl_s seconds (0: the configured leeway alone). One refresh serves every thread, process and host
 * that asks at once; the fresh token is durable before it is returned.
 * TOKEEP_EUNSAVED: `token` is complete and usable all the same; the store did not take it, the journal
 * has it. */
TOKEEP_API int tokeep_access_token(struct tokeep *tk, struct tokeep_token *token, int64_t min_ttl_s);

/* The same, but asks the provider whatever the expiry says. An answer that somebody else got while this
 * call waited for its turn counts. */
TOKEEP_API int tokeep_refresh_token(struct tokeep *tk, struct tokeep_token *token);

/* The word before the token in an Authorization header, as the provider of this token wants it:
 * "Bearer", "Zoho-oauthtoken". Copied to `word`; TOKEEP_EINVAL where it needs more than `size` bytes with the NUL. */
TOKEEP_API int tokeep_header_word(struct tokeep *tk, const struct tokeep_token *token, char *word, int size);

/*
 * Logging in. `client` is a group of `clients` in the configuration; NULL: default_client, or the only
 * one. `token` may hold user_name and scope for the login and is the complete, saved record afterwards.
 */

/* How a person logs in in a browser (RFC 8252). All zero but paste_fd = -1: wait for a browser that somebody else opens. */
struct tokeep_browser_login {
	int port;         /* to listen at; 0: the one of the client's redirect_url, else any that is free */
	int open_browser; /* not 0: start $BROWSER, else the desktop's */
	int paste_fd;     /* a terminal where the callback URL or the code may be pasted; -1: none */
	void (*show)(void *data, const char *url);   /* the URL to open, for people; NULL: not wanted */
	void (*listening)(void *data, int port);     /* before it: where the browser is to come back to. Not called where
						      * pasting is the only way. NULL: not wanted */
	void *data;
};

/* Authorization code with PKCE: shows the URL, waits for the browser to come back to 127.0.0.1 or [::1], and for what is
 * pasted, until the client's login_timeout (TOKEEP_ELOGIN). While another run on this host does the same for the client,
 * waits for that, and takes the token that it gets. `how` NULL: open a browser and listen, nothing else. */
TOKEEP_API int tokeep_login_browser(struct tokeep *tk, const char *client, const struct tokeep_browser_login *how,
				    struct tokeep_token *token);

/* A pasted authorization code or whole callback URL (RFC 6749, 4.1.3; Zoho's self client). */
TOKEEP_API int tokeep_login_code(struct tokeep *tk, const char *client, const char *code,
				 struct tokeep_token *token);

/* Takes over a refresh token; it is tried at once. */
TOKEEP_API int tokeep_login_refresh_token(struct tokeep *tk, const char *client, const char *refresh_token,
					  struct tokeep_token *token);

/* The device flow (RFC 8628): `show` is called once with where to go and what to enter there, on any device;
 * then the call waits until that has been approved, refused (TOKEEP_ELOGIN), or is too late. */
struct tokeep_device_login {
	/* What it is given is valid during the call. verification_uri_complete has the code in it, for a QR code or a
	 * link; NULL: the server gives none. The other two are to be shown in any case. */
	void (*show)(void *data, const char *verification_uri, const char *verification_uri_complete,
		     const char *user_code, int64_t expires_in_s);
	void *data;
};
TOKEEP_API int tokeep_login_device(struct tokeep *tk, const char *client, const struct tokeep_device_login *ui,
				   struct tokeep_token *token);

/* The modules of a QR code of `text`, row by row, 1 is dark, *width on each side. NULL: there is none to be had here (this
 * build has no QR codes, the text is too long, memory is short). Caller frees with free(3). */
TOKEEP_API unsigned char *tokeep_qr_code(const char *text, int *width);

/* A token for the client itself (RFC 6749, 4.4); without a user_name the record gets the client's name. It is asked
 * for anew whenever it has expired. */
TOKEEP_API int tokeep_login_client_credentials(struct tokeep *tk, const char *client, struct tokeep_token *token);

/*
 * Using and giving back
 */

/* One call of an API with a valid access token of `token`, which is found and completed as tokeep_access_token() does. An
 * answer 401 has the token replaced and the call repeated, once. */
struct tokeep_request {
	const char *method;         /* NULL: GET, or POST where there is a body */
	const char *url;            /* or /PATH, which belongs to the api_domain of the record or its client */
	const char *const *headers; /* "Name: value", NULL at the end; NULL: none */
	const char *body;           /* NULL: none */
	size_t body_size;
	/* Each piece of the answer's body as it comes, whatever the status. Not 0: stop, and the call returns it. NULL: not
	 * wanted. */
	int (*take)(void *data, const char *bytes, size_t size);
	void *data;
	long status;                /* set: of the answer; 0: there was none */
};
/* 0: 2xx or 3xx. TOKEEP_EHTTP: 4xx or 5xx. TOKEEP_ECONFIG: the host is neither that of api_domain nor among the
 * client's api_hosts, and nothing was sent. No redirect is followed. TOKEEP_EUNSAVED: as 0, and a fresh token is in the
 * journal alone. */
TOKEEP_API int tokeep_request(struct tokeep *tk, struct tokeep_token *token, struct tokeep_request *request);

/* Revokes the refresh token (without one, the access token) at the provider (RFC 7009), then deletes the record. `token`
 * selects it as for tokeep_access_token() and is the record that was. What the provider refuses or can't be asked stays
 * stored. local_only: deletes without asking anybody. */
TOKEEP_API int tokeep_revoke_token(struct tokeep *tk, struct tokeep_token *token, int local_only);

/*
 * What is there, for `tokeep check`, `stores` and `providers`. Structures are the library's and valid
 * during the call; NULL where a thing is unknown.
 */

struct tokeep_store_info {
	const char *name;        /* the word for the config */
	const char *path;        /* of the shared object */
	const char *error;       /* why it can't be loaded; then the rest is unset */
	const char *description; /* a line by its author */
	unsigned int abi;        /* major << 16 | minor */
	unsigned int scope;      /* TOKEEP_SCOPE_..., 0: unknown */
	int selected;            /* the configuration's `store` */
	const char *file;        /* where the configuration says so, and the line; NULL: the default */
	int line;
	int own_lock;            /* it brings its own lease */
	int batches;             /* it saves many as one */
};
TOKEEP_API int tokeep_get_stores(struct tokeep *tk, int (*each)(void *, const struct tokeep_store_info *),
				 void *data);

struct tokeep_provider_info {
	const char *name;
	const char *path;         /* of the file; the config's where it stands there */
	const char *error;
	const char *dialect;      /* rfc, zoho */
	const char *issuer;
	const char *data_centers; /* separated by blanks */
};
TOKEEP_API int tokeep_get_providers(struct tokeep *tk,
				    int (*each)(void *, const struct tokeep_provider_info *), void *data);

/* The doctor: every finding in turn. Returns the worst one's result. */
struct tokeep_finding {
	int result;          /* 0: well; positive: a warning; negative: TOKEEP_E... */
	const char *subject; /* config, store, journal, clock, client crm, ... */
	const char *text;    /* the finding; for a failure what to do about it, too */
};
TOKEEP_API int tokeep_check(struct tokeep *tk, int (*each)(void *, const struct tokeep_finding *), void *data);

#ifdef __cplusplus
}
#endif
#endif
