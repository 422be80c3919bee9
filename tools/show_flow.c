// SPDX-License-Identifier: MIT
/*
 * show_flow.c - prints the flows of sockets, with the names that COP_STATS gives to
 * their figures (datagram/stats.c).
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "show_flow.h"

void show_name(char name[COP_ADDR_TEXT], const struct stat_sock *s,
	       const struct cop_endpoint *end)
{
	union cop_addr addr = cop_endpoint_shown(end, s->family);

	cop_addr_print(name, COP_ADDR_TEXT, &addr);
}

/*
 * Returns the difference between the time of day and CLOCK_MONOTONIC, in
 * microseconds. All times of a socket use the same difference.
 */
static int64_t epoch;

static int64_t epoch_offset(void)
{
	struct timespec day, up;

	clock_gettime(CLOCK_MONOTONIC, &up);
	clock_gettime(CLOCK_REALTIME, &day);
	return (int64_t)(day.tv_sec - up.tv_sec) * 1000000 +
	       (day.tv_nsec - up.tv_nsec) / 1000;
}

void show_flow_begin(void)
{
	epoch = epoch_offset();
}

struct figure {
	const char *name;
	uint64_t value;
	uint8_t needs; /* COP_HAS_*: only a header that has it tells the figure */
};

#define FLOW_FIGURES 11

static void flow_figures(const struct stat_flow *f,
			 struct figure to[FLOW_FIGURES])
{
	const struct figure all[FLOW_FIGURES] = {
		{ "tx", f->tx, 0 },
		{ "tx_bytes", f->tx_bytes, 0 },
		{ "rx", f->rx.datagrams, 0 },
		{ "rx_bytes", f->rx.bytes, 0 },
		{ "lost", cop_source_lost(&f->rx), COP_HAS_SEQ },
		{ "reordered", f->rx.reordered, COP_HAS_SEQ },
		{ "duplicated", f->rx.duplicated, COP_HAS_SEQ },
		{ "unordered", f->rx.unordered, COP_HAS_SEQ },
		{ "restarts", f->rx.restarts, COP_HAS_SEQ },
		{ "jitter_us", f->rx.jitter >> 4, COP_HAS_TSTAMP },
		{ "gap_us", f->rx.gap, 0 },
	};

	memcpy(to, all, sizeof(all));
}

void show_time(FILE *out, const char *fmt, uint64_t us)
{
	char text[32];

	if (us)
		us += epoch;
	snprintf(text, sizeof(text), "%" PRIu64 ".%06u", us / 1000000,
		 (unsigned int)(us % 1000000));
	fprintf(out, fmt, text);
}

static void figure_text(FILE *out, const struct stat_sock *s,
			const struct figure *f)
{
	if (f->needs & s->transport->lacks)
		fprintf(out, " %s=-", f->name);
	else
		fprintf(out, " %s=%" PRIu64, f->name, f->value);
}

void show_flow_text(FILE *out, const struct stat_sock *s,
		    const struct stat_flow *f)
{
	struct figure figures[FLOW_FIGURES];
	char peer[COP_ADDR_TEXT];

	show_name(peer, s, &f->peer);
	fprintf(out, "\tflow peer=%s", peer);
	flow_figures(f, figures);
	for (int i = 0; i < FLOW_FIGURES; i++)
		figure_text(out, s, &figures[i]);
	show_time(out, " first=%s", f->begin);
	show_time(out, " last=%s\n", f->end);
}

void show_flow_json(FILE *out, const struct stat_sock *s,
		    const struct stat_flow *f)
{
	struct figure figures[FLOW_FIGURES];
	char local[COP_ADDR_TEXT], peer[COP_ADDR_TEXT];

	show_name(local, s, &s->local);
	show_name(peer, s, &f->peer);
	fprintf(out,
		"{\"type\":\"flow\",\"pid\":%d,\"fd\":%d,\"local\":\"%s\","
		"\"peer\":\"%s\"",
		(int)s->pid, s->fds[0], local, peer);
	flow_figures(f, figures);
	for (int i = 0; i < FLOW_FIGURES; i++)
		if (!(figures[i].needs & s->transport->lacks))
			fprintf(out, ",\"%s\":%" PRIu64, figures[i].name,
				figures[i].value);
	show_time(out, ",\"first\":%s", f->begin);
	show_time(out, ",\"last\":%s}\n", f->end);
}
