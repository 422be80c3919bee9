/* SPDX-License-Identifier: MIT */
/*
 * security.h - asks the policies that modules have registered. The public
 * cop_transport.h has the types.
 */
#ifndef COP_SECURITY_H
#define COP_SECURITY_H

#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/transport.h"

/* (a) The first function that is asked about each call. */
extern _Atomic(struct security_hook_list *) security_heads[SECURITY_HOOKS];

/**
 * security_has - whether any policy is asked about a call
 * @hook: the call
 *
 * One load.
 */
static inline bool security_has(enum security_hook hook)
{
	return unlikely(READ_ONCE(security_heads[hook]));
}

/**
 * security_add_hooks - register the functions of a policy
 * @hooks: the functions; kept, not copied
 * @count: how many
 * @lsm: the policy's name
 * @owner: its module; NULL: it is built into the library
 *
 * Returns 0, -EINVAL for a function that is missing or a call that is unknown, or
 * -EEXIST: then none is registered. Only while a module begins. Counterpart:
 * security_add_hooks().
 */
int security_add_hooks(struct security_hook_list *hooks, int count,
		       const char *lsm, const struct module *owner);

/**
 * security_drop_hooks - remove all functions of a module
 * @owner: the module, whose memory stays
 *
 * Only while a module begins or ends. A thread may still be in one of them.
 */
void security_drop_hooks(const struct module *owner);

/**
 * security_socket_create, security_socket_post_create, security_socket_bind,
 * security_socket_connect - ask the policies about a call
 *
 * The arguments are those of union security_list_options. Each returns 0 or the
 * negative errno of the first refusal; never -EBADF or -ENOTSOCK, by which a caller
 * would take the descriptor for another's. errno may change. Lock-free,
 * async-signal-safe. Counterparts: the functions of the same names in
 * security/security.c.
 */
int security_socket_create(int family, int type, int protocol, int kern);
int security_socket_post_create(struct socket *sock, int family, int type,
				int protocol, int kern);
int security_socket_bind(struct socket *sock, struct sockaddr *address,
			 int addrlen);
int security_socket_connect(struct socket *sock, struct sockaddr *address,
			    int addrlen);

#endif /* COP_SECURITY_H */
