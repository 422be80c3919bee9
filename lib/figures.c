// SPDX-License-Identifier: MIT
/*
 * lib/figures.c - writes figures by name, a line for each record, as text or as
 * JSON.
 *
 * Owns: nothing. Protected by: the caller. Counterpart in the kernel:
 * seq_file.c.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/escape.h"
#include "lib/output.h"
#include "lib/figures.h"

/* The most bytes of a text, and of a name that comes from elsewhere. */
#define TEXT_MAX 64

__attribute__((format(printf, 2, 3))) static void put(struct cop_record *r,
						      const char *fmt, ...)
{
	size_t room = sizeof(r->text) - r->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(r->text + r->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		r->len += (size_t)n < room ? (size_t)n : room - 1;
}

/*
 * Writes the lines that are complete, and moves the unfinished one to the
 * start.
 */
static void write_whole(struct cop_record *r)
{
	if (r->whole && cop_output_write(r->fd, r->text, r->whole))
		r->failed = true;
	memmove(r->text, r->text + r->whole, r->len - r->whole);
	r->len -= r->whole;
	r->whole = 0;
}

void cop_record_begin(struct cop_record *r, const char *type)
{
	put(r, r->json ? "{\"type\":\"%s\"" : "%s", type);
}

static void put_key(struct cop_record *r, const char *key)
{
	put(r, r->json ? (r->fresh ? "\"%s\":" : ",\"%s\":") : " %s=", key);
	r->fresh = false;
}

void cop_record_count(struct cop_record *r, const char *key, uint64_t value)
{
	put_key(r, key);
	put(r, "%" PRIu64, value);
}

void cop_record_name(struct cop_record *r, const char *key,
		     const union cop_addr *addr)
{
	char text[COP_ADDR_TEXT];

	put_key(r, key);
	put(r, r->json ? "\"%s\"" : "%s",
	    cop_addr_print(text, sizeof(text), addr));
}

void cop_record_time(struct cop_record *r, const char *key, uint64_t value)
{
	put_key(r, key);
	put(r, "%" PRIu64 ".%06" PRIu64, value / 1000000, value % 1000000);
}

void cop_record_unknown(struct cop_record *r, const char *key)
{
	if (!r->json)
		put(r, " %s=-", key);
}

static void escape(const struct cop_record *r, char to[TEXT_MAX],
		   const char *text)
{
	cop_escape(to, TEXT_MAX, text,
		   r->json ? COP_ESCAPE_JSON : COP_ESCAPE_QUOTED);
}

void cop_record_text(struct cop_record *r, const char *key, const char *text)
{
	char escaped[TEXT_MAX];

	escape(r, escaped, text);
	put_key(r, key);
	put(r, r->json ? "\"%s\"" : "%s", escaped);
}

void cop_record_open(struct cop_record *r, const char *key)
{
	if (!r->json)
		return;
	put_key(r, key);
	put(r, "{");
	r->fresh = true;
}

void cop_record_close(struct cop_record *r)
{
	if (r->json)
		put(r, "}");
	r->fresh = false;
}

void cop_record_foreign(struct cop_record *r, const char *key, uint64_t value)
{
	char escaped[TEXT_MAX];

	escape(r, escaped, key);
	cop_record_count(r, escaped, value);
}

/* Writes in time, so that there is always room for one more line. */
void cop_record_end(struct cop_record *r)
{
	put(r, r->json ? "}\n" : "\n");
	r->whole = r->len;
	if (r->len > sizeof(r->text) - COP_RECORD_LINE)
		write_whole(r);
}

void cop_record_flush(struct cop_record *r)
{
	write_whole(r);
}
