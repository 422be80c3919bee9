/* SPDX-License-Identifier: MIT */
/*
 * marked.h - kernel sockets that came over an exec or from another process.
 */
#ifndef COP_MARKED_H
#define COP_MARKED_H

/**
 * inet_marked_init - serve sock_adopt()
 *
 * Once, behind inet_init().
 */
void inet_marked_init(void);

#endif /* COP_MARKED_H */
