/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_memory.c: what `memory` has beyond the contract: names, threads, the child of a fork, life and death. */
#include <pthread.h>

#include "store.h"

#define CONFIG "store = \"memory\";"
#define THREADS 16
#define EACH 60

static void tokens_outlive_the_context(void)
{
	struct store s;

	is_int(store_open(&s, CONFIG), 0, "a store in memory opens");
	save(&s, NULL, token(USER, "alice@example.com", ACCESS, "a1", END));
	store_close(&s);
	store_open(&s, CONFIG);
	is_str(found(&s, ACCESS, token(USER, "alice@example.com", END)), "a1",
	       "the only context closed, the next one finds the token");
	is_int(backend_delete_tokens(s.be), 0, "every token is deleted");
	store_close(&s);
}

static void names_are_apart(void)
{
	struct store a, b, c;

	store_open(&a, "store = \"memory\"; memory = { name = \"one\"; };");
	store_open(&b, "store = \"memory\"; memory = { name = \"two\"; };");
	store_open(&c, "store = \"memory\"; memory = { name = \"one\"; };");
	save(&a, NULL, token(USER, "alice@example.com", ACCESS, "a1", END));
	is_str(found(&c, ACCESS, token(USER, "alice@example.com", END)), "a1", "contexts with one name share tokens");
	is_int(rows(&b), 0, "another name is another store");
	store_close(&a);
	store_close(&b);
	store_close(&c);
	is_int(store_open(&a, "store = \"memory\"; memory = { name = \"a/b?mode=rw\"; };"), TOKEEP_ECONFIG,
	       "a name that would be more than a name is refused");
	has_str(said(&a), "memory.name", "the message names the option");
	store_close(&a);
}

static int child_begins_anew(void *data)
{
	struct store *s = data;

	if (rows(s))
		return 1;
	if (save(s, NULL, token(USER, "child@example.com", ACCESS, "c1", END)))
		return 2;
	return strcmp(found(s, ACCESS, token(USER, "child@example.com", END)), "c1") ? 3 : 0;
}

static void fork_is_no_sharing(void)
{
	struct store s;

	store_open(&s, CONFIG);
	save(&s, NULL, token(USER, "parent@example.com", ACCESS, "p1", END));
	is_int(in_child(child_begins_anew, &s), 0, "a child begins with no token and keeps its own");
	is_int(rows(&s), 1, "the parent has what it had");
	backend_delete_tokens(s.be);
	store_close(&s);
}

struct user {
	const struct conf *conf;
	int number, bad;
};

static void fails(struct store *s, bool failed, int *bad)
{
	if (failed)
		printf("# %s\n", said(s));
	*bad += failed;
}

static void save_find_swap(struct store *s, int who, int i, int *bad)
{
	char name[40];
	struct tokeep_token t;

	snprintf(name, sizeof(name), "user-%d-%d", who, i);
	fails(s, save(s, NULL, token(USER, name, ACCESS, name, REFRESH, name, END)) != 0, bad);
	t = token(USER, name, END);
	fails(s, backend_find(s->be, &t) || strcmp(t.value[ACCESS], name), bad);
	tokeep_token_set(&t, REFRESH, "next");
	fails(s, backend_swap(s->be, &t, name) != 0, bad);
	fails(s, backend_swap(s->be, &t, name) != TOKEEP_ENOTFOUND, bad);
	token_clear(&t);
}

static void *use(void *data)
{
	struct user *u = data;
	struct store s = { .log = { NULL, NULL } };

	if (backend_load(u->conf, "memory", &s.log, &s.err, &s.be)) {
		u->bad = 1;
		return NULL;
	}
	for (int i = 0; i < EACH; i++) {
		save_find_swap(&s, u->number, i, &u->bad);
		u->bad += i % 20 == 0 && rows(&s) < 0;
	}
	backend_free(s.be);
	error_clear(&s.err);
	return NULL;
}

static void threads_share(void)
{
	pthread_t threads[THREADS];
	struct user users[THREADS];
	struct store s;
	int bad = 0;

	store_open(&s, CONFIG);
	for (int i = 0; i < THREADS; i++) {
		users[i] = (struct user){ &s.conf, i, 0 };
		pthread_create(&threads[i], NULL, use, &users[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		bad += users[i].bad;
	}
	is_int(bad, 0, "sixteen threads with a context each save, find and swap without an error");
	is_int(rows(&s), THREADS * EACH, "every token of every thread is there");
	store_close(&s);
}

int main(void)
{
	make_folder();
	tokens_outlive_the_context();
	names_are_apart();
	fork_is_no_sharing();
	threads_share();
	return done();
}
