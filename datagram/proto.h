/* SPDX-License-Identifier: MIT */
/*
 * proto.h - what all datagram transports share: struct cop_sock, and the operations
 * of this room.
 */
#ifndef COP_PROTO_H
#define COP_PROTO_H

#include "wire/encap.h"
#include "flow/flow.h"
#include "socket/sock.h"
#include "datagram/wait.h"

/* What happened on a socket; each counter is (a). */
struct cop_counters {
	_Atomic(uint64_t) tx_bytes; /* payload that the kernel took */
	_Atomic(uint64_t) rx_bytes; /* payload of what was delivered */
	_Atomic(uint32_t) tx_datagrams;
	_Atomic(uint32_t) rx_datagrams;
	_Atomic(uint32_t) tx_errors;
	_Atomic(uint32_t) rx_truncated;	 /* longer than the program's buffer */
	_Atomic(uint32_t) port_mismatch; /* a NAT is on the way */
	_Atomic(uint32_t) refused;	 /* payloads that decode refused */
	_Atomic(uint32_t)
		strays[COP_STRAY_REASONS]; /* dropped here, by reason */
};

/* What segments.c and cut.c know of a socket. */
struct cop_segmenting {
	_Atomic(uint16_t)
		may; /* (a) COP_SEG_*, and how often options were set */
	_Atomic(uint8_t) refusals; /* (a) a measure of recent ones */
	_Atomic(uint8_t) pause;	   /* (a) batches until the next try */
	_Atomic(uint16_t)
		size; /* (a) UDP_SEGMENT as the program set it; 0: none */
};

/* Whether the options allow it; neither: ask the kernel. */
#define COP_SEG_YES    1
#define COP_SEG_NO     2
#define COP_SEG_ANSWER 3
#define COP_SEG_CHANGE 4 /* added for each option that is set */

struct cop_sock {
	struct inet_sock inet;	   /* first: sk and cop_sk() are one */
	_Atomic(uint16_t) pinned;  /* (a) port that the kernel keeps for good,
				      * host order; see port/bind.c */
	_Atomic(uint16_t) armed;   /* (a) port claimed for an autobind that is
				       * under way, host order */
	_Atomic(uint32_t) unclean; /* (a) datagrams that may be queued from
				    * before the filter */
	_Atomic(uint32_t) marked;  /* (a) check sum of the last mark on the
				    * kernel socket; 0: no mark */
	_Atomic(uint32_t) lock;	   /* (a) protects filter, mark and queue of the
				    * kernel socket; cop_lock() */
	_Atomic(int) soft_err;	   /* (a) errno that a receive met too late to
				      * return; the next call returns it */
	_Atomic(uint32_t)
		user_range; /* (a) IP_LOCAL_PORT_RANGE as it was set */
	struct cop_segmenting segmenting; /* sends of many datagrams */
	struct cop_sent peer; /* (a) figures of what the peer was sent */
	struct cop_counters count;
	struct cop_flows
		flows; /* last, since it is not cleared with the rest */
};

/* What sk_alloc() clears of it. */
#define COP_SOCK_CLEARED offsetof(struct cop_sock, flows)

_Static_assert(sizeof(struct cop_sock) <= 384, "a struct sock must stay small");

static inline struct cop_sock *cop_sk(const struct sock *sk)
{
	return (struct cop_sock *)sk;
}

/**
 * cop_short_open - let a sock's datagrams take the short way, if its transport allows it
 * @sk: a sock whose transport does not change any more, unless it has no sendto of COP's
 *
 * The short way leaves out sendto and recvfrom of the transport: see tx_short.h.
 */
void cop_short_open(struct sock *sk);

/* Operations of struct proto: what each promises stands in socket/sock.h. */
int cop_init_sock(struct sock *sk);
void cop_destroy(struct sock *sk);
void cop_close(struct sock *sk);
int cop_open(struct sock *sk, int flags);
int cop_adopt(struct sock *sk, int fd, const struct cop_mark *mark);
int cop_autobind(struct sock *sk, int fd);
bool cop_autobound(struct sock *sk, int fd, int err);
int cop_getname(struct sock *sk, int fd, struct sockaddr *uaddr,
		socklen_t *addr_len);
int cop_connect(struct sock *sk, int fd, const struct sockaddr *uaddr,
		socklen_t addr_len);
int cop_disconnect(struct sock *sk, int fd, const struct sockaddr *uaddr,
		   socklen_t addr_len);
ssize_t cop_sendto(struct sock *sk, int fd, const void *buf, size_t len,
		   int flags, const void *name, socklen_t namelen);
ssize_t cop_recvfrom(struct sock *sk, int fd, void *buf, size_t len, int flags,
		     void *name, socklen_t *namelen);
ssize_t cop_sendmsg(struct sock *sk, int fd, const struct msghdr *msg,
		    int flags);
ssize_t cop_recvmsg(struct sock *sk, int fd, struct msghdr *msg, int flags);
ssize_t cop_recvmsg_until(struct sock *sk, int fd, struct msghdr *msg,
			  int flags, struct cop_wait *wait);
int cop_sendmmsg(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		 int flags);
int cop_recvmmsg(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		 int flags, struct timespec *timeout);
int cop_setsockopt(struct sock *sk, int fd, int level, int optname,
		   const void *optval, socklen_t optlen);
int cop_getsockopt(struct sock *sk, int fd, int level, int optname,
		   void *optval, socklen_t *optlen);
void cop_mirror_buffers(struct sock *sk, int fd); /* sk_rcvbuf, sk_sndbuf */
int cop_ioctl(struct sock *sk, int fd, unsigned long cmd, void *arg);

#endif /* COP_PROTO_H */
