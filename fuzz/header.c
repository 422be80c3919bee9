// SPDX-License-Identifier: MIT
/*
 * header.c - COP's header: what the check takes, the kernel's filter takes, and the short
 * check of a plain header agrees. A header that the library builds is valid.
 */
#include <arpa/inet.h>

#include "cop.h"
#include "filter/bpf.h"
#include "fuzz/bpf_model.h"
#include "fuzz/input.h"
#include "wire/hdr.h"

#define UDP_HLEN 8

static bool filter_keeps(const uint8_t *data, size_t len)
{
	struct sock_filter insn[64];
	int n = cop_bpf_strays(&cop_wire, insn, 64), kept;
	uint8_t *frame = calloc(1, UDP_HLEN + len);

	HOLDS(n > 0 && model_is_valid(insn, n) && frame);
	memcpy(frame + UDP_HLEN, data, len);
	kept = model_kept(insn, n, frame, UDP_HLEN + len);
	free(frame);
	HOLDS(kept < 0 || kept == UDP_HLEN + (int)len);
	return kept >= 0;
}

static void check_fields(const void *data, const struct cop_hdr_info *info)
{
	struct cop_hdr_info read = cop_hdr_read(data);

	HOLDS(read.len == info->len && read.first == info->first);
	HOLDS(read.source == info->source && read.dest == info->dest);
	HOLDS(read.seq == info->seq && read.tstamp == info->tstamp);
}

static void check_build(struct input *in)
{
	_Alignas(4) uint8_t hdr[COP_HLEN];
	uint16_t source = input_word(in), dest = input_word(in);
	uint64_t seq = (uint64_t)input_word(in) << 32 | input_word(in);
	uint32_t tstamp = input_word(in);
	struct cop_hdr_info info;

	cop_wire.build(hdr, source, dest, seq, tstamp);
	HOLDS(cop_wire_check(&cop_wire, hdr, COP_HLEN, &info) == COP_NO_STRAY);
	HOLDS(info.len == COP_HLEN && info.first == !seq);
	HOLDS(info.source == source && info.dest == dest);
	HOLDS(info.seq == (uint32_t)seq && info.tstamp == tstamp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct cop_hdr_info info = { 0 };
	enum cop_stray stray;
	void *copy;

	if (size > COP_DATAGRAM_MAX)
		return 0;
	check_build(&in);
	in = (struct input){ data, size };
	copy = input_copy(&in);
	stray = cop_wire.check(copy, size, &info);
	HOLDS((unsigned int)stray <= COP_NO_STRAY);
	HOLDS(filter_keeps(data, size) == (stray == COP_NO_STRAY));
	if (stray == COP_NO_STRAY) {
		HOLDS(info.len >= COP_HLEN && info.len <= size);
		check_fields(copy, &info);
	}
	HOLDS((cop_hdr_plain(copy, size) >= 0) ==
	      (stray == COP_NO_STRAY && info.len == COP_HLEN));
	free(copy);
	return 0;
}
