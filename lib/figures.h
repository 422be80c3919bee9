/* SPDX-License-Identifier: MIT */
/*
 * record.h - figures by name, a line for each record: as text, or as JSON.
 */
#ifndef COP_RECORD_H
#define COP_RECORD_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So much is written at once: a pipe does not tear it (pipe(7)). */
#define COP_RECORD_MAX	4096
#define COP_RECORD_LINE 768 /* no line is longer */

struct cop_record {
	char text[COP_RECORD_MAX];
	size_t len;   /* bytes of whole lines, and of the one that is begun */
	size_t whole; /* bytes of whole lines */
	int fd;	      /* where they go */
	bool json;
	bool failed; /* a write has */
};

/**
 * cop_record_begin - begin a line
 * @r: with fd and json set, the rest zero at first
 * @type: what it is a record of: the text's first word, or "type" in JSON
 */
void cop_record_begin(struct cop_record *r, const char *type);

/**
 * cop_record_count, cop_record_name, cop_record_time - put a figure in the line
 * @r: a line that is begun
 * @key: its name
 * @value: a count; or microseconds since the epoch
 * @addr: an address, with
 * @port: a port, both in network order
 */
void cop_record_count(struct cop_record *r, const char *key, uint64_t value);
void cop_record_name(struct cop_record *r, const char *key, __be32 addr,
		     __be16 port);
void cop_record_time(struct cop_record *r, const char *key, uint64_t value);

/**
 * cop_record_end - end a line
 * @r: a line that is begun
 */
void cop_record_end(struct cop_record *r);

/**
 * cop_record_flush - write what there is, whole lines only
 * @r: no line is begun
 */
void cop_record_flush(struct cop_record *r);

#endif /* COP_RECORD_H */
