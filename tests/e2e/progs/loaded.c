// SPDX-License-Identifier: MIT
/*
 * loaded.c - a program that loads libcop itself and calls what is in there: only
 * these calls know of COP, the program's own are libc's. COP_TEST_LIB names the
 * library.
 */
#include <dlfcn.h>

#include "prog.h"

#define CALLS(X)       \
	X(socket)      \
	X(bind)        \
	X(getsockname) \
	X(connect)     \
	X(recv)        \
	X(dup)         \
	X(dprintf)     \
	X(fdopen)      \
	X(close)

#define X(name) static __typeof__(name) *my_##name;
CALLS(X)
#undef X

static void *look_up(void *library, const char *name)
{
	void *symbol = dlsym(library, name);

	if (!symbol)
		die(name);
	return symbol;
}

static void *load(int flags)
{
	const char *path = is_cop ? getenv("COP_TEST_LIB") : NULL;
	void *library = dlopen(path, flags);

	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
#define X(name) my_##name = look_up(library, #name);
	CALLS(X)
#undef X
	return library;
}

static int my_sock(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	socklen_t len = sizeof(addr);
	int fd = my_socket(PF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0);

	T(my_bind(fd, SA(&addr), len));
	T(my_getsockname(fd, SA(&addr), &len));
	T(my_connect(fd, SA(&addr), len));
	return fd;
}

/* What is in a call of the library's is the library's as well. */
static void use(int fd)
{
	T(my_dprintf(fd, "formatted"));
	R(my_recv(fd, buf, sizeof(buf), 0));
	T(my_close(my_dup(fd)));
}

static void load_and_use(int flags)
{
	void *library = load(flags);
	int fd = my_sock();
	FILE *fp = my_fdopen(fd, "w");

	use(fd);
	T(fputs("by a stream", fp) < 0);
	T(fflush(fp));
	R(my_recv(fd, buf, sizeof(buf), 0));
	T(fputs("unsaid until the end", fp) < 0);
	T(dlclose(library));
}

static void for_itself(void)
{
	load_and_use(RTLD_NOW | RTLD_LOCAL);
}

static void for_all(void)
{
	load_and_use(RTLD_LAZY | RTLD_GLOBAL);
}

SCENARIOS({ "for_itself", for_itself }, { "for_all", for_all })
