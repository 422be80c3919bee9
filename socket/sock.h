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

#include "lib/atomic.h"
#include "lib/kernel_socket.h"
#include "lib/slab.h"

struct cop_mark;
struct proto;
struct sock;

/* enum socket_state of the kernel: a datagram socket only uses the first. */
typedef enum { SS_FREE, SS_UNCONNECTED } socket_state;

#define SOCK_TYPE_MASK 0xf
#define SOCK_MAX       11 /* as in the kernel: types are below this */
#define NPROTO	       46 /* as in the kernel: families are below this */

/* sk_userlocks: what a bind fixed, and a disconnect leaves alone. */
#define SOCK_BINDADDR_LOCK 4
#define SOCK_BINDPORT_LOCK 8

/* skc_state: a datagram socket uses these two of the TCP states. */
#define COP_ESTABLISHED 1
#define COP_CLOSE	7

/* sk_flags */
#define SOCK_DEAD	  0x0001 /* no descriptor leads here any more */
#define SOCK_CARRIED	  0x0002 /* a kernel socket was made for it */
#define SOCK_REPORTED	  0x0004 /* its performance data were printed */
#define SOCK_FILTER	  0x0008 /* the kernel drops what is not COP */
#define SOCK_FILTER_CLEAN 0x0010 /* and its queue has only COP datagrams */
#define SOCK_RCVTIMEO	  0x0020 /* a receive has a time limit */
#define SOCK_USER_RANGE	  0x0040 /* the program set IP_LOCAL_PORT_RANGE */
#define SOCK_ON_DEVICE	  0x0080 /* the program set SO_BINDTODEVICE */
#define SOCK_CORKED	  0x0100 /* a datagram is begun, its header sent */
#define SOCK_CORK_OPT	  0x0200 /* UDP_CORK is set */
#define SOCK_UNCONFIRMED  0x0400 /* bound, to a port that the kernel chose */
#define SOCK_SHARED_PORT  0x0800 /* another sock has the claim to its port */
#define SOCK_NARROWED	  0x1000 /* IP_LOCAL_PORT_RANGE is one port, ours */
#define SOCK_UNDECIDED \
	0x4000			  /* others have it, too: what it becomes is in
				   * its mark */
#define SOCK_FILTER_NEW 0x10000	  /* the next poll checks the filter again */
#define SOCK_PASSED	0x8000	  /* a spawn may duplicate its descriptor */
#define SOCK_PEER_ONLY	0x20000	  /* only the peer's datagrams are queued */
#define SOCK_WAITED	0x40000	  /* a wait was for it while it was undecided */
#define SOCK_ELSEWHERE	0x1000000 /* not in the home namespace: netns.h */
#define SOCK_RECEIVED	0x2000000 /* it came from another process or image */
#define SOCK_CONTEST \
	0x4000000 /* a bind may take a port that our table has
				     * for another sock, if the kernel does */

/*
 * The operations of a socket of one family and type. @fd is the descriptor the
 * program used; of several duplicates it is the one that is surely open.
 * All return a negative errno on failure.
 */
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
	uint8_t type;			       /* (c) SOCK_COP */
};

struct proto_ops {
	int family;
	int (*release)(struct socket *sock);
	void (*flush)(struct socket *sock, int fd);
	int (*open)(struct socket *sock, int flags);
	int (*adopt)(struct socket *sock, int fd, const struct cop_mark *mark);
	void (*mark)(struct socket *sock, int fd);
	int (*bind)(struct socket *sock, int fd, const struct sockaddr *uaddr,
		    socklen_t addr_len);
	int (*connect)(struct socket *sock, int fd,
		       const struct sockaddr *uaddr, socklen_t addr_len);
	int (*socketpair)(struct socket *sock, int flags, int sv[2]);
	int (*getname)(struct socket *sock, int fd, struct sockaddr *uaddr,
		       socklen_t *addr_len);
	void (*autobind)(struct socket *sock, int fd);
	bool (*autobound)(struct socket *sock, int fd, int err);
	bool (*owns)(struct socket *sock, int fd);
	bool (*holds)(struct socket *sock, uint16_t snum);
	bool (*reclaim)(struct socket *sock, uint16_t snum);
	bool (*poll)(struct socket *sock, int fd);
	int (*ioctl)(struct socket *sock, int fd, unsigned long cmd, void *arg);
	int (*setsockopt)(struct socket *sock, int fd, int level, int optname,
			  const void *optval, socklen_t optlen);
	int (*getsockopt)(struct socket *sock, int fd, int level, int optname,
			  void *optval, socklen_t *optlen);
	ssize_t (*sendto)(struct socket *sock, int fd, const void *buf,
			  size_t len, int flags, const void *name,
			  socklen_t namelen);
	ssize_t (*recvfrom)(struct socket *sock, int fd, void *buf, size_t len,
			    int flags, void *name, socklen_t *namelen);
	ssize_t (*sendmsg)(struct socket *sock, int fd,
			   const struct msghdr *msg, int flags);
	ssize_t (*recvmsg)(struct socket *sock, int fd, struct msghdr *msg,
			   int flags);
	int (*sendmmsg)(struct socket *sock, int fd, struct mmsghdr *vec,
			unsigned int n, int flags);
	int (*recvmmsg)(struct socket *sock, int fd, struct mmsghdr *vec,
			unsigned int n, int flags, struct timespec *timeout);
};

struct sock_common {
	_Atomic(__be32) skc_daddr;	/* (a) the peer, 0: not connected */
	_Atomic(__be32) skc_rcv_saddr;	/* (a) bound local address */
	_Atomic(__be16) skc_dport;	/* (a) the peer's port */
	_Atomic(uint16_t) skc_num;	/* (a) local port, host order; this
					* sock holds it in the port hash */
	uint16_t skc_family;		/* (c) */
	_Atomic(uint8_t) skc_state;	/* (a) COP_CLOSE, COP_ESTABLISHED */
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
#define sk_dport     __sk_common.skc_dport
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
	struct sock sk;		    /* first: sk and inet_sk() are one */
	_Atomic(__be32) inet_saddr; /* (a) source address of what is sent */
	_Atomic(__be16) inet_sport; /* (a) local port, network order; 0 until
				     * the kernel has confirmed it */
#define inet_daddr     sk.sk_daddr
#define inet_rcv_saddr sk.sk_rcv_saddr
#define inet_dport     sk.sk_dport
#define inet_num       sk.sk_num
};

static inline struct inet_sock *inet_sk(const struct sock *sk)
{
	return (struct inet_sock *)sk;
}

/*
 * A transport. The ones that reach the kernel socket take the descriptor, as
 * in struct proto_ops.
 */
struct proto {
	const char *name;
	struct cop_slab *slab; /* of the transport's struct sock */
	size_t obj_size; /* of it, what sk_alloc() clears; init has the rest */
	bool own_ports;	 /* in the port space; else the kernel's alone */
	int (*init)(struct sock *sk);
	void (*destroy)(struct sock *sk);
	void (*close)(struct sock *sk);
	void (*report)(struct sock *sk, int fd);
	int (*open)(struct sock *sk, int flags);
	int (*adopt)(struct sock *sk, int fd, const struct cop_mark *mark);
	void (*mark)(struct sock *sk, int fd);
	int (*get_port)(struct sock *sk, int fd,
			const struct sockaddr_in *addr);
	void (*autobind)(struct sock *sk, int fd);
	bool (*autobound)(struct sock *sk, int fd, int err);
	void (*hash)(struct sock *sk, uint16_t snum);
	void (*unhash)(struct sock *sk);
	int (*getname)(struct sock *sk, int fd, struct sockaddr *uaddr,
		       socklen_t *addr_len);
	int (*connect)(struct sock *sk, int fd, const struct sockaddr *uaddr,
		       socklen_t addr_len);
	int (*disconnect)(struct sock *sk, int fd, const struct sockaddr *uaddr,
			  socklen_t addr_len);
	bool (*owns)(struct sock *sk, int fd);
	bool (*holds)(struct sock *sk, uint16_t snum);
	bool (*reclaim)(uint16_t snum);
	bool (*poll)(struct sock *sk, int fd);
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

/**
 * sock_alloc - make a struct socket with no descriptor and no sock yet
 *
 * Returns it with a count of 1 for the caller, or NULL when there is no memory.
 * Async-signal-safe.
 */
struct socket *sock_alloc(void);

/**
 * sock_free - give a struct socket back that no descriptor leads to
 * @sock: from sock_alloc()
 */
void sock_free(struct socket *sock);

/**
 * sk_alloc - take a struct sock from its transport's slab
 * @family: address family
 * @prot: the transport
 *
 * Returns it zeroed but for family and transport, or NULL when there is no
 * memory. Async-signal-safe.
 */
struct sock *sk_alloc(int family, const struct proto *prot);

/**
 * sock_init_data - set the fields of a new sock as every socket starts out
 * @sock: the socket it belongs to
 * @sk: from sk_alloc()
 *
 * Buffer sizes from net.core.[rw]mem_default, no timeouts, state COP_CLOSE,
 * one reference, which is the caller's.
 */
void sock_init_data(struct socket *sock, struct sock *sk);

/**
 * sock_hold - take a reference to a sock that the caller already may use
 * @sk: with at least one reference
 */
void sock_hold(struct sock *sk);

/**
 * sock_put - drop a reference; the last one frees
 * @sk: with a reference that is the caller's
 */
void sock_put(struct sock *sk);

/**
 * sock_orphan - part a sock from its socket: no descriptor leads to it now
 * @sk: the sock
 */
void sock_orphan(struct sock *sk);

/**
 * sk_common_release - end a sock's life as far as its descriptor goes
 * @sk: with the socket's reference, which this drops
 *
 * destroy, unhash, orphan, put, in that order, as in the kernel. A reference
 * count that is not 1 then is complained about under COP_DEBUG.
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
