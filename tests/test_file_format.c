/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_file_format.c: the file store on files as Zoho's SDKs write them, and on damaged ones: every dialect is read; a
 * change touches its own row and no other byte.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "store.h"

#define TEN "id,user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_url,api_domain"
#define OURS ",scope,token_type,grant_type,issuer,issued_time,refreshed_time,status"
#define ALICE "1,alice@example.com:60012345678,1000.CID,sec,1000.rt1,1000.at1,,1760000000000,https://app/cb,https://www.zohoapis.com"
#define ALICE_NEW "1,alice@example.com:60012345678,1000.CID,sec,1000.rt1,new,,1760000000000,https://app/cb,https://www.zohoapis.com"
#define ALICE_USER "alice@example.com:60012345678"
#define BOB "3,bob@example.com,1000.CID,sec,1000.rt3,1000.at3,1000.gt3,,,"
#define JANE "2,\"Doe, Jane \"\"JD\"\"\",1000.CID,sec,1000.rt2,1000.at2,,,,"
#define JANE_BARE "2,Doe, Jane \"JD\",1000.CID,sec,1000.rt2,1000.at2,,,,"
#define JANE_USER "Doe, Jane \"JD\""

static const char *path;

/* As an SDK left it that is done for long. */
static void set_old(void)
{
	const struct timespec times[2] = { { 1, 0 }, { 1, 0 } };

	utimensat(AT_FDCWD, path, times, 0);
}

static void write_bytes(const char *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd)) {
		perror(path);
		exit(1);
	}
	set_old();
}

static void write_text(const char *text)
{
	write_bytes(text, strlen(text));
}

/* The file, with CR and NUL shown. */
static const char *text(void)
{
	static char shown[1 << 16];
	int fd = open(path, O_RDONLY), n = 0;
	char c;

	if (fd < 0)
		return "(absent)";
	while (n < (int)sizeof(shown) - 3 && read(fd, &c, 1) == 1) {
		if (c == '\r' || !c)
			shown[n++] = '\\';
		shown[n++] = c == '\r' ? 'r' : c ? c : '0';
	}
	close(fd);
	shown[n] = '\0';
	return shown;
}

static void open_with(struct store *s, const char *more)
{
	char config[700];

	snprintf(config, sizeof(config), "store = \"file\"; file = { path = \"%s\"; %s };", path, more);
	if (!store_open(s, config))
		return;
	printf("Bail out! %s\n", said(s));
	exit(1);
}

static int set_access(struct store *s, const char *user, const char *access)
{
	return save(s, NULL, token(USER, user, ACCESS, access, END));
}

/*
 * Dialects
 */

struct dialect {
	const char *who, *before, *after; /* alice's access token became `new` */
};

static const struct dialect dialects[] = {
	{ "Java, C# and Ruby", TEN "\n" ALICE "\n" BOB "\n", TEN "\n" ALICE_NEW "\n" BOB "\n" },
	{ "Node and PHP", TEN "\n" BOB "\n" ALICE, TEN "\n" BOB "\n" ALICE_NEW },
	{ "Python", "id,user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_uri,"
	  "api_domain\r\n" ALICE "\r\n" JANE "\r\n" BOB "\r\n",
	  "id,user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_uri,"
	  "api_domain\\r\n" ALICE_NEW "\\r\n" JANE "\\r\n" BOB "\\r\n" },
	{ "TypeScript", "id,user_mail,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_url,"
	  "api_domain\n" ALICE "\n" BOB,
	  "id,user_mail,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_url,"
	  "api_domain\n" ALICE_NEW "\n" BOB },
	{ "nine columns", "id,user_mail,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_url\n"
	  "1," ALICE_USER ",c,s,r1,a1,,1760000000000,https://app/cb\n3,bob@example.com,c,s,r3,a3,,,\n",
	  "id,user_mail,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_url\n"
	  "1," ALICE_USER ",c,s,r1,new,,1760000000000,https://app/cb\n3,bob@example.com,c,s,r3,a3,,,\n" },
	{ "nine columns and a tenth field", "id,user_mail,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,"
	  "redirect_url\n1," ALICE_USER ",c,s,r1,a1,,,,https://www.zohoapis.eu\n3,bob@example.com,c,s,r3,a3,,,,\n",
	  "id,user_mail,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,"
	  "redirect_url\n1," ALICE_USER ",c,s,r1,new,,,,https://www.zohoapis.eu\n3,bob@example.com,c,s,r3,a3,,,,\n" },
	{ "mixed line ends and blank lines", "\n" TEN "\r\n,\n" ALICE "\n\r\n,,,,,,,,,\n" BOB "\r\n",
	  "\n" TEN "\\r\n,\n" ALICE_NEW "\n\\r\n,,,,,,,,,\n" BOB "\\r\n" },
	{ "a byte order mark", "\xef\xbb\xbf" TEN "\n" ALICE "\n" BOB "\n", "\xef\xbb\xbf" TEN "\n" ALICE_NEW "\n" BOB "\n" },
	{ "quoted everywhere", TEN "\n\"1\",\"" ALICE_USER "\",\"c\",\"s\",\"r\",\"a\",\"\",\"\",\"\",\"\"\n" BOB "\n",
	  TEN "\n\"1\",\"" ALICE_USER "\",\"c\",\"s\",\"r\",new,\"\",\"\",\"\",\"\"\n" BOB "\n" },
	{ "columns of somebody else", TEN ",scope,note\n1," ALICE_USER ",c,s,r,a,,,,,s1,\"his \"\"note\"\"\"\n" BOB "\n",
	  TEN ",scope,note\n1," ALICE_USER ",c,s,r,new,,,,,s1,\"his \"\"note\"\"\"\n" BOB "\n" },
	{ "a quote within a value", TEN "\n1," ALICE_USER ",c,5\" s,r,a,,,,\n" BOB "\n", TEN "\n1," ALICE_USER ",c,5\" s,r,new,,,,\n" BOB "\n" },
	{ "a backslash", TEN "\n1," ALICE_USER ",c,s\\,r,a,,,,\n" BOB "\n", TEN "\n1," ALICE_USER ",c,s\\,r,new,,,,\n" BOB "\n" },
};

static void every_dialect(void)
{
	char sentence[200];
	struct store s;

	for (size_t i = 0; i < sizeof(dialects) / sizeof(*dialects); i++) {
		const struct dialect *d = &dialects[i];

		write_text(d->before);
		open_with(&s, "");
		snprintf(sentence, sizeof(sentence), "%s: bob is found", d->who);
		is_str(found(&s, ID, token(USER, "bob@example.com", END)), "3", sentence);
		snprintf(sentence, sizeof(sentence), "%s: alice is saved", d->who);
		is_int(set_access(&s, ALICE_USER, "new"), 0, sentence);
		snprintf(sentence, sizeof(sentence), "%s: no byte but hers has changed", d->who);
		is_str(text(), d->after, sentence);
		snprintf(sentence, sizeof(sentence), "%s: she is found", d->who);
		is_str(found(&s, ACCESS, token(USER, ALICE_USER, END)), "new", sentence);
		store_close(&s);
	}
}

static void values_of_dialects(void)
{
	struct tokeep_token t = { { NULL } };
	struct store s;

	write_text(TEN "\r\n" ALICE "\r\r\n" JANE "\r\n4,dave,c\n5,erin,c,s,r,a,,,,\"https://www.zohoapis.in\r\"\n");
	open_with(&s, "");
	is_str(found(&s, TOKEEP_FIELD_API_DOMAIN, token(USER, ALICE_USER, END)), "https://www.zohoapis.com",
	       "the CR that Node leaves in the last column is none of its value");
	is_str(found(&s, TOKEEP_FIELD_API_DOMAIN, token(USER, "erin", END)), "https://www.zohoapis.in", "also in quotes");
	is_str(found(&s, ID, token(USER, JANE_USER, END)), "2", "a quoted name is found as it is");
	is_str(found(&s, CLIENT, token(USER, "dave", END)), "c", "a short row is padded");
	is_int(backend_find_by_id(s.be, "id", &t), TOKEEP_ENOTFOUND, "the header is no row");
	is_int(save(&s, NULL, token(ID, "5", ACCESS, "n", END)), 0, "a row with such a CR is saved");
	has_str(text(), "5,erin,c,s,r,n,,,,\"https://www.zohoapis.in\\r\"", "and its other fields stay");
	token_clear(&t);
	store_close(&s);
}

/*
 * New rows and rows that go
 */

struct edit {
	const char *what, *before, *after;
};

static void adding(void)
{
	static const struct edit edits[] = {
		{ "behind a line end", TEN "\n" BOB "\n", TEN "\n" BOB "\n4,dave,,,,a,,,,\n" },
		{ "without one at the end", TEN "\n" BOB, TEN "\n" BOB "\n4,dave,,,,a,,,," },
		{ "with CR LF", TEN "\r\n" BOB "\r\n", TEN "\\r\n" BOB "\\r\n4,dave,,,,a,,,,\\r\n" },
		{ "with CR LF, without one at the end", TEN "\r\n" BOB, TEN "\\r\n" BOB "\\r\n4,dave,,,,a,,,," },
		{ "behind the header alone", TEN, TEN "\n1,dave,,,,a,,,," },
		{ "in nine columns", "id,user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_url\n",
		  "id,user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_url\n"
		  "1,dave,,,,a,,,\n" },
		{ "in our columns", TEN OURS "\n" BOB "\n", TEN OURS "\n" BOB "\n4,dave,,,,a,,,,,s,,,,,,\n" },
		{ "in an empty file", "", TEN OURS "\n1,dave,,,,a,,,,,s,,,,,,\n" },
		{ "behind blank lines", "\n\n", "\n\n" TEN OURS "\n1,dave,,,,a,,,,,s,,,,,,\n" },
		{ "behind a malformed line", TEN "\n" JANE_BARE "\n", TEN "\n" JANE_BARE "\n3,dave,,,,a,,,,\n" },
		{ "before a line that was cut off", TEN "\n" BOB "\n9,carol,1000.C", TEN "\n" BOB "\n10,dave,,,,a,,,,\n9,carol,1000.C" },
		{ "where the header was lost", BOB "\n", BOB "\n4,dave,,,,a,,,,\n" },
	};
	char sentence[200];
	struct store s;

	for (size_t i = 0; i < sizeof(edits) / sizeof(*edits); i++) {
		write_text(edits[i].before);
		open_with(&s, "");
		save(&s, NULL, token(USER, "dave", ACCESS, "a", SCOPE, "s", END));
		snprintf(sentence, sizeof(sentence), "a new row goes %s", edits[i].what);
		is_str(text(), edits[i].after, sentence);
		snprintf(sentence, sizeof(sentence), "and is found: %s", edits[i].what);
		is_str(found(&s, ACCESS, token(USER, "dave", END)), "a", sentence);
		store_close(&s);
	}
}

static void deleting(void)
{
	static const struct edit edits[] = {
		{ "the first", TEN "\n" BOB "\n" JANE "\n", TEN "\n" JANE "\n" },
		{ "the last", TEN "\n" JANE "\n" BOB "\n", TEN "\n" JANE "\n" },
		{ "the last without a line end", TEN "\r\n" JANE "\r\n" BOB, TEN "\\r\n" JANE },
		{ "the only one", TEN "\n" BOB "\n", TEN "\n" },
		{ "one among malformed ones", TEN "\n" JANE_BARE "\n" BOB "\nx,\"y\n", TEN "\n" JANE_BARE "\nx,\"y\n" },
		{ "one without a header", BOB "\n" JANE "\n", JANE "\n" },
	};
	char sentence[200];
	struct store s;

	for (size_t i = 0; i < sizeof(edits) / sizeof(*edits); i++) {
		write_text(edits[i].before);
		open_with(&s, "");
		snprintf(sentence, sizeof(sentence), "%s is deleted", edits[i].what);
		is_int(backend_delete(s.be, "3"), 0, sentence);
		snprintf(sentence, sizeof(sentence), "%s is gone, and nothing else", edits[i].what);
		is_str(text(), edits[i].after, sentence);
		store_close(&s);
	}
	write_text(TEN "\r\n" BOB "\r\n" JANE_BARE "\r\n");
	open_with(&s, "");
	is_int(backend_delete_tokens(s.be), 0, "all are deleted");
	is_str(text(), TEN "\\r\n", "then the header is all, as it was");
	write_text(BOB "\n");
	is_int(backend_delete_tokens(s.be), 0, "also where there was no header");
	is_str(text(), TEN OURS "\n", "then there is one");
	store_close(&s);
}

/*
 * Damage
 */

struct flaw {
	const char *what, *line, *says;
};

static void malformed_rows(void)
{
	static const struct flaw flaws[] = {
		{ "a comma without quotes", JANE_BARE, "more fields than columns" },
		{ "a comma without quotes and a field too few", "2,Doe, Jane,1000.CID,sec,1000.rt2,1000.at2,,1760000000000,https://app/cb",
		  "expiry_time or redirect_url" },
		{ "a quote that isn't closed", "2,\"Doe,1000.CID,sec,1000.rt2,1000.at2,,,,", "a quote is not closed" },
		{ "text behind a quote", "2,\"JD\" Doe,1000.CID,sec,1000.rt2,1000.at2,,,,", "text follows a closing quote" },
		{ "a CR in a value", "2,Doe\rJane,1000.CID,sec,1000.rt2,1000.at2,,,,", "carriage return" },
		{ "no id", ",Doe,1000.CID,sec,1000.rt2,1000.at2,,,,", "the id is missing" },
	};
	char before[2000], after[2000], sentence[200], id[80];
	struct store s;

	for (size_t i = 0; i < sizeof(flaws) / sizeof(*flaws); i++) {
		const struct flaw *f = &flaws[i];

		snprintf(before, sizeof(before), TEN "\n" ALICE "\n%s\n" BOB "\n", f->line);
		write_text(before);
		open_with(&s, "");
		snprintf(sentence, sizeof(sentence), "%s: others are found", f->what);
		is_str(found(&s, ID, token(USER, "bob@example.com", END)), "3", sentence);
		snprintf(sentence, sizeof(sentence), "%s: who isn't may be there", f->what);
		is_str(found(&s, ID, token(USER, "Doe", END)), "(-10)", sentence);
		snprintf(sentence, sizeof(sentence), "%s: the line is named", f->what);
		has_str(said(&s), "line 3", sentence);
		snprintf(sentence, sizeof(sentence), "%s: the reason, too", f->what);
		has_str(said(&s), f->says, sentence);
		snprintf(sentence, sizeof(sentence), "%s: a warning has it", f->what);
		has_str(s.logged, "line 3: malformed and left as it is", sentence);
		snprintf(sentence, sizeof(sentence), "%s: listing puts the sound ones and says so", f->what);
		is_int(rows(&s), TOKEEP_ESTORE, sentence);
		snprintf(sentence, sizeof(sentence), "%s: others are saved", f->what);
		is_int(set_access(&s, ALICE_USER, "new"), 0, sentence);
		snprintf(sentence, sizeof(sentence), "%s: a new account is saved", f->what);
		is_int(save(&s, id, token(USER, "erin@example.com", ACCESS, "a", END)), 0, sentence);
		snprintf(sentence, sizeof(sentence), "%s: under a new id", f->what);
		is_str(id, "4", sentence);
		snprintf(after, sizeof(after), TEN "\n" ALICE_NEW "\n%s\n" BOB "\n4,erin@example.com,,,,a,,,,\n", f->line);
		snprintf(sentence, sizeof(sentence), "%s: the line stays byte for byte", f->what);
		if (strchr(f->line, '\r'))
			ok(strstr(text(), "2,Doe\\rJane,1000.CID,sec,1000.rt2,1000.at2,,,,\n") != NULL, "%s", sentence);
		else
			is_str(text(), after, sentence);
		store_close(&s);
	}
}

static void who_may_be_malformed(void)
{
	struct tokeep_token t = { { NULL } };
	struct store s;

	write_text(TEN "\n" JANE_BARE "\n" BOB "\n");
	open_with(&s, "");
	is_int(save(&s, NULL, token(USER, JANE_USER, ACCESS, "a", END)), TOKEEP_ESTORE,
	       "who may be in a malformed row is saved no second time");
	has_str(said(&s), "line 2", "and the line is named");
	is_int(save(&s, NULL, token(ID, "2", USER, "erin", ACCESS, "a", END)), TOKEEP_ESTORE, "nor is its id given to another");
	is_int(backend_find_by_id(s.be, "2", &t), TOKEEP_ESTORE, "nor is it said that the id isn't there");
	is_int(backend_delete(s.be, "2"), TOKEEP_ESTORE, "nor is it deleted");
	is_str(text(), TEN "\n" JANE_BARE "\n" BOB "\n", "and the file is as it was");
	token_clear(&t);
	store_close(&s);
}

static int put_id(void *data, const struct tokeep_token *t)
{
	strncat(data, t->value[ID], 20);
	return 0;
}

static void torn_rows(void)
{
	char ids[100] = "";
	struct store s;

	write_text(TEN "\n" ALICE "\n2,\"Doe\nJane\",1000.CID,sec,1000.rt2,1000.at2,,,,\n" BOB "\n");
	open_with(&s, "");
	is_int(backend_get_tokens(s.be, put_id, ids), TOKEEP_ESTORE, "a row that a line break cut is malformed");
	is_str(ids, "13", "both halves of it, and no other row");
	is_str(found(&s, ID, token(USER, "1000.CID", END)), "(-10)", "nobody is found in its second half");
	store_close(&s);

	write_text(TEN "\n" ALICE "\n2,\"Doe\nJane\",c\n" BOB "\n");
	open_with(&s, "");
	is_str(found(&s, ID, token(USER, "c", END)), "(-10)", "not in a short one either");
	store_close(&s);
}

static void foreign_files(void)
{
	static const struct flaw files[] = {
		{ "a file with other columns", "id,name\n1,alice\n", "too few columns" },
		{ "a header that was cut off", "id,user_name,client_id", "cut off" },
		{ "a first word that was cut off", "i", "cut off" },
	};
	struct store s;
	char sentence[200];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		write_text(files[i].line);
		open_with(&s, "");
		snprintf(sentence, sizeof(sentence), "%s is read as nobody's", files[i].what);
		is_str(found(&s, ID, token(USER, "alice", END)), "(-10)", sentence);
		snprintf(sentence, sizeof(sentence), "%s: and the message says why", files[i].what);
		has_str(said(&s), files[i].says, sentence);
		snprintf(sentence, sizeof(sentence), "%s is not written to", files[i].what);
		is_int(set_access(&s, "alice", "a"), TOKEEP_ESTORE, sentence);
		snprintf(sentence, sizeof(sentence), "%s is left as it is", files[i].what);
		is_str(text(), files[i].line, sentence);
		store_close(&s);
	}
}

/* Cut at every length and hit by flipped bits: an error or bob, never another's token as his. */
static void damage(void)
{
	const char *whole = TEN OURS "\n1,alice,c1,,r1,alice-at,,1760000000000,,https://a,s,Bearer,,,,,ok\n"
			    "2,bob,c1,,r2,bob-at,,1760000000000,,https://b,s,Bearer,,,,,ok\n";
	size_t size = strlen(whole);
	unsigned int seed = 1;
	int wrong = 0, changed = 0, fd;
	char bytes[1000], again[1000];
	const char *got;
	struct store s;

	open_with(&s, "");
	write_text(whole);
	for (size_t n = size + 1; n-- > 0;) {
		if (truncate(path, n))
			exit(1);
		set_old();
		got = found(&s, ACCESS, token(USER, "bob", END));
		wrong += *got != '(' && strcmp(got, "bob-at");
	}
	is_int(wrong, 0, "a file cut at any length gives the whole token or none");
	wrong = 0;
	write_text(whole);
	fd = open(path, O_RDWR);
	for (int i = 0; i < 10000; i++) {
		memcpy(bytes, whole, size);
		for (int k = rand_r(&seed) % 3; k >= 0; k--)
			bytes[rand_r(&seed) % size] = rand_r(&seed);
		if (pwrite(fd, bytes, size, 0) != (ssize_t)size)
			exit(1);
		set_old();
		got = found(&s, REFRESH, token(USER, "bob", END));
		wrong += !strcmp(got, "r1") || strstr(got, "alice");
		changed += pread(fd, again, sizeof(again), 0) != (ssize_t)size || memcmp(bytes, again, size);
	}
	close(fd);
	is_int(wrong, 0, "10,000 files with flipped bytes never give another's token");
	is_int(changed, 0, "and none was touched");
	store_close(&s);
}

static void huge_lines(void)
{
	size_t size = 5u << 20;
	char *bytes = malloc(size + 1000);
	struct store s;
	struct stat st;
	int n;

	if (!bytes)
		exit(1);
	n = snprintf(bytes, 1000, TEN "\n" ALICE "\n");
	memset(bytes + n, 'x', size);
	n += size;
	n += snprintf(bytes + n, 500, "\n" BOB "\n2,nul");
	bytes[n++] = '\0';
	n += snprintf(bytes + n, 100, ",c,s,r,a,,,,\n");
	write_bytes(bytes, n);
	open_with(&s, "");
	is_str(found(&s, ID, token(USER, "bob@example.com", END)), "3", "whoever stands behind a line of 5 MiB is found");
	is_str(found(&s, ID, token(USER, "nul", END)), "(-10)", "a row with a NUL is malformed");
	is_int(set_access(&s, ALICE_USER, "new"), 0, "others are saved");
	stat(path, &st);
	is_int(st.st_size, n - (int)strlen("1000.at1") + 3, "and the long line is still there");
	free(bytes);
	store_close(&s);
}

/*
 * Our own columns, and those for SDKs
 */

static void columns(void)
{
	struct store s;

	unlink(path);
	unlink(in_folder("tokens.csv.lock")); /* or it goes on counting */
	open_with(&s, "");
	is_int(save(&s, NULL, token(USER, JANE_USER, ACCESS, "a", SCOPE, "x y", TOKEEP_FIELD_STATUS, "ok", END)), 0,
	       "a file of ours is made");
	is_str(text(), TEN OURS "\n1,\"Doe, Jane \"\"JD\"\"\",,,,a,,,,,x y,,,,,,ok\n", "with all columns");
	store_close(&s);
	unlink(path);
	open_with(&s, "columns = \"zoho\";");
	is_int(save(&s, NULL, token(USER, "jane", ACCESS, "a", SCOPE, "x, y", END)), 0, "one for SDKs is made");
	is_str(text(), TEN "\n1,jane,,,,a,,,,\n", "with their ten");
	is_int(save(&s, NULL, token(USER, JANE_USER, ACCESS, "a", END)), TOKEEP_EINVAL, "a value that they would spoil is refused");
	has_str(said(&s), "user_name: a comma, quote or backslash", "and the message says which and why");
	is_int(save(&s, NULL, token(USER, "a\\b", ACCESS, "a", END)), TOKEEP_EINVAL, "a backslash, too");
	is_int(save(&s, NULL, token(ID, "x", USER, "x", ACCESS, "a", END)), TOKEEP_EINVAL, "and an id that is no number");
	is_str(text(), TEN "\n1,jane,,,,a,,,,\n", "then nothing is written");
	store_close(&s);
	write_text(TEN "\n" JANE "\nx,\"a,b\",c,s,r,\"a,a\",,,,\n");
	open_with(&s, "columns = \"zoho\";");
	is_int(set_access(&s, JANE_USER, "new"), 0, "what an SDK wrote stays saveable");
	is_int(set_access(&s, "a,b", "new"), 0, "whatever else is in the row");
	is_str(text(), TEN "\n2,\"Doe, Jane \"\"JD\"\"\",1000.CID,sec,1000.rt2,new,,,,\nx,\"a,b\",c,s,r,new,,,,\n",
	       "and stays as it is");
	store_close(&s);
}

static void ids(void)
{
	char id[80];
	struct store s;

	write_text(TEN "\n9,a,,,,a,,,,\n10,b,,,,a,,,,\n007,c,,,,a,,,,\nabc,d,,,,a,,,,\n");
	open_with(&s, "");
	save(&s, id, token(USER, "new", ACCESS, "a", END));
	is_str(id, "11", "the next id is the highest number plus one, not the last by alphabet");
	save(&s, id, token(ID, "99999999999999999999999", USER, "long", ACCESS, "a", END));
	save(&s, id, token(USER, "newer", ACCESS, "a", END));
	is_str(id, "100000000000000000000000", "numbers of any length count");
	is_int(backend_delete(s.be, id), 0, "the highest is deleted");
	store_close(&s);
	open_with(&s, "");
	save(&s, id, token(USER, "newest", ACCESS, "a", END));
	is_str(id, "100000000000000000000001", "its id is given to no other");
	backend_delete_tokens(s.be);
	save(&s, id, token(USER, "first", ACCESS, "a", END));
	is_str(id, "100000000000000000000002", "also when all were deleted");
	store_close(&s);
}

int main(void)
{
	make_folder();
	path = strdup(in_folder("tokens.csv"));
	every_dialect();
	values_of_dialects();
	adding();
	deleting();
	malformed_rows();
	who_may_be_malformed();
	torn_rows();
	foreign_files();
	damage();
	huge_lines();
	columns();
	ids();
	free((char *)path);
	return done();
}
