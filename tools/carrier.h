/* SPDX-License-Identifier: MIT */
/*
 * carrier.h - whether the transport of cop run --transport can be had.
 */
#ifndef COP_TOOLS_CARRIER_H
#define COP_TOOLS_CARRIER_H

#include <stddef.h>

/**
 * carrier_refused - ask the library for the transport that COP_TRANSPORT names
 * @why: set to the reason, without a newline
 * @size: room for it in bytes
 *
 * With the environment as the command gets it, LD_PRELOAD included. Returns 1 if the
 * transport can't be had, else 0; also 0 if the library can't be asked.
 */
int carrier_refused(char *why, size_t size);

#endif /* COP_TOOLS_CARRIER_H */
