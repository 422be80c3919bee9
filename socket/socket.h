/* SPDX-License-Identifier: MIT */
/*
 * socket.h - the families that sockets are created in.
 */
#ifndef COP_SOCKET_H
#define COP_SOCKET_H

#include <stdbool.h>

#include "filter/attach.h"
#include "socket/sock.h"

/**
 * sock_register - add a family
 * @fam: the family; kept, not copied
 *
 * Returns 0, -ENOBUFS for a number out of range, -EEXIST if it is registered already.
 * Only while the library starts, or a module begins. Counterpart: sock_register().
 */
int sock_register(const struct net_proto_family *fam);

/**
 * sock_unregister - the opposite
 * @family: its number; does nothing for one that is not registered
 */
void sock_unregister(int family);

/**
 * sock_is_ours - whether a socket of this kind is served here
 * @family: as given to socket()
 * @type: as given to socket(), flags included
 * @protocol: as given to socket()
 *
 * The kernel judges all other kinds of socket, unknown numbers included.
 */
bool sock_is_ours(int family, int type, int protocol);

/**
 * sock_create - make a socket of a family that is ours
 * @family: address family
 * @type: socket type without flags
 * @protocol: protocol number
 * @res: where the socket is put, with a count of 1
 *
 * Returns 0, -EAFNOSUPPORT for a family that is not registered, -ENOBUFS without
 * memory, or what the family's create returns. Asks the policies first, and once more
 * when the socket is made.
 * Counterpart: __sock_create().
 */
int sock_create(int family, int type, int protocol, struct socket **res);

/**
 * sock_create_allowed - the same, behind security_socket_create()
 */
int sock_create_allowed(int family, int type, int protocol,
			struct socket **res);

/*
 * What the families do for a kernel socket that came with a mark.
 */
struct sock_marks {
	/* Loads the module of the transport that @mark names, if it is not here yet and
	 * this thread may load one. Returns false if the mark can count and the transport
	 * is not here. errno may change. */
	bool (*request)(const struct cop_mark *mark);

	/* Makes the sock of @sock, for the kernel socket of @fd. Returns 0, -ENOENT for a
	 * mark that this library can't have written, or -ENOBUFS. Async-signal-safe. */
	int (*create)(struct socket *sock, int fd, const struct cop_mark *mark);
};

/* Set once, while the library starts. */
extern const struct sock_marks *sock_marks;

/**
 * sock_adopt - make a socket for a kernel socket with a mark
 * @fd: its descriptor
 * @mark: what cop_program_claim() has read
 * @res: where the socket is put, with a count of 1
 *
 * Returns 0, -ENOENT if the mark does not count, or -ENOBUFS without memory. No
 * policy is asked: the socket exists already. Async-signal-safe.
 */
int sock_adopt(int fd, const struct cop_mark *mark, struct socket **res);

#endif /* COP_SOCKET_H */
