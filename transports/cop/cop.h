/* SPDX-License-Identifier: MIT */
/*
 * cop.h - the COP transport, for the rooms above.
 */
#ifndef COP_TRANSPORT_COP_H
#define COP_TRANSPORT_COP_H

#include "lib/transport.h"

extern struct proto cop_prot;
extern struct module cop_builtin_cop;

#endif /* COP_TRANSPORT_COP_H */
