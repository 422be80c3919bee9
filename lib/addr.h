/* SPDX-License-Identifier: MIT */
/*
 * addr.h - a socket's address: of which family, how long, and which kind.
 *
 * The functions take both families. Of the transports, none serves IPv6 yet.
 */
#ifndef COP_ADDR_H
#define COP_ADDR_H

#include <linux/types.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

union cop_addr {
	sa_family_t family; /* AF_UNSPEC: no address */
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* The longest text of cop_addr_print(), with its closing 0. */
#define COP_ADDR_TEXT (INET6_ADDRSTRLEN + sizeof("[%4294967295]:65535"))

/**
 * cop_addr_any - the wildcard address of a family, with port 0
 * @family: AF_INET or AF_INET6
 */
union cop_addr cop_addr_any(int family);

/**
 * cop_addr_v4 - an IPv4 address and a port
 * @addr: the address, network order
 * @port: the port, network order
 */
union cop_addr cop_addr_v4(__be32 addr, __be16 port);

/**
 * cop_addr_len - length of an address of this family, in bytes; 0 for none
 * @addr: the address
 */
socklen_t cop_addr_len(const union cop_addr *addr);

/**
 * cop_addr_is_any - whether an address is the wildcard of its family
 * @addr: an address; its port does not count
 */
bool cop_addr_is_any(const union cop_addr *addr);

/**
 * cop_addr_port, cop_addr_set_port - the port of an address, network order
 * @addr: the address; one of another family has port 0, and keeps it
 * @port: the port, network order
 */
__be16 cop_addr_port(const union cop_addr *addr);
void cop_addr_set_port(union cop_addr *addr, __be16 port);

/**
 * cop_addr_equal - whether two addresses are the same, with port and scope
 * @a: the one
 * @b: the other
 */
bool cop_addr_equal(const union cop_addr *a, const union cop_addr *b);

/**
 * cop_addr_print - write an address as ss(8) does: 127.0.0.1:80, [fe80::1%2]:80
 * @text: where the text is put
 * @size: bytes there; COP_ADDR_TEXT is enough
 * @addr: the address
 *
 * Returns @text. Not async-signal-safe.
 */
char *cop_addr_print(char *text, size_t size, const union cop_addr *addr);

/**
 * cop_addr_fits - whether a program's address can be read at all
 * @fd: any socket, which is asked
 * @uaddr: the program's
 * @len: its length in bytes
 *
 * Returns 0; -EINVAL for a length that no address has; -EFAULT for memory that
 * can't be read. errno stays. Counterpart: move_addr_to_kernel().
 */
int cop_addr_fits(int fd, const struct sockaddr *uaddr, socklen_t len);

/**
 * cop_addr_import - copy a program's address
 * @fd: any socket
 * @uaddr: the program's
 * @len: its length in bytes
 * @addr: where the copy is put, as far as it fits; zero behind @len bytes
 *
 * Returns as cop_addr_fits() does.
 */
int cop_addr_import(int fd, const struct sockaddr *uaddr, socklen_t len,
		    union cop_addr *addr);

/**
 * cop_local_addr, cop_peer_addr - the addresses that a kernel socket has now
 * @fd: the kernel socket
 * @addr: where the address is put; AF_UNSPEC where there is none
 *
 * Returns whether there is one. errno stays. Async-signal-safe.
 */
bool cop_local_addr(int fd, union cop_addr *addr);
bool cop_peer_addr(int fd, union cop_addr *addr);

#endif /* COP_ADDR_H */
