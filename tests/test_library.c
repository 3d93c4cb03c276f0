/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_library.c: the edges of tokeep.h as a program meets them: what fails, what stays untouched, what NULL means. */
#include <config.h>

#include "store.h"

static struct tokeep *tk;
static struct tokeep_token *alice;

static void write_config(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f || fchmod(fileno(f), 0600)) {
		perror(path);
		exit(1);
	}
	fprintf(f, "store = \"file\"; file = { path = \"%s\"; }; state_dir = \"%s\";\n", in_folder("tokens.csv"),
		in_folder("state"));
	fputs("clients = { demo = { authorization_url = \"http://127.0.0.1:9/a\"; token_url = \"http://127.0.0.1:9/t\";\n"
	      "  client_id = \"c\"; client_auth = \"none\"; }; };\n", f);
	fclose(f);
}

static void a_call_before_the_configuration_is_read_is_refused(void)
{
	int r = tokeep_find_token(tk, alice);

	is_int(r, TOKEEP_EINVAL, "a call before tokeep_load is refused");
	has_str(tokeep_message(tk), "tokeep_load", "and says what is missing");
	is_int(tokeep_load(tk, in_folder("absent.conf")), TOKEEP_ECONFIG, "a configuration that isn't there is refused");
	is_int(tokeep_load(tk, in_folder("tokeep.conf")), 0, "the context can still be given another");
	is_str(tokeep_message(tk), "", "whose success has no message");
	is_int(tokeep_load(tk, in_folder("tokeep.conf")), TOKEEP_EINVAL, "but not two");
}

static void a_configuration_that_sets_nothing_counts_as_none(void)
{
	const char *path = in_folder("empty.conf");
	struct tokeep *empty = NULL;
	FILE *f = fopen(path, "w");
	int found = -1;

	fputs("# nothing, as installed\n", f);
	fclose(f);
	tokeep_new(&empty);
	is_int(tokeep_load(empty, path), 0, "a configuration may set nothing");
	has_str(tokeep_config_file(empty, &found), "/tokeep/tokeep.conf", "then the user's own is named");
	is_int(found, 0, "as what is not there");
	tokeep_free(empty);
	is_str(tokeep_config_file(tk, &found), in_folder("tokeep.conf"), "one that sets something is the one in use");
	is_int(found, 1, "and is there");
}

static void a_store_may_be_chosen_and_left_again(void)
{
	tokeep_token_set(alice, USER, "alice@example.com");
	tokeep_token_set(alice, ACCESS, "a");
	is_int(tokeep_save_token(tk, alice), 0, "the configured store takes a token");
	is_int(tokeep_use_store(tk, "list"), 0, "another store can be used");
	is_int(tokeep_find_token(tk, alice), TOKEEP_ENOTFOUND, "which has no such token");
	is_int(tokeep_use_store(tk, NULL), 0, "NULL is the configured one again");
	is_int(tokeep_find_token(tk, alice), 0, "which has it");
}

static void a_buffer_that_is_too_small_is_untouched(void)
{
	static const int sizes[] = { 6, 1, 0, -1 };
	char word[16];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		memcpy(word, "before", 7);
		ok(tokeep_header_word(tk, alice, word, sizes[i]) == TOKEEP_EINVAL && !strcmp(word, "before"),
		   "%d bytes are too few for a header's word, and stay as they were", sizes[i]);
	}
	is_int(tokeep_header_word(tk, alice, word, 7), 0, "as many as it has, and one, are enough");
	is_str(word, "Bearer", "and hold it");
}

static void a_value_that_is_refused_changes_nothing(void)
{
	is_int(tokeep_token_set(alice, ACCESS, "a\nb"), TOKEEP_EINVAL, "a value of two lines is refused");
	is_str(tokeep_token_get(alice, ACCESS), "a", "and the one before it is kept");
	is_int(tokeep_token_set(alice, -1, "a"), TOKEEP_EINVAL, "a field below the first is refused");
	is_int(tokeep_token_set(alice, TOKEEP_FIELD_STATUS + 1, "a"), TOKEEP_EINVAL, "one past the last, too");
	is_str(tokeep_token_get(alice, TOKEEP_FIELD_STATUS + 1), NULL, "and has no value");
}

static void a_token_that_lives_is_not_said_to_have_expired(void)
{
	is_int(tokeep_refresh_token(tk, alice), TOKEEP_ELOGIN, "what has no refresh token can't be refreshed");
	has_str(tokeep_message(tk), "alice@example.com: the access token is to be replaced and there is no refresh token",
		"and the message doesn't say that it has expired");
	tokeep_token_set(alice, TOKEEP_FIELD_EXPIRY_TIME, "1000");
	tokeep_save_token(tk, alice);
	is_int(tokeep_access_token(tk, alice, 0), TOKEEP_ELOGIN, "nor what has expired");
	has_str(tokeep_message(tk), "the access token has expired and", "which the message says");
}

static void a_login_that_the_program_ends_is_not_the_clients_timeout(void)
{
	const struct tokeep_browser_login how = { .paste_fd = -1 };
	struct tokeep_token *fresh = tokeep_token_new();

	tokeep_set_timeout(tk, 50);
	if (tokeep_login_browser(tk, "demo", &how, fresh) == TOKEEP_ELOAD) {
		skip("a login in the browser ends when the program says", "built without libmicrohttpd");
	} else {
		has_str(tokeep_message(tk), "demo: nobody has logged in within the time that the program gives",
			"a login in the browser ends when the program says, and says so");
	}
	tokeep_set_timeout(tk, 0);
	tokeep_token_free(fresh);
}

int main(void)
{
	make_folder();
	write_config(in_folder("tokeep.conf"));
	alice = tokeep_token_new();
	if (!alice || tokeep_new(&tk))
		return 1;
	a_call_before_the_configuration_is_read_is_refused();
	a_configuration_that_sets_nothing_counts_as_none();
	a_store_may_be_chosen_and_left_again();
	a_buffer_that_is_too_small_is_untouched();
	a_value_that_is_refused_changes_nothing();
	a_token_that_lives_is_not_said_to_have_expired();
	a_login_that_the_program_ends_is_not_the_clients_timeout();
	tokeep_token_free(alice);
	tokeep_free(tk);
	tokeep_free(NULL);
	tokeep_token_free(NULL);
	return done();
}
