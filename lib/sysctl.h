/* SPDX-License-Identifier: MIT */
/*
 * sysctl.h - the kernel settings that libcop follows.
 */
#ifndef COP_SYSCTL_H
#define COP_SYSCTL_H

#include <stdatomic.h>

struct cop_sysctl {
	_Atomic(int) rmem_default; /* (a) net.core.rmem_default, bytes */
	_Atomic(int) wmem_default; /* (a) net.core.wmem_default, bytes */
	_Atomic(int) optmem_max;   /* (a) net.core.optmem_max, bytes: more than
				    * this of control data is refused */
	_Atomic(int) prot_sock;	   /* (a) net.ipv4.ip_unprivileged_port_start */
};

/* As last read in the home namespace; the kernel's own defaults until then. */
extern struct cop_sysctl cop_sysctl;

/**
 * cop_sysctl_refresh - follow a change of the settings within a second
 *
 * Reads the files at most once in a second, and else costs a look at the
 * clock. A thread outside the home namespace (netns.h) reads nothing, for it would
 * find the settings of its own. ip_local_port_range and ip_local_reserved_ports go to the port space.
 * What can't be read keeps its value. Lock-free, async-signal-safe.
 */
void cop_sysctl_refresh(void);

/**
 * cop_sysctl_elsewhere - note that there is a socket outside the home namespace
 *
 * How much control data its namespace allows is not known here, so from now on
 * optmem_max is INT_MAX, and the kernel judges. Async-signal-safe.
 */
void cop_sysctl_elsewhere(void);

#endif /* COP_SYSCTL_H */
