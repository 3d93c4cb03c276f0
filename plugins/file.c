/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * file.c: tokens in a text file that Zoho's SDKs can share (tokeep-file(7)).
 *
 * Readers take no lock: they see the old file or the new one, whole. Who writes takes the lock of file_lock.c, makes
 * the next content in memory (file_draft.c, file_change.c) and renames it into place.
 */
#include <config.h>

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file_draft.h"
#include "hostlock.h"
#include "safefile.h"

const unsigned int tokeep_store_abi = TOKEEP_STORE_ABI;
const unsigned int tokeep_store_scope = TOKEEP_SCOPE_HOST;
const char tokeep_store_description[] = "a CSV file in the format of Zoho's SDKs; replaced whole, fsynced";

/*
 * Open and close
 */

static int read_timeout(struct tokeep_backend *be, struct file_store *store)
{
	const char *text = tokeep_backend_option(be, "timeout", "30");
	char *end;
	long s = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || s > 3600)
		return tokeep_backend_fail(be, TOKEEP_ECONFIG, "timeout: must be 0 to 3600 seconds");
	store->timeout_ms = s * INT64_C(1000);
	return 0;
}

static int read_options(struct tokeep_backend *be, struct file_store *store)
{
	const char *path = tokeep_backend_option(be, "path", NULL);
	const char *columns = tokeep_backend_option(be, "columns", "own");
	int r = read_timeout(be, store);

	if (r)
		return r;
	if (!path || *path != '/')
		return tokeep_backend_fail(be, TOKEEP_ECONFIG, "path: must be the absolute path of the token file");
	if (strcmp(columns, "own") && strcmp(columns, "zoho"))
		return tokeep_backend_fail(be, TOKEEP_ECONFIG, "columns: must be \"own\" or \"zoho\"");
	store->sdk_columns = !strcmp(columns, "zoho");
	store->path = strdup(path);
	store->folder = strndup(path, strrchr(path, '/') == path ? 1 : strrchr(path, '/') - path);
	if (!store->path || !store->folder || asprintf(&store->lock_path, "%s.lock", path) < 0)
		return TOKEEP_ENOMEM;
	return 0;
}

void tokeep_store_close(struct tokeep_backend *be)
{
	struct file_store *store = file_store(be);

	if (store->batch)
		file_draft_end(store->batch);
	free(store->batch);
	file_unlock(store->lease, store->lease_byte);
	free(store->path);
	free(store->folder);
	free(store->lock_path);
	free(store);
}

int tokeep_store_open(struct tokeep_backend *be)
{
	struct file_store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return TOKEEP_ENOMEM;
	store->lease = -1;
	tokeep_backend_set_data(be, store);
	r = read_options(be, store);
	if (r)
		tokeep_store_close(be);
	return r;
}

/*
 * Reading
 */

int file_fail(struct tokeep_backend *be, const char *what)
{
	return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: %s: %s", file_store(be)->path, what, strerror(errno));
}

int file_open(struct tokeep_backend *be, int *fd, struct stat *st)
{
	char why[SAFEFILE_WHY];

	*fd = safefile_open(file_store(be)->path, O_RDONLY, why);
	if (*fd < 0 && errno == ENOENT)
		return 0;
	if (*fd < 0)
		return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: %s", file_store(be)->path, why);
	if (!fstat(*fd, st))
		return 0;
	close(*fd);
	return file_fail(be, "stat");
}

static int open_reader(struct tokeep_backend *be, struct csv_reader *reader, struct file_mark *mark)
{
	const struct file_draft *batch = file_store(be)->batch;
	struct stat st;
	int fd, r;

	*mark = (struct file_mark){ 0 };
	csv_open_memory(reader, batch ? batch->bytes : NULL, batch ? batch->size : 0);
	if (batch)
		return 0;
	r = file_open(be, &fd, &st);
	if (r || fd < 0)
		return r;
	*mark = file_mark(&st);
	if (!csv_open(reader, fd, st.st_size))
		return 0;
	close(fd);
	return TOKEEP_ENOMEM;
}

static void close_reader(struct csv_reader *reader)
{
	int fd = reader->fd;

	csv_close(reader);
	if (fd >= 0)
		close(fd);
}

/* Did somebody write into the file that we read? Our own writers never do. */
static bool was_rewritten(const struct csv_reader *reader, const struct file_mark *before)
{
	struct file_mark now;
	struct stat st;

	if (reader->fd < 0 || fstat(reader->fd, &st))
		return false;
	now = file_mark(&st);
	return !file_mark_same(&now, before);
}

static int look_once(struct tokeep_backend *be, struct file_search *search, bool *again)
{
	struct csv_reader reader;
	struct file_mark mark;
	bool certain;
	int r = open_reader(be, &reader, &mark);

	*again = false;
	if (r)
		return r;
	r = file_search(be, search, &reader);
	certain = !r && search->found && search->place.whole;
	*again = was_rewritten(&reader, &mark) ||
		 (reader.fd >= 0 && !certain && file_is_unsettled(file_store(be)->lock_path, &mark));
	close_reader(&reader);
	return r;
}

static int look(struct tokeep_backend *be, struct file_search *search)
{
	bool again;
	int r;

	for (int i = 0; i < FILE_PAUSES_MAX; i++) {
		r = look_once(be, search, &again);
		if (!again)
			return r;
		file_pause();
	}
	return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: another program rewrites it again and again",
				   file_store(be)->path);
}

static int find(struct tokeep_backend *be, struct file_search *search, struct tokeep_token *token)
{
	int r = look(be, search);

	if (!r)
		file_flaws_report(be, &search->flaws);
	if (!r && !search->found && search->flaws.count)
		r = file_flaws_fail(be, &search->flaws, "can't tell whether this token is there");
	else if (!r && !search->found)
		r = tokeep_backend_fail(be, TOKEEP_ENOTFOUND, "%s: no such token", file_store(be)->path);
	for (int f = 0; !r && tokeep_field_name(f); f++)
		r = tokeep_token_set(token, f, tokeep_token_get(search->row, f));
	file_search_end(search);
	return r;
}

/*
 * Changing
 */

struct change {
	int (*make)(struct tokeep_backend *be, struct file_draft *draft, const struct change *change);
	const struct tokeep_token *token;
	const char *id, *old_refresh_token;
	struct tokeep_token *saved;
	bool creates; /* may make the file */
};

static int change_once(struct tokeep_backend *be, const struct change *change, bool *again)
{
	struct file_draft draft;
	int r;

	*again = false;
	r = file_draft_begin(be, &draft, change->creates);
	if (r)
		return r;
	r = change->make(be, &draft, change);
	if (!r)
		r = file_draft_commit(be, &draft, again);
	file_draft_end(&draft);
	return r;
}

static int apply(struct tokeep_backend *be, const struct change *change)
{
	bool again;
	int r;

	if (file_store(be)->batch)
		return change->make(be, file_store(be)->batch, change);
	for (int i = 0; i < FILE_PAUSES_MAX; i++) {
		r = change_once(be, change, &again);
		if (!again)
			return r;
	}
	return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: another program rewrites it again and again",
				   file_store(be)->path);
}

static int save(struct tokeep_backend *be, struct file_draft *draft, const struct change *change)
{
	return file_draft_save(be, draft, change->token, change->saved);
}

static int swap(struct tokeep_backend *be, struct file_draft *draft, const struct change *change)
{
	return file_draft_swap(be, draft, change->token, change->old_refresh_token);
}

static int delete(struct tokeep_backend *be, struct file_draft *draft, const struct change *change)
{
	return file_draft_delete(be, draft, change->id);
}

static int clear(struct tokeep_backend *be, struct file_draft *draft, const struct change *change)
{
	return file_draft_clear(be, draft);
}

/*
 * The six, in the order of tokeep-store.h
 */

int tokeep_store_find_token(struct tokeep_backend *be, struct tokeep_token *token)
{
	struct file_search search = { .wanted = token };

	return find(be, &search, token);
}

int tokeep_store_find_token_by_id(struct tokeep_backend *be, const char *id, struct tokeep_token *token)
{
	struct file_search search = { .id = id };

	return find(be, &search, token);
}

int tokeep_store_save_token(struct tokeep_backend *be, struct tokeep_token *token)
{
	struct tokeep_token *saved = tokeep_token_new();
	const struct change change = { .make = save, .token = token, .saved = saved, .creates = true };
	int r = saved ? apply(be, &change) : TOKEEP_ENOMEM;

	if (!r)
		r = tokeep_token_set(token, TOKEEP_FIELD_ID, tokeep_token_get(saved, TOKEEP_FIELD_ID));
	tokeep_token_free(saved);
	return r;
}

int tokeep_store_delete_token(struct tokeep_backend *be, const char *id)
{
	const struct change change = { .make = delete, .id = id };

	return apply(be, &change);
}

/* One row after the other through one buffer, so that a million take no more memory than ten. */
static int put_rows(struct tokeep_backend *be, struct csv_reader *reader, struct tokeep_token *token,
		    struct tokeep_sink *sink, struct file_flaws *flaws)
{
	struct sheet sheet = { .begun = false };
	struct csv_line line;
	struct csv_row row;
	const char *why;
	int n, r;

	while ((n = csv_next(reader, &line)) > 0) {
		enum row_kind kind = sheet_judge(&sheet, &line, &row, &why);

		if (kind == ROW_FOREIGN)
			return file_foreign(be, &line, why);
		if (kind == ROW_MALFORMED)
			file_flaws_add(flaws, &line, why);
		if (kind != ROW_SOUND)
			continue;
		r = sheet_get(&sheet, &row, token);
		if (!r)
			r = tokeep_sink_put(sink, token);
		if (r)
			return r;
	}
	flaws->lost_header = sheet.lost;
	return n ? file_fail(be, "read") : 0;
}

int tokeep_store_get_tokens(struct tokeep_backend *be, struct tokeep_sink *sink)
{
	struct tokeep_token *token = tokeep_token_new();
	struct file_flaws flaws = { 0 };
	struct csv_reader reader;
	struct file_mark mark;
	int r = token ? open_reader(be, &reader, &mark) : TOKEEP_ENOMEM;

	if (r) {
		tokeep_token_free(token);
		return r;
	}
	r = put_rows(be, &reader, token, sink, &flaws);
	tokeep_token_free(token);
	if (!r && was_rewritten(&reader, &mark))
		r = tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: another program wrote into it meanwhile; run it again",
					file_store(be)->path);
	close_reader(&reader);
	file_flaws_report(be, &flaws);
	if (!r && flaws.count)
		r = file_flaws_fail(be, &flaws, "not all of it could be read");
	return r;
}

int tokeep_store_delete_tokens(struct tokeep_backend *be)
{
	const struct change change = { .make = clear };
	int r = apply(be, &change);

	return r == TOKEEP_ENOTFOUND ? 0 : r;
}

/*
 * What a store may have besides
 */

int tokeep_store_lock(struct tokeep_backend *be, const char *key, int64_t wait_ms, int64_t hold_ms)
{
	struct file_store *store = file_store(be);

	/* It ends with its holder, so hold_ms is not needed. */
	store->lease_byte = hostlock_byte(key);
	store->lease = file_lock(store->lock_path, store->lease_byte, wait_ms);
	if (store->lease >= 0)
		return 0;
	return tokeep_backend_fail(be, errno == ENOENT ? TOKEEP_ECONFIG : TOKEEP_ESTORE, "%s: %s", store->lock_path,
				   errno == ETIMEDOUT ? "another process has the lease" : strerror(errno));
}

int tokeep_store_unlock(struct tokeep_backend *be, const char *key)
{
	struct file_store *store = file_store(be);

	file_unlock(store->lease, store->lease_byte);
	store->lease = -1;
	return 0;
}

int tokeep_store_swap_token(struct tokeep_backend *be, struct tokeep_token *token, const char *old_refresh_token)
{
	const struct change change = { .make = swap, .token = token, .old_refresh_token = old_refresh_token };

	return apply(be, &change);
}

int tokeep_store_begin(struct tokeep_backend *be)
{
	struct file_draft *draft = malloc(sizeof(*draft));
	int r = draft ? file_draft_begin(be, draft, true) : TOKEEP_ENOMEM;

	if (!r) {
		r = file_draft_know(draft);
		if (r)
			file_draft_end(draft);
	}
	if (r)
		free(draft);
	else
		file_store(be)->batch = draft;
	return r;
}

int tokeep_store_commit(struct tokeep_backend *be, int keep)
{
	struct file_draft *draft = file_store(be)->batch;
	bool again = false;
	int r = 0;

	if (!draft)
		return 0;
	if (keep)
		r = file_draft_commit(be, draft, &again);
	if (again)
		r = tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: another program wrote into it meanwhile, so nothing was saved; "
					"run it again", file_store(be)->path);
	file_draft_end(draft);
	free(draft);
	file_store(be)->batch = NULL;
	return r;
}

/* Space for a file of the size to come, as the next save would take it. */
static int probe_space(struct tokeep_backend *be, size_t size)
{
	char why[SAFEFILE_WHY];
	struct safefile file;
	int r = 0;

	if (safefile_begin(&file, file_store(be)->path, why))
		return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: %s", file_store(be)->path, why);
	do
		errno = posix_fallocate(file.fd, 0, size);
	while (errno == EINTR);
	if (errno && errno != EINVAL && errno != EOPNOTSUPP)
		r = file_fail(be, "make room for a new file beside it");
	safefile_abandon(&file);
	return r;
}

static int probe_lock(struct tokeep_backend *be)
{
	const char *path = file_store(be)->lock_path;
	int fd = hostlock_open(path);

	if (fd < 0)
		return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: open: %s", path, strerror(errno));
	close(fd);
	return 0;
}

/* Is there a row that may take these values? */
static int probe_row(struct tokeep_backend *be, const struct tokeep_token *token)
{
	struct file_search search = { .id = tokeep_token_get(token, TOKEEP_FIELD_ID), .wanted = token };
	int r = look(be, &search);

	if (!r && !search.found && search.flaws.count)
		r = file_flaws_fail(be, &search.flaws, "can't tell whether this token is there");
	if (!r)
		r = file_draft_refusal(be, token, search.found ? search.row : NULL);
	file_search_end(&search);
	return r;
}

int tokeep_store_probe(struct tokeep_backend *be, const struct tokeep_token *token)
{
	size_t size = 4096;
	struct stat st;
	int fd, r = probe_row(be, token);

	if (!r)
		r = probe_lock(be);
	if (!r)
		r = file_open(be, &fd, &st);
	if (r)
		return r;
	if (fd >= 0) {
		size += st.st_size;
		close(fd);
	}
	for (int f = 0; tokeep_field_name(f); f++)
		if (tokeep_token_get(token, f))
			size += CSV_ROOM(strlen(tokeep_token_get(token, f)));
	return probe_space(be, size);
}
