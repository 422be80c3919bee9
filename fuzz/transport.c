// SPDX-License-Identifier: MIT
/*
 * transport.c - the check and the decode of each transport, loaded as a module: what the
 * check takes, the kernel's filter takes; a header that a transport builds is valid; what
 * it encodes, it decodes; and a payload that it refuses stays as it was.
 *
 * FUZZ_MODULES is a directory of modules. One of them may need settings to make a socket;
 * without it only its header is tried.
 */
#include <arpa/inet.h>
#include <glob.h>
#include <limits.h>

#include "filter/bpf.h"
#include "fuzz/bpf_model.h"
#include "fuzz/input.h"
#include "inet/af_inet.h"
#include "inet/kernel.h"
#include "inet/protosw.h"
#include "inet/request.h"
#include "lib/libc.h"
#include "socket/socket.h"
#include "wire/hdr.h"

#define TRANSPORTS  32
#define TYPES	    16
#define UDP_HLEN    8
#define PAYLOAD_MAX 1500

static struct transport {
	const struct proto *prot;
	struct sock *sk; /* NULL: it makes none here */
} transports[TRANSPORTS];
static size_t n_transports;

/* ---- loading -------------------------------------------------------------- */

static void load_all(void)
{
	char pattern[PATH_MAX];
	const struct module *mod;
	const char *why;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*.so", FUZZ_MODULES);
	if (glob(pattern, 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		why = request_try(found.gl_pathv[i], &mod);
		if (why)
			fprintf(stderr, "%s: %s\n", found.gl_pathv[i], why);
	}
	globfree(&found);
}

static void add(int type, const struct inet_protosw *sw)
{
	struct transport *t = &transports[n_transports];
	struct socket *sock;

	if (!sw->prot->wire || n_transports == TRANSPORTS)
		return;
	t->prot = sw->prot;
	if (!sock_create(PF_INET, type, sw->protocol, &sock))
		t->sk = sock->sk;
	n_transports++;
}

static void begin(void)
{
	if (n_transports)
		return;
	cop_libc_init();
	inet_init();
	modules_init();
	load_all();
	for (int type = 0; type < TYPES; type++)
		if (inet_has_type(type) && !inet_is_kernels(type))
			for (const struct inet_protosw *sw =
				     inet_first_protosw(type);
			     sw; sw = sw->next)
				add(type, sw);
	HOLDS(n_transports);
}

/* ---- the header ----------------------------------------------------------- */

static bool filter_keeps(const struct cop_wire *wire, const uint8_t *data,
			 size_t len)
{
	struct sock_filter insn[256];
	int n = cop_bpf_strays(wire, insn, 256), kept;
	uint8_t *frame = calloc(1, UDP_HLEN + len);

	HOLDS(n > 0 && model_is_valid(insn, n) && frame);
	memcpy(frame + UDP_HLEN, data, len);
	kept = model_kept(insn, n, frame, UDP_HLEN + len);
	free(frame);
	return kept >= 0;
}

/* check() sees up to hlen bytes, aligned, in memory that is not longer. */
static enum cop_stray check(const struct cop_wire *wire, const uint8_t *data,
			    size_t len, struct cop_hdr_info *info)
{
	size_t seen = len < wire->hlen ? len : wire->hlen;
	uint8_t *copy = malloc(seen + !seen);
	enum cop_stray stray;

	HOLDS(copy);
	memcpy(copy, data, seen);
	stray = cop_wire_check(wire, copy, len, info);
	free(copy);
	return stray;
}

/* A transport's own reasons are not the filter's. */
static void try_check(const struct cop_wire *wire, const uint8_t *data,
		      size_t len)
{
	struct cop_hdr_info info = { 0 };
	enum cop_stray stray = check(wire, data, len, &info);

	if (stray > COP_STRAY_PAYLOAD)
		return;
	HOLDS(filter_keeps(wire, data, len) == (stray == COP_NO_STRAY));
	if (stray == COP_NO_STRAY)
		HOLDS(info.len >= wire->hlen && info.len <= len);
}

static void try_build(const struct cop_wire *wire, struct input *in)
{
	uint16_t source = input_word(in), dest = input_word(in);
	uint64_t seq = (uint64_t)input_word(in) << 32 | input_word(in);
	uint32_t tstamp = input_word(in), bits = wire->seq_bits ?: 32;
	uint8_t whole[COP_HDR_MAX + COP_OVERHEAD_MAX] = { 0 };
	_Alignas(4) uint8_t hdr[COP_HDR_MAX];
	struct cop_hdr_info info = { 0 };

	wire->build(hdr, source, dest, seq, tstamp);
	memcpy(whole, hdr, wire->hlen);
	HOLDS(check(wire, whole, wire->hlen + wire->overhead, &info) ==
	      COP_NO_STRAY);
	HOLDS(filter_keeps(wire, whole, wire->hlen + wire->overhead));
	if (wire->has & COP_HAS_PORTS)
		HOLDS(info.source == source && info.dest == dest);
	if (wire->has & COP_HAS_SEQ)
		HOLDS(info.seq == (seq & (UINT32_MAX >> (32 - bits))));
	if (wire->has & COP_HAS_TSTAMP)
		HOLDS(info.tstamp == tstamp);
}

/* ---- the payload ---------------------------------------------------------- */

/* The addresses that a checksum covers. */
static const struct cop_ends ends;

static void try_decode(const struct transport *t, const uint8_t *data,
		       size_t len)
{
	const struct cop_wire *wire = t->prot->wire;
	size_t room = len - wire->hlen;
	_Alignas(4) uint8_t hdr[COP_HDR_MAX];
	struct cop_hdr_info info;
	uint8_t *payload;

	if (check(wire, data, len, &info) != COP_NO_STRAY)
		return;
	payload = malloc(room + !room);
	HOLDS(payload);
	memcpy(hdr, data, wire->hlen);
	memcpy(payload, data + wire->hlen, room);
	if (wire->decode(t->sk, hdr, payload, room - wire->overhead, true,
			 &ends))
		HOLDS(!memcmp(payload, data + wire->hlen, room));
	free(payload);
}

static void try_roundtrip(const struct transport *t, const uint8_t *data,
			  size_t len)
{
	const struct cop_wire *wire = t->prot->wire;
	uint8_t *payload = malloc(len + wire->overhead + 1);
	_Alignas(4) uint8_t hdr[COP_HDR_MAX];

	HOLDS(payload);
	memcpy(payload, data, len);
	wire->build(hdr, htons(1), htons(2), len, 3);
	if (!wire->encode(t->sk, hdr, payload, len, &ends)) {
		HOLDS(!wire->decode(t->sk, hdr, payload, len, false, &ends));
		HOLDS(!memcmp(payload, data, len));
	}
	free(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	const struct transport *t;
	const struct cop_wire *wire;

	if (!size || size > PAYLOAD_MAX)
		return 0;
	begin();
	t = &transports[input_byte(&in) % n_transports];
	wire = t->prot->wire;
	try_check(wire, in.at, in.left);
	if (wire->decode && t->sk) {
		try_decode(t, in.at, in.left);
		try_roundtrip(t, in.at, in.left);
	}
	try_build(wire, &in);
	return 0;
}
