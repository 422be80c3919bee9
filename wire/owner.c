// SPDX-License-Identifier: MIT
/*
 * wire/owner.c - whether a descriptor still leads to the kernel socket of a sock.
 *
 * A program can close a descriptor by a call that the library does not see, and the
 * kernel can give the number to another socket. The kernel is asked for the cookie
 * of the socket where the sock's own is known, and else for its port.
 *
 * Owns: nothing. Protected by: atomic operations. Counterpart in the kernel: none;
 * there a descriptor leads to the sock itself.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "datagram/proto.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "lib/sockname.h"
#include "lib/process.h"
#include "socket/sock.h"
#include "wire/owner.h"

/*
 * A sock without a confirmed port (inet_sport) may have another one than the kernel
 * socket: the kernel chose it (SOCK_UNCONFIRMED), or an autobind is under way
 * (armed), or a disconnect only hides it (pinned). Or a COP sock in another process
 * has narrowed the kernel's choice to this port.
 */
static bool can_have_port(struct sock *sk, int fd, __be16 sport)
{
	uint32_t num = READ_ONCE(sk->sk_num), got = ntohs(sport);
	socklen_t len = sizeof(uint32_t);
	uint32_t range = 0;

	if (!sport || READ_ONCE(inet_sk(sk)->inet_sport))
		return false;
	if (sock_flag(sk, SOCK_UNCONFIRMED) ||
	    sport == htons(READ_ONCE(cop_sk(sk)->armed)) ||
	    sport == htons(READ_ONCE(cop_sk(sk)->pinned)))
		return true;
	cop_libc.getsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, &len);
	return range &&
	       (range == (num << 16 | num) || range == (got << 16 | got));
}

/* The cookie of the sock's kernel socket, 0 if nobody has asked for it yet. */
static uint64_t sk_cookie(struct sock *sk)
{
	struct socket *sock = READ_ONCE(sk->sk_socket);

	return sock ? READ_ONCE(sock->cookie) : 0;
}

bool cop_owns(struct sock *sk, int fd)
{
	uint64_t cookie = sk_cookie(sk);
	union cop_addr local;
	socklen_t len = sizeof(int);
	int protocol;

	if (sock_flag(sk, SOCK_DEAD))
		return false;
	if (cop_confined())
		return true;
	if (cookie)
		return sock_kernel_cookie(fd) == cookie;
	if (cop_libc.getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) ||
	    protocol != IPPROTO_UDP)
		return false;
	cop_local_addr(fd, &local);
	if (cop_addr_port(&local) == htons(READ_ONCE(sk->sk_num)))
		return local.family == sk->sk_family;
	return can_have_port(sk, fd, cop_addr_port(&local));
}

void cop_naming_lost(struct sock *sk, uint32_t n)
{
	struct cop_process *process = cop_process();

	u32_add(&sk->sk_naming, n * (NAMING_ENDED - NAMING_BEGUN));
	if (READ_ONCE(process->naming) >= n)
		u32_add(&process->naming, -n);
}

/*
 * After a fork the sock of the child counts a call for ever if a thread that the
 * child does not have was in it. So the process has a count too, which is 0 in a
 * new child.
 */
static bool is_being_named(uint32_t naming)
{
	return naming % NAMING_ENDED && atomic_load(&cop_process()->naming);
}

/*
 * A call that has begun or ended since the first look may have misled cop_owns(), as
 * long as nobody knows the cookie. Of two calls at once the second records the cookie
 * before it does anything else.
 */
bool cop_may_own(struct sock *sk, int fd)
{
	uint32_t naming = atomic_load(&sk->sk_naming);

	if ((is_being_named(naming) && !sk_cookie(sk)) || cop_owns(sk, fd))
		return true;
	if (atomic_load(&sk->sk_naming) == naming)
		return false;
	return !sk_cookie(sk) || cop_owns(sk, fd);
}
