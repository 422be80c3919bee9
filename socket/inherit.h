/* SPDX-License-Identifier: MIT */
/*
 * inherit.h - the descriptors that a program starts with.
 */
#ifndef COP_INHERIT_H
#define COP_INHERIT_H

/**
 * cop_inherit - take those that are COP sockets for what they are
 *
 * When the library starts, once the transports are registered.
 */
void cop_inherit(void);

/**
 * cop_inherit_confined - likewise, in a process that started under a filter
 *
 * Which sockets there are fstat() says; only they are asked for a mark.
 */
void cop_inherit_confined(void);

#endif /* COP_INHERIT_H */
