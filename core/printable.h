/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* printable.h: which characters must not reach a terminal. Of the library and of the command alike. */
#ifndef TOKEEP_CORE_PRINTABLE_H
#define TOKEEP_CORE_PRINTABLE_H

/* In place: each control character, of C0, DEL, C1 and of those that change the direction of writing, becomes '?'.
 * The text only gets shorter. */
void printable_clean(char *text);
#endif
