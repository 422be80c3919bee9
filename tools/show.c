// SPDX-License-Identifier: MIT
/*
 * show.c - sockets in words: a table as that of ss(8), or JSON. Figures have the
 * names that COP_STATS gives them (cop_stats.c).
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "rates.h"
#include "show.h"

#define NAME_MAX_LEN sizeof("255.255.255.255:65535")

static const char *const kinds[] = {
	[COP_KIND_COP] = "cop",
	[COP_KIND_ADOPTED] = "adopted",
	[COP_KIND_UNDECIDED] = "undecided",
};

/* In the order of COP_STATS. */
static const struct counter {
	const char *name;
	enum cop_export_name field; /* COP_FIELDS: the kernel's drops */
	bool always;		    /* in the table, even if it is 0 */
} counters[] = {
	{ "tx", COP_SOCK_TX, true },
	{ "tx_bytes", COP_SOCK_TX_BYTES, true },
	{ "tx_errors", COP_SOCK_TX_ERRORS, false },
	{ "rx", COP_SOCK_RX, true },
	{ "rx_bytes", COP_SOCK_RX_BYTES, true },
	{ "truncated", COP_SOCK_TRUNCATED, false },
	{ "port_mismatch", COP_SOCK_PORT_MISMATCH, false },
	{ "stray_short", COP_SOCK_STRAY_SHORT, false },
	{ "stray_magic", COP_SOCK_STRAY_MAGIC, false },
	{ "stray_version", COP_SOCK_STRAY_VERSION, false },
	{ "stray_length", COP_SOCK_STRAY_LENGTH, false },
	{ "kernel_drops", COP_FIELDS, false },
	{ "evicted", COP_SOCK_EVICTED, false },
	{ "missed", COP_SOCK_MISSED, false },
};

#define COUNTERS (sizeof(counters) / sizeof(*counters))

static uint64_t counter(const struct stat_sock *s, const struct counter *c)
{
	return c->field == COP_FIELDS ? s->kernel.drops
				      : stat_counter(s, c->field);
}

static const char *state(const struct stat_sock *s)
{
	return s->is_connected ? "ESTAB" : "UNCONN";
}

static void name_of(char *name, uint32_t addr, uint16_t port)
{
	char text[INET_ADDRSTRLEN] = "";

	inet_ntop(AF_INET, &addr, text, sizeof(text));
	snprintf(name, NAME_MAX_LEN, "%s:%u", text, port);
}

/* What to add to CLOCK_MONOTONIC, in microseconds, for the time of day. */
static int64_t epoch;

static int64_t epoch_offset(void)
{
	struct timespec day, up;

	clock_gettime(CLOCK_MONOTONIC, &up);
	clock_gettime(CLOCK_REALTIME, &day);
	return (int64_t)(day.tv_sec - up.tv_sec) * 1000000 +
	       (day.tv_nsec - up.tv_nsec) / 1000;
}

/* ---- flows --------------------------------------------------------------- */

struct figure {
	const char *name;
	uint64_t value;
};

#define FLOW_FIGURES 11

static void flow_figures(const struct stat_flow *f,
			 struct figure to[FLOW_FIGURES])
{
	const struct figure all[FLOW_FIGURES] = {
		{ "tx", f->tx },
		{ "tx_bytes", f->tx_bytes },
		{ "rx", f->rx.datagrams },
		{ "rx_bytes", f->rx.bytes },
		{ "lost", cop_source_lost(&f->rx) },
		{ "reordered", f->rx.reordered },
		{ "duplicated", f->rx.duplicated },
		{ "unordered", f->rx.unordered },
		{ "restarts", f->rx.restarts },
		{ "jitter_us", f->rx.jitter >> 4 },
		{ "gap_us", f->rx.gap },
	};

	memcpy(to, all, sizeof(all));
}

static void put_time(FILE *out, const char *fmt, uint64_t us)
{
	char text[32];

	if (us)
		us += epoch;
	snprintf(text, sizeof(text), "%" PRIu64 ".%06u", us / 1000000,
		 (unsigned int)(us % 1000000));
	fprintf(out, fmt, text);
}

static void flow_text(FILE *out, const struct stat_flow *f)
{
	struct figure figures[FLOW_FIGURES];
	char peer[NAME_MAX_LEN];

	name_of(peer, f->addr, f->port);
	fprintf(out, "\tflow peer=%s", peer);
	flow_figures(f, figures);
	for (int i = 0; i < FLOW_FIGURES; i++)
		fprintf(out, " %s=%" PRIu64, figures[i].name, figures[i].value);
	put_time(out, " first=%s", f->begin);
	put_time(out, " last=%s\n", f->end);
}

static void flow_json(FILE *out, const struct stat_sock *s,
		      const struct stat_flow *f)
{
	struct figure figures[FLOW_FIGURES];
	char local[NAME_MAX_LEN], peer[NAME_MAX_LEN];

	name_of(local, s->saddr, s->num);
	name_of(peer, f->addr, f->port);
	fprintf(out,
		"{\"type\":\"flow\",\"pid\":%d,\"fd\":%d,\"local\":\"%s\","
		"\"peer\":\"%s\"",
		(int)s->pid, s->fds[0], local, peer);
	flow_figures(f, figures);
	for (int i = 0; i < FLOW_FIGURES; i++)
		fprintf(out, ",\"%s\":%" PRIu64, figures[i].name,
			figures[i].value);
	put_time(out, ",\"first\":%s", f->begin);
	put_time(out, ",\"last\":%s}\n", f->end);
}

/* ---- the table ----------------------------------------------------------- */

/* One that has no port yet, or is in an unknown network, is not listed. */
static void queue_text(char text[16], const struct stat_sock *s, uint32_t queue)
{
	snprintf(text, 16, s->is_listed ? "%" PRIu32 : "-", queue);
}

static void text_name(char *name, uint32_t addr, uint16_t port)
{
	name_of(name, addr, port);
	if (!port)
		strcpy(strchr(name, ':'), ":*");
}

struct widths {
	int kind, local, peer;
};

static void widen(int *width, const char *text)
{
	if ((int)strlen(text) > *width)
		*width = strlen(text);
}

static struct widths measure(const struct stat_list *list)
{
	struct widths w = { 4, strlen("Local Address:Port"),
			    strlen("Peer Address:Port") };
	char name[NAME_MAX_LEN];

	for (size_t i = 0; i < list->n; i++) {
		const struct stat_sock *s = &list->socks[i];

		widen(&w.kind, kinds[s->kind]);
		text_name(name, s->saddr, s->num);
		widen(&w.local, name);
		text_name(name, s->daddr, s->dport);
		widen(&w.peer, name);
	}
	return w;
}

static void users_text(FILE *out, const struct stat_sock *s)
{
	fprintf(out, "users:(");
	for (int i = 0; i < s->n_fds; i++)
		fprintf(out, "%s(\"%s\",pid=%d,fd=%d)", i ? "," : "",
			s->command, (int)s->pid, s->fds[i]);
	fprintf(out, ")\n");
}

static void counters_text(FILE *out, const struct stat_sock *s,
			  const struct stat_list *old)
{
	const char *between = "\t";
	struct rates r;

	for (size_t i = 0; i < COUNTERS; i++) {
		if (!counters[i].always && !counter(s, &counters[i]))
			continue;
		fprintf(out, "%s%s=%" PRIu64, between, counters[i].name,
			counter(s, &counters[i]));
		between = " ";
	}
	if (old && rates_find(old, s, &r))
		fprintf(out,
			" tx_per_s=%.1f tx_bytes_per_s=%.0f rx_per_s=%.1f"
			" rx_bytes_per_s=%.0f",
			r.tx, r.tx_bytes, r.rx, r.rx_bytes);
	fprintf(out, "\n");
}

static void sock_text(FILE *out, const struct stat_sock *s,
		      const struct widths *w, const struct stat_list *old)
{
	char local[NAME_MAX_LEN], peer[NAME_MAX_LEN], rx[16], tx[16];

	text_name(local, s->saddr, s->num);
	text_name(peer, s->daddr, s->dport);
	queue_text(rx, s, s->kernel.rx_queue);
	queue_text(tx, s, s->kernel.tx_queue);
	fprintf(out, "%-*s %-6s %-6s %-6s %*s %*s ", w->kind, kinds[s->kind],
		state(s), rx, tx, w->local, local, w->peer, peer);
	users_text(out, s);
	counters_text(out, s, old);
	for (int i = 0; i < s->n_flows; i++)
		flow_text(out, &s->flows[i]);
}

void show_text(FILE *out, const struct stat_list *list,
	       const struct stat_list *old)
{
	struct widths w = measure(list);

	epoch = epoch_offset();
	fprintf(out, "%-*s %-6s %-6s %-6s %*s %*s %s\n", w.kind, "Type",
		"State", "Recv-Q", "Send-Q", w.local, "Local Address:Port",
		w.peer, "Peer Address:Port", "Process");
	for (size_t i = 0; i < list->n; i++)
		sock_text(out, &list->socks[i], &w, old);
}

/* ---- JSON ---------------------------------------------------------------- */

/* Bytes that follow a first one in UTF-8; -1: no first one. */
static int utf8_more(unsigned char c)
{
	if (c < 0x80)
		return 0;
	if (c >= 0xc2 && c < 0xe0)
		return 1;
	if (c >= 0xe0 && c < 0xf0)
		return 2;
	return c >= 0xf0 && c < 0xf5 ? 3 : -1;
}

static int utf8_len(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	int more = utf8_more(*u);

	for (int i = 1; i <= more; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong ones, surrogates, and what is beyond the last. */
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return more + 1;
}

/* A name may be any bytes; JSON is UTF-8. */
static void json_string(FILE *out, const char *s)
{
	int len;

	for (; *s; s += len ? len : 1) {
		len = utf8_len(s);
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (len)
			fwrite(s, len, 1, out);
		else
			fprintf(out, "\\ufffd");
	}
}

static void queues_json(FILE *out, const struct stat_sock *s)
{
	if (s->is_listed)
		fprintf(out, ",\"recv_q\":%" PRIu32 ",\"send_q\":%" PRIu32,
			s->kernel.rx_queue, s->kernel.tx_queue);
	else
		fprintf(out, ",\"recv_q\":null,\"send_q\":null");
}

static void rates_json(FILE *out, const struct stat_sock *s,
		       const struct stat_list *old)
{
	struct rates r;

	if (!old || !rates_find(old, s, &r))
		return;
	fprintf(out,
		",\"tx_per_s\":%.3f,\"tx_bytes_per_s\":%.3f"
		",\"rx_per_s\":%.3f,\"rx_bytes_per_s\":%.3f",
		r.tx, r.tx_bytes, r.rx, r.rx_bytes);
}

static void sock_json(FILE *out, const struct stat_sock *s,
		      const struct stat_list *old)
{
	char local[NAME_MAX_LEN], peer[NAME_MAX_LEN];

	name_of(local, s->saddr, s->num);
	name_of(peer, s->daddr, s->dport);
	fprintf(out, "{\"type\":\"socket\",\"pid\":%d,\"command\":\"",
		(int)s->pid);
	json_string(out, s->command);
	fprintf(out, "\",\"fd\":%d,\"fds\":[", s->fds[0]);
	for (int i = 0; i < s->n_fds; i++)
		fprintf(out, "%s%d", i ? "," : "", s->fds[i]);
	fprintf(out,
		"],\"kind\":\"%s\",\"state\":\"%s\",\"local\":\"%s\","
		"\"peer\":\"%s\",\"inode\":%" PRIu64,
		kinds[s->kind], state(s), local, peer, s->inode);
	queues_json(out, s);
	for (size_t i = 0; i < COUNTERS; i++)
		fprintf(out, ",\"%s\":%" PRIu64, counters[i].name,
			counter(s, &counters[i]));
	rates_json(out, s, old);
	if (s->has_flows)
		fprintf(out, ",\"flows\":%d", s->n_flows);
	put_time(out, ",\"time\":%s}\n", s->when);
	for (int i = 0; i < s->n_flows; i++)
		flow_json(out, s, &s->flows[i]);
}

void show_json(FILE *out, const struct stat_list *list,
	       const struct stat_list *old)
{
	epoch = epoch_offset();
	for (size_t i = 0; i < list->n; i++)
		sock_json(out, &list->socks[i], old);
}
