/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sqlite_files.h: a sqlite store in a folder of its own, for the tests of files and failures. */
#ifndef SQLITE_FILES_H
#define SQLITE_FILES_H

#include <errno.h>

#include "store.h"

static const char *database; /* FOLDER/sub/tokens.db */

__attribute__((unused)) static int open_with(struct store *s, const char *path, const char *more)
{
	char config[1400];

	snprintf(config, sizeof(config), "store = \"sqlite\"; sqlite = { path = \"%s\"; %s %s };", path,
		 strstr(more, "timeout") ? "" : "timeout = 1;", more);
	return store_open(s, config);
}

__attribute__((unused)) static void open_store(struct store *s, const char *more)
{
	if (!open_with(s, database, more))
		return;
	printf("Bail out! %s\n", said(s));
	exit(1);
}

__attribute__((unused)) static void wipe_out(void)
{
	nftw(in_folder("sub"), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

__attribute__((unused)) static void fresh(struct store *s, const char *more)
{
	wipe_out();
	open_store(s, more);
}

__attribute__((unused)) static int mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? -errno : (int)(st.st_mode & 07777);
}

__attribute__((unused)) static char *slurp(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	char *bytes;

	*size = 0;
	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	*size = ftell(f);
	rewind(f);
	bytes = malloc(*size + 1);
	if (fread(bytes, 1, *size, f) != *size)
		exit(1);
	fclose(f);
	return bytes;
}

__attribute__((unused)) static void spill(const char *path, const char *bytes, size_t size)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(bytes, 1, size, f) != size || fclose(f) || chmod(path, 0600))
		exit(1);
}

/* Processes that wait for each other, by pipes. */
__attribute__((unused)) static void next_turn(int out)
{
	if (write(out, "x", 1) != 1)
		exit(1);
}

__attribute__((unused)) static void my_turn(int in)
{
	char c;

	if (read(in, &c, 1) != 1)
		exit(1);
}

__attribute__((unused)) static void in_folder_of_its_own(void)
{
	static char path[400];

	make_folder();
	snprintf(path, sizeof(path), "%s/sub/tokens.db", folder);
	database = path;
}
#endif
