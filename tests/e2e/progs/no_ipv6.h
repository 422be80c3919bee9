/* SPDX-License-Identifier: MIT */
/*
 * no_ipv6.h - a process for which the kernel has no IPv6.
 */
#ifndef COP_TEST_NO_IPV6_H
#define COP_TEST_NO_IPV6_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "raw.h"

/* What socket(AF_INET6) says where the kernel was started with ipv6.disable=1. */
static void refuse_family(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	/* Unseen by the library: to it a process with a filter is confined. */
	if (raw(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0) ||
	    raw(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, (long)&prog, 0))
		skip("no filter to be had");
}

#endif /* COP_TEST_NO_IPV6_H */
