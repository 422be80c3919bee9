/* SPDX-License-Identifier: MIT */
/*
 * wanted.h - the options of cop stat: which sockets to show, and how.
 */
#ifndef COP_TOOLS_WANTED_H
#define COP_TOOLS_WANTED_H

#include <stdbool.h>

struct wanted {
	bool flows, json, watch;
	double seconds;		 /* time between two readings */
	long pid;		 /* 0: all */
	long port, sport, dport; /* 0: any */
};

/**
 * wanted_read - read the options
 * @argc: main()'s
 * @argv: main()'s
 * @w: filled in; all zero before
 *
 * Returns 0, or the status to exit with.
 */
int wanted_read(int argc, char *argv[], struct wanted *w);

/**
 * wanted_help - print a line for each option
 */
void wanted_help(void);

#endif /* COP_TOOLS_WANTED_H */
