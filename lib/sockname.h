/* SPDX-License-Identifier: MIT */
/*
 * sockname.h - addresses from a program, and addresses from the kernel.
 */
#ifndef COP_SOCKNAME_H
#define COP_SOCKNAME_H

#include "lib/addr.h"

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
 * move_addr_to_kernel - copy a program's address whole
 * @fd: any socket
 * @uaddr: the program's
 * @len: its length in bytes
 * @kaddr: where the copy is put; zero behind @len bytes
 *
 * Returns as cop_addr_fits() does. Counterpart: move_addr_to_kernel().
 */
int move_addr_to_kernel(int fd, const struct sockaddr *uaddr, socklen_t len,
			struct sockaddr_storage *kaddr);

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

#endif /* COP_SOCKNAME_H */
