/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* file_draft.c: the next content of a token file: read, and written. */
#include <config.h>

#include "file_draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file_id.h"
#include "safefile.h"

#define SPARE 4096 /* for a new row or two */

/*
 * Reading
 */

static int lock(struct tokeep_backend *be, struct file_draft *draft)
{
	const struct file_store *store = file_store(be);

	draft->lock = file_lock(store->lock_path, FILE_LOCK_WRITER, store->timeout_ms);
	if (draft->lock >= 0)
		return 0;
	if (errno == ETIMEDOUT)
		return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: not to be had within %lld s: another process is writing",
					   store->lock_path, (long long)store->timeout_ms / 1000);
	return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: open: %s", store->lock_path, strerror(errno));
}

static int read_all(int fd, char *bytes, size_t size, size_t *got)
{
	ssize_t n = 1;

	for (*got = 0; n && *got < size; *got += n) {
		n = read(fd, bytes + *got, size - *got);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			break;
	}
	return n < 0 ? -1 : 0;
}

static void wipe(struct file_draft *draft)
{
	if (draft->bytes)
		explicit_bzero(draft->bytes, draft->room);
	free(draft->bytes);
	draft->bytes = NULL;
	draft->size = draft->room = 0;
}

/* What is there now, or *again. */
static int read_once(struct tokeep_backend *be, struct file_draft *draft, bool *again)
{
	struct file_mark after;
	struct stat st;
	int fd, r;

	*again = false;
	wipe(draft);
	draft->read = (struct file_mark){ 0 };
	r = file_open(be, &fd, &st);
	if (r || fd < 0)
		return r;
	draft->read = file_mark(&st);
	draft->bytes = malloc(st.st_size + SPARE);
	if (!draft->bytes)
		r = TOKEEP_ENOMEM;
	else
		draft->room = st.st_size + SPARE;
	if (!r && (read_all(fd, draft->bytes, st.st_size, &draft->size) || fstat(fd, &st)))
		r = file_fail(be, "read");
	close(fd);
	after = file_mark(&st);
	*again = !r && (!file_mark_same(&draft->read, &after) || draft->size != (size_t)st.st_size ||
			file_is_unsettled(file_store(be)->lock_path, &after));
	return r;
}

static int read_settled(struct tokeep_backend *be, struct file_draft *draft)
{
	bool again;
	int r;

	for (int i = 0; i < FILE_PAUSES_MAX; i++) {
		r = read_once(be, draft, &again);
		if (!again)
			return r;
		file_pause();
	}
	return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: another program rewrites it again and again",
				   file_store(be)->path);
}

/* Looks at every line: the header, ids, flaws, and where new rows go. */
static int survey(struct tokeep_backend *be, struct file_draft *draft)
{
	struct csv_reader reader;
	struct csv_line line;
	struct csv_row row;
	const char *why;

	draft->newline = "\n";
	draft->insert_at = draft->size;
	csv_open_memory(&reader, draft->bytes, draft->size);
	while (csv_next(&reader, &line) > 0) {
		enum row_kind kind = sheet_judge(&draft->sheet, &line, &row, &why);

		if (kind == ROW_FOREIGN)
			return file_foreign(be, &line, why);
		if (line.number == 1 && line.end == 2)
			draft->newline = "\r\n";
		if (kind == ROW_HEADER) {
			draft->header_end = line.offset + line.size + line.end;
			continue;
		}
		if (kind == ROW_MALFORMED)
			file_flaws_add(&draft->flaws, &line, why);
		if (kind == ROW_MALFORMED && !line.whole)
			draft->insert_at = line.offset; /* a line end would make it look sound */
		file_id_raise(draft->highest, line.bytes, line.bytes ? line.size : 0);
	}
	draft->flaws.lost_header = draft->sheet.lost;
	return 0;
}

static int make_folder(struct tokeep_backend *be)
{
	char why[SAFEFILE_WHY];

	if (!safefile_folder(file_store(be)->folder, why))
		return 0;
	return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: %s", file_store(be)->folder, why);
}

/* Before the lock, so that a file which is refused gets no lock file beside it. */
static int check_file(struct tokeep_backend *be, bool make)
{
	struct stat st;
	int fd, r = file_open(be, &fd, &st);

	if (r)
		return r;
	if (fd >= 0)
		close(fd);
	else if (!make && access(file_store(be)->lock_path, F_OK))
		return TOKEEP_ENOTFOUND; /* and no trace of one */
	return make_folder(be);
}

int file_draft_begin(struct tokeep_backend *be, struct file_draft *draft, bool make)
{
	int r;

	*draft = (struct file_draft){ .lock = -1, .highest = "0" };
	r = check_file(be, make);
	if (!r)
		r = lock(be, draft);
	if (r)
		return r;
	safefile_sweep(file_store(be)->path);
	file_remembers(draft->lock, &draft->memory);
	file_id_raise(draft->highest, draft->memory.last_id, strlen(draft->memory.last_id));
	r = read_settled(be, draft);
	if (!r)
		r = survey(be, draft);
	if (r)
		file_draft_end(draft);
	return r;
}

int file_draft_know(struct file_draft *draft)
{
	struct tokeep_token *token;
	struct sheet sheet = { .begun = false };
	struct csv_reader reader;
	struct csv_line line;
	struct csv_row row;
	const char *why;
	int r = 0;

	if (draft->flaws.count) /* what a malformed row holds can't be known */
		return 0;
	token = tokeep_token_new();
	if (!token)
		return TOKEEP_ENOMEM;
	file_known_begin(&draft->known);
	csv_open_memory(&reader, draft->bytes, draft->size);
	while (!r && csv_next(&reader, &line) > 0) {
		if (sheet_judge(&sheet, &line, &row, &why) != ROW_SOUND)
			continue;
		r = sheet_get(&sheet, &row, token);
		if (!r)
			file_known_add(&draft->known, token);
	}
	tokeep_token_free(token);
	return r;
}

void file_draft_end(struct file_draft *draft)
{
	wipe(draft);
	file_known_end(&draft->known);
	file_unlock(draft->lock, FILE_LOCK_WRITER);
	draft->lock = -1;
}

/*
 * Writing
 */

/* Is the file still the one that was read? Our lock means nothing to SDKs. */
static bool is_current(struct tokeep_backend *be, const struct file_draft *draft)
{
	struct file_mark now = { 0 };
	struct stat st;

	if (!lstat(file_store(be)->path, &st))
		now = file_mark(&st);
	else if (errno != ENOENT)
		return false;
	return file_mark_same(&now, &draft->read);
}

/* The id of a row that went is given to no other. */
static int remember_ids(struct tokeep_backend *be, struct file_draft *draft)
{
	memcpy(draft->memory.last_id, draft->highest, sizeof(draft->highest));
	if (!file_remember(draft->lock, &draft->memory, true))
		return 0;
	return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: write: %s", file_store(be)->lock_path, strerror(errno));
}

static int fail_written(struct tokeep_backend *be, const char *why)
{
	return tokeep_backend_fail(be, TOKEEP_ESTORE, "%s: %s", file_store(be)->path, why);
}

/* All but the rename. */
static int write_beside(struct tokeep_backend *be, struct file_draft *draft, struct safefile *file)
{
	char why[SAFEFILE_WHY];
	int r;

	if (safefile_begin(file, file_store(be)->path, why))
		return fail_written(be, why);
	if (safefile_write(file->fd, draft->bytes, draft->size))
		r = file_fail(be, "write");
	else if (safefile_sync(file, why))
		r = fail_written(be, why);
	else
		r = draft->dropped ? remember_ids(be, draft) : 0;
	if (r)
		safefile_abandon(file);
	return r;
}

int file_draft_commit(struct tokeep_backend *be, struct file_draft *draft, bool *again)
{
	struct file_mark written = { 0 };
	char why[SAFEFILE_WHY];
	struct safefile file;
	struct stat st;
	int r;

	*again = false;
	if (!draft->changed)
		return 0;
	r = write_beside(be, draft, &file);
	if (r)
		return r;
	if (!is_current(be, draft)) {
		safefile_abandon(&file);
		*again = true;
		return 0;
	}
	if (!fstat(file.fd, &st))
		written = file_mark(&st);
	if (safefile_commit(&file, why))
		return fail_written(be, why);
	draft->memory.written = written;
	file_remember(draft->lock, &draft->memory, false); /* else the next one only waits a little */
	return 0;
}
