/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * journal.h: STATE_DIR/journal: where an exchange is noted before it is sent, and its answer is safe until the store has it.
 *
 * An entry is one file per record, or per login. Its owner holds a lock on it, so an entry that can be locked was left by a run that died,
 * or by one whose store did not take the answer. Lines are appended, never rewritten; an answer counts when its
 * last line is there.
 */
#ifndef TOKEEP_CORE_JOURNAL_H
#define TOKEEP_CORE_JOURNAL_H

#include "backend.h"
#include "transport.h"

struct journal {
	char *path;
	int fd;                           /* -1: none */
	char *store;                      /* the word of the store, for people */
	uint64_t identity;                /* of the store */
	char digest[TRANSPORT_DIGEST_SIZE]; /* of the refresh token that was presented; "" none */
	int sends;                        /* how often it may have been */
	int64_t armed_ms;                 /* wall clock of the first */
	bool answered;
	struct tokeep_token record;       /* answered: as the store is to have it; else what tells it from others */
};

/* Notes that an exchange for `row` is about to be sent, durably. Goes on with an entry that was opened (then `journal` is
 * one, with the same digest). TOKEEP_ESTORE: it could not be written, nothing may be sent. */
int journal_arm(struct journal *journal, const struct tokeep_backend *be, const struct tokeep_token *row,
		const char *digest, int64_t now_ms, struct error *err);

/* The answer, durably: `record` whole, as the store is to have it. Of several the last one counts. */
int journal_answer(struct journal *journal, const struct tokeep_token *record, struct error *err);

/* What an earlier run left for this record, locked. TOKEEP_ENOTFOUND: nothing (no message), or a torn entry, which who has
 * the lease may drop. TOKEEP_ESTORE: something that can't be read, so the refresh token may be a spent one. */
int journal_open(struct journal *journal, const struct tokeep_backend *be, const struct tokeep_token *row,
		 struct error *err);

void journal_drop(struct journal *journal);  /* it is done: removes the file, closes */
void journal_close(struct journal *journal); /* leaves the file to a later run */

/* Every entry that no living process owns. `each` may drop it; it is closed afterwards. `err` tells of one that can't be
 * read, whatever the result. */
int journal_each(const struct conf *conf, int (*each)(void *data, struct journal *journal), void *data,
		 struct error *err);
#endif
