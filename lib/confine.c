// SPDX-License-Identifier: MIT
/*
 * lib/confine.c - whether the process has confined itself with seccomp, and what
 * the library does ahead of that, since it can't do it later.
 *
 * Owns: cop_is_confined. Protected by: an atomic flag that is set once; a thread
 * that reads it too late makes the calls that it made before. May call:
 * cop_table.c, lib/clock.c, lib/sysctl.c, lib/random.c, lib/process.c.
 * Counterpart in the kernel: kernel/seccomp.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/atomic.h"
#include "lib/cancel.h"
#include "lib/clock.h"
#include "lib/confine.h"
#include "flow/flow.h"
#include "lib/libc.h"
#include "lib/process.h"
#include "lib/sysctl.h"
#include "cop_table.h"

_Atomic(bool) cop_is_confined;

/*
 * The filter ahead of the mark: setting it writes the mark as well. Then the port
 * becomes known, of which an undecided socket takes no note by itself.
 */
static void prepare_socket(struct socket *sock, int fd)
{
	struct sockaddr_in local;
	socklen_t len = sizeof(local);

	sock->sk->sk_prot->poll(sock->sk, fd);
	fd_hand_on(sock, fd);
	if (!sock->sk->sk_prot->getname(sock->sk, fd, (struct sockaddr *)&local,
					&len))
		WRITE_ONCE(inet_sk(sock->sk)->inet_sport, local.sin_port);
}

static void prepare_sockets(void)
{
	unsigned int max = READ_ONCE(cop_table.max);

	for (unsigned int fd = 0; fd < max; fd++) {
		struct socket *sock = sockfd_get(fd);

		if (sock && sock->sk->sk_prot->owns(sock->sk, fd))
			prepare_socket(sock, fd);
		fd_drop(sock);
	}
}

/* Memory that is mapped at its first use is mapped now. */
static void prepare_process(void)
{
	fd_table_prepare();
	cop_flow_prepare();
	cop_sysctl_refresh();
	cop_clock_prepare();
}

bool cop_confine_begin(void)
{
	int saved = errno, cancel;
	bool becomes;

	if (cop_confined())
		return false;
	cancel = cancel_off();
	prepare_process();
	prepare_sockets();
	cancel_on(cancel);
	becomes = cop_process_is_owner();
	if (becomes)
		WRITE_ONCE(cop_is_confined, true);
	errno = saved;
	return becomes;
}

void cop_confine_undo(void)
{
	WRITE_ONCE(cop_is_confined, false);
}

/* ---- filters that were there first ---------------------------------------- */

/* The filters of a process, or -1 where that is not to be seen. */
static int count_filters(const char *status)
{
	static const char name[] = "\nSeccomp_filters:";
	int fd = open(status, O_RDONLY | O_CLOEXEC);
	const char *at = NULL;
	char text[4096];
	ssize_t n;

	if (fd < 0)
		return -1;
	n = cop_libc.read(fd, text, sizeof(text) - 1);
	cop_libc.close(fd);
	if (n > 0) {
		text[n] = '\0';
		at = strstr(text, name);
	}
	return at ? atoi(at + sizeof(name) - 1) : -1;
}

static bool is_containers(void)
{
	int filters = count_filters("/proc/self/status");

	return filters > 0 && filters == count_filters("/proc/1/status");
}

/* EINVAL: the kernel has no seccomp. Any other error is a filter's. */
bool cop_confine_start(void)
{
	int saved = errno;
	int mode = cop_libc.prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
	bool confined = mode < 0 ? errno != EINVAL : mode && !is_containers();

	errno = saved;
	return confined;
}

void cop_confine_started(void)
{
	int saved = errno;

	prepare_process();
	WRITE_ONCE(cop_is_confined, true);
	errno = saved;
}

bool cop_confine_notice(int err)
{
	if (err == -EPERM || err == -EACCES || err == -ENOSYS)
		WRITE_ONCE(cop_is_confined, true);
	return cop_confined();
}

void cop_yield(void)
{
	if (!cop_confined())
		sched_yield();
#ifdef __x86_64__
	else
		__builtin_ia32_pause();
#endif
}
