/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* resource.c: the protected resource, and the look at an access token that guards it. */
#include "config.h"

#include "sandbox.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool bearer(struct sandbox *sb, struct request *rq, const char *scheme, struct token_info *info)
{
	size_t n = strlen(scheme);
	const char *header = rq->authorization;

	memset(info, 0, sizeof(*info));
	if (!header || strncasecmp(header, scheme, n) || header[n] != ' ')
		return false;
	rq->note.presented = digest_of(header + n + 1);
	if (!grants_look(sb->grants, header + n + 1, info))
		return false;
	text_replace(&rq->note.user, info->user);
	text_replace(&rq->note.client_id, info->client_id);
	return info->live && !strcmp(info->kind, "access_token");
}

json_t *resource_echo(const struct request *rq, const struct token_info *info)
{
	json_t *query = json_object();

	for (const struct param *p = rq->query; p; p = p->next)
		json_object_set_new(query, p->name, json_string(p->value));
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "method", rq->method, "path",
			 json_text(rq->path), "query", query, "content_type", json_text(rq->content_type), "body",
			 json_text(rq->body), "user", json_text(info->user), "client_id",
			 json_text(info->client_id), "scope", json_text(info->scope));
}

void resource_api(struct sandbox *sb, struct request *rq, struct reply *reply)
{
	struct token_info info;

	if (bearer(sb, rq, "Bearer", &info)) {
		reply_json(reply, 200, resource_echo(rq, &info));
	} else {
		rq->note.outcome = "invalid_token";
		reply->challenge = rq->authorization ? "Bearer error=\"invalid_token\"" : "Bearer";
		reply_json(reply, 401, json_pack("{s:s}", "error", "invalid_token"));
	}
	token_info_free(&info);
}
