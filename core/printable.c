/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* printable.c: what a server, a database or a user said is made fit for a line of a terminal. */
#include "printable.h"

#include <stddef.h>

/* How many bytes at the begin of `text` make a control character. 0: what stands there may be printed. */
static size_t control_length(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	if (p[0] < 0x20 || p[0] == 0x7f)
		return p[0] != '\0';
	if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
		return 2;
	if (p[0] == 0xd8 && p[1] == 0x9c) /* U+061C */
		return 2;
	if (p[0] != 0xe2)
		return 0;
	/* U+200E-F, U+202A-E */
	if (p[1] == 0x80 && ((p[2] >= 0x8e && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae)))
		return 3;
	if (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9) /* U+2066-9 */
		return 3;
	return 0;
}

void printable_clean(char *text)
{
	char *to = text;

	while (*text) {
		size_t n = control_length(text);

		*to++ = n ? '?' : *text;
		text += n ? n : 1;
	}
	*to = '\0';
}
