// SPDX-License-Identifier: MIT
/*
 * joined.c - joined datagrams, of any bytes: what is left without the headers is what a
 * plain loop over them comes to, in iovecs of any lengths, and no byte behind these
 * changes. Where the headers have to tell the length, all of them are valid.
 */
#include "cop.h"
#include "datagram/defaults.h"
#include "datagram/joined.h"
#include "datagram/proto.h"
#include "fuzz/input.h"

enum { IOVS = 6, MOST = 4096 };

static struct cop_sock sock;

/* What the program has to get. */
struct model {
	uint8_t payload[MOST];
	size_t len, shown, size;
	unsigned int taken;
	bool ended, cut;
};

static void model_take(struct model *m, const uint8_t *payload, size_t len)
{
	const bool shown =
		!m->cut && !m->ended && (!m->taken || (len && len <= m->size));

	m->len += len;
	m->cut |= !shown;
	if (!shown)
		return;
	if (!m->taken++)
		m->size = len;
	m->ended = len < m->size || !len;
	memcpy(m->payload + m->shown, payload, len);
	m->shown += len;
}

static void model_make(struct model *m, const uint8_t *wire, size_t n,
		       size_t step)
{
	for (size_t at = 0; at < n; at += step) {
		const size_t len = n - at < step ? n - at : step;
		_Alignas(4) uint8_t head[COP_HDR_MAX] = { 0 };
		struct cop_hdr_info info;

		memcpy(head, wire + at, len < COP_HLEN ? len : COP_HLEN);
		if (cop_wire_check(&cop_wire, head, len, &info) == COP_NO_STRAY)
			model_take(m, wire + at + info.len, len - info.len);
	}
}

/* The wire's bytes lie in pieces of memory of their own. */
static void split(struct input *in, struct iovec *iov, const uint8_t *wire,
		  size_t n)
{
	size_t at = 0;

	for (int i = 0; i < IOVS; i++) {
		size_t len = i ? input_byte(in) * 4 : COP_HLEN;

		if (len > n - at || i == IOVS - 1)
			len = n - at;
		iov[i] = (struct iovec){ malloc(len + !len), len };
		HOLDS(iov[i].iov_base);
		memcpy(iov[i].iov_base, wire + at, len);
		at += len;
	}
}

static void gather(uint8_t *to, const struct iovec *iov, size_t n)
{
	for (; n; iov++) {
		const size_t len = iov->iov_len < n ? iov->iov_len : n;

		memcpy(to, iov->iov_base, len);
		to += len;
		n -= len;
	}
}

static void check_payload(struct joined *j, const struct model *m, size_t cap)
{
	const size_t want = m->shown < cap ? m->shown : cap;
	struct cop_rx rx = { 0 };
	uint8_t got[MOST];

	cop_unjoin(j, &rx);
	HOLDS(rx.joined && rx.stray == COP_NO_STRAY);
	HOLDS(rx.len == m->len && j->taken == m->taken && j->cut == m->cut);
	HOLDS(rx.copied == want && (!m->taken || j->size == m->size));
	gather(got, j->iov + 1, want);
	HOLDS(!memcmp(got, m->payload, want));
}

static void check_step(struct joined *j, const uint8_t *wire)
{
	const size_t step = cop_joined_step(j);

	HOLDS(step && step <= j->n);
	for (size_t at = 0; step < j->n && at < j->n; at += step) {
		const size_t len = j->n - at < step ? j->n - at : step;
		_Alignas(4) uint8_t head[COP_HDR_MAX] = { 0 };
		struct cop_hdr_info info;

		memcpy(head, wire + at, len < COP_HLEN ? len : COP_HLEN);
		HOLDS(cop_wire_check(&cop_wire, head, len, &info) ==
		      COP_NO_STRAY);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	size_t step = input_byte(&in) + 1, cap = input_byte(&in) * 8;
	struct iovec iov[IOVS], again[IOVS];
	struct model m = { 0 };
	struct joined j = { .sk = &sock.inet.sk, .fd = -1, .flags = MSG_PEEK };
	_Alignas(4) uint8_t head[COP_HDR_MAX] = { 0 };
	struct cop_hdr_info info;
	struct input rest;

	WRITE_ONCE(sock.inet.sk.sk_prot, &cop_datagram_prot);
	rest = in;
	rest.at += in.left < IOVS ? in.left : IOVS;
	rest.left -= in.left < IOVS ? in.left : IOVS;
	if (rest.left < COP_HLEN || rest.left > MOST)
		return 0;
	memcpy(head, rest.at, COP_HLEN);
	if (cop_wire_check(&cop_wire, head, step, &info) != COP_NO_STRAY)
		return 0;
	split(&in, iov, rest.at, rest.left);
	in = (struct input){ data + 2, size - 2 };
	split(&in, again, rest.at, rest.left);
	j.n = j.got = rest.left;
	j.iov = again;
	check_step(&j, rest.at);
	j.iov = iov;
	j.step = step;
	j.cap = cap;
	model_make(&m, rest.at, rest.left, step);
	check_payload(&j, &m, cap);
	for (int i = 0; i < IOVS; i++) {
		free(iov[i].iov_base);
		free(again[i].iov_base);
	}
	return 0;
}
