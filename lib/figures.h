/* SPDX-License-Identifier: MIT */
/*
 * figures.h - writes figures by name, a line for each record, as text or as
 * JSON.
 */
#ifndef COP_FIGURES_H
#define COP_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

/* The most bytes of one write: a pipe keeps so many together (pipe(7)). */
#define COP_RECORD_MAX	4096
#define COP_RECORD_LINE 2048 /* no line is longer */

struct cop_record {
	char text[COP_RECORD_MAX];
	size_t len;   /* bytes in text, the unfinished line included */
	size_t whole; /* bytes of complete lines in text */
	int fd;	      /* the lines go there */
	bool json;    /* write JSON, not text */
	bool failed;  /* a write has failed */
	bool fresh;   /* the next key is the first one of its object */
};

/**
 * cop_record_begin - begin a line
 * @r: the record; before the first line fd and json are set, all else is zero
 * @type: the kind of record: the line's first word, or "type" in JSON
 */
void cop_record_begin(struct cop_record *r, const char *type);

/**
 * cop_record_count, cop_record_name, cop_record_time - put a figure in the line
 * @r: the record, within a line
 * @key: the figure's name
 * @value: a count; for cop_record_time() microseconds since the epoch
 * @addr: an address with its port, of the form of ss(8)
 */
void cop_record_count(struct cop_record *r, const char *key, uint64_t value);
void cop_record_name(struct cop_record *r, const char *key,
		     const union cop_addr *addr);
void cop_record_time(struct cop_record *r, const char *key, uint64_t value);

/**
 * cop_record_unknown - put a figure in the line that nobody knows
 * @r: the record, within a line
 * @key: the figure's name
 *
 * "-" in text; JSON leaves it out.
 */
void cop_record_unknown(struct cop_record *r, const char *key);

/**
 * cop_record_text - put a text in the line
 * @r: the record, within a line
 * @key: its name
 * @text: any bytes; control characters are escaped, and what is too long is cut
 */
void cop_record_text(struct cop_record *r, const char *key, const char *text);

/**
 * cop_record_open, cop_record_close - enclose figures whose names come from elsewhere
 * @r: the record, within a line
 * @key: the name of all of them; text has no enclosure
 */
void cop_record_open(struct cop_record *r, const char *key);
void cop_record_close(struct cop_record *r);

/**
 * cop_record_foreign - put a count in the line whose name comes from elsewhere
 * @r: the record, within an enclosure
 * @key: as the text of cop_record_text()
 * @value: the count
 */
void cop_record_foreign(struct cop_record *r, const char *key, uint64_t value);

/**
 * cop_record_end - end a line
 * @r: the record, within a line
 */
void cop_record_end(struct cop_record *r);

/**
 * cop_record_flush - write all lines
 * @r: the record, between two lines
 */
void cop_record_flush(struct cop_record *r);

#endif /* COP_FIGURES_H */
