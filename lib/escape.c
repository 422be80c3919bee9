// SPDX-License-Identifier: MIT
/*
 * lib/escape.c - makes text from outside harmless for a terminal or for JSON:
 * names of threads and files, values of the environment.
 *
 * Owns: nothing. Protected by: the caller. Counterpart in the kernel:
 * string_escape_mem() in lib/string_helpers.c.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/escape.h"

#define REPLACEMENT 0xfffd

/* ---- UTF-8 --------------------------------------------------------------- */

/* How many bytes follow the first byte @c; -1: no character begins with it. */
static int bytes_to_follow(unsigned char c)
{
	if (c < 0x80)
		return 0;
	if (c >= 0xc2 && c < 0xe0)
		return 1;
	if (c >= 0xe0 && c < 0xf0)
		return 2;
	return c >= 0xf0 && c < 0xf5 ? 3 : -1;
}

/*
 * An encoding that is too long, half of a surrogate pair, or no character at
 * all.
 */
static bool is_invalid(uint32_t c, int follow)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };

	return c < least[follow] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff;
}

/* Returns the length of the character at @s, 0 if it is not valid UTF-8. */
static int take_character(const unsigned char *s, uint32_t *c)
{
	int follow = bytes_to_follow(*s);

	if (follow < 0)
		return 0;
	*c = follow ? *s & (0x3f >> follow) : *s;
	for (int i = 1; i <= follow; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	return is_invalid(*c, follow) ? 0 : follow + 1;
}

/* ---- which characters are escaped ---------------------------------------- */

/*
 * What a terminal obeys: C0, DEL and C1; characters that change the direction
 * of text (Unicode's property Bidi_Control); and characters that end a line.
 */
static bool is_obeyed(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x61c ||
	       c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static bool needs_backslash(uint32_t c, enum cop_escape_style style)
{
	return style != COP_ESCAPE_LINE && (c == '"' || c == '\\');
}

/* ---- writing ------------------------------------------------------------- */

static size_t put_hex(char *to, char kind, uint32_t value, int digits)
{
	to[0] = '\\';
	to[1] = kind;
	for (int i = 0; i < digits; i++)
		to[2 + i] =
			"0123456789abcdef"[value >> 4 * (digits - 1 - i) & 0xf];
	return 2 + digits;
}

static size_t put_bytes(char *to, const unsigned char *s, int len)
{
	size_t n = 0;

	for (int i = 0; i < len; i++)
		n += put_hex(to + n, 'x', s[i], 2);
	return n;
}

/*
 * Writes one character, or one byte that is not UTF-8 (then @len is 0). Each
 * character that is_obeyed() accepts fits into 16 bits.
 */
static size_t put(char *to, const unsigned char *s, int len, uint32_t c,
		  enum cop_escape_style style)
{
	bool is_json = style == COP_ESCAPE_JSON;

	if (!len)
		return is_json ? put_hex(to, 'u', REPLACEMENT, 4)
			       : put_bytes(to, s, 1);
	if (is_obeyed(c))
		return is_json ? put_hex(to, 'u', c, 4) : put_bytes(to, s, len);
	if (needs_backslash(c, style))
		*to++ = '\\';
	memcpy(to, s, len);
	return len + needs_backslash(c, style);
}

size_t cop_escape(char *to, size_t size, const char *text,
		  enum cop_escape_style style)
{
	const unsigned char *s = (const unsigned char *)text;
	char piece[4 * COP_ESCAPE_MAX];
	size_t done = 0;

	if (!size)
		return 0;
	while (*s) {
		uint32_t c = 0;
		int len = take_character(s, &c);
		size_t n = put(piece, s, len, c, style);

		if (n >= size - done)
			break;
		memcpy(to + done, piece, n);
		done += n;
		s += len ? len : 1;
	}
	to[done] = '\0';
	return done;
}
