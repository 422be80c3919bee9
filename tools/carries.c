// SPDX-License-Identifier: MIT
/*
 * carries.c - cop-carries: whether UDP can be adopted on the transport that
 * COP_TRANSPORT names. Only the library can tell, and cop is static: so cop run starts
 * this program with the environment that the command is about to get. Exits with 1 if
 * the library refuses. With COP_DEBUG=1 it says why on standard error.
 */
#include <errno.h>
#include <sys/socket.h>

static int refuses(int family)
{
	return socket(family, SOCK_DGRAM, 0) < 0 &&
	       (errno == EPROTONOSUPPORT || errno == ENOKEY ||
		errno == EKEYREJECTED);
}

int main(void)
{
	return refuses(AF_INET) || refuses(AF_INET6);
}
