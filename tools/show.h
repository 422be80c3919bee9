/* SPDX-License-Identifier: MIT */
/*
 * show.h - prints sockets one by one.
 */
#ifndef COP_TOOLS_SHOW_H
#define COP_TOOLS_SHOW_H

#include <stdio.h>

#include "sockets.h"

/**
 * show_heading - print the heading of show_text()'s table
 * @out: the stream
 */
void show_heading(FILE *out);

/**
 * show_text - print a socket for people, as ss(8) does
 * @out: the stream
 * @s: the socket
 */
void show_text(FILE *out, const struct stat_sock *s);

/**
 * show_json - print a socket for programs: a JSON object in each line
 * @out: the stream
 * @s: the socket
 */
void show_json(FILE *out, const struct stat_sock *s);

#endif /* COP_TOOLS_SHOW_H */
