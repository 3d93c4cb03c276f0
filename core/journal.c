/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* journal.c: where an exchange is noted before it is sent, and its answer is safe until the store has it. */
#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostlock.h"
#include "safefile.h"
#include "secret.h"
#include "statedir.h"

#define HEAD "tokeep-journal 1"
#define OWNED 1            /* the byte that an owner locks */
#define RESERVE (32 << 10) /* room asked for before the send, so that the answer finds some */

static void forget(struct journal *journal)
{
	if (journal->fd >= 0)
		close(journal->fd);
	free(journal->path);
	free(journal->store);
	token_clear(&journal->record);
	*journal = (struct journal){ .fd = -1 };
}

void journal_close(struct journal *journal)
{
	forget(journal);
}

void journal_drop(struct journal *journal)
{
	if (journal->fd >= 0)
		unlink(journal->path);
	forget(journal);
}

/* A login has no id yet: client and user stand for it. */
static char *entry_path(const struct tokeep_backend *be, const struct tokeep_token *row)
{
	const char *id = row->value[TOKEEP_FIELD_ID], *client = row->value[TOKEEP_FIELD_CLIENT_ID],
		   *user = row->value[TOKEEP_FIELD_USER_NAME];
	char name[STATEDIR_NAME], *key, *path;

	if (asprintf(&key, "%s\n%s\n%s", id ? id : "", id || !client ? "" : client, id || !user ? "" : user) < 0)
		return NULL;
	statedir_record_name(backend_identity(be), key, name);
	free(key);
	if (asprintf(&path, "%s/journal/%s", be->conf->state_dir, name) < 0)
		return NULL;
	return path;
}

/*
 * Reading
 */

static int64_t number(const char *text)
{
	return strtoll(text, NULL, 10);
}

/* The lines up to "answer"; false: no journal of ours. */
static bool read_head(struct journal *journal, char **rest)
{
	char *key, *value;

	key = statedir_line(rest, &value);
	if (!key || strcmp(key, "tokeep-journal") || strcmp(value, "1"))
		return false;
	while ((key = statedir_line(rest, &value)) && strcmp(key, "answer")) {
		int field = token_field(key);

		if (!strcmp(key, "store") && !journal->store)
			journal->store = strdup(value);
		else if (!strcmp(key, "identity"))
			journal->identity = strtoull(value, NULL, 16);
		else if (!strcmp(key, "digest"))
			snprintf(journal->digest, sizeof(journal->digest), "%s", value);
		else if (!strcmp(key, "sent") && !journal->sends++)
			journal->armed_ms = number(value);
		else if (field >= 0)
			tokeep_token_set(&journal->record, field, value);
	}
	return journal->store;
}

/* The answer behind it, if its last line is there. */
static void read_answer(struct journal *journal, char **rest)
{
	struct tokeep_token record = { { NULL } };
	char *key, *value;
	int field;

	while ((key = statedir_line(rest, &value)) && strcmp(key, "end")) {
		field = token_field(key);
		if (field >= 0)
			tokeep_token_set(&record, field, value);
	}
	if (key) {
		token_move(&journal->record, &record);
		journal->answered = true;
	}
	token_clear(&record);
}

/* Opens, locks and reads. -1: none, another's, or torn before anything was sent. */
static int read_entry(struct journal *journal, const char *path)
{
	char why[SAFEFILE_WHY], *text, *rest;
	struct stat st;
	size_t size;

	*journal = (struct journal){ .fd = safefile_open(path, O_RDWR, why) };
	if (journal->fd < 0)
		return -1;
	journal->path = strdup(path);
	/* Dropped by its owner since we opened it: as if it had never been there. */
	if (!journal->path || hostlock_take(journal->fd, OWNED, 0) || fstat(journal->fd, &st) || !st.st_nlink) {
		forget(journal);
		return -1;
	}
	text = statedir_read(journal->fd, &size);
	rest = text;
	if (!text || !read_head(journal, &rest)) {
		secret_free_size(text, text ? size : 0);
		forget(journal);
		return -1;
	}
	read_answer(journal, &rest);
	secret_free_size(text, size);
	return 0;
}

int journal_open(struct journal *journal, const struct tokeep_backend *be, const struct tokeep_token *row,
		 struct error *err)
{
	char *path = entry_path(be, row);
	int r;

	*journal = (struct journal){ .fd = -1 };
	if (!path)
		return error_nomem(err);
	r = read_entry(journal, path) ? TOKEEP_ENOTFOUND : 0;
	free(path);
	return r;
}

static int is_entry(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int journal_each(const struct conf *conf, int (*each)(void *data, struct journal *journal), void *data,
		 struct error *err)
{
	char *folder = statedir_path(conf, "journal"), *path;
	struct dirent **list;
	int r = 0, n;

	if (!folder)
		return error_nomem(err);
	n = scandir(folder, &list, is_entry, alphasort);
	for (int i = 0; i < n; i++) {
		struct journal journal;

		if (!r && asprintf(&path, "%s/%s", folder, list[i]->d_name) >= 0) {
			if (!read_entry(&journal, path)) {
				r = each(data, &journal);
				journal_close(&journal);
			}
			free(path);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	free(folder);
	return r;
}

/*
 * Writing
 */

static int write_failed(const struct journal *journal, const char *what, struct error *err)
{
	return error_set(err, TOKEEP_ESTORE, "%s: the journal can't be written, so nothing was sent: %s: %s",
			 journal->path, what, strerror(errno));
}

static void put_record(FILE *out, const struct tokeep_token *record, const int *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (record->value[fields[i]])
			fprintf(out, "%s %s\n", tokeep_field_name(fields[i]), record->value[fields[i]]);
}

/* Appends what was put together in memory, in one write where the kernel can, and makes it durable. */
static int append(int fd, char *text, size_t size)
{
	int r = lseek(fd, 0, SEEK_END) < 0 || safefile_write(fd, text, size) || fdatasync(fd) ? -1 : 0;

	return r;
}

static int create(struct journal *journal, const struct tokeep_backend *be, const struct tokeep_token *row,
		  struct error *err)
{
	int r = statedir_make(be->conf, "journal", err);

	*journal = (struct journal){ .fd = -1, .identity = backend_identity(be) };
	if (r)
		return r;
	journal->path = entry_path(be, row);
	journal->store = strdup(be->word);
	if (!journal->path || !journal->store)
		return error_nomem(err);
	/* Whatever lies there was found to be of no use by journal_open(). */
	unlink(journal->path);
	journal->fd = open(journal->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (journal->fd < 0)
		return write_failed(journal, "open", err);
	if (hostlock_take(journal->fd, OWNED, 0))
		return write_failed(journal, "lock", err);
	return 0;
}

static int reserve(int fd)
{
#if defined(FALLOC_FL_KEEP_SIZE)
	if (!fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, RESERVE) || errno == EOPNOTSUPP || errno == ENOSYS)
		return 0;
	return -1;
#else
	(void)fd;
	return 0;
#endif
}

static int sync_folder(const struct conf *conf)
{
	char *path = statedir_path(conf, "journal");
	int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int r = fd < 0 || fsync(fd) ? -1 : 0;

	if (fd >= 0)
		close(fd);
	free(path);
	return r;
}

static int write_head(struct journal *journal, const struct tokeep_backend *be, const struct tokeep_token *row,
		      int64_t now_ms, struct error *err)
{
	static const int telling[] = { TOKEEP_FIELD_ID, TOKEEP_FIELD_USER_NAME, TOKEEP_FIELD_CLIENT_ID };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int r = 0;

	if (!out)
		return error_nomem(err);
	fprintf(out, HEAD "\nstore %s\nidentity %016" PRIx64 "\n", journal->store, journal->identity);
	put_record(out, row, telling, sizeof(telling) / sizeof(*telling));
	if (*journal->digest)
		fprintf(out, "digest %s\n", journal->digest);
	fprintf(out, "sent %" PRId64 "\n", now_ms);
	if (fclose(out))
		r = error_nomem(err);
	else if (reserve(journal->fd))
		r = write_failed(journal, "no room for the answer", err);
	else if (append(journal->fd, text, size))
		r = write_failed(journal, "write", err);
	else if (sync_folder(be->conf))
		r = write_failed(journal, "fsync of the folder", err);
	free(text);
	return r;
}

static int write_again(struct journal *journal, int64_t now_ms, struct error *err)
{
	char text[40];
	int n = snprintf(text, sizeof(text), "sent %" PRId64 "\n", now_ms);

	return append(journal->fd, text, n) ? write_failed(journal, "write", err) : 0;
}

int journal_arm(struct journal *journal, const struct tokeep_backend *be, const struct tokeep_token *row,
		const char *digest, int64_t now_ms, struct error *err)
{
	int r;

	if (journal->fd >= 0 && !journal->answered && !strcmp(journal->digest, digest)) {
		r = write_again(journal, now_ms, err);
		if (!r)
			journal->sends++;
		return r;
	}
	journal_close(journal);
	r = create(journal, be, row, err);
	if (!r) {
		snprintf(journal->digest, sizeof(journal->digest), "%s", digest);
		r = write_head(journal, be, row, now_ms, err);
	}
	if (r) {
		journal_drop(journal);
		return r;
	}
	journal->sends = 1;
	journal->armed_ms = now_ms;
	return 0;
}

int journal_answer(struct journal *journal, const struct tokeep_token *record, struct error *err)
{
	int all[TOKEN_FIELDS];
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int r = 0;

	if (!out)
		return error_nomem(err);
	for (int f = 0; f < TOKEN_FIELDS; f++)
		all[f] = f;
	fputs("answer\n", out);
	put_record(out, record, all, TOKEN_FIELDS);
	fputs("end\n", out);
	if (fclose(out))
		r = error_nomem(err);
	else if (append(journal->fd, text, size))
		r = error_set(err, TOKEEP_ESTORE, "%s: the answer can't be written to the journal: %s",
			      journal->path, strerror(errno));
	else
		journal->answered = true;
	secret_free_size(text, size);
	return r;
}
