// SPDX-License-Identifier: MIT
/*
 * socket/socket.c - the families that sockets are created in.
 *
 * Owns: net_families. Protected by: atomic accesses; written while the library
 * starts, and while a module begins or ends.
 * Counterpart in the kernel: net/socket.c.
 */
#include <errno.h>
#include <stddef.h>

#include "socket/security.h"
#include "socket/socket.h"

static _Atomic(const struct net_proto_family *) net_families[NPROTO];

static bool family_valid(int family)
{
	return family >= 0 && family < NPROTO;
}

int sock_register(const struct net_proto_family *fam)
{
	if (!family_valid(fam->family))
		return -ENOBUFS;
	if (net_families[fam->family])
		return -EEXIST;
	atomic_store_explicit(&net_families[fam->family], fam,
			      memory_order_release);
	return 0;
}

void sock_unregister(int family)
{
	if (family_valid(family))
		WRITE_ONCE(net_families[family], NULL);
}

/* Returns NULL for a family that nobody has registered. */
static const struct net_proto_family *family_of(int family)
{
	return family_valid(family)
		       ? atomic_load_explicit(&net_families[family],
					      memory_order_acquire)
		       : NULL;
}

bool sock_is_ours(int family, int type, int protocol)
{
	const struct net_proto_family *fam = family_of(family);

	return fam &&
	       (!fam->serves || fam->serves(type & SOCK_TYPE_MASK, protocol));
}

/* A socket that no policy is asked about. */
static int create(int family, int type, int protocol, struct socket **res)
{
	const struct net_proto_family *fam = family_of(family);
	struct socket *sock;
	int err;

	if (!fam)
		return -EAFNOSUPPORT;
	sock = sock_alloc();
	if (!sock)
		return -ENOBUFS;
	sock->type = type;
	err = fam->create(sock, family, protocol);
	if (err)
		sock_free(sock);
	else
		*res = sock;
	return err;
}

static void sock_release(struct socket *sock)
{
	sock->ops->release(sock);
	sock_free(sock);
}

int sock_create_allowed(int family, int type, int protocol, struct socket **res)
{
	int err = create(family, type, protocol, res);

	if (err || !security_has(SECURITY_socket_post_create))
		return err;
	err = security_socket_post_create(*res, family, type, protocol, 0);
	if (err)
		sock_release(*res);
	return err;
}

flatten int sock_create(int family, int type, int protocol, struct socket **res)
{
	int err;

	if (security_has(SECURITY_socket_create)) {
		err = security_socket_create(family, type, protocol, 0);
		if (err)
			return err;
	}
	return sock_create_allowed(family, type, protocol, res);
}

const struct sock_marks *sock_marks;

int sock_adopt(int fd, const struct cop_mark *mark, struct socket **res)
{
	struct socket *sock;
	int err;

	if (mark->type & ~SOCK_TYPE_MASK || !family_of(mark->family))
		return -ENOENT;
	sock = sock_alloc();
	if (!sock)
		return -ENOBUFS;
	sock->type = mark->type;
	err = sock_marks->create(sock, fd, mark);
	if (err) {
		sock_free(sock);
		return err;
	}
	err = sock->ops->adopt(sock, fd, mark);
	if (!err)
		*res = sock;
	else
		sock_release(sock);
	return err;
}
