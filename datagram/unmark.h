/* SPDX-License-Identifier: MIT */
/*
 * unmark.h - taking over what a mark says.
 */
#ifndef COP_UNMARK_H
#define COP_UNMARK_H

#include "filter/attach.h"
#include "socket/sock.h"

/**
 * cop_unmark - take over what a mark says
 * @sk: a new sock, with SOCK_ELSEWHERE if it is outside the home namespace
 * @fd: its kernel socket
 * @sport: the port that its kernel socket has, network order
 * @mark: the mark of @fd
 *
 * Another process may have written the mark, so the kernel is asked for all that it
 * can tell. From the mark comes only what the kernel does not know: what a bind
 * fixed, and options that the library keeps to itself. Hashes the port. Returns 0, or
 * -ENOENT, with @sk unchanged, for a mark that this library can't have written.
 */
int cop_unmark(struct sock *sk, int fd, __be16 sport,
	       const struct cop_mark *mark);

#endif /* COP_UNMARK_H */
