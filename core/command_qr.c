/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_qr.c: a QR code on the terminal, which a phone reads. The one file that knows libqrencode. */
#include <config.h>

#include "command.h"

#include <stdio.h>

#ifdef WITH_QRENCODE
#include <langinfo.h>
#include <locale.h>
#include <qrencode.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MARGIN 2 /* modules of white around it; the standard asks for 4, readers for less */

/* Two rows of modules make one line of half blocks; where these can't be shown a module is two blanks. */
struct drawing {
	const QRcode *code;
	FILE *out;
	bool blocks;
};

static bool dark(const struct drawing *drawing, int x, int y)
{
	const QRcode *code = drawing->code;

	return x >= 0 && y >= 0 && x < code->width && y < code->width && code->data[y * code->width + x] & 1;
}

/* Black on white whatever the terminal's colours are: some readers want it so. */
static void draw_blocks(const struct drawing *drawing, int y)
{
	static const char *const halves[] = { " ", "\u2584", "\u2580", "\u2588" };

	fputs("\033[30;107m", drawing->out);
	for (int x = -MARGIN; x < drawing->code->width + MARGIN; x++)
		fputs(halves[dark(drawing, x, y) * 2 + dark(drawing, x, y + 1)], drawing->out);
	fputs("\033[0m\n", drawing->out);
}

static void draw_blanks(const struct drawing *drawing, int y)
{
	for (int x = -MARGIN; x < drawing->code->width + MARGIN; x++)
		fputs(dark(drawing, x, y) ? "\033[40m  " : "\033[107m  ", drawing->out);
	fputs("\033[0m\n", drawing->out);
}

static bool has_blocks(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool utf8;

	if (locale == (locale_t)0)
		return false;
	utf8 = !strcmp(nl_langinfo_l(CODESET, locale), "UTF-8");
	freelocale(locale);
	return utf8;
}

static bool fits(const struct drawing *drawing)
{
	int width = (drawing->code->width + 2 * MARGIN) * (drawing->blocks ? 1 : 2);
	struct winsize size;

	return ioctl(fileno(drawing->out), TIOCGWINSZ, &size) || !size.ws_col || size.ws_col >= width;
}

void qr_draw(FILE *out, const char *text)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	struct drawing drawing = { code, out, has_blocks() };

	if (code && fits(&drawing))
		for (int y = -MARGIN; y < code->width + MARGIN; y += drawing.blocks ? 2 : 1)
			drawing.blocks ? draw_blocks(&drawing, y) : draw_blanks(&drawing, y);
	QRcode_free(code);
}
#else
void qr_draw(FILE *out, const char *text)
{
	(void)out;
	(void)text;
}
#endif
