/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * threads.c: CONFIG THREADS ROUNDS REFRESH_TOKEN CLIENT_ID: so many threads, each with a context of its own, ask for one
 * token that has expired, each round at once. Prints how many different answers a round had.
 */
#include <tokeep.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER "alice@example.com"

static pthread_barrier_t barrier;
static const char *config;
static int rounds;

struct asker {
	pthread_t thread;
	struct tokeep *tk;
	char token[512];
};

static void must(int r, struct tokeep *tk, const char *what)
{
	if (!r)
		return;
	printf("%s: %d %s\n", what, r, tk ? tokeep_message(tk) : "");
	exit(1);
}

static struct tokeep *context(void)
{
	struct tokeep *tk = NULL;

	must(tokeep_new(&tk), NULL, "tokeep_new");
	must(tokeep_load(tk, config), tk, "tokeep_load");
	return tk;
}

static void expire(struct tokeep *tk, const char *refresh_token, const char *client_id)
{
	struct tokeep_token *token = tokeep_token_new();

	tokeep_token_set(token, TOKEEP_FIELD_USER_NAME, USER);
	tokeep_token_set(token, TOKEEP_FIELD_CLIENT_ID, client_id);
	tokeep_token_set(token, TOKEEP_FIELD_ACCESS_TOKEN, "stale");
	tokeep_token_set(token, TOKEEP_FIELD_REFRESH_TOKEN, refresh_token);
	tokeep_token_set(token, TOKEEP_FIELD_EXPIRY_TIME, "1000");
	must(tokeep_save_token(tk, token), tk, "tokeep_save_token");
	tokeep_token_free(token);
}

static void *ask(void *data)
{
	struct asker *asker = data;

	for (int i = 0; i < rounds; i++) {
		struct tokeep_token *token = tokeep_token_new();

		pthread_barrier_wait(&barrier);
		tokeep_token_set(token, TOKEEP_FIELD_USER_NAME, USER);
		must(tokeep_access_token(asker->tk, token, 0), asker->tk, "tokeep_access_token");
		snprintf(asker->token, sizeof(asker->token), "%s", tokeep_token_get(token, TOKEEP_FIELD_ACCESS_TOKEN));
		tokeep_token_free(token);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static int different(const struct asker *askers, int n)
{
	int count = 0;

	for (int i = 0; i < n; i++) {
		int seen = 0;

		for (int j = 0; j < i; j++)
			seen |= !strcmp(askers[i].token, askers[j].token);
		count += !seen;
	}
	return count;
}

int main(int argc, char **argv)
{
	int n = argc == 6 ? (int)strtol(argv[2], NULL, 10) : 0;
	struct asker *askers = calloc(n, sizeof(*askers));
	struct tokeep *tk;

	if (!n || !askers)
		return 2;
	config = argv[1];
	rounds = (int)strtol(argv[3], NULL, 10);
	tk = context();
	pthread_barrier_init(&barrier, NULL, n + 1);
	for (int i = 0; i < n; i++) {
		askers[i].tk = context();
		pthread_create(&askers[i].thread, NULL, ask, &askers[i]);
	}
	for (int i = 0; i < rounds; i++) {
		expire(tk, i ? NULL : argv[4], argv[5]);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		printf("%d answer%s\n", different(askers, n), different(askers, n) == 1 ? "" : "s");
	}
	for (int i = 0; i < n; i++) {
		pthread_join(askers[i].thread, NULL);
		tokeep_free(askers[i].tk);
	}
	free(askers);
	tokeep_free(tk);
	return 0;
}
