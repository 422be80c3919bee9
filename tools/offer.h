/* SPDX-License-Identifier: MIT */
/*
 * offer.h - the transports that a program can ask for, as cop transports lists them.
 */
#ifndef COP_TOOLS_OFFER_H
#define COP_TOOLS_OFFER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define OFFER_ANY (-1)
#define OFFER_NAME \
	64 /* of a transport, a module, a version; longer ones are cut */
#define OFFER_WHY 512 /* a reason */

/* What becomes of a program that asks. */
enum offer_state {
	OFFER_OK,      /* it gets a socket of the transport */
	OFFER_FAILS,   /* the file can't be used */
	OFFER_HIDDEN,  /* something else is found before */
	OFFER_UNASKED, /* no program can ask for this name */
	OFFER_UNTRIED, /* cop transports has not loaded the file */
};

/* Numbers as socket() takes them, or OFFER_ANY. */
struct asked {
	int family, type, protocol;
};

struct offer {
	struct asked asked;
	enum offer_state state;
	char why[OFFER_WHY]; /* why it is not OFFER_OK */
	char name[OFFER_NAME], module[OFFER_NAME], version[OFFER_NAME];
	const char *from; /* where the file was found; NULL: no file */
	char *file; /* its absolute name; NULL: it is built into the library */
	char *target; /* where it leads, if it is a symbolic link; else NULL */
};

struct offers {
	struct offer *list;
	size_t n, size;
};

/**
 * offers_find - find all transports that a program can ask for
 * @offers: filled in; empty before
 *
 * Looks where the library does, in the same order: what it has itself, the files of
 * COP_LOAD, the directories of COP_MODULES, LIBDIR/cop. Says on standard error what it
 * leaves out. The library is started before, and has read the environment.
 */
void offers_find(struct offers *offers);

#endif /* COP_TOOLS_OFFER_H */
