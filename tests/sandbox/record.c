/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* record.c: the request log and the counts by endpoint and outcome. */
#include "config.h"

#include "record.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct record {
	pthread_mutex_t mutex;
	json_t *counts;
	int log; /* -1: none */
};

struct record *record_new(const char *path)
{
	struct record *record;
	int log = -1;

	if (path) {
		log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (log < 0)
			return NULL;
	}
	record = memory(sizeof(*record));
	pthread_mutex_init(&record->mutex, NULL);
	record->counts = json_object();
	record->log = log;
	return record;
}

void record_free(struct record *record)
{
	if (!record)
		return;
	if (record->log >= 0)
		close(record->log);
	json_decref(record->counts);
	pthread_mutex_destroy(&record->mutex);
	free(record);
}

static json_t *text_or_null(const char *text)
{
	json_t *value = text && *text ? json_string(text) : NULL;

	return value ? value : json_null(); /* what is no UTF-8 is left out */
}

static json_t *line(const struct request *rq, unsigned int status, const char *outcome)
{
	const struct note *note = &rq->note;
	time_t seconds = note->start_ms / 1000;
	struct tm utc;
	char day[32];
	char stamp[40];
	json_t *object = json_object();

	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &utc));
	snprintf(stamp, sizeof(stamp), "%s.%03dZ", day, (int)(note->start_ms % 1000));
	json_object_set_new(object, "time", json_string(stamp));
	json_object_set_new(object, "took_ms", json_integer(clock_ms() - note->start_ms));
	json_object_set_new(object, "method", text_or_null(rq->method));
	json_object_set_new(object, "endpoint", text_or_null(note->endpoint));
	json_object_set_new(object, "grant_type", text_or_null(note->grant_type));
	json_object_set_new(object, "client_id", text_or_null(note->client_id));
	json_object_set_new(object, "client_auth", text_or_null(note->client_auth));
	json_object_set_new(object, "user", text_or_null(note->user));
	json_object_set_new(object, "presented", text_or_null(note->presented.hex));
	json_object_set_new(object, "gave_access_token", text_or_null(note->access_token.hex));
	json_object_set_new(object, "gave_refresh_token", text_or_null(note->refresh_token.hex));
	json_object_set_new(object, "secret_in_url", json_boolean(note->secret_in_url));
	json_object_set_new(object, "fault", text_or_null(note->fault));
	json_object_set_new(object, "status", status ? json_integer(status) : json_null());
	json_object_set_new(object, "outcome", text_or_null(outcome));
	return object;
}

static void write_line(struct record *record, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
	char *whole = text_format("%s\n", text);
	size_t length = strlen(whole);

	if (write(record->log, whole, length) != (ssize_t)length)
		fprintf(stderr, "tokeep-sandbox: the log: %s\n", strerror(errno));
	free(whole);
	free(text);
}

static void count(struct record *record, const char *endpoint, const char *outcome)
{
	json_t *of_endpoint = json_object_get(record->counts, endpoint);
	json_int_t before;

	if (!of_endpoint) {
		of_endpoint = json_object();
		json_object_set_new(record->counts, endpoint, of_endpoint);
	}
	before = json_integer_value(json_object_get(of_endpoint, outcome));
	json_object_set_new(of_endpoint, outcome, json_integer(before + 1));
}

void record_request(struct record *record, const struct request *rq, unsigned int status)
{
	const char *outcome = rq->note.outcome ? rq->note.outcome : status < 400 ? "ok" : "refused";
	json_t *object = line(rq, status, outcome);

	pthread_mutex_lock(&record->mutex);
	count(record, rq->note.endpoint, outcome);
	if (record->log >= 0)
		write_line(record, object);
	pthread_mutex_unlock(&record->mutex);
	json_decref(object);
}

void record_forget(struct record *record)
{
	pthread_mutex_lock(&record->mutex);
	json_object_clear(record->counts);
	pthread_mutex_unlock(&record->mutex);
}

json_t *record_counts(struct record *record)
{
	json_t *copy;

	pthread_mutex_lock(&record->mutex);
	copy = json_deep_copy(record->counts);
	pthread_mutex_unlock(&record->mutex);
	return copy;
}
