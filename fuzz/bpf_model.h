/* SPDX-License-Identifier: MIT */
/*
 * bpf_model.h - classic BPF as the kernel checks and runs it on a UDP socket.
 */
#ifndef COP_FUZZ_BPF_MODEL_H
#define COP_FUZZ_BPF_MODEL_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_DROPPED (-1)
#define MODEL_UNKNOWN (-2) /* it depends on a lower layer's header */

/**
 * model_is_valid - whether the kernel takes a program
 * @insn: the instructions
 * @n: how many
 *
 * Counterpart: bpf_check_classic().
 */
bool model_is_valid(const struct sock_filter *insn, unsigned int n);

/**
 * model_kept - how many bytes of a datagram a valid program keeps
 * @insn: the instructions
 * @n: how many
 * @data: the datagram, from its UDP header on
 * @len: its length
 *
 * Returns MODEL_DROPPED, MODEL_UNKNOWN, or at least the length of the UDP header.
 * Counterpart: sk_filter_trim_cap().
 */
int model_kept(const struct sock_filter *insn, unsigned int n,
	       const uint8_t *data, size_t len);

#endif /* COP_FUZZ_BPF_MODEL_H */
