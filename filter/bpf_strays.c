// SPDX-License-Identifier: MIT
/*
 * filter/bpf_strays.c - the program that drops strays in the kernel, so that they
 * wake no program up and take no room in the socket's buffer. It makes the checks
 * of cop_wire in wire/hdr.c.
 *
 * Owns: one constant, which needs no protection. Counterpart in the kernel:
 * sk_filter_trim_cap(), which runs it.
 */
#include <errno.h>
#include <string.h>

#include "cop.h"
#include "filter/bpf_part.h"

static const struct sock_filter strays[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, COP_BPF_UDP_HLEN + COP_HLEN, 0, 11),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, OFF_MAGIC),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, COP_MAGIC, 0, 9),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, OFF_VER_HLEN),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, COP_VERSION << 4 | COP_HLEN_WORDS,
		 0, 7),
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, COP_VERSION << 4 | 0xf, 6, 0),
	/* The header, with its options, fits in the datagram. */
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
