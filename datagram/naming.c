// SPDX-License-Identifier: MIT
/*
 * datagram/naming.c - calls that change a socket's port, address or peer.
 *
 * Such a call changes the kernel socket and the sock one after the other. If two calls
 * of threads cross, one can be first at the kernel socket and the other at the
 * sock. Then the sock would say something else than the kernel for good. So the call
 * that finds another one in progress records which kernel socket the sock has, before
 * it changes anything. From then on the port plays no part in whose the descriptor is
 * (wire/owner.c). And each of the calls takes the names from the kernel in the end.
 *
 * Owns: sk_naming, SOCK_CROSSED, and the process's count of calls that change a port.
 * Protected by: atomic operations. Counterpart in the kernel: lock_sock(), which
 * udp_disconnect(), __inet_bind() and ip4_datagram_connect() hold.
 */
#include "cop_route.h"
#include "datagram/naming.h"
#include "datagram/proto.h"
#include "flow/flow.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/netns.h"
#include "lib/process.h"
#include "lib/sockname.h"
#include "port/bind.h"
#include "socket/hold.h"
#include "socket/identify.h"
#include "wire/owner.h"

/*
 * So often a call that ends begins again to ask the kernel, because another call began
 * or ended meanwhile. Any call that is still in progress then will ask, too.
 */
#define TAKE_TRIES 8

/* ---- the names of the kernel socket ---------------------------------------- */

void cop_leave_peer(struct sock *sk)
{
	struct cop_endpoint peer = cop_slot_endpoint(&sk->sk_daddr);

	if (sock_flag(sk, SOCK_PEER_ONLY))
		sock_reset_flag(sk, SOCK_PEER_ONLY);
	cop_flow_fold(&cop_sk(sk)->flows, &peer, &cop_sk(sk)->peer);
}

static void take_peer(struct sock *sk, int fd)
{
	const struct cop_endpoint had = cop_slot_endpoint(&sk->sk_daddr);
	struct cop_endpoint has = { 0 };
	union cop_addr peer;
	bool connected = cop_peer_addr(fd, &peer);

	cop_endpoint_of(&peer, connected ? cop_addr_len(&peer) : 0, &has);
	if (connected != (READ_ONCE(sk->sk_state) == COP_ESTABLISHED) ||
	    (connected && !cop_endpoint_equal(&had, &has)))
		cop_leave_peer(sk);
	cop_slot_set(&sk->sk_daddr, &peer);
	sk_set_state(sk, connected ? COP_ESTABLISHED : COP_CLOSE);
}

void cop_take_names(struct sock *sk, int fd, const union cop_addr *local)
{
	struct inet_sock *inet = inet_sk(sk);
	uint64_t netns = cop_netns_key(fd, sock_flag(sk, SOCK_ELSEWHERE));

	cop_slot_set(&inet->inet_rcv_saddr, local);
	if (inet_addr_is_source(local, netns))
		cop_slot_set(&inet->inet_saddr, local);
	take_peer(sk, fd);
}

static void take_port(struct sock *sk, __be16 sport)
{
	if (sport) {
		cop_bind_confirm(sk, sport);
		return;
	}
	sk->sk_prot->unhash(sk);
	sock_reset_flag(sk, SOCK_UNCONFIRMED);
	WRITE_ONCE(inet_sk(sk)->inet_sport, 0);
}

/*
 * A pinned port stays the kernel socket's, whether the sock has it or not. What is in
 * the queue may come from an earlier peer. A sock that adopt/ has not decided about has
 * no names.
 */
static void take_all(struct sock *sk, int fd)
{
	union cop_addr local;

	if (cop_confined() || !sock_flag(sk, SOCK_CARRIED) ||
	    !cop_owns(sk, fd) || !cop_local_addr(fd, &local))
		return;
	if (likely(!READ_ONCE(cop_sk(sk)->pinned)))
		take_port(sk, cop_addr_port(&local));
	cop_take_names(sk, fd, &local);
	sock_reset_flag(sk, SOCK_PEER_ONLY);
}

/* ---- begin and end --------------------------------------------------------- */

/*
 * The cookie comes first: a thread that sees the flag's call end, and another port than
 * the kernel's, has to find it.
 */
static noinline void note_crossed(struct sock *sk, int fd)
{
	struct socket *sock = READ_ONCE(sk->sk_socket);

	if (sock)
		fd_identify(sock, fd);
	sock_set_flag(sk, SOCK_CROSSED);
}

static bool begin(struct sock *sk)
{
	bool other;

	u32_add(&cop_process()->naming, 1);
	other = u32_add(&sk->sk_naming, NAMING_BEGUN) % NAMING_ENDED;
	fd_hold_naming(sk, 1);
	return other;
}

/* A send that binds is in progress as long as its claim is armed. */
void cop_naming_begin(struct sock *sk, int fd)
{
	if (unlikely(begin(sk) || READ_ONCE(cop_sk(sk)->armed)))
		note_crossed(sk, fd);
}

void cop_naming_resume(struct sock *sk, int fd)
{
	if (unlikely(begin(sk)))
		note_crossed(sk, fd);
}

static void end_one(struct sock *sk)
{
	u32_add(&sk->sk_naming, cop_naming_step(READ_ONCE(sk->sk_naming)));
}

/*
 * The names are right at the end if no other call has begun or ended since they were
 * read. The last of several calls that cross finds it so.
 */
static noinline void end_crossed(struct sock *sk, int fd)
{
	uint32_t is;

	for (int i = 0; i < TAKE_TRIES; i++) {
		is = READ_ONCE(sk->sk_naming);
		take_all(sk, fd);
		if (is % NAMING_ENDED == NAMING_BEGUN)
			sock_reset_flag(sk, SOCK_CROSSED);
		if (u32_cas(&sk->sk_naming, &is, is + cop_naming_step(is)))
			return;
		sock_set_flag(sk, SOCK_CROSSED);
	}
	end_one(sk);
}

/*
 * A signal handler may fork in the middle of a call. The child then ends the call
 * without having begun it: its own count is 0 and must not go below.
 */
void cop_naming_end(struct sock *sk, int fd)
{
	struct cop_process *process = cop_process();

	fd_hold_naming(sk, -1);
	if (unlikely(sock_flag(sk, SOCK_CROSSED)))
		end_crossed(sk, fd);
	else
		end_one(sk);
	if (READ_ONCE(process->naming))
		u32_add(&process->naming, -1);
}
