/* SPDX-License-Identifier: MIT */
/*
 * bpf_part.h - what one instruction of a program's own filter becomes when
 * cop_bpf_shift() moves it: a few instructions, with the helpers that write them.
 */
#ifndef COP_BPF_PART_H
#define COP_BPF_PART_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "filter/bpf.h"
#include "lib/compiler.h"

/* Offsets of fields from the start of the UDP header. */
#define OFF_LEN	  4
#define OFF_CHECK 6

/* The kernel takes an offset from here on as negative. */
#define NEGATIVE 0x80000000u

/* The longest part is that of a word at X: some 90 instructions. */
#define PART_MAX 128

/* The operand of a BPF_JA to the end of the part, until cop_part_land() sets it. */
#define PART_END UINT32_MAX

/* Words of scratch memory that the program does not use, or NO_WORD. */
struct bpf_words {
	unsigned int saved; /* keeps A or X while a part uses it */
	unsigned int hlen;  /* keeps the length of the header */
};

#define NO_WORD BPF_MEMWORDS

struct bpf_part {
	struct sock_filter insn[PART_MAX];
	unsigned int n;		     /* how many of insn there are */
	const struct cop_wire *wire; /* the header to move behind */
	struct bpf_words words;
	bool saves; /* whether any part so far uses words.saved */
};

/* Append instructions to a part. */
void cop_part_put(struct bpf_part *part, const struct sock_filter *insn,
		  unsigned int n);

#define PUT(part, ...)                                             \
	cop_part_put(                                              \
		part, (const struct sock_filter[]){ __VA_ARGS__ }, \
		ARRAY_SIZE(((const struct sock_filter[]){ __VA_ARGS__ })))

/* Append what keeps A or X in words.saved, and what brings it back. */
void cop_part_save_a(struct bpf_part *part);
void cop_part_save_x(struct bpf_part *part);
void cop_part_restore_a(struct bpf_part *part);
void cop_part_restore_x(struct bpf_part *part);

/* The one instruction that sets X to the length of the header, in bytes. */
struct sock_filter cop_part_ldx_hlen(const struct bpf_part *part);

/* Append what sets A to the length of the header, in bytes. */
void cop_part_ld_hlen(struct bpf_part *part);

/* Let each jump to PART_END lead behind the part's last instruction. */
void cop_part_land(struct bpf_part *part);

#endif /* COP_BPF_PART_H */
