/* SPDX-License-Identifier: MIT */
/*
 * show_flow.h - prints flows, and what flows and sockets have in common.
 */
#ifndef COP_TOOLS_SHOW_FLOW_H
#define COP_TOOLS_SHOW_FLOW_H

#include <stdio.h>

#include "lib/addr.h"
#include "sockets.h"

/**
 * show_flow_begin - begin with the next socket: all its times use one difference to
 *		     the time of day
 */
void show_flow_begin(void);

/**
 * show_name - write an address and a port of a socket
 * @name: the text
 * @s: the socket
 * @end: its own end, or that of a peer
 */
void show_name(char name[COP_ADDR_TEXT], const struct stat_sock *s,
	       const struct cop_endpoint *end);

/**
 * show_time - print a time, in seconds since 1970
 * @out: the stream
 * @fmt: with one %s
 * @us: microseconds of CLOCK_MONOTONIC; 0 stays 0
 */
void show_time(FILE *out, const char *fmt, uint64_t us);

/**
 * show_flow_text, show_flow_json - print a flow
 * @out: the stream
 * @s: its socket
 * @f: the flow
 */
void show_flow_text(FILE *out, const struct stat_sock *s,
		    const struct stat_flow *f);
void show_flow_json(FILE *out, const struct stat_sock *s,
		    const struct stat_flow *f);

#endif /* COP_TOOLS_SHOW_FLOW_H */
