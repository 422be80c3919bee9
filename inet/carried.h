/* SPDX-License-Identifier: MIT */
/*
 * carried.h - which transport carries adopted sockets.
 */
#ifndef COP_CARRIED_H
#define COP_CARRIED_H

/**
 * inet_carry_init - choose the carrier of adopted sockets by COP_TRANSPORT
 *
 * Loads its module, if there is COP_ADOPT. If it can't be had, socket() of UDP fails
 * from now on, and COP_DEBUG says why: a program whose datagrams shall have another
 * header must not send them with COP's. Once, behind request_load(), and once more if
 * the library has started without the environment.
 */
void inet_carry_init(void);

#endif /* COP_CARRIED_H */
