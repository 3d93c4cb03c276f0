/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_qr.c: a QR code on the terminal, which a phone reads. */
#include "command.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MARGIN 2 /* modules of white around it; the standard asks for 4, readers for less */

/* Two rows of modules make one line of half blocks; where these can't be shown a module is two blanks. */
struct drawing {
	const unsigned char *modules;
	int width;
	FILE *out;
	bool blocks;
};

static bool dark(const struct drawing *drawing, int x, int y)
{
	return x >= 0 && y >= 0 && x < drawing->width && y < drawing->width && drawing->modules[y * drawing->width + x];
}

/* Black on white whatever the terminal's colours are: some readers want it so. */
static void draw_blocks(const struct drawing *drawing, int y)
{
	static const char *const halves[] = { " ", "\u2584", "\u2580", "\u2588" };

	fputs("\033[30;107m", drawing->out);
	for (int x = -MARGIN; x < drawing->width + MARGIN; x++)
		fputs(halves[dark(drawing, x, y) * 2 + dark(drawing, x, y + 1)], drawing->out);
	fputs("\033[0m\n", drawing->out);
}

static void draw_blanks(const struct drawing *drawing, int y)
{
	for (int x = -MARGIN; x < drawing->width + MARGIN; x++)
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
	int width = (drawing->width + 2 * MARGIN) * (drawing->blocks ? 1 : 2);
	struct winsize size;

	return ioctl(fileno(drawing->out), TIOCGWINSZ, &size) || !size.ws_col || size.ws_col >= width;
}

void qr_draw(FILE *out, const char *text)
{
	struct drawing drawing = { .out = out, .blocks = has_blocks() };
	unsigned char *modules = tokeep_qr_code(text, &drawing.width);

	drawing.modules = modules;
	if (modules && fits(&drawing))
		for (int y = -MARGIN; y < drawing.width + MARGIN; y += drawing.blocks ? 2 : 1)
			drawing.blocks ? draw_blocks(&drawing, y) : draw_blanks(&drawing, y);
	free(modules);
}
