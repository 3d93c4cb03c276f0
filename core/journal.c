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
#define GLANCE_MS 2000     /* how long one who only looks may hold it */
#define LOGINS_MAX 100     /* of one user at one client, waiting for the store */
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

/* A login has no id yet: client and user stand for it, and a number, since several may wait for the store. */
static char *entry_path(const struct tokeep_backend *be, const struct tokeep_token *row, int number)
{
	const char *id = row->value[TOKEEP_FIELD_ID], *client = row->value[TOKEEP_FIELD_CLIENT_ID],
		   *user = row->value[TOKEEP_FIELD_USER_NAME];
	char name[STATEDIR_NAME], *key, *path;
	int r;

	if (id)
		r = asprintf(&key, "%s\n\n", id);
	else
		r = asprintf(&key, "\n%s\n%s\n%d", client ? client : "", user ? user : "", number);
	if (r < 0)
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

static int copy(char **to, const char *value)
{
	if (!*to)
		*to = strdup(value);
	return *to ? 0 : TOKEEP_ENOMEM;
}

/* The lines up to "answer". TOKEEP_ENOTFOUND: torn, so nothing was sent; TOKEEP_ESTORE: another version's. */
static int read_head(struct journal *journal, char **rest)
{
	char *key, *value;
	int r = 0;

	key = statedir_line(rest, &value);
	if (!key || strcmp(key, "tokeep-journal"))
		return TOKEEP_ENOTFOUND;
	if (strcmp(value, "1"))
		return TOKEEP_ESTORE;
	while (!r && (key = statedir_line(rest, &value)) && strcmp(key, "answer")) {
		int field = token_field(key);

		if (!strcmp(key, "store"))
			r = copy(&journal->store, value);
		else if (!strcmp(key, "identity"))
			journal->identity = strtoull(value, NULL, 16);
		else if (!strcmp(key, "digest"))
			snprintf(journal->digest, sizeof(journal->digest), "%s", value);
		else if (!strcmp(key, "sent") && !journal->sends++)
			journal->armed_ms = number(value);
		else if (field >= 0)
			r = tokeep_token_set(&journal->record, field, value);
	}
	if (!r && !journal->sends)
		r = TOKEEP_ENOTFOUND;
	return r;
}

/* An answer behind it; it counts if its last line is there, and then more than those before. */
static int read_answer(struct journal *journal, char **rest)
{
	struct tokeep_token record = { { NULL } };
	char *key, *value;
	int field, r = 0;

	while (!r && (key = statedir_line(rest, &value)) && strcmp(key, "end")) {
		field = token_field(key);
		if (field >= 0)
			r = tokeep_token_set(&record, field, value);
	}
	if (!r && key) {
		token_move(&journal->record, &record);
		journal->answered = true;
	}
	token_clear(&record);
	return r;
}

static int read_text(struct journal *journal, struct error *err)
{
	size_t size;
	char *text = statedir_read(journal->fd, &size), *rest = text;
	int r;

	if (!text)
		return error_set(err, TOKEEP_ESTORE, "%s: can't be read: %s", journal->path, strerror(errno));
	r = read_head(journal, &rest);
	while (!r && rest && *rest && strchr(rest, '\n'))
		r = read_answer(journal, &rest);
	secret_free_size(text, size);
	if (r == TOKEEP_ESTORE)
		error_set(err, r, "%s: was written by another version of tokeep, which has to bring it home",
			  journal->path);
	return r == TOKEEP_ENOMEM ? error_nomem(err) : r;
}

/* Opens, locks and reads. TOKEEP_ENOTFOUND: nothing, or torn before anything was sent (then it is open, and of no use).
 * TOKEEP_ELATER: its owner lives. TOKEEP_ESTORE: it can't be read, and must be neither overlooked nor overwritten. */
static int read_entry(struct journal *journal, const char *path, int64_t wait_ms, struct error *err)
{
	char why[SAFEFILE_WHY];
	struct stat st;

	*journal = (struct journal){ .fd = safefile_open(path, O_RDWR, why) };
	if (journal->fd < 0)
		return errno == ENOENT ? TOKEEP_ENOTFOUND : error_set(err, TOKEEP_ESTORE, "%s: %s", path, why);
	journal->path = strdup(path);
	if (!journal->path)
		return error_nomem(err);
	if (hostlock_take(journal->fd, OWNED, wait_ms))
		return error_set(err, TOKEEP_ELATER, "%s: another run is in the middle of this: %s", path,
				 strerror(errno));
	if (fstat(journal->fd, &st))
		return error_set(err, TOKEEP_ESTORE, "%s: %s", path, strerror(errno));
	if (!st.st_nlink) { /* dropped by its owner since we opened it: as if it had never been there */
		forget(journal);
		return TOKEEP_ENOTFOUND;
	}
	return read_text(journal, err);
}

int journal_open(struct journal *journal, const struct tokeep_backend *be, const struct tokeep_token *row,
		 struct error *err)
{
	char *path = entry_path(be, row, 0);
	int r;

	*journal = (struct journal){ .fd = -1 };
	if (!path)
		return error_nomem(err);
	/* Whoever has the entry either looks at it for a moment or has lost the lease without knowing. */
	r = read_entry(journal, path, GLANCE_MS, err);
	if (r == TOKEEP_ELATER)
		r = err->result = TOKEEP_ESTORE;
	if (r && r != TOKEEP_ENOTFOUND)
		forget(journal);
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
	struct error one = { .retry_after_s = -1 };
	struct dirent **list;
	int r = 0, n;

	if (!folder)
		return error_nomem(err);
	n = scandir(folder, &list, is_entry, alphasort);
	for (int i = 0; i < n; i++) {
		struct journal journal;

		if (!r && asprintf(&path, "%s/%s", folder, list[i]->d_name) >= 0) {
			switch (read_entry(&journal, path, 0, &one)) {
			case 0:
				r = each(data, &journal);
				break;
			case TOKEEP_ESTORE:
				error_move(err, &one);
			}
			error_clear(&one);
			journal_close(&journal);
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
	int r;

	if (lseek(fd, 0, SEEK_END) < 0 || safefile_write(fd, text, size))
		return -1;
	do
		r = fdatasync(fd);
	while (r && errno == EINTR);
	return r;
}

/* A new file. What lies there for a record would have been found by journal_open(), and is not overwritten. */
static int open_new(struct journal *journal, const struct tokeep_backend *be, const struct tokeep_token *row)
{
	for (int i = 0; i < LOGINS_MAX; i++) {
		free(journal->path);
		journal->path = entry_path(be, row, i);
		if (!journal->path)
			return TOKEEP_ENOMEM;
		journal->fd = open(journal->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (journal->fd >= 0 || errno != EEXIST || row->value[TOKEEP_FIELD_ID])
			break;
	}
	return journal->fd < 0 ? TOKEEP_ESTORE : 0;
}

static int create(struct journal *journal, const struct tokeep_backend *be, const struct tokeep_token *row,
		  struct error *err)
{
	int r = statedir_make(be->conf, "journal", err);

	*journal = (struct journal){ .fd = -1, .identity = backend_identity(be) };
	if (r)
		return r;
	journal->store = strdup(be->word);
	r = journal->store ? open_new(journal, be, row) : TOKEEP_ENOMEM;
	if (r)
		return r == TOKEEP_ENOMEM ? error_nomem(err) : write_failed(journal, "open", err);
	if (hostlock_take(journal->fd, OWNED, GLANCE_MS))
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
	int r = fd < 0 ? -1 : 0;

	while (!r && (r = fsync(fd)) && errno == EINTR)
		r = 0;
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
