/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* file.h: what the parts of the file store share: the handle, and the file as it is found. */
#ifndef TOKEEP_PLUGINS_FILE_H
#define TOKEEP_PLUGINS_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <tokeep-store.h>

struct file_draft;

struct file_store {
	char *path, *lock_path, *folder;
	bool sdk_columns;         /* columns = "zoho" */
	int64_t timeout_ms;
	struct file_draft *batch; /* between begin and commit */
	int lease;                /* a descriptor; -1: none */
	int64_t lease_byte;
	bool flaws_reported;
};

static inline struct file_store *file_store(struct tokeep_backend *be)
{
	return tokeep_backend_data(be);
}

/* The token file, opened for reading and found fit; *fd -1: there is none. */
int file_open(struct tokeep_backend *be, int *fd, struct stat *st);

/* TOKEEP_ESTORE, "PATH: what: errno in words". */
int file_fail(struct tokeep_backend *be, const char *what);
#endif
