/* SPDX-License-Identifier: MIT */
/*
 * ring.h - system calls that no library can see, through io_uring.
 */
#ifndef COP_TEST_RING_H
#define COP_TEST_RING_H

#include <linux/io_uring.h>
#include <stdint.h>
#include <sys/mman.h>

#include "raw.h"

#define RING_SOCKET 45 /* IORING_OP_SOCKET, which older headers lack */

static struct {
	int fd; /* 0: not made yet */
	unsigned int *sq_tail, *sq_array, sq_mask;
	unsigned int *cq_head, cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
} ring;

static inline void *ring_map(size_t len, off_t what)
{
	void *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
			 what);

	if (map == MAP_FAILED)
		skip("io_uring's memory");
	return map;
}

/* The program is skipped where the kernel has none or gives none. */
static inline void ring_make(void)
{
	struct io_uring_params p = { 0 };
	char *sq, *cq;
	long fd = raw(SYS_io_uring_setup, 4, (long)&p, 0, 0);

	if (with_errno(fd) < 0)
		skip("no io_uring to be had");
	ring.fd = fd;
	sq = ring_map(p.sq_off.array + p.sq_entries * sizeof(*ring.sq_array),
		      IORING_OFF_SQ_RING);
	cq = ring_map(p.cq_off.cqes + p.cq_entries * sizeof(*ring.cqes),
		      IORING_OFF_CQ_RING);
	ring.sqes =
		ring_map(p.sq_entries * sizeof(*ring.sqes), IORING_OFF_SQES);
	ring.sq_tail = (unsigned int *)(sq + p.sq_off.tail);
	ring.sq_array = (unsigned int *)(sq + p.sq_off.array);
	ring.sq_mask = p.sq_entries - 1;
	ring.cq_head = (unsigned int *)(cq + p.cq_off.head);
	ring.cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	ring.cq_mask = p.cq_entries - 1;
}

/* One call to its end; its result, or -1 and errno. */
static inline long ring_call(struct io_uring_sqe sqe)
{
	unsigned int at;
	long ret;

	if (!ring.fd)
		ring_make();
	at = *ring.sq_tail & ring.sq_mask;
	ring.sqes[at] = sqe;
	ring.sq_array[at] = at;
	__atomic_store_n(ring.sq_tail, *ring.sq_tail + 1, __ATOMIC_RELEASE);
	ret = raw6(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, 0,
		   0);
	if (with_errno(ret) < 0)
		skip("io_uring_enter");
	ret = ring.cqes[*ring.cq_head & ring.cq_mask].res;
	__atomic_store_n(ring.cq_head, *ring.cq_head + 1, __ATOMIC_RELEASE);
	return with_errno(ret);
}

static inline long ring_socket(int domain, int type, int protocol)
{
	return ring_call((struct io_uring_sqe){ .opcode = RING_SOCKET,
						.fd = domain,
						.off = type,
						.len = protocol });
}

static inline long ring_send(int fd, const void *data, size_t len)
{
	return ring_call((struct io_uring_sqe){ .opcode = IORING_OP_SEND,
						.fd = fd,
						.addr = (uintptr_t)data,
						.len = len });
}

static inline long ring_recv(int fd, void *data, size_t len)
{
	return ring_call((struct io_uring_sqe){ .opcode = IORING_OP_RECV,
						.fd = fd,
						.addr = (uintptr_t)data,
						.len = len });
}

static inline long ring_accept(int fd)
{
	return ring_call(
		(struct io_uring_sqe){ .opcode = IORING_OP_ACCEPT, .fd = fd });
}

static inline long ring_close(int fd)
{
	return ring_call(
		(struct io_uring_sqe){ .opcode = IORING_OP_CLOSE, .fd = fd });
}

#endif /* COP_TEST_RING_H */
