/* SPDX-License-Identifier: MIT */
/*
 * sock.h - the objects of the socket layer, named as in include/net/sock.h,
 * include/linux/net.h and include/net/inet_sock.h. struct proto is in the public
 * cop_transport.h.
 *
 * Each field says what protects it: (c) constant after creation, (a) atomic,
 * (l) under the lock that is named.
 */
#ifndef COP_SOCK_H
#define COP_SOCK_H

#include <limits.h>
#include <linux/types.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "lib/endpoint.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/kernel_socket.h"
#include "lib/slab.h"
#include "lib/transport.h"

struct cop_mark;

/* enum socket_state of the kernel: a datagram socket uses only these. */
typedef enum { SS_FREE, SS_UNCONNECTED } socket_state;

#define SOCK_TYPE_MASK 0xf
#define SOCK_MAX       11 /* as in the kernel: types are below this */
#define NPROTO	       46 /* as in the kernel: families are below this */

/* sk_userlocks: a bind fixed it, so a disconnect leaves it. */
#define SOCK_BINDADDR_LOCK 4
#define SOCK_BINDPORT_LOCK 8

/* skc_state: a datagram socket uses these two of the TCP states. */
#define COP_ESTABLISHED 1
#define COP_CLOSE	7

/* sk_flags */
#define SOCK_DEAD	    0x0001 /* no descriptor leads here any more */
#define SOCK_CARRIED	    0x0002 /* a kernel socket was made for it */
#define SOCK_REPORTED	    0x0004 /* its figures were printed */
#define SOCK_FILTER	    0x0008 /* the kernel drops strays */
#define SOCK_HEAD_UNCLEAN   0x0010 /* strays from before it may be queued */
#define SOCK_RCVTIMEO	    0x0020 /* SO_RCVTIMEO is set */
#define SOCK_USER_RANGE	    0x0040 /* the program set IP_LOCAL_PORT_RANGE */
#define SOCK_ON_DEVICE	    0x0080 /* SO_BINDTODEVICE or a scope was set */
#define SOCK_CORKED	    0x0100 /* the header of a corked datagram is sent */
#define SOCK_CORK_OPT	    0x0200 /* UDP_CORK is set */
#define SOCK_UNCONFIRMED    0x0400 /* bound, to a port that the kernel chose */
#define SOCK_LONG_ONES	    0x0800 /* the last datagram was long: rx_large.h */
#define SOCK_NARROWED	    0x1000 /* IP_LOCAL_PORT_RANGE is one port, ours */
#define SOCK_MAYBE_V6ONLY   0x2000 /* IPV6_V6ONLY may be set: ask the kernel */
#define SOCK_PENDING_SHARED 0x4000 /* pending in other processes too: adopt/ */
#define SOCK_PASSED	    0x8000 /* a spawn may duplicate its descriptor */
#define SOCK_FILTER_NEW	    0x10000  /* the next poll checks the filter again */
#define SOCK_PEER_ONLY	    0x20000  /* only the peer's datagrams can come */
#define SOCK_WAITED	    0x40000  /* a wait began while it was pending */
#define SOCK_SHORT	    0x80000  /* COP's header, and the default's calls */
#define SOCK_SEGMENTS	    0x100000 /* UDP_SEGMENT is set: datagram/cut.c */
#define SOCK_PKTINFO	    0x200000 /* the program set IP_PKTINFO: wire/ends.h */
#define SOCK_GRO	    0x400000 /* joined datagrams may come: datagram/gro.c */
#define SOCK_GRO_OPT	    0x800000  /* UDP_GRO as the program set it */
#define SOCK_ELSEWHERE	    0x1000000 /* not in the home namespace: netns.h */
#define SOCK_RECEIVED	    0x2000000 /* from another process or image */
#define SOCK_SOFT_ERROR	    0x4000000 /* cop_sock.soft_err is set */
#define SOCK_CONNECTED	    0x8000000 /* sk_state is COP_ESTABLISHED */
#define SOCK_CROSSED	    0x10000000 /* calls that name it have crossed: naming.h */
#define SOCK_HANDED_ON	    0x20000000 /* another process or image may have it */
#define SOCK_GRO_UNTOLD	    0x40000000 /* the kernel may not tell what is joined */
#define SOCK_UNBOUND	    0x80000000 /* a disconnect has given a port up */

/* A socket, as a descriptor leads to it. */
struct socket {
	struct slab_node node;		       /* the slab's */
	_Atomic(const struct proto_ops *) ops; /* (a) set at creation */
	_Atomic(struct sock *) sk;	       /* (a) likewise; holds a
						 * reference */
	_Atomic(int) f_count;		       /* (a) descriptors that lead
						 * here, and calls that are
						 * under way */
	_Atomic(uint64_t) cookie;	       /* (a) the kernel socket's
						 * SO_COOKIE, 0 until
						 * fd_identify() */
	_Atomic(uint8_t) state;		       /* (a) socket_state */
	uint8_t type;			       /* (c) SOCK_COP or SOCK_DGRAM */
	uint32_t forks; /* (c) cop_process_forks at its creation */
};

/*
 * What a family does itself, whatever the transport: all of it is required. All
 * other calls go to the transport, sock->sk->sk_prot. @fd is the descriptor that
 * the program used. The functions return 0 or a negative errno.
 */
struct proto_ops {
	/* fd_drop() calls it for the last count: ends the life of the sock. */
	int (*release)(struct socket *sock);

	/* sock_adopt() calls it for a new socket: takes the kernel socket. */
	int (*adopt)(struct socket *sock, int fd, const struct cop_mark *mark);

	/*
	 * The program's bind() and connect(); the caller holds a count. They check
	 * the address as the kernel does, then call bind, connect or disconnect of
	 * the transport.
	 */
	int (*bind)(struct socket *sock, int fd, const struct sockaddr *uaddr,
		    socklen_t addr_len);
	int (*connect)(struct socket *sock, int fd,
		       const struct sockaddr *uaddr, socklen_t addr_len);

	/* The program's socketpair(): both are new, no descriptor leads to them. */
	int (*socketpair)(struct socket *sock1, struct socket *sock2);
};

struct sock_common {
	struct cop_addr_slot skc_daddr;	    /* (a) the peer; clear: none */
	struct cop_addr_slot skc_rcv_saddr; /* (a) bound local address; its
					     * port is not used */
	union {
		struct {
			_Atomic(uint16_t) skc_num;    /* (a) local port, host
						    * order; this sock holds it
						    * in the port hash */
			_Atomic(uint16_t) skc_shared; /* (a) whether another
						       * sock has its claim */
		};
		_Atomic(uint32_t) skc_port; /* (a) both at once, see union
					     * sk_port_word */
	};
	_Atomic(uint16_t) skc_family;	/* (a) IPV6_ADDRFORM changes it */
	_Atomic(uint8_t) skc_state;	/* (a) COP_CLOSE, COP_ESTABLISHED */
	_Atomic(uint8_t) skc_reuse;	/* (a) SO_REUSEADDR, recorded only */
	_Atomic(uint8_t) skc_reuseport; /* (a) SO_REUSEPORT, recorded only */
	_Atomic(uint16_t)
		skc_contested;	      /* (a) the port of a bind under way that
					  * ignores other socks' claims; 0: none */
	_Atomic(uint32_t) skc_naming; /* (a) calls under way that may change
					 * the port; in the upper half, how
					 * many have ended */
	_Atomic(int) skc_refcnt;      /* (a) 0: free */
	_Atomic(const struct proto *) skc_prot; /* (a) set at creation */
};

/*
 * A sock's port and whether another sock has the port's claim. Threads that bind and
 * disconnect one sock at once change both in one step, so that exactly one of them
 * gives a claim back.
 */
union sk_port_word {
	struct {
		uint16_t num;
		uint16_t shared;
	};
	uint32_t word;
};

struct sock {
	struct slab_node node; /* the slab's */
	struct sock_common __sk_common;
#define sk_daddr     __sk_common.skc_daddr
#define sk_rcv_saddr __sk_common.skc_rcv_saddr
#define sk_num	     __sk_common.skc_num
#define sk_shared    __sk_common.skc_shared
#define sk_port	     __sk_common.skc_port
#define sk_family    __sk_common.skc_family
#define sk_state     __sk_common.skc_state
#define sk_reuse     __sk_common.skc_reuse
#define sk_reuseport __sk_common.skc_reuseport
#define sk_contested __sk_common.skc_contested
#define sk_naming    __sk_common.skc_naming
#define sk_refcnt    __sk_common.skc_refcnt
#define sk_prot	     __sk_common.skc_prot
	_Atomic(uint32_t) sk_flags;    /* (a) SOCK_* above */
	_Atomic(uint8_t) sk_userlocks; /* (a) SOCK_BIND*_LOCK */
	uint8_t sk_type;	       /* (c) */
	uint16_t sk_protocol;	       /* (c) */
	_Atomic(int) sk_rcvbuf;	       /* (a) bytes */
	_Atomic(int) sk_sndbuf;	       /* (a) bytes */
	long sk_rcvtimeo;	       /* (c) MAX_SCHEDULE_TIMEOUT: the real
					 * one is the kernel socket's */
	long sk_sndtimeo;	       /* (c) likewise */
	_Atomic(struct socket *) sk_socket; /* (a) NULL once orphaned */
};

#define MAX_SCHEDULE_TIMEOUT LONG_MAX

struct inet_sock {
	struct sock sk;			 /* first: sk and inet_sk() are one */
	struct cop_addr_slot inet_saddr; /* (a) source address of what is sent;
					  * its port is not used */
	_Atomic(__be16) inet_sport; /* (a) local port, network order; 0 until
				     * the kernel has confirmed it */
#define inet_daddr     sk.sk_daddr
#define inet_rcv_saddr sk.sk_rcv_saddr
#define inet_num       sk.sk_num
};

static inline struct inet_sock *inet_sk(const struct sock *sk)
{
	return (struct inet_sock *)sk;
}

/*
 * The socket turned out to be the kernel's plain UDP: the call has done nothing, and
 * begins again with libc. No errno has this value. Only a transport of adopt/
 * returns it, from the operations that are calls of a program; not from getname.
 */
#define COP_PLAIN_UDP (-4096)

/* The header of a sock's datagrams. */
static inline const struct cop_wire *sk_wire(const struct sock *sk)
{
	return READ_ONCE(sk->sk_prot)->wire;
}

/**
 * sock_alloc - make a struct socket with no descriptor and no sock yet
 *
 * Returns it with a count of 1 for the caller, or NULL when there is no memory.
 * Async-signal-safe.
 */
struct socket *sock_alloc(void);

/**
 * sock_free - give a struct socket back
 * @sock: from sock_alloc(); no descriptor leads to it
 */
void sock_free(struct socket *sock);

/**
 * sk_alloc - take a struct sock from its transport's slab
 * @family: address family
 * @prot: the transport
 *
 * Returns it zeroed apart from family, transport and what prot->init sets; holds a
 * reference of the transport's module. NULL without memory, or if the transport has
 * been unregistered. Async-signal-safe.
 */
struct sock *sk_alloc(int family, const struct proto *prot);

/**
 * sock_init_data - set the fields of a new sock to the values of a new socket
 * @sock: the socket it belongs to
 * @sk: from sk_alloc()
 *
 * Buffer sizes from net.core.[rw]mem_default, no timeouts, state COP_CLOSE,
 * one reference, which is the caller's.
 */
void sock_init_data(struct socket *sock, struct sock *sk);

/**
 * sock_hold - take another reference to a sock
 * @sk: with at least one reference
 */
void sock_hold(struct sock *sk);

/**
 * sock_put - drop a reference; the last one frees
 * @sk: a sock of which the caller has a reference
 */
void sock_put(struct sock *sk);

/**
 * sock_orphan - separate a sock from its socket: no descriptor leads to it now
 * @sk: the sock
 */
void sock_orphan(struct sock *sk);

/**
 * sk_common_release - end a sock's life as far as its descriptor goes
 * @sk: with the socket's reference, which this drops
 *
 * Calls destroy, sock_orphan(), unhash and sock_put(). With COP_DEBUG it complains if
 * the reference count ahead of the put is not 1.
 */
void sk_common_release(struct sock *sk);

static inline union sk_port_word sk_port_word(const struct sock *sk)
{
	return (union sk_port_word){ .word = READ_ONCE(sk->sk_port) };
}

/**
 * sk_port_cas - change a sock's port, and whether it shares the port, in one step
 * @sk: the sock
 * @is: what the caller has seen; if this is out of date, it becomes what is there now
 * @next: what comes instead
 *
 * Returns whether the sock was as in @is, so that it has @next now.
 */
static inline bool sk_port_cas(struct sock *sk, union sk_port_word *is,
			       union sk_port_word next)
{
	return u32_cas(&sk->sk_port, &is->word, next.word);
}

/**
 * sk_port_share - take the claim of a sock's port from it, or give it back
 * @sk: the sock
 * @snum: the port, host order
 * @shared: true: the claim is the caller's; false: it is the sock's again
 *
 * Returns false if the sock does not have the port, or its claim is where it ought to
 * go already.
 */
static inline bool sk_port_share(struct sock *sk, uint16_t snum, bool shared)
{
	union sk_port_word is = { { snum, !shared } };

	return sk_port_cas(sk, &is, (union sk_port_word){ { snum, shared } });
}

/**
 * sk_contests - whether a bind of a sock leaves it to the kernel who has a port
 * @sk: the sock
 * @snum: the port, host order, not 0
 *
 * Another thread may bind the same sock to another port meanwhile.
 */
static inline bool sk_contests(const struct sock *sk, uint16_t snum)
{
	return READ_ONCE(sk->sk_contested) == snum;
}

static inline bool sock_flag(struct sock *sk, uint32_t flag)
{
	return atomic_load_explicit(&sk->sk_flags, memory_order_relaxed) & flag;
}

static inline void sock_set_flag(struct sock *sk, uint32_t flag)
{
	u32_or(&sk->sk_flags, flag);
}

static inline void sock_reset_flag(struct sock *sk, uint32_t flag)
{
	u32_and(&sk->sk_flags, ~flag);
}

/**
 * sk_set_state - note that a sock is connected, or is not
 * @sk: the sock
 * @state: COP_CLOSE or COP_ESTABLISHED
 */
static inline void sk_set_state(struct sock *sk, uint8_t state)
{
	WRITE_ONCE(sk->sk_state, state);
	if (state == COP_ESTABLISHED)
		sock_set_flag(sk, SOCK_CONNECTED);
	else
		sock_reset_flag(sk, SOCK_CONNECTED);
}

#endif /* COP_SOCK_H */
