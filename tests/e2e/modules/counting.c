// SPDX-License-Identifier: MIT
/*
 * counting.c - a policy that says in COP_DEBUG what it is asked, and refuses what REFUSE
 * names: "create", "post_create", "bind" or "connect", for sockets of one type, as in
 * "create 8". FAIL_INIT=1: its init fails, behind the registration.
 */
#include <cop_transport.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char call[16];
static int refused_type = -1;

static int answer(const char *name, int type)
{
	return !strcmp(name, call) && type == refused_type ? -EXDEV : 0;
}

static int create(int family, int type, int protocol, int kern)
{
	pr_info("<create %d %d %d %d>", family, type, protocol, kern);
	return answer("create", type);
}

static int post_create(struct socket *sock, int family, int type, int protocol,
		       int kern)
{
	struct cop_socket_info info = socket_info(sock);

	pr_info("<post_create %d %d %d %d: %d %d %d, port %d>", family, type,
		protocol, kern, info.family, info.type, info.protocol,
		inet_sk(info.sk).inet_num);
	return answer("post_create", type);
}

static int bind_to(struct socket *sock, struct sockaddr *address, int addrlen)
{
	pr_info("<bind %d, %d bytes>", address->sa_family, addrlen);
	return answer("bind", socket_info(sock).type);
}

static int connect_to(struct socket *sock, struct sockaddr *address,
		      int addrlen)
{
	pr_info("<connect %d, %d bytes>", address->sa_family, addrlen);
	return answer("connect", socket_info(sock).type);
}

static struct security_hook_list hooks[] = {
	LSM_HOOK_INIT(socket_create, create),
	LSM_HOOK_INIT(socket_post_create, post_create),
	LSM_HOOK_INIT(socket_bind, bind_to),
	LSM_HOOK_INIT(socket_connect, connect_to),
};

static int begin(void)
{
	const char *refuse = getenv("REFUSE");
	int err = security_add_hooks(hooks, 4, "counting");

	if (refuse)
		sscanf(refuse, "%15s %d", call, &refused_type);
	return getenv("FAIL_INIT") ? -ENODEV : err;
}
module_init(begin);

static void end(void)
{
}
module_exit(end);

MODULE_TRANSPORT("counting", "1");
