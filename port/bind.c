// SPDX-License-Identifier: MIT
/*
 * port/bind.c - a COP port for a socket: the port space says who holds it in
 * this process, the kernel's own bind who holds it on this host.
 *
 * The port space is that of the home network namespace (lib/netns.c). Of a socket in
 * another namespace the kernel decides alone, and the sock has no claim
 * (SOCK_SHARED_PORT). The kernel also decides where the claim of another sock may be
 * out of date: that sock may be in another namespace without our knowledge, or
 * another process may have disconnected its kernel socket (SOCK_CONTEST).
 *
 * Owns: nothing; writes sk_num. Protected by: the caller's reference; a claim
 * in the port space comes before the kernel's bind and is undone if that fails.
 * May call: cop_port.c, lib/netns.c, lib/process.c, cop_route.c, lib/scratch.c,
 * lib/sysctl.c and the kernel.
 * Counterpart in the kernel: udp_lib_get_port() and udp_lib_unhash().
 */
#include <errno.h>

#include "lib/atomic.h"
#include "port/bind.h"
#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "port/port_crowd.h"
#include "port/range.h"
#include "lib/libc.h"
#include "lib/netns.h"
#include "cop_port.h"
#include "lib/process.h"
#include "datagram/proto.h"
#include "cop_route.h"
#include "lib/scratch.h"
#include "lib/sysctl.h"

/*
 * Whether the port a sock is leaving is its own to give back. A bind that contests
 * the port may take the claim at the same time: SOCK_SHARED_PORT says that the
 * claim is taken, and only one caller can set it.
 */
static bool take_claim(struct sock *sk, uint16_t snum)
{
	return snum != READ_ONCE(cop_sk(sk)->pinned) &&
	       !(u32_or(&sk->sk_flags, SOCK_SHARED_PORT) & SOCK_SHARED_PORT);
}

static void give_back(struct sock *sk, uint16_t snum)
{
	cop_port_release(&cop_port_table, snum);
	sock_reset_flag(sk, SOCK_SHARED_PORT);
}

/*
 * Put @snum in the place of @had, if the sock still has that. The port hash
 * takes a reference with a sock's first port.
 */
static bool hash_replace(struct sock *sk, uint16_t had, uint16_t snum)
{
	uint16_t is = had;

	if (!had)
		sock_hold(sk);
	if (u16_cas(&sk->sk_num, &is, snum)) {
		if (had && take_claim(sk, had))
			give_back(sk, had);
		return true;
	}
	if (!had)
		sock_put(sk);
	return false;
}

static void set_shared(struct sock *sk, bool shared)
{
	if (unlikely(shared))
		sock_set_flag(sk, SOCK_SHARED_PORT);
	else if (unlikely(sock_flag(sk, SOCK_SHARED_PORT)))
		sock_reset_flag(sk, SOCK_SHARED_PORT);
}

static void hash_port(struct sock *sk, uint16_t snum, bool claimed)
{
	while (!hash_replace(sk, READ_ONCE(sk->sk_num), snum))
		;
	set_shared(sk, !claimed);
}

void cop_hash(struct sock *sk, uint16_t snum)
{
	hash_port(sk, snum, true);
}

void cop_unhash(struct sock *sk)
{
	uint16_t snum = READ_ONCE(sk->sk_num);
	bool owned = snum && take_claim(sk, snum);
	uint16_t old = atomic_exchange(&sk->sk_num, 0);

	if (owned)
		give_back(sk, snum);
	if (old)
		sock_put(sk);
}

/* The port space is the home namespace's alone. */
static bool claim_port(struct sock *sk, uint16_t snum)
{
	return likely(!sock_flag(sk, SOCK_ELSEWHERE)) &&
	       cop_port_claim(&cop_port_table, snum);
}

static int kernel_bind(int fd, const struct sockaddr_in *addr)
{
	return cop_libc_result(cop_libc.bind(fd, (const struct sockaddr *)addr,
					     sizeof(*addr)));
}

static void set_option(int fd, int level, int optname, int value)
{
	cop_libc.setsockopt(fd, level, optname, &value, sizeof(value));
}

static void copy_option(int from, int to, int level, int optname)
{
	char value[64];
	socklen_t len = sizeof(value);

	if (!cop_libc.getsockopt(from, level, optname, value, &len))
		cop_libc.setsockopt(to, level, optname, value, len);
}

/*
 * Another process that has the socket may have bound it or disconnected it, and
 * the kernel knows; but not that a pinned port is hidden.
 */
static bool sk_is_bound(struct sock *sk, int fd)
{
	struct sockaddr_in local;

	if (unlikely(READ_ONCE(cop_sk(sk)->pinned)) || cop_confined())
		return READ_ONCE(sk->sk_num) ||
		       READ_ONCE(sk->sk_state) != COP_CLOSE;
	ip_local_name(fd, &local);
	return local.sin_port;
}

static void forget_address(struct sock *sk)
{
	WRITE_ONCE(inet_sk(sk)->inet_rcv_saddr, 0);
	WRITE_ONCE(inet_sk(sk)->inet_saddr, 0);
}

/*
 * A bind that finds its port taken takes the address away that a disconnect has
 * left. Ours has not asked the kernel, so here it asks for the scratch socket's.
 */
static void lose_address(struct sock *sk, int fd, int scratch)
{
	struct sockaddr_in any;

	if (!READ_ONCE(inet_sk(sk)->inet_rcv_saddr))
		return;
	ip_local_name(scratch, &any);
	any.sin_addr.s_addr = htonl(INADDR_ANY);
	if (any.sin_port && kernel_bind(fd, &any))
		forget_address(sk);
}

/*
 * The port is taken: find out whether the kernel would have objected to
 * something else first. @scratch is an unbound socket, which asks it. Where it
 * can bind, a COP socket on another address is what holds the port.
 */
static int ask_fault(struct sock *sk, int fd, int scratch,
		     const struct sockaddr_in *addr)
{
	struct sockaddr_in any_port = *addr;
	int err;

	any_port.sin_port = 0;
	copy_option(fd, scratch, IPPROTO_IP, IP_FREEBIND);
	copy_option(fd, scratch, IPPROTO_IP, IP_TRANSPARENT);
	copy_option(fd, scratch, SOL_SOCKET, SO_BINDTODEVICE);
	kernel_bind(scratch, &any_port);
	err = kernel_bind(scratch, addr);
	if (err && err != -EADDRINUSE && err != -EINVAL)
		return err;
	if (sk_is_bound(sk, fd))
		return -EINVAL;
	lose_address(sk, fd, scratch);
	return -EADDRINUSE;
}

/*
 * Bind to one address, refusing a port that is held at any other: while the
 * helper holds the port at the wildcard address nobody else can, and with
 * SO_REUSEADDR on both, ours may join it. The helper lives for this call only.
 */
static int bind_beside_helper(struct sock *sk, int fd, int helper,
			      const struct sockaddr_in *addr)
{
	struct sockaddr_in any = *addr;
	int err;

	any.sin_addr.s_addr = htonl(INADDR_ANY);
	if (kernel_bind(helper, &any))
		return ask_fault(sk, fd, helper, addr);
	set_option(helper, SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	err = kernel_bind(fd, addr);
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 0);
	return err;
}

/*
 * A helper is in the namespace of the thread. It is no help to a socket that was
 * made in another one.
 */
static bool helps(struct sock *sk, int fd, int helper)
{
	if (likely(!READ_ONCE(cop_netns_left) &&
		   !sock_flag(sk, SOCK_ELSEWHERE)))
		return true;
	return cop_netns_same(fd, helper);
}

/* As the kernel does, which takes away the address that a disconnect has left. */
static int bind_alone(struct sock *sk, int fd, const struct sockaddr_in *addr)
{
	int err = kernel_bind(fd, addr);

	if (err == -EADDRINUSE)
		forget_address(sk);
	return err;
}

static int bind_fault(struct sock *sk, int fd, const struct sockaddr_in *addr)
{
	struct cop_scratch part;
	int scratch, err;

	if (cop_confined())
		return sk_is_bound(sk, fd) ? -EINVAL : -EADDRINUSE;
	cop_sysctl_refresh();
	if (addr->sin_addr.s_addr == htonl(INADDR_ANY) &&
	    ntohs(addr->sin_port) >= READ_ONCE(cop_sysctl.prot_sock) &&
	    !READ_ONCE(inet_sk(sk)->inet_rcv_saddr))
		return sk_is_bound(sk, fd) ? -EINVAL : -EADDRINUSE;
	scratch = cop_scratch_socket(&part);
	if (scratch < 0)
		return sk_is_bound(sk, fd) ? -EINVAL : -EADDRINUSE;
	if (helps(sk, fd, scratch))
		err = ask_fault(sk, fd, scratch, addr);
	else
		err = sk_is_bound(sk, fd) ? -EINVAL : -EADDRINUSE;
	cop_scratch_close(&part, scratch);
	return err;
}

/*
 * Without a helper it is UDP's rule between processes, and in this process what our
 * table says.
 */
static int bind_address(struct sock *sk, int fd, const struct sockaddr_in *addr)
{
	struct cop_scratch part;
	int helper = cop_scratch_socket(&part);
	int err;

	if (helper < 0)
		return sk_is_bound(sk, fd) ? -EINVAL : -ENOBUFS;
	if (helps(sk, fd, helper))
		err = bind_beside_helper(sk, fd, helper, addr);
	else if (sock_flag(sk, SOCK_CONTEST) && !sock_flag(sk, SOCK_ELSEWHERE))
		err = -EADDRINUSE;
	else
		err = bind_alone(sk, fd, addr);
	cop_scratch_close(&part, helper);
	return err;
}

/* A claim becomes the sock's, or is given back with the kernel's error. */
static int end_claim(struct sock *sk, uint16_t snum, bool claimed, int err)
{
	if (!err)
		hash_port(sk, snum, claimed);
	else if (claimed && !sock_flag(sk, SOCK_CONTEST))
		cop_port_release(&cop_port_table, snum);
	return err;
}

/*
 * The kernel refuses the wildcard address beside any other by itself. To see to it
 * that no other process has the port at another address takes calls that a
 * process that is confined can't make.
 */
static int bind_port(struct sock *sk, int fd, const struct sockaddr_in *addr)
{
	uint16_t snum = ntohs(addr->sin_port);
	bool claimed = sock_flag(sk, SOCK_CONTEST) || claim_port(sk, snum);
	int err;

	if (!claimed && !sock_flag(sk, SOCK_ELSEWHERE))
		return bind_fault(sk, fd, addr);
	if ((addr->sin_addr.s_addr == htonl(INADDR_ANY) &&
	     !sock_flag(sk, SOCK_ON_DEVICE)) ||
	    cop_confined())
		err = bind_alone(sk, fd, addr);
	else
		err = bind_address(sk, fd, addr);
	return end_claim(sk, snum, claimed, err);
}

/* [low, high] for the kernel's choice of this socket's port; [0, 0]: any. */
static int set_port_range(int fd, uint16_t low, uint16_t high)
{
	uint32_t range = (uint32_t)high << 16 | low;

	return cop_libc_result(cop_libc.setsockopt(
		fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof(range)));
}

/* The kernel is to take this port and no other, until range_lift(). */
static int range_narrow(struct sock *sk, int fd, uint16_t snum)
{
	int err = set_port_range(fd, snum, snum);

	if (err && cop_confine_notice(err))
		return -EACCES;
	if (!err && !sock_flag(sk, SOCK_NARROWED))
		sock_set_flag(sk, SOCK_NARROWED);
	return err;
}

static void range_lift(struct sock *sk, int fd)
{
	uint32_t range = READ_ONCE(cop_sk(sk)->user_range);

	if (!sock_flag(sk, SOCK_NARROWED) || cop_confined())
		return;
	sock_reset_flag(sk, SOCK_NARROWED);
	set_port_range(fd, range, range >> 16);
}

/*
 * Before Linux 6.3 the kernel gives back no port that it was asked for by
 * number, so the sock keeps this one for good: a disconnect only hides it.
 */
static int bind_pinned(struct sock *sk, int fd, const struct sockaddr_in *addr,
		       uint16_t snum)
{
	struct sockaddr_in pin = *addr;
	int err;

	pin.sin_port = htons(snum);
	err = kernel_bind(fd, &pin);
	if (!err)
		WRITE_ONCE(cop_sk(sk)->pinned, snum);
	return err;
}

/* A port that the kernel alone gives out is nobody's in the port space. */
static bool claim_for(struct sock *sk, uint16_t snum)
{
	return sk->sk_prot->own_ports && claim_port(sk, snum);
}

/*
 * Make sure that the port that came out is the one that was meant: the kernel
 * ignores a range outside the sysctl's, which may have changed since it was
 * read. The kernel can also give a port that another sock of ours holds, where
 * they are in two network namespaces; the other one keeps the claim then.
 */
void cop_bind_confirm(struct sock *sk, __be16 sport)
{
	uint16_t got = ntohs(sport);
	uint16_t had = READ_ONCE(sk->sk_num);
	bool claimed;

	if (!got)
		return;
	while (unlikely(got != had)) {
		claimed = claim_for(sk, got);
		if (hash_replace(sk, had, got)) {
			set_shared(sk, !claimed);
			break;
		}
		if (claimed)
			cop_port_release(&cop_port_table, got);
		had = READ_ONCE(sk->sk_num);
	}
	if (unlikely(sock_flag(sk, SOCK_UNCONFIRMED)))
		sock_reset_flag(sk, SOCK_UNCONFIRMED);
	WRITE_ONCE(inet_sk(sk)->inet_sport, sport);
}

bool cop_holds(struct sock *sk, uint16_t snum)
{
	return READ_ONCE(sk->sk_num) == snum ||
	       READ_ONCE(cop_sk(sk)->armed) == snum ||
	       READ_ONCE(cop_sk(sk)->pinned) == snum;
}

bool cop_reclaim(uint16_t snum)
{
	return cop_port_reclaim(&cop_port_table, snum);
}

void cop_bind_confirmed(struct sock *sk, int fd)
{
	struct sockaddr_in local;

	if (likely(READ_ONCE(inet_sk(sk)->inet_sport)) || cop_confined())
		return;
	ip_local_name(fd, &local);
	cop_bind_confirm(sk, local.sin_port);
}

/* A port for an ephemeral bind, or 0 where the kernel is to choose one. */
static uint16_t claim_candidate(struct sock *sk)
{
	if (sock_flag(sk, SOCK_USER_RANGE | SOCK_ELSEWHERE) || cop_confined())
		return 0;
	cop_port_refresh();
	return cop_port_is_crowded() ? 0 : cop_port_claim_any(&cop_port_table);
}

/* Have the kernel bind to port 0 and take this port, which we have claimed. */
static int bind_narrowed(struct sock *sk, int fd,
			 const struct sockaddr_in *addr, uint16_t snum)
{
	int err = range_narrow(sk, fd, snum);

	if (err == -ENOPROTOOPT)
		return bind_pinned(sk, fd, addr, snum);
	return err ? err : kernel_bind(fd, addr);
}

/*
 * Bind to a candidate. Returns 0, or the kernel's error with the candidate
 * given back: -EADDRINUSE where another process has it, -EACCES where only a
 * bind to port 0 may get it.
 */
static int bind_candidate(struct sock *sk, int fd,
			  const struct sockaddr_in *addr, uint16_t snum)
{
	int err = end_claim(sk, snum, true, bind_narrowed(sk, fd, addr, snum));

	if (err)
		range_lift(sk, fd);
	return err;
}

/*
 * How often a port may come out that another thread is about to bind, or that is
 * ours at another address.
 */
#define ANY_AT_TRIES 64

/*
 * The kernel's choice for one address: it would give a port that a COP socket
 * has at another one. What it gives the helper, at the wildcard address, nobody
 * has; ours joins it there as in bind_beside_helper().
 */
static int join_helper(struct sock *sk, int fd, int helper,
		       const struct sockaddr_in *addr, uint16_t snum)
{
	bool claimed = claim_port(sk, snum);
	int err;

	if (!claimed && !sock_flag(sk, SOCK_ELSEWHERE))
		return -EAGAIN; /* another thread is about to bind it */
	set_option(helper, SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	err = bind_narrowed(sk, fd, addr, snum);
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 0);
	return end_claim(sk, snum, claimed, err);
}

static int bind_any_helped(struct sock *sk, int fd, int helper,
			   const struct sockaddr_in *addr)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	uint32_t range = READ_ONCE(cop_sk(sk)->user_range);
	int err;

	if (range)
		set_port_range(helper, range, range >> 16);
	if (kernel_bind(helper, &any))
		return ask_fault(sk, fd, helper, addr);
	ip_local_name(helper, &any);
	err = join_helper(sk, fd, helper, addr, ntohs(any.sin_port));
	range_lift(sk, fd);
	return err;
}

static int kernel_unbind(int fd)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	int cancel = cancel_off();
	int err = cop_libc_result(cop_libc.connect(fd, &none, sizeof(none)));

	cancel_on(cancel);
	return err;
}

/*
 * The kernel's choice for one address, without a helper: it will do unless it is
 * a port that we hold at another address. What was bound to port 0 can be
 * undone, but for the device that a disconnect takes away.
 */
static int bind_any_plain(struct sock *sk, int fd,
			  const struct sockaddr_in *addr)
{
	struct sockaddr_in local;
	int err = kernel_bind(fd, addr);
	bool claimed;

	if (err)
		return err;
	ip_local_name(fd, &local);
	if (!local.sin_port)
		return 0; /* another thread has disconnected it meanwhile */
	claimed = claim_port(sk, ntohs(local.sin_port));
	if (!claimed && !sock_flag(sk, SOCK_ELSEWHERE))
		return kernel_unbind(fd) ?: -EAGAIN;
	hash_port(sk, ntohs(local.sin_port), claimed);
	return 0;
}

static int bind_any_once(struct sock *sk, int fd,
			 const struct sockaddr_in *addr)
{
	struct cop_scratch part;
	int helper = cop_scratch_socket(&part);
	int err;

	if (helper < 0)
		return -ENOBUFS;
	if (helps(sk, fd, helper))
		err = bind_any_helped(sk, fd, helper, addr);
	else
		err = bind_any_plain(sk, fd, addr);
	cop_scratch_close(&part, helper);
	return err;
}

static int bind_any_at(struct sock *sk, int fd, const struct sockaddr_in *addr)
{
	int err = -EAGAIN;

	range_lift(sk, fd);
	if (!sock_flag(sk, SOCK_ON_DEVICE | SOCK_ELSEWHERE))
		err = bind_any_plain(sk, fd, addr);
	for (int i = 0; i < ANY_AT_TRIES && err == -EAGAIN; i++)
		err = bind_any_once(sk, fd, addr);
	return err == -EAGAIN ? -EADDRINUSE : err;
}

static int bind_any_port(struct sock *sk, int fd,
			 const struct sockaddr_in *addr)
{
	uint16_t snum;
	int err;

	for (int i = 0; i < COP_BIND_TRIES; i++) {
		snum = claim_candidate(sk);
		if (!snum)
			break;
		err = bind_candidate(sk, fd, addr, snum);
		if (err == -EADDRINUSE)
			cop_port_crowd_collision(snum);
		else if (err != -EACCES)
			return err;
	}
	if (addr->sin_addr.s_addr != htonl(INADDR_ANY) && !cop_confined()) {
		err = bind_any_at(sk, fd, addr);
		if (!err || !cop_confined())
			return err;
	}
	range_lift(sk, fd);
	err = kernel_bind(fd, addr);
	if (!err)
		sock_set_flag(sk, SOCK_UNCONFIRMED);
	return err;
}

/* A pinned sock that was disconnected gets back the port it never lost. */
static bool bind_pinned_again(struct sock *sk)
{
	uint16_t snum = READ_ONCE(cop_sk(sk)->pinned);

	if (snum && !READ_ONCE(sk->sk_num))
		hash_port(sk, snum, !sock_flag(sk, SOCK_SHARED_PORT));
	return snum;
}

void cop_bind_adopted(struct sock *sk, __be16 sport, uint16_t pinned,
		      uint16_t had)
{
	if (pinned && sport == htons(pinned)) {
		if (claim_port(sk, pinned))
			WRITE_ONCE(cop_sk(sk)->pinned, pinned);
		if (!had)
			return;
	}
	cop_bind_confirm(sk, sport);
}

static int get_port(struct sock *sk, int fd, const struct sockaddr_in *addr)
{
	if (addr->sin_port)
		return bind_port(sk, fd, addr);
	if (!READ_ONCE(sk->sk_num) && bind_pinned_again(sk))
		return 0;
	return bind_any_port(sk, fd, addr);
}

static int get_kernels_port(struct sock *sk, int fd,
			    const struct sockaddr_in *addr)
{
	int err;

	range_lift(sk, fd);
	err = kernel_bind(fd, addr);
	if (!err && addr->sin_port)
		cop_bind_confirm(sk, addr->sin_port);
	else if (!err)
		cop_bind_confirmed(sk, fd);
	return err;
}

int cop_get_kernels_port(struct sock *sk, int fd,
			 const struct sockaddr_in *addr)
{
	int err;

	cop_naming_begin(sk);
	err = get_kernels_port(sk, fd, addr);
	cop_naming_end(sk);
	return err;
}

int cop_get_port(struct sock *sk, int fd, const struct sockaddr_in *addr)
{
	int err;

	cop_naming_begin(sk);
	err = get_port(sk, fd, addr);
	cop_naming_end(sk);
	return err;
}

/*
 * The kernel is to choose, and the header of what is about to be sent must say
 * what it chose. A bind to port 0 is undone by a disconnect as an autobind is.
 */
static void autobind_now(struct sock *sk, int fd, const struct sockaddr_in *any)
{
	range_lift(sk, fd);
	if (!kernel_bind(fd, any))
		cop_bind_confirmed(sk, fd);
}

/*
 * The claim is recorded in the sock before the kernel is asked, so that a send
 * that is cancelled or jumped out of leaves it there for the next one.
 */
static uint16_t claim_armed(struct sock *sk)
{
	uint16_t armed = READ_ONCE(cop_sk(sk)->armed);
	uint16_t snum;

	if (armed)
		return armed;
	snum = claim_candidate(sk);
	if (!snum ||
	    atomic_compare_exchange_strong(&cop_sk(sk)->armed, &armed, snum))
		return snum;
	cop_port_release(&cop_port_table, snum); /* another thread was first */
	return armed;
}

/* Where the choice can't be narrowed the claim is nobody's. */
static void arm(struct sock *sk, int fd, const struct sockaddr_in *any,
		uint16_t snum)
{
	int err = range_narrow(sk, fd, snum);

	if (err == -ENOPROTOOPT && !bind_pinned(sk, fd, any, snum))
		cop_hash(sk, snum);
	else if (err && cop_confined() &&
		 atomic_exchange(&cop_sk(sk)->armed, 0) == snum)
		cop_port_release(&cop_port_table, snum);
}

/* A disconnect has left the address that the program had bound it to. */
void cop_autobind_arm(struct sock *sk, int fd)
{
	struct sockaddr_in any = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = READ_ONCE(inet_sk(sk)->inet_rcv_saddr),
	};
	uint16_t snum;

	if (bind_pinned_again(sk) || cop_confined())
		return;
	snum = claim_armed(sk);
	if (!snum)
		autobind_now(sk, fd, &any);
	else
		arm(sk, fd, &any, snum);
}

bool cop_autobind_settle(struct sock *sk, int fd, const struct sockaddr_in *now,
			 int err)
{
	uint16_t armed = atomic_exchange(&cop_sk(sk)->armed, 0);
	uint16_t got = ntohs(now->sin_port);

	if (armed && armed == got && !READ_ONCE(sk->sk_num)) {
		cop_hash(sk, armed);
	} else if (armed && armed != READ_ONCE(cop_sk(sk)->pinned)) {
		cop_port_release(&cop_port_table, armed);
		range_lift(sk, fd);
	}
	cop_bind_confirm(sk, now->sin_port);
	if (armed && !got && err == -EAGAIN)
		cop_port_crowd_collision(armed);
	return got;
}
