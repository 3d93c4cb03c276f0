/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pause.c: what every run must know before it asks a provider about a record. */
#include "pause.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secret.h"
#include "statedir.h"

#define FIRST_MS 5000
#define LONGEST_MS 60000

static char *pause_path(const struct tokeep_backend *be, const char *id)
{
	char name[STATEDIR_NAME], *path;

	statedir_record_name(backend_identity(be), id, name);
	if (asprintf(&path, "%s/pause/%s", be->conf->state_dir, name) < 0)
		return NULL;
	return path;
}

void pause_free(struct pause *pause)
{
	free(pause->reason);
	*pause = (struct pause){ .result = 0 };
}

static void read_line(struct pause *pause, const char *key, const char *value)
{
	if (!strcmp(key, "result"))
		pause->result = strtol(value, NULL, 10);
	else if (!strcmp(key, "since"))
		pause->since_ms = strtoll(value, NULL, 10);
	else if (!strcmp(key, "length"))
		pause->length_ms = strtoll(value, NULL, 10);
	else if (!strcmp(key, "count"))
		pause->count = strtol(value, NULL, 10);
	else if (!strcmp(key, "digest"))
		snprintf(pause->digest, sizeof(pause->digest), "%s", value);
	else if (!strcmp(key, "reason") && !pause->reason)
		pause->reason = strdup(value);
	else if (!strcmp(key, "stamp") && pause->stamps < PAUSE_STAMPS)
		pause->stamp_ms[pause->stamps++] = strtoll(value, NULL, 10);
}

void pause_read(const struct tokeep_backend *be, const char *id, struct pause *pause)
{
	char why[SAFEFILE_WHY], *path = pause_path(be, id), *text, *rest, *key, *value;
	int fd = path ? safefile_open(path, O_RDONLY, why) : -1;
	size_t size;

	*pause = (struct pause){ .result = 0 };
	if (fd >= 0) {
		text = rest = statedir_read(fd, &size);
		while (text && (key = statedir_line(&rest, &value)))
			read_line(pause, key, value);
		free(text);
		close(fd);
	}
	free(path);
}

/* Caller frees; NULL: no memory. */
static char *pause_text(const struct pause *pause, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out)
		return NULL;
	fprintf(out, "result %d\nsince %" PRId64 "\nlength %" PRId64 "\ncount %d\n", pause->result, pause->since_ms,
		pause->length_ms, pause->count);
	if (*pause->digest)
		fprintf(out, "digest %s\n", pause->digest);
	if (pause->reason)
		fprintf(out, "reason %s\n", pause->reason);
	for (int i = 0; i < pause->stamps; i++)
		fprintf(out, "stamp %" PRId64 "\n", pause->stamp_ms[i]);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

void pause_write(const struct tokeep_backend *be, const char *id, const struct pause *pause)
{
	char why[SAFEFILE_WHY] = "out of memory", *path = pause_path(be, id);
	size_t size;
	char *text = pause_text(pause, &size);

	if (!path || !text || statedir_write(be->conf, "pause", path, text, size, why))
		log_say(be->log, TOKEEP_LOG_WARNING, "%s: can't be remembered for other runs: %s",
			path ? path : "pause", why);
	free(text);
	free(path);
}

void pause_remove(const struct tokeep_backend *be, const char *id)
{
	char *path = pause_path(be, id);

	if (path)
		unlink(path);
	free(path);
}

int64_t pause_left_ms(const struct pause *pause, int64_t now_ms)
{
	int64_t end = pause->since_ms + pause->length_ms;

	if (!pause->result || pause->length_ms <= 0 || now_ms < pause->since_ms || now_ms >= end)
		return 0;
	return end - now_ms;
}

void pause_failed(struct pause *pause, int result, const char *reason, int64_t wait_s, int64_t now_ms)
{
	int64_t length = FIRST_MS;

	for (int i = 0; i < pause->count && length < LONGEST_MS; i++)
		length *= 2;
	if (length > LONGEST_MS)
		length = LONGEST_MS;
	free(pause->reason);
	pause->reason = reason ? error_clean(reason, strlen(reason)) : NULL;
	pause->result = result;
	pause->since_ms = now_ms;
	pause->length_ms = wait_s >= 0 ? wait_s * 1000 : length;
	pause->count++;
}

static int recent(const struct pause *pause, int64_t window_ms, int64_t now_ms)
{
	int n = 0;

	for (int i = 0; i < pause->stamps; i++)
		n += pause->stamp_ms[i] <= now_ms && pause->stamp_ms[i] > now_ms - window_ms;
	return n;
}

int64_t pause_budget_ms(const struct pause *pause, int limit, int64_t window_ms, int64_t now_ms)
{
	if (recent(pause, window_ms, now_ms) < limit)
		return 0;
	/* The oldest of the last `limit` has to leave the window. */
	return pause->stamp_ms[pause->stamps - limit] + window_ms - now_ms;
}

void pause_stamp(struct pause *pause, int64_t now_ms)
{
	if (pause->stamps == PAUSE_STAMPS)
		memmove(pause->stamp_ms, pause->stamp_ms + 1, sizeof(*pause->stamp_ms) * --pause->stamps);
	pause->stamp_ms[pause->stamps++] = now_ms;
}
