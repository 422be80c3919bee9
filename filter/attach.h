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

/* Which filter the program has. */
enum cop_body {
	COP_BODY_ALL,  /* one that lets everything in */
	COP_BODY_COP,  /* one that drops strays */
	COP_BODY_USER, /* the program's own filter, moved behind the header */
	COP_BODY_RAW, /* the program's own filter as the program set it, or none */
};

/*
 * What another process has to know to make a socket of a transport of a kernel socket.
 * Type and protocol are what the program asked for. The datagrams of a socket that was
 * adopted have the header of another transport, its carrier.
 */
struct cop_mark {
	uint8_t family;	   /* PF_INET, PF_INET6 */
	uint8_t type;	   /* SOCK_COP, for one */
	uint16_t protocol; /* IPPROTO_COP, for one */
	enum cop_body body;
	uint32_t word[COP_MARK_WORDS]; /* the transport's own */
	uint8_t carrier_type;	       /* 0: not adopted, or carried by COP */
	uint16_t carrier_protocol;
};

/**
 * cop_program_attach - set a filter, and the mark with it
 * @wire: the transport's header
 * @fd: the kernel socket
 * @mark: what the socket is; @mark->body says which filter
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
 * @wire: the transport's header
 * @fd: the kernel socket
 * @mark: what the socket is; its body is ignored
 *
 * Returns as cop_program_attach() does, and -EBUSY if the socket has a BPF program
 * that this library did not make. Async-signal-safe.
 */
int cop_program_mark(const struct cop_wire *wire, int fd,
		     const struct cop_mark *mark);

/**
 * cop_program_wrap - put a mark ahead of the filter that a UDP socket has, or has not
 * @wire: the header of the transport that the socket may get
 * @fd: the kernel socket
 * @mark: what the socket is; its body is ignored
 *
 * Returns 0, or -errno if that can't be done: the filter has the greatest length or
 * is an eBPF program, the socket has SO_LOCK_FILTER, or it has a mark with another
 * body. Async-signal-safe.
 */
int cop_program_wrap(const struct cop_wire *wire, int fd,
		     const struct cop_mark *mark);

/**
 * cop_program_unwrap - undo cop_program_wrap(): take the mark, leave the filter
 * @fd: the kernel socket
 *
 * Returns 0, also if there is no such mark; or -errno. Async-signal-safe.
 */
int cop_program_unwrap(int fd);

/**
 * cop_program_claim - read what a mark says, to find out whose it is
 * @fd: any descriptor
 * @mark: filled in
 *
 * Checks only that the BPF program has the form of one with a mark. The caller finds the
 * transport that @mark names, and then calls cop_program_read(). Costs one system call
 * if there is no mark. Returns 0, or -ENOENT. Async-signal-safe.
 */
int cop_program_claim(int fd, struct cop_mark *mark);

/**
 * cop_program_read - read the mark of a socket whose transport is known
 * @wire: the transport's header
 * @fd: any descriptor
 * @mark: filled in
 *
 * Another process may have written the mark. So this compares the whole BPF program
 * with the one that the library makes for such a mark: the filter is the one that
 * @mark->body names. The caller checks the rest of @mark. Costs one system call if
 * there is no mark. Returns 0, or -ENOENT. Async-signal-safe.
 */
int cop_program_read(const struct cop_wire *wire, int fd,
		     struct cop_mark *mark);

/**
 * cop_program_user - read the program's own filter as it was set
 * @wire: the transport's header
 * @fd: the kernel socket
 * @insn: where its instructions go
 * @len: how many there is room for; 0: only count them
 *
 * Returns how many there are, 0 if the program has set no filter, -EINVAL if there is
 * too little room. Counterpart: sk_get_filter().
 */
int cop_program_user(const struct cop_wire *wire, int fd,
		     struct sock_filter *insn, unsigned int len);

#endif /* COP_ATTACH_H */
