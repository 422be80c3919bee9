/* SPDX-License-Identifier: MIT */
/*
 * inherit.h - the descriptors that a program starts with.
 */
#ifndef COP_INHERIT_H
#define COP_INHERIT_H

/**
 * cop_inherit - adopt the COP sockets among the descriptors, see fd_adopt()
 *
 * Runs when the library starts, after the transports are registered. errno stays.
 */
void cop_inherit(void);

/**
 * cop_inherit_confined - the same in a process that started under a seccomp filter
 *
 * Finds the sockets by fstat(), and asks only them for a mark.
 */
void cop_inherit_confined(void);

#endif /* COP_INHERIT_H */
