/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* contract_share.c: several contexts, threads and processes on one store, and fork. */
#include "contract.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs `n` children at once; how many ended well. A child that hangs is ended by its alarm. */
static int children(int n, int (*child)(int number))
{
	pid_t pid[64];
	int well = 0;

	fflush(stdout);
	for (int i = 0; i < n; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			alarm(30);
			_exit(child(i));
		}
	}
	for (int i = 0; i < n; i++)
		well += !wait_for(pid[i]);
	return well;
}

static int save_numbered(struct tokeep *tk, int who, int count)
{
	int r = 0;

	for (int i = 0; !r && i < count; i++) {
		char name[32];

		snprintf(name, sizeof(name), "user-%d-%d", who, i);
		r = save(tk, NULL, USER, name, REFRESH, name, ACCESS, name, END);
	}
	if (r)
		printf("# writer %d: %s\n", who, tokeep_message(tk));
	return r;
}

/* Every user-W-I is there with its own token, and every id once. */
static int whole(struct tokeep *tk, int writers, int count)
{
	int right = 0;

	for (int w = 0; w < writers; w++) {
		for (int i = 0; i < count; i++) {
			char name[32];

			snprintf(name, sizeof(name), "user-%d-%d", w, i);
			right += !strcmp(found(tk, name, NULL, REFRESH), name);
		}
	}
	return right;
}

struct ids {
	int n, twice;
	char seen[512][64];
};

static int note_id(void *data, const struct tokeep_token *t)
{
	struct ids *ids = data;
	const char *id = tokeep_token_get(t, ID);

	for (int i = 0; i < ids->n; i++)
		ids->twice += !strcmp(ids->seen[i], id);
	if (ids->n < 512)
		snprintf(ids->seen[ids->n++], 64, "%s", id);
	return 0;
}

static void check_ids(struct tokeep *tk, int want)
{
	static struct ids ids;

	memset(&ids, 0, sizeof(ids));
	tokeep_get_tokens(tk, note_id, &ids);
	is_int(ids.n, want, "no save is lost");
	is_int(ids.twice, 0, "no id is given twice");
}

/*
 * Processes
 */

static int open_and_save(int number)
{
	struct tokeep *tk = context();
	int r = save_numbered(tk, number, 1);

	tokeep_free(tk);
	return r != 0;
}

static int save_fifty(int number)
{
	struct tokeep *tk = context();
	int r = save_numbered(tk, number, 50);

	tokeep_free(tk);
	return r != 0;
}

static int save_one_user(int number)
{
	struct tokeep *tk = context();
	int r = 0;

	for (int i = 0; !r && i < 20; i++) {
		char value[32];

		snprintf(value, sizeof(value), "%d-%d", number, i);
		r = save(tk, NULL, USER, "alice", CLIENT, "c1", REFRESH, value, ACCESS, value, END);
	}
	tokeep_free(tk);
	return r != 0;
}

/* The folder may be empty still: whoever comes first makes the store. */
void first_starts_at_once(void)
{
	struct tokeep *tk;

	if (subject.process)
		return;
	tk = context();
	is_int(children(8, open_and_save), 8, "eight processes that start at once all save");
	is_int(whole(tk, 8, 1), 8, "into one store");
	check_ids(tk, 8);
	tokeep_free(tk);
}

static void processes(struct tokeep *tk)
{
	char refresh[64];

	if (subject.process)
		return;
	is_int(children(4, save_fifty), 4, "four processes save fifty users each");
	is_int(whole(tk, 4, 50), 200, "two hundred are found");
	check_ids(tk, 200);
	tokeep_delete_tokens(tk);
	is_int(children(4, save_one_user), 4, "four processes save the same user");
	is_int(rows(tk), 1, "which stays one row");
	snprintf(refresh, sizeof(refresh), "%s", found(tk, "alice", "c1", REFRESH));
	is_str(found(tk, "alice", "c1", ACCESS), refresh, "whole, of one writer");
}

static void it_lasts(struct tokeep *tk)
{
	struct tokeep *other = context();

	save(tk, NULL, USER, "alice", ACCESS, "a1", END);
	is_str(found(other, "alice", NULL, ACCESS), "a1", "one context saves, another finds");
	save(other, NULL, USER, "alice", ACCESS, "a2", END);
	is_str(found(tk, "alice", NULL, ACCESS), "a2", "and the other way round");
	tokeep_free(other);
}

static void a_token_outlives_its_context(struct tokeep *tk)
{
	struct tokeep *first = context(), *second;

	(void)tk;
	save(first, NULL, USER, "alice", ACCESS, "a1", END);
	tokeep_free(first);
	second = context();
	is_str(found(second, "alice", NULL, ACCESS), "a1", "a token outlives the context that saved it");
	tokeep_free(second);
}

/*
 * Threads, each with a context of its own
 */

#define THREADS 16
#define EACH 30

static pthread_barrier_t start;

static void *save_in_thread(void *number)
{
	struct tokeep *tk = context();
	int who = *(int *)number, r;

	pthread_barrier_wait(&start);
	r = save_numbered(tk, who, EACH);
	if (!r && rows(tk) < EACH)
		r = 1;
	if (!r && whole(tk, who + 1, 1) < 1)
		r = 1;
	tokeep_free(tk);
	*(int *)number = r;
	return NULL;
}

static void threads(struct tokeep *tk)
{
	pthread_t thread[THREADS];
	int number[THREADS], well = 0;

	pthread_barrier_init(&start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++) {
		number[i] = i;
		pthread_create(&thread[i], NULL, save_in_thread, &number[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		well += !number[i];
	}
	is_int(well, THREADS, "sixteen threads save, list and find at once");
	is_int(whole(tk, THREADS, EACH), THREADS * EACH, "every token is found");
	check_ids(tk, THREADS * EACH);
}

/*
 * fork
 */

static struct tokeep *inherited;

static int use_inherited(int number)
{
	char name[32], back[64];
	int r = 0;

	snprintf(name, sizeof(name), "child%d", number);
	for (int i = 0; !r && i < 10; i++)
		r = save(inherited, NULL, USER, name, ACCESS, name, END);
	if (!r) {
		snprintf(back, sizeof(back), "%s", found(inherited, name, NULL, ACCESS));
		r = strcmp(back, name);
	}
	if (!r && !subject.process) /* what the parent saved before is there */
		r = strcmp(found(inherited, "parent", NULL, ACCESS), "p1");
	if (r)
		printf("# child %d: %s\n", number, tokeep_message(inherited));
	tokeep_free(inherited);
	return r != 0;
}

static void forking(struct tokeep *tk)
{
	inherited = tk;
	save(tk, NULL, USER, "parent", ACCESS, "p1", END);
	is_int(children(4, use_inherited), 4, "children of fork() use the context they inherited");
	is_result(tk, save(tk, NULL, USER, "parent", ACCESS, "p2", END), 0, "so does their parent afterwards");
	is_str(found(tk, "parent", NULL, ACCESS), "p2", "and finds what it saved");
	is_int(rows(tk), subject.process ? 1 : 5,
	       subject.process ? "the children's tokens ended with them" : "the children's tokens are there");
}

/*
 * `name`, where tokens end with the process
 */

static void names_are_stores_of_their_own(struct tokeep *tk)
{
	char path[300];
	struct tokeep *other;
	FILE *f;

	if (!subject.process)
		return;
	snprintf(path, sizeof(path), "%s/other.conf", subject.folder);
	f = fopen(path, "w");
	if (!f)
		return;
	fprintf(f, "store = \"%s\";\n%s = { name = \"other\"; };\n", subject.word, subject.group);
	fclose(f);
	other = context_with(path);
	save(tk, NULL, USER, "alice", ACCESS, "a1", END);
	is_str(found(other, "alice", NULL, ACCESS), "(not_found)", "another name is another store");
	save(other, NULL, USER, "bob", ACCESS, "b1", END);
	is_int(tokeep_delete_tokens(other), 0, "it can be emptied");
	is_str(found(tk, "alice", NULL, ACCESS), "a1", "which touches no other");
	tokeep_free(other);
}

const struct part share_parts[] = {
	{ "processes", processes },
	{ "it-lasts", it_lasts },
	{ "a-token-outlives-its-context", a_token_outlives_its_context },
	{ "threads", threads },
	{ "forking", forking },
	{ "names-are-stores-of-their-own", names_are_stores_of_their_own },
	{ 0 }
};
