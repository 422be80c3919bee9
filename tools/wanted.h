/* SPDX-License-Identifier: MIT */
/*
 * wanted.h - what of cop stat is wanted.
 */
#ifndef COP_TOOLS_WANTED_H
#define COP_TOOLS_WANTED_H

#include <stdbool.h>

struct wanted {
	bool flows, json, watch;
	double seconds;		 /* between two looks */
	long pid;		 /* 0: all */
	long port, sport, dport; /* 0: any */
};

/**
 * wanted_read - read the options
 * @argc: as of main()
 * @argv: likewise
 * @w: what is wanted; zero before
 *
 * Returns 0, or what to exit with.
 */
int wanted_read(int argc, char *argv[], struct wanted *w);

/**
 * wanted_help - print a line for each option
 */
void wanted_help(void);

#endif /* COP_TOOLS_WANTED_H */
