/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * file_draft.h: the next content of a token file: read whole under the writer's lock, changed in memory, written beside
 * the old one and renamed over it. Every byte that isn't of the changed row stays.
 */
#ifndef TOKEEP_PLUGINS_FILE_DRAFT_H
#define TOKEEP_PLUGINS_FILE_DRAFT_H

#include "file.h"
#include "file_known.h"
#include "file_lock.h"
#include "file_search.h"

struct file_draft {
	int lock;              /* of the writer */
	struct file_mark read; /* the content that this is made of */
	char *bytes;
	size_t size, room;
	size_t header_end;   /* 0: there is no header */
	size_t insert_at;    /* new rows go here: the end, or before a last line that was cut off */
	const char *newline; /* as the first line has it */
	struct sheet sheet;
	struct file_flaws flaws;
	char highest[FILE_ID_MAX + 1]; /* of the numeric ids that are or were */
	struct file_memory memory;
	struct file_known known; /* of a batch */
	bool changed;
	bool dropped; /* a row went, so its id has to be remembered */
};

/* `make`: with the folder, where it isn't there. Without it and without a file: TOKEEP_ENOTFOUND. */
int file_draft_begin(struct tokeep_backend *be, struct file_draft *draft, bool make);
/* Many changes are to come: it pays to know what is there. */
int file_draft_know(struct file_draft *draft);
/* *again: somebody else wrote meanwhile, so nothing was. */
int file_draft_commit(struct tokeep_backend *be, struct file_draft *draft, bool *again);
void file_draft_end(struct file_draft *draft); /* wipes, unlocks */

/* Changes. On failure the draft is as it was. */
int file_draft_save(struct tokeep_backend *be, struct file_draft *draft, const struct tokeep_token *token,
		    struct tokeep_token *saved);
int file_draft_swap(struct tokeep_backend *be, struct file_draft *draft, const struct tokeep_token *token,
		    const char *old_refresh_token);
int file_draft_delete(struct tokeep_backend *be, struct file_draft *draft, const char *id);
int file_draft_clear(struct tokeep_backend *be, struct file_draft *draft);

/* TOKEEP_EINVAL where a value that is new can't stand in a file for SDKs. */
int file_draft_refusal(struct tokeep_backend *be, const struct tokeep_token *token, const struct tokeep_token *was);
#endif
