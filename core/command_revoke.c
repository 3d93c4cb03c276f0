/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_revoke.c: tokeep revoke: the token is worth nothing any more, and not here either. */
#include "command.h"

#include <stdio.h>

#include "command_json.h"

static int report(struct command *cmd, const struct tokeep_token *token, bool local)
{
	const char *id = tokeep_token_get(token, TOKEEP_FIELD_ID), *user = tokeep_token_get(token, TOKEEP_FIELD_USER_NAME);
	const struct json_item items[] = {
		{ "id", JSON_TEXT_ITEM, id, 0 },
		{ "user_name", JSON_TEXT_ITEM, user, 0 },
		{ "revoked", JSON_TRUTH_ITEM, NULL, !local },
		{ "deleted", JSON_TRUTH_ITEM, NULL, true },
		{ NULL, JSON_TEXT_ITEM, NULL, 0 },
	};

	if (!cmd->json) {
		say(cmd, local ? "%s (id %s): deleted here; the provider was not asked, so its tokens stay valid" :
				 "%s (id %s): revoked at the provider, and deleted here",
		    user ? user : "an account without a name", id);
		return 0;
	}
	if (json_put_object(items))
		return say_error(cmd, TOKEEP_ENOMEM, "out of memory");
	putchar('\n');
	return 0;
}

static int revoke_token(struct command *cmd, struct tokeep_token *token)
{
	bool local = cmd->values[OPTION_LOCAL];
	int r;

	if (!arguments_operand(cmd, 0) && !cmd->values[OPTION_ID])
		return say_error(cmd, TOKEEP_EINVAL, "whose token? Name the user, or --id");
	r = records_choose(cmd, arguments_operand(cmd, 0), token);
	if (r)
		return r;
	r = tokeep_revoke_token(cmd->tk, token, local);
	return r ? say_failure(cmd, cmd->tk, r, NULL) : report(cmd, token, local);
}

int verb_revoke(struct command *cmd)
{
	struct tokeep_token *token = tokeep_token_new();
	int r = token ? revoke_token(cmd, token) : say_error(cmd, TOKEEP_ENOMEM, "out of memory");

	tokeep_token_free(token);
	return r;
}
