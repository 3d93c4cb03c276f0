/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qr_code.c: a text as the modules of a QR code. The one file that knows libqrencode. */
#include "qr_code.h"

#include <qrencode.h>
#include <stdlib.h>

static unsigned char *encode(const char *text, int *width)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	unsigned char *modules = code ? malloc((size_t)code->width * code->width) : NULL;

	for (int i = 0; modules && i < code->width * code->width; i++)
		modules[i] = code->data[i] & 1;
	if (modules)
		*width = code->width;
	QRcode_free(code);
	return modules;
}

__attribute__((visibility("default"))) extern const struct qr_ops tokeep_qr;

const struct qr_ops tokeep_qr = { .version = QR_VERSION, .encode = encode };
