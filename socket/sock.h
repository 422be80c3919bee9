/* SPDX-License-Identifier: MIT */
/*
 * sock.h - the objects of the socket layer, named as in include/net/sock.h,
 * include/linux/net.h and include/net/inet_sock.h.
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

struct cop_mark;
struct cop_wire;
struct proto;
struct sock;

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
#define SOCK_FILTER_CLEAN   0x0010 /* no stray from before is queued */
#define SOCK_RCVTIMEO	    0x0020 /* SO_RCVTIMEO is set */
#define SOCK_USER_RANGE	    0x0040 /* the program set IP_LOCAL_PORT_RANGE */
#define SOCK_ON_DEVICE	    0x0080 /* SO_BINDTODEVICE or a scope was set */
#define SOCK_CORKED	    0x0100 /* the header of a corked datagram is sent */
#define SOCK_CORK_OPT	    0x0200 /* UDP_CORK is set */
#define SOCK_UNCONFIRMED    0x0400 /* bound, to a port that the kernel chose */
#define SOCK_SHARED_PORT    0x0800 /* another sock has the claim to its port */
#define SOCK_NARROWED	    0x1000 /* IP_LOCAL_PORT_RANGE is one port, ours */
#define SOCK_MAYBE_V6ONLY   0x2000 /* IPV6_V6ONLY may be set: ask the kernel */
#define SOCK_PENDING_SHARED 0x4000 /* pending in other processes too: adopt/ */
#define SOCK_PASSED	    0x8000 /* a spawn may duplicate its descriptor */
#define SOCK_FILTER_NEW	    0x10000 /* the next poll checks the filter again */
#define SOCK_PEER_ONLY	    0x20000 /* only the peer's datagrams can come */
#define SOCK_WAITED	    0x40000 /* a wait began while it was pending */
#define SOCK_ELSEWHERE	    0x1000000 /* not in the home namespace: netns.h */
#define SOCK_RECEIVED	    0x2000000 /* from another process or image */
#define SOCK_CONTEST	    0x4000000 /* a bind ignores other socks' claims */

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
						 * SO_COOKIE, 0 until it is
						 * shared; fd_identify() */
	_Atomic(uint8_t) state;		       /* (a) socket_state */
	uint8_t type;			       /* (c) SOCK_COP or SOCK_DGRAM */
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
	 * the address as the kernel does, then call get_port, connect or disconnect
	 * of the transport.
	 */
	int (*bind)(struct socket *sock, int fd, const struct sockaddr *uaddr,
		    socklen_t addr_len);
	int (*connect)(struct socket *sock, int fd,
		       const struct sockaddr *uaddr, socklen_t addr_len);

	/* The program's socketpair(): @sock is new, no descriptor leads to it. */
	int (*socketpair)(struct socket *sock, int flags, int sv[2]);
};

struct sock_common {
	struct cop_addr_slot skc_daddr;	    /* (a) the peer; clear: none */
	struct cop_addr_slot skc_rcv_saddr; /* (a) bound local address; its
					     * port is not used */
	_Atomic(uint16_t) skc_num;	    /* (a) local port, host order; this
					* sock holds it in the port hash */
	_Atomic(uint16_t) skc_family;	    /* (a) IPV6_ADDRFORM changes it */
	_Atomic(uint8_t) skc_state;	    /* (a) COP_CLOSE, COP_ESTABLISHED */
	_Atomic(uint8_t) skc_reuse;	/* (a) SO_REUSEADDR, recorded only */
	_Atomic(uint8_t) skc_reuseport; /* (a) SO_REUSEPORT, recorded only */
	_Atomic(uint32_t) skc_naming;	/* (a) calls under way that may change
					 * the port; in the upper half, how
					 * many have ended */
	_Atomic(int) skc_refcnt;	/* (a) 0: free */
	_Atomic(const struct proto *) skc_prot; /* (a) set at creation */
};

struct sock {
	struct slab_node node; /* the slab's */
	struct sock_common __sk_common;
#define sk_daddr     __sk_common.skc_daddr
#define sk_rcv_saddr __sk_common.skc_rcv_saddr
#define sk_num	     __sk_common.skc_num
#define sk_family    __sk_common.skc_family
#define sk_state     __sk_common.skc_state
#define sk_reuse     __sk_common.skc_reuse
#define sk_reuseport __sk_common.skc_reuseport
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

/*
 * A transport: the one list of what can be done with its sockets. A member that is
 * NULL becomes the datagram default in proto_register(), so no call tests for NULL.
 * datagram/defaults.c names the defaults.
 *
 * @fd is the descriptor that the program used. Functions that return an int or an
 * ssize_t return 0, a count, or a negative errno.
 *
 * "Counted" says that the caller holds a count of the socket. The other calls hold
 * nothing: another thread may close the socket at the same time, but the slab keeps
 * the memory a struct sock. No call holds a lock. Apart from open, all are
 * async-signal-safe.
 */
struct proto {
	/* Required. Messages name the transport so. */
	const char *name;

	/* Required. The transport's struct sock comes from here. */
	struct cop_slab *slab;

	/* Bytes that sk_alloc() clears, init has the rest; 0: COP_SOCK_CLEARED. */
	size_t obj_size;

	/* Whether a bound port is COP's alone, in cop_port.h's table of the host. */
	bool own_ports;

	/* The header of its datagrams: how long it is, how to build and check one.
	 * All transports of a slab have the same: a call may read it while the sock
	 * changes its transport. NULL: COP's own. */
	const struct cop_wire *wire;

	/* inet_create(), for a new sock: sets what sk_alloc() has not cleared. */
	int (*init)(struct sock *sk);

	/* sk_common_release(), once: frees what the sock owns apart from its port. */
	void (*destroy)(struct sock *sk);

	/* The family's release, once: the last descriptor is gone. */
	void (*close)(struct sock *sk);

	/* Counted. Ahead of a close and at exit: prints the figures of the sock. */
	void (*report)(struct sock *sk, int fd);

	/* socket(), for a new sock: makes the kernel socket, returns its descriptor. */
	int (*open)(struct sock *sk, int flags);

	/* The family's adopt, for a new sock: takes a kernel socket that another
	 * process or image made. -ENOENT: it is not one of this transport. */
	int (*adopt)(struct sock *sk, int fd, const struct cop_mark *mark);

	/* Counted. Ahead of an exec, or of a message that carries @fd: notes on the
	 * kernel socket what adopt has to know. */
	void (*mark)(struct sock *sk, int fd);

	/* The family's bind, counted: binds; @addr is of the sock's family. */
	int (*get_port)(struct sock *sk, int fd, const union cop_addr *addr);

	/* Counted. Around a send from a sock without a confirmed port: autobind
	 * prepares the kernel's own autobind, or returns -EAGAIN if no port is free.
	 * autobound records the port that the kernel chose. @err is what the send
	 * returned. Returns whether there is a port. */
	int (*autobind)(struct sock *sk, int fd);
	bool (*autobound)(struct sock *sk, int fd, int err);

	/* sk_common_release(): gives the port back. */
	void (*unhash)(struct sock *sk);

	/* getsockname(), counted. */
	int (*getname)(struct sock *sk, int fd, struct sockaddr *uaddr,
		       socklen_t *addr_len);

	/* The family's connect, counted: @uaddr is a copy, at least as long as an
	 * address family. disconnect gets the addresses of AF_UNSPEC. */
	int (*connect)(struct sock *sk, int fd, const struct sockaddr *uaddr,
		       socklen_t addr_len);
	int (*disconnect)(struct sock *sk, int fd, const struct sockaddr *uaddr,
			  socklen_t addr_len);

	/* Counted. Whether @fd can still be the sock's: a program can close it in
	 * ways that the library does not see. errno may change. */
	bool (*owns)(struct sock *sk, int fd);

	/* Counted. Whether the sock is why the port is taken, host order. */
	bool (*holds)(struct sock *sk, uint16_t snum);

	/* A bind, for a port that no sock holds: gives it back if it is taken all
	 * the same, and returns whether it was. Host order. */
	bool (*reclaim)(uint16_t snum);

	/* Counted. Ahead of a wait for @fd: keeps strays from ending the wait.
	 * Returns false if the queue holds nothing to receive. errno may change. */
	bool (*poll)(struct sock *sk, int fd);

	/* The calls of the same names. The program's pointers are not checked yet;
	 * names of sendto have been: they can be read. */
	int (*ioctl)(struct sock *sk, int fd, unsigned long cmd, void *arg);
	int (*setsockopt)(struct sock *sk, int fd, int level, int optname,
			  const void *optval, socklen_t optlen);
	int (*getsockopt)(struct sock *sk, int fd, int level, int optname,
			  void *optval, socklen_t *optlen);
	ssize_t (*sendto)(struct sock *sk, int fd, const void *buf, size_t len,
			  int flags, const void *name, socklen_t namelen);
	ssize_t (*recvfrom)(struct sock *sk, int fd, void *buf, size_t len,
			    int flags, void *name, socklen_t *namelen);
	ssize_t (*sendmsg)(struct sock *sk, int fd, const struct msghdr *msg,
			   int flags);
	ssize_t (*recvmsg)(struct sock *sk, int fd, struct msghdr *msg,
			   int flags);
	int (*sendmmsg)(struct sock *sk, int fd, struct mmsghdr *vec,
			unsigned int n, int flags);
	int (*recvmmsg)(struct sock *sk, int fd, struct mmsghdr *vec,
			unsigned int n, int flags, struct timespec *timeout);
};

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
 * Returns it zeroed apart from family and transport, or NULL without
 * memory. Async-signal-safe.
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

#endif /* COP_SOCK_H */
