// SPDX-License-Identifier: MIT
/*
 * socket/confine.c - what the library does before the process confines itself with
 * seccomp, since it can't do so later.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * seccomp_attach_filter().
 */
#include <errno.h>
#include <netinet/in.h>

#include "cop_table.h"
#include "flow/flow.h"
#include "lib/cancel.h"
#include "lib/clock.h"
#include "lib/confine.h"
#include "lib/endpoint.h"
#include "lib/env.h"
#include "lib/process.h"
#include "lib/sysctl.h"
#include "socket/confine.h"

/*
 * Sets the filter first, since this writes the mark too. Then records the port, which
 * a pending socket would not record by itself.
 */
static void prepare_socket(struct socket *sock, int fd)
{
	union cop_addr local;
	socklen_t len = sizeof(local);

	sock->sk->sk_prot->poll(sock->sk, fd);
	fd_hand_on(sock, fd);
	if (!sock->sk->sk_prot->getname(sock->sk, fd, &local.sa, &len))
		WRITE_ONCE(inet_sk(sock->sk)->inet_sport,
			   cop_addr_port(&local));
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
	cop_endpoint_prepare();
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

void cop_confine_started(void)
{
	int saved = errno;

	prepare_process();
	WRITE_ONCE(cop_is_confined, true);
	errno = saved;
}
