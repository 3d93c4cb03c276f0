/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* device.c: the device flow's part of grants.h. */
#include "config.h"

#include "tickets.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

void device_free(struct device *device)
{
	free(device->device_code);
	free(device->user_code);
	memset(device, 0, sizeof(*device));
}

static char *user_code_text(void)
{
	static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ"; /* no vowels, so no words (RFC 8628 6.1) */
	char *noise = random_hex(8);
	char *text = text_copy("XXXX-XXXX");

	for (size_t i = 0; i < 9; i++)
		if (i != 4)
			text[i] = letters[(unsigned char)(noise[i] * 7 + noise[15 - i]) % (sizeof(letters) - 1)];
	free(noise);
	return text;
}

void grants_device(struct grants *g, const char *client_id, const char *scope, struct device *device)
{
	struct login login = { .client_id = client_id, .scope = scope };
	struct grant *grant;
	char *user_code;

	pthread_mutex_lock(&g->mutex);
	do {
		user_code = user_code_text();
	} while (ticket_find(g, user_code) && (free(user_code), true));
	grant = grant_add(g, WAITING, &login);
	grant->interval_ms = g->rules.interval_s * 1000;
	ticket_add(g, grant, USER_CODE, user_code, g->rules.device_life_s);
	device->user_code = text_copy(user_code);
	device->device_code =
		text_copy(ticket_add(g, grant, DEVICE, token_text(g), g->rules.device_life_s)->text);
	device->expires_in_s = g->rules.device_life_s;
	device->interval_s = g->rules.interval_s;
	pthread_mutex_unlock(&g->mutex);
}

bool grants_decide(struct grants *g, const char *user_code, const char *user)
{
	struct ticket *t;
	bool waits;

	pthread_mutex_lock(&g->mutex);
	t = ticket_find_kind(g, user_code, USER_CODE);
	waits = t && ticket_live(t);
	if (waits) {
		t->grant->state = user ? LIVE : REFUSED;
		text_replace(&t->grant->user, user);
	}
	pthread_mutex_unlock(&g->mutex);
	return waits;
}

static bool too_fast(struct grants *g, struct grant *grant)
{
	static const int64_t tolerance_ms = 100;
	int64_t now = clock_ms();
	bool fast = grant->polled_ms && now - grant->polled_ms < grant->interval_ms - tolerance_ms;

	grant->polled_ms = now;
	if (fast && g->rules.slow_down_grows)
		grant->interval_ms += 5000;
	return fast;
}

static enum verdict device_poll(struct grants *g, const char *client_id, const char *code, struct issue *issue)
{
	struct ticket *t = ticket_find_kind(g, code, DEVICE);
	struct grant *grant = t ? t->grant : NULL;

	if (!t || t->spent_ms || !text_same(grant->client_id, client_id))
		return BAD_GRANT;
	tell_who(grant, issue);
	if (ticket_expired(t))
		return EXPIRED;
	if (too_fast(g, grant))
		return SLOW_DOWN;
	if (grant->state == WAITING)
		return PENDING;
	if (grant->state != LIVE)
		return DENIED;
	t->spent_ms = clock_ms();
	give_access(g, grant, NULL, issue);
	give_refresh(g, grant, issue);
	return GRANTED;
}

enum verdict grants_device_poll(struct grants *g, const char *client_id, const char *device_code,
				struct issue *issue)
{
	enum verdict v;

	pthread_mutex_lock(&g->mutex);
	v = device_poll(g, client_id, device_code, issue);
	pthread_mutex_unlock(&g->mutex);
	return v;
}
