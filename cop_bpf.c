// SPDX-License-Identifier: MIT
/*
 * cop_bpf.c - classic BPF programs for a kernel socket that carries COP: one
 * that drops strays.
 *
 * Owns nothing, and so nothing needs protection. May call: nobody. Counterpart
 * in the kernel: net/core/filter.c.
 */
#include <errno.h>
#include <string.h>

#include "cop.h"
#include "cop/bpf.h"
#include "cop/compiler.h"

/* Where fields are, from the UDP header on. */
#define OFF_MAGIC    COP_BPF_UDP_HLEN
#define OFF_VER_HLEN (COP_BPF_UDP_HLEN + 2)

/* Its last instruction is the one that a COP datagram gets to. */
static const struct sock_filter strays[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, COP_BPF_UDP_HLEN + COP_HLEN, 0, 11),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, OFF_MAGIC),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, COP_MAGIC, 0, 9),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, OFF_VER_HLEN),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, COP_VERSION << 4 | COP_HLEN_WORDS,
		 0, 7),
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, COP_VERSION << 4 | 0xf, 6, 0),
	/* The header, options and all, fits the datagram. */
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf),
	BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
	BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, COP_BPF_UDP_HLEN),
	BPF_STMT(BPF_MISC | BPF_TAX, 0),
	BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_X, 0, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
};

int cop_bpf_strays(struct sock_filter *out, unsigned int max)
{
	if (max < ARRAY_SIZE(strays))
		return -EINVAL;
	memcpy(out, strays, sizeof(strays));
	return ARRAY_SIZE(strays);
}
