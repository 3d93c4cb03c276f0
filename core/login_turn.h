/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* login_turn.h: one login of a client in the browser at a time on a host, so that many runs that find no token don't open
 * as many tabs. */
#ifndef TOKEEP_CORE_LOGIN_TURN_H
#define TOKEEP_CORE_LOGIN_TURN_H

#include "flow.h"

/* Waits for those before us. *fd -1: one of them has logged in what `token` asks for meanwhile, and `token` is that;
 * else it is our turn until *fd is closed. TOKEEP_ELOGIN: it took too long. */
int login_turn_take(const struct flow *flow, const struct client *client, int64_t timeout_ms,
		    struct tokeep_token *token, int *fd);
#endif
