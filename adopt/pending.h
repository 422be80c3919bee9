/* SPDX-License-Identifier: MIT */
/*
 * pending.h - sockets of UDP that may still become COP.
 */
#ifndef COP_PENDING_H
#define COP_PENDING_H

#include "adopt/carrier.h"

extern const struct proto cop_pending_ops;

#endif /* COP_PENDING_H */
