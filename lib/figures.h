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
#define COP_RECORD_LINE 768 /* no line is longer */

struct cop_record {
	char text[COP_RECORD_MAX];
	size_t len;   /* bytes in text, the unfinished line included */
	size_t whole; /* bytes of complete lines in text */
	int fd;	      /* the lines go there */
	bool json;    /* write JSON, not text */
	bool failed;  /* a write has failed */
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
