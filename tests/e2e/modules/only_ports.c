// SPDX-License-Identifier: MIT
/*
 * only_ports.c - a policy: sockets are bound and connected to these ports only.
 *
 *	ONLY_PORTS=4100-4199 cop run --load ./only_ports.so PROGRAM
 *
 * A bind to port 0 leaves the choice to the transport, so it is allowed; so is a
 * connect to no address, which disconnects.
 */
#include <cop_transport.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned int first, last;

/* The port that a name has, host order; 0: none. The program may pass any bytes. */
static unsigned int port_of(const struct sockaddr *address, int addrlen)
{
	const union cop_addr *addr = (const union cop_addr *)address;

	if (address->sa_family == AF_INET &&
	    addrlen >= (int)sizeof(struct sockaddr_in))
		return ntohs(addr->in.sin_port);
	if (address->sa_family == AF_INET6 &&
	    addrlen >= (int)offsetof(struct sockaddr_in6, sin6_scope_id))
		return ntohs(addr->in6.sin6_port);
	return 0;
}

static int only_ports(struct socket *sock, struct sockaddr *address,
		      int addrlen)
{
	const unsigned int port = port_of(address, addrlen);

	(void)sock;
	return !port || (port >= first && port <= last) ? 0 : -EACCES;
}

static struct security_hook_list hooks[] = {
	LSM_HOOK_INIT(socket_bind, only_ports),
	LSM_HOOK_INIT(socket_connect, only_ports),
};

static int begin(void)
{
	const char *ports = getenv("ONLY_PORTS");

	if (!ports || sscanf(ports, "%u-%u", &first, &last) != 2)
		return -EINVAL;
	return security_add_hooks(hooks, 2, "only_ports");
}
module_init(begin);

static void end(void)
{
}
module_exit(end);

MODULE_TRANSPORT("only_ports", "1");
