/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qr_code.h: what private/qr_code.so exports, by the name "tokeep_qr". */
#ifndef TOKEEP_CORE_QR_CODE_H
#define TOKEEP_CORE_QR_CODE_H

struct qr_ops {
	unsigned int version; /* QR_VERSION: built together */
	/* As tokeep_qr_code() of tokeep.h. */
	unsigned char *(*encode)(const char *text, int *width);
};
#define QR_VERSION 1u
#endif
