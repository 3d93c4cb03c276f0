/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mysql_table.c: the table: which of our columns it has and how wide they are.
 *
 * Where there is none, the first save creates one that takes values of 64 KiB. One that is there, of a Zoho SDK
 * mostly, is never altered: it needs the SDKs' ten columns; our own seven are written where it has them.
 */
#include "mysql_store.h"

#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BINARY_CHARSET 63
#define UTF8MB4_BYTES 4 /* a column's length counts its characters at the connection's widest */

static int field_of(const char *name)
{
	for (int f = 0; f < FIELDS; f++)
		if (!strcmp(tokeep_field_name(f), name))
			return f;
	return -1;
}

static void learn_column(struct store *s, const MYSQL_FIELD *field)
{
	const bool is_string = field->type == MYSQL_TYPE_STRING || field->type == MYSQL_TYPE_VAR_STRING;
	const bool is_text = field->type >= MYSQL_TYPE_TINY_BLOB && field->type <= MYSQL_TYPE_BLOB;
	const int f = field_of(field->name);
	struct column *column;

	if (f < 0)
		return;
	column = &s->column[f];
	column->there = true;
	column->required = field->flags & NOT_NULL_FLAG;
	column->text = is_text;
	column->width = 0;
	if (is_string || is_text)
		column->width = field->charsetnr == BINARY_CHARSET ? field->length : field->length / UTF8MB4_BYTES;
}

static int check_columns(struct store *s)
{
	for (int f = 0; f < ZOHO_FIELDS; f++) {
		const char *name = tokeep_field_name(f);

		if (!s->column[f].there)
			return error_own(s, TOKEEP_ESTORE,
					 "the table has no column %s; run: ALTER TABLE `%s` ADD COLUMN `%s` MEDIUMTEXT",
					 name, s->table, name);
	}
	return 0;
}

static int learn(struct store *s)
{
	int r;

	memset(s->column, 0, sizeof(s->column));
	s->rolls_back = false;
	s->has_table = true;
	r = query_columns(s, "SELECT * FROM `{t}` LIMIT 0", learn_column);
	if (r && s->failure == ER_NO_SUCH_TABLE) {
		s->has_table = false;
		r = 0;
	} else if (!r) {
		r = check_columns(s);
	}
	s->learned = !r;
	return r;
}

int table_learn(struct store *s)
{
	/* A table that isn't there may be by now. */
	return s->learned && s->has_table ? 0 : learn(s);
}

static int refuse_engine(struct store *s, void *data)
{
	return error_own(s, TOKEEP_ESTORE, "%s: the table is kept by %s, which can't take a change back: nothing was"
			 " written; run: ALTER TABLE `%s` ENGINE=InnoDB", s->doing, query_cell(s, 0), s->table);
}

int table_check_engine(struct store *s)
{
	static const char sql[] =
		"SELECT IFNULL(t.ENGINE, t.TABLE_TYPE) FROM information_schema.TABLES t"
		" LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE"
		" WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = '{t}' AND IFNULL(e.TRANSACTIONS, 'NO') <> 'YES'";
	int r = s->rolls_back ? 0 : query_rows(s, sql, NULL, 0, refuse_engine, NULL);

	s->rolls_back = !r;
	return r;
}

/* Where 'a', 'a ' and 'A' are three values, also to an index: MariaDB's, MySQL's, else one that ignores trailing
 * blanks, which only a lookup's second look then tells apart. */
static int take_collation(struct store *s, void *data)
{
	char **collation = data;

	*collation = strdup(query_cell(s, 0));
	return *collation ? 1 : error_memory(s);
}

static int find_collation(struct store *s, char **collation)
{
	static const char sql[] =
		"SELECT COLLATION_NAME FROM information_schema.COLLATIONS"
		" WHERE COLLATION_NAME IN ('utf8mb4_nopad_bin', 'utf8mb4_0900_bin', 'utf8mb4_bin')"
		" ORDER BY COLLATION_NAME = 'utf8mb4_bin', COLLATION_NAME = 'utf8mb4_0900_bin' LIMIT 1";

	*collation = NULL;
	return query_rows(s, sql, NULL, 0, take_collation, collation);
}

/* `id` can be no longer where it is to be a key on every server; the other columns take 64 KiB in four-byte
 * characters. Lookups go by the first characters. */
static char *create_statement(const char *collation)
{
	static const struct {
		int field;
		int characters;
	} keys[] = {
		{ TOKEEP_FIELD_USER_NAME, 191 },
		{ TOKEEP_FIELD_ACCESS_TOKEN, 512 },
		{ TOKEEP_FIELD_REFRESH_TOKEN, 512 },
		{ TOKEEP_FIELD_GRANT_TOKEN, 191 },
	};
	char *sql = NULL;
	size_t size;
	FILE *out = open_memstream(&sql, &size);

	if (!out)
		return NULL;
	fputs("CREATE TABLE IF NOT EXISTS `{t}` (`id` VARCHAR(191) NOT NULL", out);
	for (int f = TOKEEP_FIELD_ID + 1; f < FIELDS; f++)
		fprintf(out, ", `%s` MEDIUMTEXT", tokeep_field_name(f));
	fputs(", PRIMARY KEY (`id`)", out);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *name = tokeep_field_name(keys[i].field);

		fprintf(out, ", KEY `%s` (`%s`(%d))", name, name, keys[i].characters);
	}
	fprintf(out, ") ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE %s", collation);
	if (fclose(out)) {
		free(sql);
		return NULL;
	}
	return sql;
}

int table_create(struct store *s)
{
	char *collation, *sql;
	int r = find_collation(s, &collation);

	if (r)
		return r;
	sql = create_statement(collation ? collation : "utf8mb4_bin");
	free(collation);
	if (!sql)
		return error_memory(s);
	r = query_command(s, sql);
	free(sql);
	return r ? r : learn(s); /* somebody else's, it may be, who was quicker */
}

char *table_columns(const struct store *s)
{
	const char *comma = "";
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (int f = 0; f < FIELDS; f++) {
		if (!s->column[f].there)
			continue;
		fprintf(out, "%s`%s`", comma, tokeep_field_name(f));
		comma = ", ";
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static unsigned long characters(const char *utf8)
{
	unsigned long n = 0;

	for (; *utf8; utf8++)
		n += (*utf8 & 0xc0) != 0x80;
	return n;
}

static bool fits(const struct column *column, const char *value)
{
	if (!column->there || !column->width)
		return true;
	return (column->text ? strlen(value) : characters(value)) <= column->width;
}

int table_fits(struct store *s, int field, const char *value)
{
	const struct column *column = &s->column[field];
	const char *name = tokeep_field_name(field);
	int r;

	if (!value || fits(column, value))
		return 0;
	r = learn(s); /* somebody may have widened it since */
	if (r || fits(column, value))
		return r;
	return error_own(s, TOKEEP_ESTORE,
			 "%s: column %s takes %lu %s and would need %lu: nothing was written;"
			 " run: ALTER TABLE `%s` MODIFY `%s` %s%s",
			 s->doing, name, column->width, column->text ? "bytes" : "characters",
			 column->text ? (unsigned long)strlen(value) : characters(value), s->table, name,
			 field == TOKEEP_FIELD_ID ? "VARCHAR(191)" : "MEDIUMTEXT", column->required ? " NOT NULL" : "");
}
