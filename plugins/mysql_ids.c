/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mysql_ids.c: new ids: the highest there ever was plus one, each given once.
 *
 * A row in a table of its own, TABLE_tokeep, remembers the highest; whoever inserts holds it until the end of his
 * transaction, and so is alone. Where that table can't be had, all rows are locked while they are counted: then
 * an id that was deleted may come again.
 */
#include "mysql_store.h"

#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 18 /* longer ones are no numbers to us; also in the statements */

static const char read_text[] = "SELECT `value` FROM `{t}_tokeep` WHERE `name` = 'last_id'";
static const char lock_text[] = "SELECT `value` FROM `{t}_tokeep` WHERE `name` = 'last_id' FOR UPDATE";
static const char write_text[] = "UPDATE `{t}_tokeep` SET `value` = ? WHERE `name` = 'last_id'";
static const char count_text[] =
	"SELECT MAX(CAST(`id` AS UNSIGNED)) FROM `{t}` WHERE `id` REGEXP '^[0-9]{1,18}$'";
static const char lock_and_count_text[] =
	"SELECT MAX(CAST(`id` AS UNSIGNED)) FROM `{t}` WHERE `id` REGEXP '^[0-9]{1,18}$' FOR UPDATE";

static int create(struct store *s)
{
	int r = query_command(s, "CREATE TABLE IF NOT EXISTS `{t}_tokeep` (`name` VARCHAR(32) NOT NULL PRIMARY KEY,"
				 " `value` BIGINT UNSIGNED NOT NULL) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4");

	/* Locking needs a row. */
	if (!r)
		r = query_command(s, "INSERT IGNORE INTO `{t}_tokeep` (`name`, `value`) VALUES ('last_id', 0)");
	return r;
}

int ids_prepare(struct store *s)
{
	int r;

	if (s->ids != IDS_UNKNOWN)
		return 0;
	r = query_number(s, read_text, NULL, 0, &s->last_id);
	if (r && s->failure != ER_NO_SUCH_TABLE && s->failure != ER_TABLEACCESS_DENIED_ERROR)
		return r;
	if (r || !s->last_id)
		r = create(s);
	if (r && s->again)
		return r;
	s->counted = false;
	s->ids = r ? IDS_COUNTED : IDS_REMEMBERED;
	if (r)
		tokeep_backend_log(s->be, TOKEEP_LOG_DEBUG,
				   "no table %s_tokeep to remember ids in, they are counted: %s", s->table,
				   "deleted ones may be given again");
	return 0;
}

/* The highest id in the table, for rows that others have written. */
static int count_ids(struct store *s, const char *sql)
{
	int r = query_number(s, sql, NULL, 0, &s->table_id);

	s->counted = !r;
	return r;
}

static unsigned long long highest(const struct store *s)
{
	return s->last_id > s->table_id ? s->last_id : s->table_id;
}

int ids_lock(struct store *s)
{
	int r;

	if (s->ids_locked)
		return 0;
	if (s->ids == IDS_COUNTED) {
		s->last_id = 0;
		r = count_ids(s, lock_and_count_text);
	} else {
		r = query_number(s, lock_text, NULL, 0, &s->last_id);
	}
	s->ids_locked = !r;
	return r;
}

/* Once per handle the whole table is looked at: one of an SDK has ids that nobody has remembered. */
int ids_next(struct store *s, char id[ID_SIZE])
{
	int r = s->counted ? 0 : count_ids(s, count_text);

	if (!r)
		snprintf(id, ID_SIZE, "%llu", highest(s) + 1);
	return r;
}

static int write_remembered(struct store *s)
{
	char id[ID_SIZE];
	const char *const values[] = { id };

	snprintf(id, sizeof(id), "%llu", s->last_id);
	return query_run(s, write_text, values, 1);
}

int ids_note(struct store *s, const char *id)
{
	unsigned long long number;
	int r;

	if (s->ids != IDS_REMEMBERED || strspn(id, "0123456789") != strlen(id) || strlen(id) > DIGITS_MAX)
		return 0;
	r = ids_lock(s);
	number = strtoull(id, NULL, 10);
	if (r || number <= s->last_id)
		return r;
	s->last_id = number;
	return write_remembered(s);
}

int ids_note_all(struct store *s)
{
	int r;

	if (s->ids != IDS_REMEMBERED)
		return 0;
	r = ids_lock(s);
	if (!r)
		r = count_ids(s, count_text);
	if (r)
		return r;
	s->last_id = highest(s);
	return write_remembered(s);
}
