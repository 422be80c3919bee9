/* SPDX-License-Identifier: MIT */
/*
 * helpers.h - what the unit tests share: COP sockets made as interpose.c makes
 * them, the kernel's own UDP sockets to set beside them, and child processes
 * for what a test must not do to itself.
 *
 * All t_* calls return 0 or a count, or a negative errno, as the rooms do.
 */
#ifndef COP_TEST_HELPERS_H
#define COP_TEST_HELPERS_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/atomic.h"
#include "cop.h"
#include "lib/compiler.h"
#include "datagram/proto.h"
#include "socket/socket.h"
#include "cop_table.h"
#include "transports/cop/cop.h"
#include "unit/port_taken.h"

#define LOOPBACK  "127.0.0.1"
#define NOT_LOCAL "198.51.100.7" /* RFC 5737: nobody's */

/* ---- sockets -------------------------------------------------------------- */

/* A COP socket of PF_INET6: bound to @addr, which gets the port, unless it is NULL. */
int t_open_inet6(struct sockaddr_in6 *addr);

void t_init(void);	       /* what the constructor does */
int t_open(void);	       /* a COP socket's descriptor */
int t_open_type(int type);     /* the same, of a transport of that type */
int t_open_adopted(void);      /* the same, of UDP that is put on COP */
int t_open_bound(void);	       /* the same, on LOOPBACK, any port */
void t_close(int fd);	       /* as close() does it */
void t_leave(int fd);	       /* the same, but the kernel socket stays */
struct socket *t_sock(int fd); /* what the descriptor leads to */
struct sock *t_sk(int fd);
__be32 t_in(const struct cop_addr_slot *slot); /* the IPv4 address; 0: none */
struct sock *t_taken_over(int fd); /* what it leads to in the next image */
struct cop_counters *t_count(int fd);

/* A kernel UDP socket on LOOPBACK, any port, with a receive timeout. */
int t_udp(void);

/* How many datagrams the kernel dropped at the socket, which has a port. */
unsigned int t_drops(int fd);

/* A port that nothing holds, outside the range of ephemeral ports. */
uint16_t t_free_port(void);

/* ---- calls ---------------------------------------------------------------- */

struct sockaddr_in t_addr(const char *ip, uint16_t snum);
int t_bind_addr(int fd, const void *addr, socklen_t len);
int t_bind(int fd, const char *ip, uint16_t snum);
int t_connect(int fd, const char *ip, uint16_t snum);
int t_disconnect(int fd);
uint16_t t_port(int fd);	   /* that getsockname() tells */
struct sockaddr_in t_name(int fd); /* likewise, with the address */

/* sendmsg() and recvmsg() with their autobind. */
ssize_t t_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t t_recvmsg(int fd, struct msghdr *msg, int flags);

/* sendto() and recvfrom(); @to and @from may be NULL. */
ssize_t t_sendto(int fd, const void *buf, size_t len, int flags,
		 const struct sockaddr_in *to);
ssize_t t_send(int fd, const char *text);
ssize_t t_recvfrom(int fd, void *buf, size_t len, int flags,
		   struct sockaddr_in *from);
ssize_t t_recv(int fd, void *buf, size_t len, int flags);

int t_sendmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags);
int t_recvmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags,
	       struct timespec *timeout);
int t_set(int fd, int level, int optname, int value);
int t_get(int fd, int level, int optname);

/* ---- the wire ------------------------------------------------------------- */

/* A datagram as it crosses the wire. */
struct t_wire {
	struct cophdr hdr;
	unsigned char payload[65536];
	ssize_t len; /* of the payload */
};

void t_wire_recv(int udp, struct t_wire *wire);

/* Send bytes by a kernel UDP socket to a port of LOOPBACK. */
void t_udp_send(int udp, uint16_t snum, const void *data, size_t len);

/* Send a COP datagram that is built here, with so many words of options. */
void t_udp_send_cop(int udp, uint16_t snum, unsigned int options,
		    const void *payload, size_t len);

/* Send one datagram of each kind that is no COP datagram; as many as reasons. */
void t_udp_send_strays(int udp, uint16_t snum);

/* ---- child processes ------------------------------------------------------ */

/*
 * Run @fn in a forked child. Returns what it returned, or -signal. @fn uses
 * CHECK, and so says in which line it failed.
 */
int t_child(int (*fn)(void));
#define CHECK(x)                         \
	do {                             \
		if (!(x))                \
			return __LINE__; \
	} while (0)
#define T_SKIP (-1000) /* the child can't do here what it should */
#define T_CHILD(fn)                                                     \
	do {                                                            \
		int ret_ = t_child(fn);                                 \
		if (ret_ == T_SKIP)                                     \
			cr_skip("not possible here: no privileges");    \
		cr_assert(eq(int, ret_, 0), "failing line, or signal"); \
	} while (0)

/* Not under ThreadSanitizer, which makes a fork() of it. */
bool t_vfork_shares_memory(void);

/* In a child: a network namespace of its own, loopback up. */
bool t_own_network(void);

/* In a child: no privileges from here on. */
bool t_unprivileged(void);

/* In a child: the option IP_LOCAL_PORT_RANGE is unknown, as before Linux 6.3. */
void t_old_kernel(void);

/* What @fn has written to stderr, in @text. */
void t_stderr(void (*fn)(void), char *text, size_t size);

/* Whether net.ipv4's setting @name now has this value; needs root or a network of
 * one's own. */
bool t_write_sysctl(const char *name, const char *value);

/* A sanitizer makes many more instructions, and larger frames on the stack. */
#if defined(__SANITIZE_ADDRESS__) || defined(COP_TSAN)
#define SHADOWED true
#else
#define SHADOWED false
#endif

/* From now on each fcntl() of the library goes to @hook; t_next_fcntl() is libc's. */
void t_hook_fcntl(int (*hook)(int fd, int cmd, long arg));
int t_next_fcntl(int fd, int cmd, long arg);

/* Such a hook: the process has as many descriptors as it may. */
int t_no_duplicate(int fd, int cmd, long arg);

#endif /* COP_TEST_HELPERS_H */
