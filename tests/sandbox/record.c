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
	json_int_t refresh_requests;
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
	json_object_set_new(object, "method", json_text(rq->method));
	json_object_set_new(object, "endpoint", json_text(note->endpoint));
	json_object_set_new(object, "grant_type", json_text(note->grant_type));
	json_object_set_new(object, "client_id", json_text(note->client_id));
	json_object_set_new(object, "client_auth", json_text(note->client_auth));
	json_object_set_new(object, "user", json_text(note->user));
	json_object_set_new(object, "presented", json_text(note->presented.hex));
	json_object_set_new(object, "gave_access_token", json_text(note->access_token.hex));
	json_object_set_new(object, "gave_refresh_token", json_text(note->refresh_token.hex));
	json_object_set_new(object, "secret_in_url", json_boolean(note->secret_in_url));
	json_object_set_new(object, "fault", json_text(note->fault));
	json_object_set_new(object, "status", status ? json_integer(status) : json_null());
	json_object_set_new(object, "outcome", json_text(outcome));
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
	record->refresh_requests += text_same(rq->note.grant_type, "refresh_token");
	if (record->log >= 0)
		write_line(record, object);
	pthread_mutex_unlock(&record->mutex);
	json_decref(object);
}

void record_forget(struct record *record)
{
	pthread_mutex_lock(&record->mutex);
	json_object_clear(record->counts);
	record->refresh_requests = 0;
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

json_int_t record_refresh_requests(struct record *record)
{
	json_int_t n;

	pthread_mutex_lock(&record->mutex);
	n = record->refresh_requests;
	pthread_mutex_unlock(&record->mutex);
	return n;
}

static const char *either(const struct request *rq, const char *name)
{
	const char *value = param(rq->form, name);

	return value ? value : param(rq->query, name);
}

void note_request(struct request *rq)
{
	static const char *const tickets[] = { "refresh_token", "code", "device_code", "token" };
	static const char *const secrets[] = { "client_secret", "refresh_token", "token" };

	text_replace(&rq->note.grant_type, either(rq, "grant_type"));
	text_replace(&rq->note.client_id, either(rq, "client_id"));
	for (size_t i = 0; i < sizeof(tickets) / sizeof(*tickets) && !*rq->note.presented.hex; i++)
		rq->note.presented = digest_of(either(rq, tickets[i]));
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
		rq->note.secret_in_url |= param(rq->query, secrets[i]) != NULL;
}

void note_issue(struct request *rq, const struct issue *issue)
{
	text_replace(&rq->note.user, issue->user);
	rq->note.access_token = digest_of(issue->access_token);
	rq->note.refresh_token = digest_of(issue->refresh_token);
}
