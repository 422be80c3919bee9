/* SPDX-License-Identifier: MIT */
/*
 * sysctl.h - the kernel settings that libcop follows.
 */
#ifndef COP_SYSCTL_H
#define COP_SYSCTL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/port_bits.h"

/* Two ports in one word, host order, as IP_LOCAL_PORT_RANGE has them. */
#define COP_PORT_RANGE(low, high) ((uint32_t)(high) << 16 | (uint32_t)(low))

struct cop_sysctl {
	_Atomic(int) rmem_default; /* (a) net.core.rmem_default, bytes */
	_Atomic(int) wmem_default; /* (a) net.core.wmem_default, bytes */
	_Atomic(int) optmem_max;   /* (a) net.core.optmem_max, bytes: the kernel
				    * refuses more control data */
	_Atomic(int) prot_sock;	   /* (a) net.ipv4.ip_unprivileged_port_start */
	_Atomic(int) bindv6only;   /* (a) net.ipv6.bindv6only; -1: not known */
	_Atomic(uint32_t) port_range; /* (a) net.ipv4.ip_local_port_range, a
				       * COP_PORT_RANGE() */
	_Atomic(uint32_t)
		port_reads; /* (a) how often the range and the reserved
				       * ports were read */
	struct cop_port_bits reserved; /* net.ipv4.ip_local_reserved_ports */
};

/* As last read in the home namespace; the kernel's own defaults until then. */
extern struct cop_sysctl cop_sysctl;

/**
 * cop_sysctl_refresh - follow a change of the settings within a second
 *
 * Reads the files at most once a second; at other times it only looks at the
 * clock. A thread outside the home namespace (netns.h) reads nothing, because it
 * would find the settings of its own namespace. A setting that can't be read keeps
 * its value. Any caller may be the one that reads the range and the reserved ports;
 * cop_port_refresh() then gives them to the port room. Lock-free, async-signal-safe.
 */
void cop_sysctl_refresh(void);

/**
 * cop_sysctl_may_be_v6only - whether a new socket of IPv6 may leave IPv4 to others
 *
 * That is so where net.ipv6.bindv6only is set. The answer is also true if the
 * setting is not known, as in a process with several network namespaces.
 * Async-signal-safe.
 */
bool cop_sysctl_may_be_v6only(void);

/**
 * cop_sysctl_inuse - how many UDP sockets of the home namespace have a port
 *
 * Reads one file. Returns the number, or -1 if the calling thread can't read it
 * or is in another namespace. Async-signal-safe; errno may change.
 */
int cop_sysctl_inuse(void);

/**
 * cop_sysctl_elsewhere - note that there is a socket outside the home namespace
 *
 * The library does not know how much control data that namespace allows. So from
 * now on optmem_max is INT_MAX, and the kernel judges. Async-signal-safe.
 */
void cop_sysctl_elsewhere(void);

#endif /* COP_SYSCTL_H */
