// SPDX-License-Identifier: MIT
/*
 * error_queue.c - what the kernel returns from an error queue may be anything that a
 * router has sent back: the program gets the payload, a frame without the header, or
 * what the kernel has, and nothing behind its buffers changes.
 */
#include <errno.h>
#include <sys/uio.h>

#include "cop.h"
#include "datagram/proto.h"
#include "fuzz/input.h"
#include "lib/iov.h"
#include "lib/libc.h"
#include "wire/error_queue.h"

#define PARTS_MAX 12 /* more than the library has on its stack */

static struct input back; /* what the kernel returns */
static size_t returned;	  /* bytes of it */

/* The kernel's recvmsg() of an error queue: as many bytes as fit. */
static ssize_t recvmsg_back(int fd, struct msghdr *msg, int flags)
{
	size_t left = back.left, n;

	(void)fd, (void)flags;
	returned = 0;
	for (size_t i = 0; i < msg->msg_iovlen && left; i++) {
		n = msg->msg_iov[i].iov_len < left ? msg->msg_iov[i].iov_len
						   : left;
		memcpy(msg->msg_iov[i].iov_base, back.at + returned, n);
		returned += n;
		left -= n;
	}
	msg->msg_controllen = 0;
	msg->msg_namelen = 0;
	msg->msg_flags = MSG_ERRQUEUE | (left ? MSG_TRUNC : 0);
	return returned;
}

/* The program's buffers, each in memory of its own. */
struct buffers {
	struct iovec iov[PARTS_MAX];
	size_t n, cap;
};

static void make_buffers(struct buffers *b, struct input *in)
{
	b->n = input_byte(in) % (PARTS_MAX + 1);
	b->cap = 0;
	for (size_t i = 0; i < b->n; i++) {
		size_t len = input_byte(in);

		b->iov[i] = (struct iovec){ malloc(len + !len), len };
		HOLDS(b->iov[i].iov_base);
		memset(b->iov[i].iov_base, 0x5a, len);
		b->cap += len;
	}
}

static uint8_t at(const struct buffers *b, size_t k)
{
	size_t i = 0;

	for (; k >= b->iov[i].iov_len; i++)
		k -= b->iov[i].iov_len;
	return ((uint8_t *)b->iov[i].iov_base)[k];
}

static bool has(const struct buffers *b, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at(b, i) != data[i])
			return false;
	return true;
}

static void check(const struct buffers *b, ssize_t n)
{
	size_t hlen = cop_wire.hlen;
	_Alignas(4) uint8_t hdr[COP_HLEN];
	struct cop_hdr_info info;
	size_t all;

	HOLDS(n >= 0 && (size_t)n <= b->cap);
	if (returned < hlen) {
		HOLDS(!n);
		return;
	}
	memcpy(hdr, back.at, hlen);
	/* The library sends no options, so what does not fit need not be checked. */
	all = returned < hlen + b->cap ? returned : hlen + b->cap;
	if (cop_wire.check(hdr, all, &info) == COP_NO_STRAY) {
		all = returned - hlen < b->cap ? returned - hlen : b->cap;
		HOLDS((size_t)n <= all);
		HOLDS(has(b, back.at + hlen, n));
		/* A batch comes back whole: its first datagram ends at a header. */
		if ((size_t)n < all)
			HOLDS(back.at[hlen + n] == COP_MAGIC >> 8);
	} else if (!has(b, back.at, n)) {
		/* A frame, without the header that is in it. */
		HOLDS((size_t)n <= returned - hlen);
	} else {
		HOLDS((size_t)n <= returned);
	}
}

static int dummy_decode(struct sock *sk, const void *hdr, void *payload,
			size_t len, bool peek, const struct cop_ends *ends)
{
	(void)sk, (void)hdr, (void)payload, (void)len, (void)peek, (void)ends;
	return 0;
}

static void begin(void)
{
	if (cop_libc.recvmsg == recvmsg_back)
		return;
	cop_libc_init();
	cop_libc.recvmsg = recvmsg_back;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cop_sock receiver;
	struct cop_wire coded = cop_wire;
	struct proto prot = { .wire = &cop_wire };
	struct msghdr msg = { 0 };
	struct input in = { data, size };
	bool is_coded = input_byte(&in) % 8 == 7;
	struct buffers b;
	ssize_t n;

	coded.decode = dummy_decode;
	if (is_coded)
		prot.wire = &coded;
	receiver.inet.sk.sk_prot = &prot;
	begin();
	make_buffers(&b, &in);
	back = in;
	msg.msg_iov = b.iov;
	msg.msg_iovlen = b.n;
	n = cop_encap_recv_error(&receiver.inet.sk, -1, &msg, MSG_ERRQUEUE,
				 b.cap);
	HOLDS(is_coded || n >= 0);
	if (is_coded)
		HOLDS(!n && (!b.cap || has(&b, (const uint8_t *)"\x5a", 1)));
	else
		check(&b, n);
	for (size_t i = 0; i < b.n; i++)
		free(b.iov[i].iov_base);
	return 0;
}
