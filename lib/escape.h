/* SPDX-License-Identifier: MIT */
/*
 * escape.h - makes text from outside harmless for a terminal or for JSON. Both
 * the library and the tools use it.
 */
#ifndef COP_ESCAPE_H
#define COP_ESCAPE_H

#include <stddef.h>

#define COP_ESCAPE_MAX 6 /* the most bytes that one byte becomes */

enum cop_escape_style {
	COP_ESCAPE_LINE,   /* a line for a terminal: a byte becomes \xHH */
	COP_ESCAPE_QUOTED, /* the same between quotes: also \" and \\ */
	COP_ESCAPE_JSON,   /* a string of JSON, without its quotes: \uHHHH, and
			    * \ufffd for a byte that is not UTF-8 */
};

/**
 * cop_escape - copy a text, and escape what a terminal would obey
 * @to: the copy; ends with a 0 unless @size is 0
 * @size: room at @to in bytes
 * @text: any bytes, with a 0 at their end
 * @style: where the copy will stand
 *
 * Escapes control characters (ASCII's, DEL, and C1 as a byte or as UTF-8),
 * characters that change the direction of text or end a line, and bytes that
 * are not UTF-8. The copy ends before the first character or escape that does
 * not fit whole. Async-signal-safe. Returns the length of the copy.
 */
size_t cop_escape(char *to, size_t size, const char *text,
		  enum cop_escape_style style);

#endif /* COP_ESCAPE_H */
