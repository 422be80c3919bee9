/* SPDX-License-Identifier: MIT */
/*
 * show.h - sockets in words, one after the other.
 */
#ifndef COP_TOOLS_SHOW_H
#define COP_TOOLS_SHOW_H

#include <stdio.h>

#include "sockets.h"

/**
 * show_heading - print what stands above the table that show_text() prints
 * @out: where to
 */
void show_heading(FILE *out);

/**
 * show_text - print a socket for who reads it, as ss(8) does
 * @out: where to
 * @s: the socket
 */
void show_text(FILE *out, const struct stat_sock *s);

/**
 * show_json - print a socket for programs: lines of one object each
 * @out: where to
 * @s: the socket
 */
void show_json(FILE *out, const struct stat_sock *s);

#endif /* COP_TOOLS_SHOW_H */
