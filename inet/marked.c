// SPDX-License-Identifier: MIT
/*
 * inet/marked.c - kernel sockets that came over an exec or from another process. The
 * mark on such a socket names its transport. If the transport is not here, its module
 * is loaded. If that fails, the socket gets cop_missing_prot, whose calls fail: the
 * kernel's UDP would show the program headers as data.
 *
 * Owns: nothing. Protected by: nothing to protect; one thread at a time creates.
 * Counterpart in the kernel: none; there the sock itself goes through an exec.
 */
#include <errno.h>

#include "adopt/pending.h"
#include "adopt/share.h"
#include "adopt/udp.h"
#include "cop.h"
#include "filter/attach.h"
#include "inet/af_inet.h"
#include "inet/marked.h"
#include "inet/missing.h"
#include "inet/protosw.h"
#include "lib/compiler.h"
#include "lib/env.h"
#include "lib/kernel_socket.h"
#include "socket/socket.h"

static bool is_number(int type, int protocol)
{
	return type < SOCK_MAX && protocol && protocol < IPPROTO_MAX;
}

/* A mark names COP as a carrier by 0. */
static bool cop_is_carrier(int type, int protocol)
{
	return type == SOCK_COP && protocol == IPPROTO_COP;
}

static bool is_udp(const struct cop_mark *mark)
{
	return mark->type == SOCK_DGRAM && mark->protocol == IPPROTO_UDP;
}

/* Only UDP is adopted, and only a pending socket keeps a filter that was UDP's. */
static bool is_possible(const struct cop_mark *mark)
{
	if (mark->body == COP_BODY_RAW && !cop_pending_is_marked(mark))
		return false;
	if (is_udp(mark) && mark->carrier_type)
		return is_number(mark->carrier_type, mark->carrier_protocol) &&
		       !cop_is_carrier(mark->carrier_type,
				       mark->carrier_protocol);
	if (is_udp(mark))
		return !mark->carrier_protocol;
	return is_number(mark->type, mark->protocol) &&
	       mark->body != COP_BODY_RAW && !mark->carrier_type &&
	       !mark->carrier_protocol;
}

/* The type by which inetsw has the transport whose header the datagrams have. */
static int type_of(const struct cop_mark *mark)
{
	return mark->carrier_type ?: mark->type;
}

static int protocol_of(const struct cop_mark *mark)
{
	return mark->carrier_type ? mark->carrier_protocol : mark->protocol;
}

/* No adopted socket carries another one. */
static struct inet_protosw *lookup(const struct cop_mark *mark)
{
	int protocol = protocol_of(mark);
	struct inet_protosw *answer =
		inet_lookup_protosw(type_of(mark), &protocol);

	return answer && answer->flags & INET_PROTOSW_ADOPTED &&
			       mark->carrier_type
		       ? NULL
		       : answer;
}

/*
 * A module serves both families, but may have a file for one only: the process that
 * made the socket may have found it by the other one.
 */
static noinline bool request(const struct cop_mark *mark)
{
	const int other = mark->family == PF_INET ? PF_INET6 : PF_INET;
	int protocol = protocol_of(mark);

	if (inet_find_protosw(mark->family, type_of(mark), &protocol))
		return true;
	protocol = protocol_of(mark);
	return inet_find_protosw(other, type_of(mark), &protocol);
}

static bool inet_request_marked(const struct cop_mark *mark)
{
	if ((mark->family != PF_INET && mark->family != PF_INET6) ||
	    !is_possible(mark))
		return true;
	return likely(lookup(mark)) || request(mark);
}

/*
 * A socket of UDP that another process left pending is pending here, too. NULL: there
 * are too many carriers.
 */
static const struct proto *adopted_prot(const struct cop_mark *mark,
					const struct proto *base)
{
	const struct cop_carrier *c =
		mark->carrier_type
			? cop_carrier_get(mark->carrier_type,
					  mark->carrier_protocol, base)
			: &cop_carriers[0];

	if (!c)
		return NULL;
	return cop_pending_is_marked(mark) ? &c->pending : &c->udp;
}

static const struct proto *prot_of(const struct cop_mark *mark,
				   const struct inet_protosw *answer)
{
	if (!answer)
		return NULL;
	return is_udp(mark) ? adopted_prot(mark, answer->prot) : answer->prot;
}

/* Whether the header of this transport gives the filter that is behind the mark. */
static bool is_made_for(const struct proto *prot, int fd)
{
	struct cop_mark mark;

	return !cop_program_read(prot->wire, fd, &mark);
}

static int create_missing(struct socket *sock, int fd,
			  const struct cop_mark *mark, const char *why)
{
	if (!sock_is_udp(fd, mark->family))
		return -ENOENT;
	cop_warn(fd,
		 "its calls fail with EPROTONOSUPPORT: it is a socket of type "
		 "%d, protocol %d, %s",
		 type_of(mark), protocol_of(mark), why);
	return inet_create_sk(sock, mark->family, mark->protocol, NULL,
			      &cop_missing_prot);
}

/*
 * A transport that is built in is the same in each process, so its mark was forged. A
 * transport that refuses the socket, for want of a key for example, must not leave it to
 * the kernel: the program would then send as on UDP.
 */
static int inet_create_marked(struct socket *sock, int fd,
			      const struct cop_mark *mark)
{
	const struct inet_protosw *answer;
	const struct proto *prot;
	int err;

	if (!is_possible(mark))
		return -ENOENT;
	answer = lookup(mark);
	prot = prot_of(mark, answer);
	if (!prot)
		return create_missing(sock, fd, mark, "which no module has");
	if (!is_made_for(prot, fd))
		return prot->owner ? create_missing(sock, fd, mark,
						    "which has another header "
						    "here")
				   : -ENOENT;
	err = inet_create_sk(sock, mark->family, mark->protocol, answer, prot);
	if (unlikely(err && err != -ENOBUFS))
		return create_missing(sock, fd, mark, "which refuses it here");
	return err;
}

static const struct sock_marks inet_marks = {
	.request = inet_request_marked,
	.create = inet_create_marked,
};

void inet_marked_init(void)
{
	sock_marks = &inet_marks;
}
