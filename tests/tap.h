/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tap.h: a test says sentences about behaviour; each becomes a line of TAP, with what was wanted and got. */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One count for all files of a test. */
__attribute__((weak)) int tap_count, tap_failed;

__attribute__((format(printf, 2, 3), unused)) static int ok(int holds, const char *sentence, ...)
{
	va_list args;

	printf("%s %d - ", holds ? "ok" : "not ok", ++tap_count);
	va_start(args, sentence);
	vprintf(sentence, args);
	va_end(args);
	putchar('\n');
	tap_failed += !holds;
	return holds;
}

__attribute__((unused)) static int is_int(long long got, long long want, const char *sentence)
{
	if (!ok(got == want, "%s", sentence))
		printf("#   wanted %lld, got %lld\n", want, got);
	return got == want;
}

__attribute__((unused)) static int is_str(const char *got, const char *want, const char *sentence)
{
	int same = got && want ? !strcmp(got, want) : got == want;

	if (!ok(same, "%s", sentence))
		printf("#   wanted: %s\n#      got: %s\n", want ? want : "(absent)", got ? got : "(absent)");
	return same;
}

/* Does a message say this? */
__attribute__((unused)) static int has_str(const char *got, const char *part, const char *sentence)
{
	int has = got && strstr(got, part);

	if (!ok(has, "%s", sentence))
		printf("#   wanted: ...%s...\n#      got: %s\n", part, got ? got : "(absent)");
	return has;
}

__attribute__((unused)) static void skip(const char *sentence, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++tap_count, sentence, why);
}

/* The last line of main: return done(); */
__attribute__((unused)) static int done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}
#endif
