/* SPDX-License-Identifier: MIT */
/*
 * escape.h - text that others have chosen, made harmless for a terminal or for
 * JSON. The library and the tools link it alike.
 */
#ifndef COP_ESCAPE_H
#define COP_ESCAPE_H

#include <stddef.h>

#define COP_ESCAPE_MAX 6 /* no byte becomes more bytes than this */

enum cop_escape_style {
	COP_ESCAPE_LINE,   /* a line for a terminal: a byte becomes \xHH */
	COP_ESCAPE_QUOTED, /* the same between quotes: also \" and \\ */
	COP_ESCAPE_JSON,   /* a string of JSON, without its quotes: \uHHHH, and
			    * \ufffd for a byte that is not UTF-8 */
};

/**
 * cop_escape - copy a text, and escape what a terminal would obey
 * @to: where to; ends with a 0 unless @size is 0
 * @size: bytes there are at @to
 * @text: any bytes, with a 0 at their end
 * @style: where the copy will stand
 *
 * Escapes control characters (ASCII's, DEL, and C1 as a byte or as UTF-8),
 * characters that change the direction of text or end a line, and bytes that
 * are not UTF-8. An escape is never cut: what does not fit is left out from
 * there on. Safe in a signal handler. Returns the length of the copy.
 */
size_t cop_escape(char *to, size_t size, const char *text,
		  enum cop_escape_style style);

#endif /* COP_ESCAPE_H */
