/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* secret.h: strings that may be secrets: wiped where freed, compared without telling how far they agree. */
#ifndef TOKEEP_CORE_SECRET_H
#define TOKEEP_CORE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

void secret_wipe(void *bytes, size_t size);
void secret_free(char *string);                        /* wipes up to the NUL; NULL is fine */
void secret_free_size(void *bytes, size_t size);       /* wipes all of it */
bool secret_equal(const char *a, const char *b);       /* constant time in the shorter; NULL equals NULL and "" */

/* Random bytes of the kernel; 0 or -1 with errno. */
int secret_random(void *bytes, size_t size);
#endif
