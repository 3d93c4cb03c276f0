/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* secret.c: strings that may be secrets. */
#include <config.h>

#include "secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void secret_wipe(void *bytes, size_t size)
{
#ifdef HAVE_EXPLICIT_BZERO
	explicit_bzero(bytes, size);
#else
	volatile unsigned char *p = bytes;

	while (size--)
		*p++ = 0;
#endif
}

void secret_free(char *string)
{
	if (string)
		secret_free_size(string, strlen(string));
}

void secret_free_size(void *bytes, size_t size)
{
	if (bytes)
		secret_wipe(bytes, size);
	free(bytes);
}

bool secret_equal(const char *a, const char *b)
{
	size_t a_size = a ? strlen(a) : 0, b_size = b ? strlen(b) : 0;
	volatile unsigned char differ = a_size != b_size;

	for (size_t i = 0; i < a_size && i < b_size; i++)
		differ |= (unsigned char)a[i] ^ (unsigned char)b[i];
	return !differ;
}

int secret_random(void *bytes, size_t size)
{
	unsigned char *p = bytes;

	while (size) {
		ssize_t n = getrandom(p, size, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		size -= n;
	}
	return 0;
}
