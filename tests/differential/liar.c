// SPDX-License-Identifier: MIT
/*
 * liar.c - a library that is wrong about one errno, for the differential tester
 * to find.
 */
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>

int getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	int (*next)(int, struct sockaddr *, socklen_t *) =
		dlsym(RTLD_NEXT, "getpeername");
	int ret = next(fd, addr, len);

	if (ret && errno == ENOTCONN)
		errno = EINVAL;
	return ret;
}
