// SPDX-License-Identifier: MIT
/*
 * socket/socket.c - the families that sockets are created in.
 *
 * Owns: net_families. Protected by: written only while the library starts.
 * Counterpart in the kernel: net/socket.c.
 */
#include <errno.h>
#include <stddef.h>

#include "socket/socket.h"

static const struct net_proto_family *net_families[NPROTO];

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
	net_families[fam->family] = fam;
	return 0;
}

static bool family_known(int family)
{
	return family_valid(family) && net_families[family];
}

bool sock_is_ours(int family, int type, int protocol)
{
	return family_known(family) &&
	       net_families[family]->serves(type & SOCK_TYPE_MASK, protocol);
}

int sock_create(int family, int type, int protocol, struct socket **res)
{
	struct socket *sock = sock_alloc();
	int err;

	if (!sock)
		return -ENOBUFS;
	sock->type = type;
	err = net_families[family]->create(sock, family, protocol);
	if (err)
		sock_free(sock);
	else
		*res = sock;
	return err;
}

int sock_adopt(int fd, const struct cop_mark *mark, struct socket **res)
{
	struct socket *sock;
	int err;

	if (mark->type & ~SOCK_TYPE_MASK || !family_known(mark->family))
		return -ENOENT;
	err = sock_create(mark->family, mark->type, mark->protocol, &sock);
	if (err)
		return err == -ENOBUFS ? err : -ENOENT;
	err = sock->ops->adopt(sock, fd, mark);
	if (!err)
		*res = sock;
	else if (!sock->ops->release(sock))
		sock_free(sock);
	return err;
}
