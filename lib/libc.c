// SPDX-License-Identifier: MIT
/*
 * lib/libc.c - the table of the next definitions of the interposed symbols.
 *
 * Owns: cop_libc. Protected by: nothing; every writer stores the same values.
 * Counterpart in the kernel: sys_call_table.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/compiler.h"
#include "lib/last_error.h"
#include "lib/libc.h"

/* Stands in for a symbol that an older libc does not have. */
static long missing(void)
{
	errno = ENOSYS;
	return -1;
}

static void *next_symbol(const char *name)
{
	int saved = errno;
	void *sym = dlsym(RTLD_NEXT, name);

	errno = saved;
	return sym ? sym : (void *)missing;
}

#define LOOK_UP(name)                                                         \
	__atomic_store_n((void **)(void *)&cop_libc.name, next_symbol(#name), \
			 __ATOMIC_RELAXED);

/*
 * The program may have inherited a COP socket, so these calls on a socket must not
 * bypass the library.
 */
static bool is_socket_call(const char *name, int fd)
{
	static const char *const calls[] = {
		"recv",
		"recvfrom",
		"recvmsg",
		"recvmmsg",
		"send",
		"sendto",
		"sendmsg",
		"sendmmsg",
		"read",
		"readv",
		"write",
		"writev",
		"bind",
		"connect",
		"getsockname",
		"getsockopt",
		"setsockopt",
		"__read_chk",
		"__recv_chk",
		"__recvfrom_chk",
#if __TIMESIZE == 32
		"__recvmsg64",
		"__recvmmsg64",
		"__sendmsg64",
		"__sendmmsg64",
		"__getsockopt64",
		"__setsockopt64",
#endif
	};
	struct stat64 st;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (!strcmp(calls[i], name))
			return !fstat64(fd, &st) && S_ISSOCK(st.st_mode);
	return false;
}

/*
 * Another library may run its constructor first, and use a socket before libcop
 * has started: then libcop starts here. An allocator that is starting up uses
 * no socket, so it never causes this. Returns the interposed call, to be made
 * again, or NULL.
 */
static void *early(const char *name, long fd)
{
	int saved = errno;
	void *again = NULL;

	if (cop_libc_early && is_socket_call(name, fd) && cop_libc_early())
		again = dlsym(RTLD_DEFAULT, name);
	errno = saved;
	return again;
}

#define FIRST_OF(first, ...) first
#define FIRST(...)	     FIRST_OF(__VA_ARGS__ __VA_OPT__(, ) 0, 0)

/*
 * Each entry starts as a stub, which looks up its own symbol and no other. For
 * the caller may be an allocator that is starting up, and dlsym() allocates
 * memory for a symbol that is missing.
 */
#define X(type, name, params, args)                               \
	static JUMPS_TO_NEXT type name##_stub params              \
	{                                                         \
		void *again = early(#name, (long)FIRST args);     \
                                                                  \
		if (unlikely(again))                              \
			JUMP_TO_NEXT((type(*) params)again) args; \
		LOOK_UP(name)                                     \
		JUMP_TO_NEXT cop_libc.name args;                  \
	}
COP_LIBC_CALLS(X)
#undef X

#define X(type, name, fixed, arg)                       \
	static type name##_stub(int fd, fixed cmd, ...) \
	{                                               \
		va_list ap;                             \
		arg value;                              \
                                                        \
		va_start(ap, cmd);                      \
		value = va_arg(ap, arg);                \
		va_end(ap);                             \
		LOOK_UP(name)                           \
		return cop_libc.name(fd, cmd, value);   \
	}
COP_LIBC_VARIADIC(X)
#undef X

/*
 * Reads six arguments, as libc's own does, however many the caller gave: the last one
 * may then be whatever lies on the caller's stack.
 */
#define NO_ASAN __attribute__((no_sanitize("address")))

static NO_ASAN long syscall_stub(long number, ...)
{
	va_list ap;
	long a[6];

	va_start(ap, number);
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	LOOK_UP(syscall)
	return cop_libc.syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static int prctl_stub(int option, ...)
{
	unsigned long a[COP_PRCTL_ARGS];
	va_list ap;

	va_start(ap, option);
	cop_prctl_args(a, ap);
	va_end(ap);
	LOOK_UP(prctl)
	return cop_libc.prctl(option, a[0], a[1], a[2], a[3]);
}

static int clone_stub(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	void *ptid, *tls, *ctid;
	va_list ap;

	va_start(ap, arg);
	ptid = va_arg(ap, void *);
	tls = va_arg(ap, void *);
	ctid = va_arg(ap, void *);
	va_end(ap);
	LOOK_UP(clone)
	return cop_libc.clone(fn, stack, flags, arg, ptid, tls, ctid);
}

struct cop_libc cop_libc = {
#define X(type, name, params, args) .name = name##_stub,
	COP_LIBC_CALLS(X)
#undef X
#define X(type, name, fixed, arg) .name = name##_stub,
		COP_LIBC_VARIADIC(X)
#undef X
			.syscall = syscall_stub,
	.prctl = prctl_stub,
	.clone = clone_stub,
};

#ifdef __x86_64__
intptr_t cop_errno_at;

static void find_errno(void)
{
	uintptr_t thread;

	__asm__("movq %%fs:0, %0" : "=r"(thread));
	cop_errno_at = (uintptr_t)&errno - thread;
}
#else
static void find_errno(void)
{
}
#endif

void cop_libc_init(void)
{
	find_errno();
#define X(type, name, params, args) LOOK_UP(name)
	COP_LIBC_CALLS(X)
#undef X
#define X(type, name, fixed, arg) LOOK_UP(name)
	COP_LIBC_VARIADIC(X)
#undef X
	LOOK_UP(syscall)
	LOOK_UP(prctl)
	LOOK_UP(clone)
}
