/* SPDX-License-Identifier: MIT */
/*
 * attach.h - the BPF program on a kernel socket: which datagrams may come in, and, in
 * words that are never reached, what the socket is.
 */
#ifndef COP_ATTACH_H
#define COP_ATTACH_H

#include <linux/filter.h>
#include <stdint.h>
#include <sys/socket.h>

struct cop_wire;

#define COP_MARK_WORDS 4

/* What lets datagrams in. */
enum cop_body {
	COP_BODY_ALL,  /* nothing is kept out */
	COP_BODY_COP,  /* what is no COP datagram is dropped */
	COP_BODY_USER, /* the program's own filter, moved behind the header */
	COP_BODY_RAW,  /* the program's own filter, as it is; or none */
};

/* What another process has to know to take a kernel socket for what it is. */
struct cop_mark {
	uint8_t family;	   /* PF_INET */
	uint8_t type;	   /* SOCK_COP */
	uint16_t protocol; /* IPPROTO_COP */
	enum cop_body body;
	uint32_t word[COP_MARK_WORDS]; /* the transport's own */
};

/**
 * cop_program_attach - set a filter, and the mark with it
 * @wire: the transport's header
 * @fd: the kernel socket
 * @mark: what it is; @mark->body: which filter
 * @user: for COP_BODY_USER a socket on which the kernel has accepted the
 *	program's own filter; else -1
 *
 * Takes some 12 us. Returns 0; -EINVAL for a filter that can't be moved behind
 * the header; -EPERM under SO_LOCK_FILTER; -ENOMEM. Async-signal-safe.
 */
int cop_program_attach(const struct cop_wire *wire, int fd,
		       const struct cop_mark *mark, int user);

/**
 * cop_program_mark - renew the mark, and keep the filter that is there
 * @fd: the kernel socket
 * @mark: what it is; body is not looked at
 *
 * Returns as cop_program_attach() does, and -EBUSY where there is a program
 * that is not ours. Async-signal-safe.
 */
int cop_program_mark(int fd, const struct cop_mark *mark);

/**
 * cop_program_wrap - put a mark ahead of what a program has set on plain UDP
 * @fd: the kernel socket
 * @mark: what it is; body is not looked at
 *
 * Returns 0, or -errno where that can't be done: a filter of the greatest length,
 * one of eBPF, SO_LOCK_FILTER, or a mark of another kind. Async-signal-safe.
 */
int cop_program_wrap(int fd, const struct cop_mark *mark);

/**
 * cop_program_unwrap - take the mark away again, and leave the filter
 * @fd: the kernel socket
 *
 * Returns 0, also where there is no such mark; or -errno. Async-signal-safe.
 */
int cop_program_unwrap(int fd);

/**
 * cop_program_read - read the mark
 * @fd: any descriptor
 * @mark: where it is put
 *
 * Another process may have written it: the program on the socket is compared with
 * the one that this library sets for such a mark, so the filter is the one that
 * @mark->body names. Nothing else of @mark is checked. One system call where
 * there is none. Returns 0, or -ENOENT. Async-signal-safe.
 */
int cop_program_read(int fd, struct cop_mark *mark);

/**
 * cop_program_user - read the program's own filter as it was set
 * @fd: the kernel socket
 * @insn: where its instructions go
 * @len: how many there is room for; 0: only count them
 *
 * Returns how many there are, 0 where the program has set none, -EINVAL for too
 * little room. Counterpart: sk_get_filter().
 */
int cop_program_user(int fd, struct sock_filter *insn, unsigned int len);

#endif /* COP_ATTACH_H */
