/* SPDX-License-Identifier: MIT */
/*
 * cop_transport.h - what a transport is written against: a header of your own, a rule
 * for ports of your own, under programs that know nothing of it.
 *
 * A transport is a module: a shared object that libcop loads when a program first asks
 * for a socket of its type, as the kernel loads net-pf-2-proto-254-type-8. It exports
 * one symbol, which MODULE_TRANSPORT() defines. docs/transports.md shows how to write
 * one; transports/skeleton/ is a start.
 *
 * Functions return 0 or a negative errno unless they say otherwise. Each says "port,
 * host order" or "network order" where it matters.
 *
 * Counterparts in the kernel: include/net/sock.h, include/net/protocol.h,
 * include/linux/module.h.
 */
#ifndef COP_TRANSPORT_H
#define COP_TRANSPORT_H

#include <linux/types.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

/* A module of another number is refused: each change of this file adds 1. */
#define COP_TRANSPORT_ABI 1

struct cop_kernel;
struct cop_mark;
struct cop_slab;
struct mmsghdr;
struct module;
struct proto_ops;
struct sock;
struct socket;

/* An address of either family. */
union cop_addr {
	sa_family_t family; /* AF_INET, AF_INET6; AF_UNSPEC: no address */
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* ---- the header ---------------------------------------------------------- */

/*
 * A stray is a UDP datagram that does not begin with a valid header of the transport.
 * The library drops and counts it. These are the reasons.
 */
enum cop_stray {
	COP_STRAY_SHORT,   /* no room for a header */
	COP_STRAY_MAGIC,   /* does not begin as this transport's header does */
	COP_STRAY_VERSION, /* another version of the header */
	COP_STRAY_LENGTH,  /* the header's length can't be right */
	COP_STRAY_REASONS,
	COP_NO_STRAY = COP_STRAY_REASONS,
	COP_STRAY_PAYLOAD /* the header is valid, but decode refuses the payload */
};

/* A reason of the transport's own: counter @i of its struct proto counts it. */
#define COP_STRAY_OWN(i) ((enum cop_stray)(COP_STRAY_PAYLOAD + 1 + (i)))

/*
 * The longest header that any transport may have, options included: the size of
 * buffers on the stack. proto_register() refuses a transport with a longer one.
 */
#define COP_HDR_MAX 64

/* The most bytes by which a payload may become longer. */
#define COP_OVERHEAD_MAX 256

/* What a header says of its datagram. Only len must be set. */
struct cop_hdr_info {
	uint16_t len;	 /* of the header with its options, in bytes */
	bool first;	 /* whether this is the first datagram of its flow */
	__be16 source;	 /* the sender's own port */
	__be16 dest;	 /* the port that it sent to */
	uint32_t seq;	 /* the datagram's number in its flow, low 32 bits */
	uint32_t tstamp; /* the sender's clock in microseconds, low 32 bits */
};

/*
 * What a header says of its datagram. Figures that need something else are shown as
 * "-", and left out of JSON.
 */
#define COP_HAS_PORTS 0x01 /* source and dest: port_mismatch */
#define COP_HAS_SEQ \
	0x02 /* seq: lost, reordered, duplicated, unordered, restarts */
#define COP_HAS_TSTAMP 0x04 /* tstamp: jitter_us; restarts are told sooner */
#define COP_HAS_ALL    0x07

/*
 * The two ends of a datagram as its IP header has them, for a checksum that covers the
 * addresses. An IPv4 datagram of an AF_INET6 socket has ends of AF_INET. The ports are
 * not set. AF_UNSPEC stands for an address that can't be known: struct cop_wire says
 * when.
 */
struct cop_ends {
	union cop_addr source;
	union cop_addr dest;
};

/*
 * Bytes of a header that tell it from what else comes in UDP datagrams: @size bytes at
 * @off, in network order, are @value where @mask has a 1. Mask and value are numbers
 * in host order: a magic of 0x534b is written 0x534b here.
 */
struct cop_match {
	uint8_t off;
	uint8_t size; /* 1, 2 or 4; 0 stands behind the last one */
	uint32_t mask;
	uint32_t value;
};

#define COP_MATCHES 3

/*
 * The header of a transport, as struct proto names it. Each function that puts a
 * header on the wire or takes one from it asks here how long the header is.
 */
struct cop_wire {
	/* Bytes that a sender puts ahead of the payload: it sends no options. A
	 * receiver needs at least as many to check a header. */
	uint16_t hlen;

	/* Bytes of the longest header, options included; hlen: it has none. A header
	 * with options goes up to 60: the byte at len_at has the header's length in
	 * its low nibble, in 32-bit words, as in IPv4, and len_high in the high one. */
	uint16_t hlen_max;
	uint8_t len_at;
	uint8_t len_high;

	/* The kernel drops a datagram that is too short, that does not match, or whose
	 * length at len_at can't be, before it wakes a program that polls. check must
	 * call exactly these strays: a poll would find others readable. */
	struct cop_match match[COP_MATCHES];

	/* A receive, for each datagram: checks whether it begins with a valid
	 * header. @data has its first bytes, up to hlen of them, aligned to 4. @len
	 * is the length of all of it. Fills in @info, whose len is from hlen to
	 * hlen_max and at most @len, and returns COP_NO_STRAY; or returns the reason
	 * why the datagram is a stray. Async-signal-safe. */
	enum cop_stray (*check)(const void *data, size_t len,
				struct cop_hdr_info *info);

	/* A send, for each datagram: writes hlen bytes to @hdr, which is aligned to
	 * 4. @source and @dest are the two ports, in network order; @seq is the
	 * number of datagrams of this flow before this one; @tstamp is the sender's
	 * clock in microseconds. Async-signal-safe. */
	void (*build)(void *hdr, __be16 source, __be16 dest, uint64_t seq,
		      uint32_t tstamp);

	/* COP_HAS_*: what of struct cop_hdr_info check fills in. */
	uint8_t has;

	/* With COP_HAS_SEQ: how many bits of a number the header has, 8 to 32; 0
	 * stands for 32. seq is then a number below 1 << seq_bits, and goes on at 0
	 * behind the highest one. */
	uint8_t seq_bits;

	/* How many bytes longer each payload is on the wire, at most
	 * COP_OVERHEAD_MAX. The kernel drops a datagram that is too short for header
	 * and overhead. 0 without encode. */
	uint16_t overhead;

	/* Both, or neither: then payloads travel as they are, which costs nothing.
	 * encode: a send, behind build: turns the @len bytes at @payload into @len +
	 * overhead bytes at the same place, and may write to @hdr as well. Another
	 * result than 0 is a negative errno, which the send returns.
	 * decode: a receive, behind check: turns @len + overhead bytes into @len
	 * bytes. Another result than 0 says that the payload is not genuine: then the
	 * datagram is a stray, and @payload must be as it was. With @peek the
	 * datagram will come again: decode must not note that it has come.
	 * @ends: set if .ends is, else NULL.
	 * @hdr and @payload are in memory of the library, which is wiped after the
	 * call; @payload is not aligned. More than one thread may be in either, for
	 * the same socket. Async-signal-safe. */
	int (*encode)(struct sock *sk, void *hdr, void *payload, size_t len,
		      const struct cop_ends *ends);
	int (*decode)(struct sock *sk, const void *hdr, void *payload,
		      size_t len, bool peek, const struct cop_ends *ends);

	/* Whether the kernel may cut several datagrams to one peer, each with its
	 * header, out of one send (UDP_SEGMENT). Say so only if a receiver does not
	 * mind that such datagrams have one tstamp. Not with encode. */
	bool segments;

	/* encode and decode need the addresses of each datagram. A send knows both,
	 * unless the kernel is about to refuse it. A receive of a confined process
	 * does not know dest if the socket is bound to the wildcard address. */
	bool ends;

	/* encode and decode only read the payload, and no overhead is added: a
	 * checksum. Then memory is not wiped. */
	bool plain;
};

/* ---- the transport ------------------------------------------------------- */

/*
 * What the library keeps for each socket of a transport. A transport with values of its
 * own for each socket puts this first, as the kernel's struct udp_sock begins with a
 * struct inet_sock, and sets obj_size:
 *
 *	struct my_sock {
 *		struct datagram_sock datagram;
 *		int count;
 *	};
 *
 * A struct sock * and a struct my_sock * are then the same pointer. The part behind is
 * zero in a new socket.
 */
struct datagram_sock {
	long long library[64];
};

/* The most counters of a transport, and the most bytes of a name. */
#define COP_COUNTERS_MAX     16
#define COP_COUNTER_NAME_MAX 24

/*
 * A transport: the one list of what can be done with its sockets. What is NULL is done
 * as for any datagram socket: proto_register() fills it in. An operation that adds
 * to the default calls it through datagram_prot(), for example
 * datagram_prot()->init(sk).
 *
 * @fd is the descriptor that the program used. Operations that return an int or an
 * ssize_t return 0, a count, or a negative errno.
 *
 * "Counted" says that the caller holds a count of the socket. The other calls hold
 * nothing: another thread may close the socket at the same time, but the memory of a
 * struct sock stays one. No call holds a lock. Apart from open, all are
 * async-signal-safe: no malloc, no printf, no lock that may be held already.
 */
struct proto {
	/* Required. Messages and figures name the transport so: a word of 31 bytes
	 * at most, without "=". */
	const char *name;

	/* THIS_MODULE: each socket holds a reference of it. */
	struct module *owner;

	/* Bytes of the transport's own struct sock; 0: it has no values of its own. */
	size_t obj_size;

	/* The header of its datagrams. NULL: COP's own. */
	const struct cop_wire *wire;

	/* Whether sockets may share a port as the kernel's UDP allows it, by addresses
	 * and SO_REUSEADDR. The default bind is then the kernel's, and asks no get_port.
	 * If not, a bound port is one socket's alone on this host. */
	bool shares_ports;

	/* The library's own, for sockets that it adopts: type and protocol of the
	 * transport whose header their datagrams have. 0: COP, or not adopted. */
	unsigned char carrier_type;
	unsigned short carrier_protocol;

	/* Names of counters that each of its socks has, with a NULL behind the last
	 * one; NULL: none. COP_STATS and cop stat show them by name. At most
	 * COP_COUNTERS_MAX names, each of 1 to COP_COUNTER_NAME_MAX letters, digits
	 * and "_". cop_count() counts. */
	const char *const *counters;

	/* Set by proto_register(): the memory of its socks, and the bytes of a sock
	 * that are the library's, and how many of them a new sock has cleared, where
	 * a sock's own counters are and how many there are.
	 * Transports that share a slab have the same header. */
	struct cop_slab *slab;
	size_t base_size;
	size_t base_clear;
	uint32_t counters_at;
	uint32_t n_counters;
	_Atomic(bool) gone; /* by proto_unregister() */

	/* socket(), for a new sock: sets what is not zero. Call the default as well. An
	 * error is the one of socket(). If the socket is one that the program inherits
	 * or gets in a message, its calls fail with EPROTONOSUPPORT: it never becomes
	 * a plain socket of the kernel. */
	int (*init)(struct sock *sk);

	/* The sock ends, once: frees what it owns apart from its port. Call the default
	 * as well. */
	void (*destroy)(struct sock *sk);

	/* close() of the last descriptor, once. Call the default as well. */
	void (*close)(struct sock *sk);

	/* Counted. Ahead of a close and at exit: prints the figures of the sock. */
	void (*report)(struct sock *sk, int fd);

	/* socket(), for a new sock: makes the kernel socket, returns its descriptor. */
	int (*open)(struct sock *sk, int flags);

	/* For a new sock: takes a kernel socket that another process or image made.
	 * -ENOENT: it is not one of this transport. */
	int (*adopt)(struct sock *sk, int fd, const struct cop_mark *mark);

	/* Counted. Ahead of an exec, or of a message that carries @fd: notes on the
	 * kernel socket what adopt has to know. */
	void (*mark)(struct sock *sk, int fd);

	/* bind(), counted: binds the kernel socket; @addr is of the sock's family, its
	 * port may be 0. The default asks get_port for the port. */
	int (*bind)(struct sock *sk, int fd, const union cop_addr *addr);

	/* bind() and autobind: the rule by which the transport gives ports. Claims
	 * @snum, or where it is 0 a port of its choice, by inet_claim_port(). Returns
	 * the port, host order; 0 to leave the choice to the kernel; -EADDRINUSE where
	 * the port is taken. Called again if another process turns out to have the
	 * port. The library, not the transport, gives back a claim that is of no use. */
	int (*get_port)(struct sock *sk, uint16_t snum);

	/* Counted. Around a send from a sock without a confirmed port: autobind
	 * prepares the kernel's own autobind, or returns -EAGAIN if no port is free.
	 * autobound records the port that the kernel chose. @err is what the send
	 * returned. Returns whether there is a port. */
	int (*autobind)(struct sock *sk, int fd);
	bool (*autobound)(struct sock *sk, int fd, int err);

	/* The sock has got a port, which is inet_sk(sk).inet_num: by a bind, an
	 * autobind, or because another process or image left it the port. Called
	 * again, without an unhash between, where the kernel turns out to have chosen
	 * another port, or nobody else has the port any more. The library keeps the port, so the default does nothing. */
	void (*hash)(struct sock *sk);

	/* The sock gives its port back, by a disconnect or at its end. Called for a
	 * sock without a port, too. Call the default as well. */
	void (*unhash)(struct sock *sk);

	/* getsockname(), counted. */
	int (*getname)(struct sock *sk, int fd, struct sockaddr *uaddr,
		       socklen_t *addr_len);

	/* connect(), counted: @uaddr is a copy, at least as long as an address
	 * family. disconnect gets the addresses of AF_UNSPEC. */
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

/* inet_protosw flags */
#define INET_PROTOSW_REUSE     0x01 /* a new sock has SO_REUSEADDR */
#define INET_PROTOSW_PERMANENT 0x02 /* can't be overridden or unregistered */

/* What socket() finds a transport by, in both families. */
struct inet_protosw {
	_Atomic(struct inet_protosw *) next; /* the library's */
	unsigned short type;		     /* of the socket, below 11 */
	unsigned short protocol; /* IPPROTO_IP: takes any; below IPPROTO_MAX */
	const struct proto *prot;
	const struct proto_ops *ops; /* NULL: those of datagram sockets */
	unsigned char flags;	     /* INET_PROTOSW_* */
	int capability; /* CAP_* that socket() needs, else EPERM; 0: none */
};

/*
 * A family of sockets, PF_*, that the kernel does not have: its sockets are those of
 * another family, by another name.
 */
struct net_proto_family {
	int family; /* below 46 */

	/* Whether it has such a socket; NULL: always. */
	bool (*serves)(int type, int protocol);

	/* socket(): calls inet_create() with PF_INET or PF_INET6. */
	int (*create)(struct socket *sock, int family, int protocol);
};

/* ---- policies ------------------------------------------------------------ */

/* A socket, as a hook sees it. */
struct cop_socket_info {
	struct sock *sk; /* for inet_sk() */
	int family;	 /* PF_INET or PF_INET6 */
	int type;	 /* SOCK_DGRAM: UDP that is put on COP, or may be */
	int protocol;
};

/* The calls that a policy is asked about. */
enum security_hook {
	SECURITY_socket_create,
	SECURITY_socket_post_create,
	SECURITY_socket_bind,
	SECURITY_socket_connect,
	SECURITY_HOOKS
};

/*
 * The functions of a policy, which the library asks as the kernel asks its security
 * modules: each returns 0, or a negative errno, which the program's call then returns.
 * The first refusal counts. Async-signal-safe, as the operations of a transport are.
 */
union security_list_options {
	/* socket(): ahead of everything, so that no socket exists and no module was
	 * loaded for it. @kern is 0. Not for a socket that the program inherits, or
	 * gets in a message: it exists already. */
	int (*socket_create)(int family, int type, int protocol, int kern);

	/* socket(): behind the transport's init. A refusal releases the socket. */
	int (*socket_post_create)(struct socket *sock, int family, int type,
				  int protocol, int kern);

	/* bind() and connect(): ahead of all checks but the one that @address can be
	 * read. @address is a copy of @addrlen bytes, up to sizeof(struct
	 * sockaddr_storage); behind them it is zero. Its family and length are the
	 * program's: check them first. A send to an address is no connect. */
	int (*socket_bind)(struct socket *sock, struct sockaddr *address,
			   int addrlen);
	int (*socket_connect)(struct socket *sock, struct sockaddr *address,
			      int addrlen);
};

/* One function of a policy. LSM_HOOK_INIT() fills it in. */
struct security_hook_list {
	enum security_hook head;
	union security_list_options hook;
	_Atomic(struct security_hook_list *) next; /* the library's, as these */
	const struct module *owner;
	const char *lsm;
};

#define LSM_HOOK_INIT(NAME, FN)                                \
	{                                                      \
		.head = SECURITY_##NAME, .hook = {.NAME = FN } \
	}

/* ---- modules ------------------------------------------------------------- */

/* The one symbol of a module. MODULE_TRANSPORT() fills it in. */
struct module {
	uint32_t abi; /* COP_TRANSPORT_ABI; first, whatever the version */
	const char *name;
	const char *version;

	/* Registers the transport. Another result than 0 is a negative errno: the
	 * module is not used then. */
	int (*init)(void);

	/* Unregisters the transport when the process exits. Its memory stays mapped:
	 * other threads may still be in the transport's operations. NULL: nothing. */
	void (*exit)(void);

	const struct cop_kernel *kernel; /* set ahead of init */
	_Atomic(int) refcnt; /* sockets; try_module_get(), module_put() */
	_Atomic(bool) going; /* unregistered: try_module_get() fails */
	struct module *next; /* the library's list */
};

/* One end and the peer of a sock, as inet_sk() shows them. */
struct cop_inet_info {
	uint16_t inet_num;	       /* local port, host order; 0: none */
	__be16 inet_sport;	       /* the same, once confirmed */
	union cop_addr inet_saddr;     /* source address of what is sent */
	union cop_addr inet_rcv_saddr; /* bound local address */
	union cop_addr inet_daddr;     /* peer and its port; AF_UNSPEC: none */
};

/* How much a message matters: see COP_DEBUG. */
enum cop_loglevel {
	COP_LOG_INFO = 1, /* printed with COP_DEBUG=1 */
	COP_LOG_DEBUG,	  /* printed with COP_DEBUG=2 */
};

/*
 * The functions of the library that a transport may call: a module links with none of
 * them. The wrappers below have the kernel's names for them, and say what they do.
 */
struct cop_kernel {
	const struct proto *datagram;
	int (*proto_register)(struct proto *prot);
	void (*proto_unregister)(struct proto *prot);
	int (*inet_register_protosw)(struct inet_protosw *p);
	void (*inet_unregister_protosw)(struct inet_protosw *p);
	int (*sock_register)(const struct net_proto_family *fam);
	void (*sock_unregister)(int family);
	int (*inet_create)(struct socket *sock, int family, int protocol);
	void (*sock_hold)(struct sock *sk);
	void (*sock_put)(struct sock *sk);
	void (*inet_info)(const struct sock *sk, struct cop_inet_info *info);
	bool (*claim_port)(uint16_t snum);
	void (*release_port)(uint16_t snum);
	bool (*port_is_held)(uint16_t snum);
	unsigned int (*queue_length)(unsigned int queue);
	uint16_t (*next_port)(unsigned int queue, uint16_t after);
	uint32_t (*random)(void);
	void (*log)(enum cop_loglevel level, const char *fmt, ...)
		__attribute__((format(printf, 2, 3)));
	bool (*try_module_get)(struct module *mod);
	void (*module_put)(struct module *mod);
	int (*security_add_hooks)(struct security_hook_list *hooks, int count,
				  const char *lsm, const struct module *owner);
	void (*socket_info)(const struct socket *sock,
			    struct cop_socket_info *info);
	void (*count)(struct sock *sk, unsigned int i);
	int (*copy_from_user)(int fd, void *to, const void *from, size_t len);
	int (*copy_to_user)(void *to, const void *from, size_t len);
	bool (*confined)(void);
};

/* Port p is in queue p % INET_PORT_QUEUES, in the port space of all transports. */
#define INET_PORT_QUEUES 128

/* The library's own files take the types from lib/transport.h. */
#ifndef COP_TRANSPORT_TYPES

/* The library's build names the modules that are built into it. */
#ifdef COP_BUILTIN
#define COP_MODULE  COP_BUILTIN
#define THIS_MODULE ((struct module *)NULL)
extern struct module COP_MODULE;
#else
#define COP_MODULE  cop_module
#define THIS_MODULE (&COP_MODULE)
extern struct module COP_MODULE __attribute__((visibility("protected")));
#endif

/**
 * module_init, module_exit - name the functions that a module begins and ends with
 * @fn: int fn(void) of module_init, void fn(void) of module_exit; static, and above
 */
#define module_init(fn) \
	static int cop_module_init(void) __attribute__((alias(#fn)))
#define module_exit(fn) \
	static void cop_module_exit(void) __attribute__((alias(#fn)))

/**
 * MODULE_TRANSPORT - define the one symbol of a module
 * @name_: the module's name, as messages show it
 * @version_: its version, likewise
 *
 * Stands once, in the file and behind its module_init() and module_exit().
 */
#define MODULE_TRANSPORT(name_, version_)                      \
	struct module COP_MODULE = { .abi = COP_TRANSPORT_ABI, \
				     .name = name_,            \
				     .version = version_,      \
				     .init = cop_module_init,  \
				     .exit = cop_module_exit }

/**
 * datagram_prot - the datagram operations, all set, to be called from one's own
 */
static inline const struct proto *datagram_prot(void)
{
	return COP_MODULE.kernel->datagram;
}

/**
 * proto_register - complete a transport with the datagram defaults
 * @prot: kept, not copied
 *
 * Returns 0, or -EINVAL for a member that can't be right (COP_DEBUG=1 says which one),
 * or -ENOBUFS. Called in init, ahead of inet_register_protosw().
 */
static inline int proto_register(struct proto *prot)
{
	return COP_MODULE.kernel->proto_register(prot);
}

/**
 * proto_unregister - make no new sock of a transport
 * @prot: from proto_register(); its socks stay, and their memory
 */
static inline void proto_unregister(struct proto *prot)
{
	COP_MODULE.kernel->proto_unregister(prot);
}

/**
 * inet_register_protosw - let socket() find a transport
 * @p: kept, not copied
 *
 * Returns 0, -EINVAL for a type or protocol out of range or a transport that is not
 * registered, -EPERM where a permanent entry has the same type and protocol.
 */
static inline int inet_register_protosw(struct inet_protosw *p)
{
	return COP_MODULE.kernel->inet_register_protosw(p);
}

/**
 * inet_unregister_protosw - hide a transport from new sockets
 * @p: from inet_register_protosw()
 *
 * The transport's sockets stay, and it still serves them.
 */
static inline void inet_unregister_protosw(struct inet_protosw *p)
{
	COP_MODULE.kernel->inet_unregister_protosw(p);
}

/**
 * sock_register - add a family
 * @fam: kept, not copied
 *
 * Returns 0, -ENOBUFS for a number out of range, -EEXIST if it is registered already.
 */
static inline int sock_register(const struct net_proto_family *fam)
{
	return COP_MODULE.kernel->sock_register(fam);
}

/**
 * sock_unregister - the opposite
 * @family: its number
 */
static inline void sock_unregister(int family)
{
	COP_MODULE.kernel->sock_unregister(family);
}

/**
 * inet_create - make the sock of a socket, as socket(PF_INET or PF_INET6) does
 * @sock: the socket
 * @family: PF_INET or PF_INET6
 * @protocol: protocol number
 */
static inline int inet_create(struct socket *sock, int family, int protocol)
{
	return COP_MODULE.kernel->inet_create(sock, family, protocol);
}

/**
 * sock_hold, sock_put - take and drop a reference; the last one frees
 * @sk: with at least one reference
 */
static inline void sock_hold(struct sock *sk)
{
	COP_MODULE.kernel->sock_hold(sk);
}

static inline void sock_put(struct sock *sk)
{
	COP_MODULE.kernel->sock_put(sk);
}

/**
 * inet_sk - the addresses and ports of a sock at this moment
 * @sk: the sock
 */
static inline struct cop_inet_info inet_sk(const struct sock *sk)
{
	struct cop_inet_info info;

	COP_MODULE.kernel->inet_info(sk, &info);
	return info;
}

/**
 * inet_claim_port - take a port
 * @snum: the port, host order
 *
 * Returns whether it was free. All transports of a process share one port space. False
 * also for a port that another process was found to hold a moment ago.
 */
static inline bool inet_claim_port(uint16_t snum)
{
	return COP_MODULE.kernel->claim_port(snum);
}

/**
 * inet_release_port - give back a port that a get_port has claimed and not returned
 * @snum: the port, host order
 */
static inline void inet_release_port(uint16_t snum)
{
	COP_MODULE.kernel->release_port(snum);
}

/**
 * inet_port_is_held - whether inet_claim_port() would fail
 * @snum: the port, host order
 */
static inline bool inet_port_is_held(uint16_t snum)
{
	return COP_MODULE.kernel->port_is_held(snum);
}

/**
 * inet_queue_length - how many ports of a queue this process holds
 * @queue: below INET_PORT_QUEUES
 */
static inline unsigned int inet_queue_length(unsigned int queue)
{
	return COP_MODULE.kernel->queue_length(queue);
}

/**
 * inet_next_port - the next port of a queue that get_port may choose
 * @queue: below INET_PORT_QUEUES
 * @after: a port, host order; 0: return the first one
 *
 * Returns the lowest port above @after that is in net.ipv4.ip_local_port_range and not
 * reserved, held or not; 0 behind the last one.
 */
static inline uint16_t inet_next_port(unsigned int queue, uint16_t after)
{
	return COP_MODULE.kernel->next_port(queue, after);
}

/**
 * get_random_u32 - a number that an outsider can't guess
 */
static inline uint32_t get_random_u32(void)
{
	return COP_MODULE.kernel->random();
}

/**
 * pr_info, pr_debug - write a line to standard error, with COP_DEBUG=1 and =2
 *
 * As printf(), without a newline. Formats integers and strings async-signal-safe.
 */
#define pr_info(...)  COP_MODULE.kernel->log(COP_LOG_INFO, __VA_ARGS__)
#define pr_debug(...) COP_MODULE.kernel->log(COP_LOG_DEBUG, __VA_ARGS__)

/**
 * try_module_get - take a reference of a module
 * @mod: the module; NULL: built into the library
 *
 * Returns false if it has unregistered. Each sock of a transport with an owner has one.
 */
static inline bool try_module_get(struct module *mod)
{
	return COP_MODULE.kernel->try_module_get(mod);
}

/**
 * module_put - drop a reference of try_module_get()
 */
static inline void module_put(struct module *mod)
{
	COP_MODULE.kernel->module_put(mod);
}

/**
 * security_add_hooks - have the functions of a policy asked
 * @hooks: the functions; kept, not copied
 * @count: how many
 * @lsm: the policy's name, as messages show it
 *
 * Behind the functions that are registered already. They are asked until the module's
 * init fails, or the process exits. Returns 0, -EINVAL for a function that is missing
 * or a call that is unknown, -EEXIST for one of @hooks that is registered already: then
 * none is registered. Only in init.
 */
static inline int security_add_hooks(struct security_hook_list *hooks,
				     int count, const char *lsm)
{
	return COP_MODULE.kernel->security_add_hooks(hooks, count, lsm,
						     THIS_MODULE);
}

/**
 * socket_info - the kind of a socket, for a hook
 * @sock: as the hook got it
 */
static inline struct cop_socket_info socket_info(const struct socket *sock)
{
	struct cop_socket_info info;

	COP_MODULE.kernel->socket_info(sock, &info);
	return info;
}

/**
 * cop_count - add 1 to a counter of a sock
 * @sk: the sock
 * @i: which of the counters that struct proto names; another number counts nothing
 *
 * Costs as much as a call. Async-signal-safe.
 */
static inline void cop_count(struct sock *sk, unsigned int i)
{
	COP_MODULE.kernel->count(sk, i);
}

/**
 * copy_from_user, copy_to_user - read and write memory that a program points to
 * @fd: the descriptor that the program used
 * @to: where to
 * @from: where from
 * @len: how many bytes
 *
 * Return 0, or -EFAULT if the program's memory can't be read or written; such a read
 * changes nothing. Async-signal-safe.
 */
static inline int copy_from_user(int fd, void *to, const void *from, size_t len)
{
	return COP_MODULE.kernel->copy_from_user(fd, to, from, len);
}

static inline int copy_to_user(void *to, const void *from, size_t len)
{
	return COP_MODULE.kernel->copy_to_user(to, from, len);
}

/**
 * cop_process_confined - whether the process may make only its program's system calls
 *
 * A process that has confined itself by seccomp may be killed for any other one: then
 * an operation of a transport makes none of its own, not even getrandom() or mmap().
 * Async-signal-safe.
 */
static inline bool cop_process_confined(void)
{
	return COP_MODULE.kernel->confined();
}

#endif /* COP_TRANSPORT_TYPES */

#endif /* COP_TRANSPORT_H */
