// SPDX-License-Identifier: MIT
/*
 * show.c - prints sockets: as a table like that of ss(8), or as JSON. Figures
 * have the names that COP_STATS gives them (datagram/stats.c).
 *
 * libsmartcols prints the table. It would print JSON as one document, but
 * readers of cop stat expect an object in each line, so this file prints JSON
 * itself.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/escape.h"
#include "rates.h"
#include "show.h"

static const char *const kinds[] = {
	[COP_KIND_COP] = "cop",
	[COP_KIND_ADOPTED] = "adopted",
	[COP_KIND_PENDING] = "undecided",
};

/* The figures, in the order of COP_STATS. */
static const struct counter {
	const char *name;
	enum cop_export_name field; /* COP_FIELDS: the kernel's drops */
	bool always;		    /* the table shows it even if it is 0 */
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

static void name_of(char name[COP_ADDR_TEXT], const struct stat_sock *s,
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

static void flow_text(FILE *out, const struct stat_sock *s,
		      const struct stat_flow *f)
{
	struct figure figures[FLOW_FIGURES];
	char peer[COP_ADDR_TEXT];

	name_of(peer, s, &f->peer);
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
	char local[COP_ADDR_TEXT], peer[COP_ADDR_TEXT];

	name_of(local, s, &s->local);
	name_of(peer, s, &f->peer);
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

/*
 * The kernel does not list a socket without a port, or in an unknown namespace.
 */
static void queue_text(char text[16], const struct stat_sock *s, uint32_t queue)
{
	snprintf(text, 16, s->is_listed ? "%" PRIu32 : "-", queue);
}

/*
 * As ss(8) writes it: "*" for the wildcard of both families, "[::]" for that of IPv6
 * alone.
 */
static void text_name(char name[COP_ADDR_TEXT], const struct stat_sock *s,
		      const struct cop_endpoint *end)
{
	if (s->kernel.v6only == V6ONLY_NO &&
	    IN6_IS_ADDR_UNSPECIFIED(&end->addr))
		snprintf(name, COP_ADDR_TEXT, "*:%u", ntohs(end->port));
	else
		name_of(name, s, end);
	if (!end->port)
		strcpy(strrchr(name, ':'), ":*");
}

/*
 * A row is printed before the next one is known, so the widths are fixed here.
 */
static const struct column {
	const char *name;
	int width, flags;
} columns[] = {
	{ "Type", 4, 0 },
	{ "State", 6, 0 },
	{ "Recv-Q", 6, 0 },
	{ "Send-Q", 6, 0 },
	{ "Local Address:Port", 21, SCOLS_FL_RIGHT },
	{ "Peer Address:Port", 21, SCOLS_FL_RIGHT },
	{ "Process", 1, 0 },
};

#define COLUMNS (sizeof(columns) / sizeof(*columns))

/*
 * The last column needs no alignment, and libsmartcols does not get it: version
 * 2.41 loops forever on a byte that is no character in the locale.
 */
#define ALIGNED (COLUMNS - 1)

static struct libscols_table *rows;

/*
 * The text of a row is escaped already, and must not be cut at the terminal's
 * width.
 */
static struct libscols_table *make_table(void)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		return NULL;
	scols_table_enable_noheadings(table, 1);
	scols_table_enable_noencoding(table, 1);
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	for (size_t i = 0; i < ALIGNED; i++)
		scols_table_new_column(table, columns[i].name, columns[i].width,
				       columns[i].flags);
	return table;
}

/* If a row needs more room, the rows after it use the same width. */
static void widen(struct libscols_table *table,
		  const char *const cells[COLUMNS])
{
	for (size_t i = 0; i < ALIGNED; i++) {
		struct libscols_column *c = scols_table_get_column(table, i);

		if (strlen(cells[i]) > scols_column_get_whint(c))
			scols_column_set_whint(c, strlen(cells[i]));
	}
}

static void put_row(FILE *out, const char *const cells[COLUMNS])
{
	struct libscols_line *line = NULL;
	char *text = NULL;

	if (!rows)
		rows = make_table();
	if (rows)
		line = scols_table_new_line(rows, NULL);
	if (!line)
		return;
	widen(rows, cells);
	for (size_t i = 0; i < ALIGNED; i++)
		scols_line_set_data(line, i, cells[i]);
	if (!scols_print_table_to_string(rows, &text))
		fprintf(out, "%s %s\n", text, cells[ALIGNED]);
	free(text);
	scols_table_remove_lines(rows);
}

void show_heading(FILE *out)
{
	const char *cells[COLUMNS];

	for (size_t i = 0; i < COLUMNS; i++)
		cells[i] = columns[i].name;
	put_row(out, cells);
}

/* Returns a text that the caller frees, or NULL. */
static char *users_text(const struct stat_sock *s)
{
	char command[COMMAND_MAX * COP_ESCAPE_MAX];
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	cop_escape(command, sizeof(command), s->command, COP_ESCAPE_QUOTED);
	fprintf(out, "users:(");
	for (int i = 0; i < s->n_fds; i++)
		fprintf(out, "%s(\"%s\",pid=%d,fd=%d)", i ? "," : "", command,
			(int)s->pid, s->fds[i]);
	fprintf(out, ")");
	fclose(out);
	return text;
}

static void counters_text(FILE *out, const struct stat_sock *s)
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
	if (rates_find(s, &r))
		fprintf(out,
			" tx_per_s=%.1f tx_bytes_per_s=%.0f rx_per_s=%.1f"
			" rx_bytes_per_s=%.0f",
			r.tx, r.tx_bytes, r.rx, r.rx_bytes);
	fprintf(out, "\n");
}

void show_text(FILE *out, const struct stat_sock *s)
{
	char local[COP_ADDR_TEXT], peer[COP_ADDR_TEXT], rx[16], tx[16];
	char *users = users_text(s);
	const char *const cells[COLUMNS] = {
		kinds[s->kind], state(s), rx, tx, local, peer, users,
	};

	epoch = epoch_offset();
	text_name(local, s, &s->local);
	text_name(peer, s, &s->peer);
	queue_text(rx, s, s->kernel.rx_queue);
	queue_text(tx, s, s->kernel.tx_queue);
	put_row(out, cells);
	free(users);
	counters_text(out, s);
	for (int i = 0; i < s->n_flows; i++)
		flow_text(out, s, &s->flows[i]);
}

/* ---- JSON ---------------------------------------------------------------- */

static void queues_json(FILE *out, const struct stat_sock *s)
{
	if (s->is_listed)
		fprintf(out, ",\"recv_q\":%" PRIu32 ",\"send_q\":%" PRIu32,
			s->kernel.rx_queue, s->kernel.tx_queue);
	else
		fprintf(out, ",\"recv_q\":null,\"send_q\":null");
}

static void v6only_json(FILE *out, const struct stat_sock *s)
{
	if (s->kernel.v6only)
		fprintf(out, ",\"v6only\":%s",
			s->kernel.v6only == V6ONLY_YES ? "true" : "false");
}

static void rates_json(FILE *out, const struct stat_sock *s)
{
	struct rates r;

	if (!rates_find(s, &r))
		return;
	fprintf(out,
		",\"tx_per_s\":%.3f,\"tx_bytes_per_s\":%.3f"
		",\"rx_per_s\":%.3f,\"rx_bytes_per_s\":%.3f",
		r.tx, r.tx_bytes, r.rx, r.rx_bytes);
}

static void users_json(FILE *out, const struct stat_sock *s)
{
	char command[COMMAND_MAX * COP_ESCAPE_MAX];

	cop_escape(command, sizeof(command), s->command, COP_ESCAPE_JSON);
	fprintf(out,
		"{\"type\":\"socket\",\"pid\":%d,\"command\":\"%s\","
		"\"fd\":%d,\"fds\":[",
		(int)s->pid, command, s->fds[0]);
	for (int i = 0; i < s->n_fds; i++)
		fprintf(out, "%s%d", i ? "," : "", s->fds[i]);
	fprintf(out, "]");
}

void show_json(FILE *out, const struct stat_sock *s)
{
	char local[COP_ADDR_TEXT], peer[COP_ADDR_TEXT];

	epoch = epoch_offset();
	name_of(local, s, &s->local);
	name_of(peer, s, &s->peer);
	users_json(out, s);
	fprintf(out,
		",\"kind\":\"%s\",\"state\":\"%s\",\"local\":\"%s\","
		"\"peer\":\"%s\",\"inode\":%" PRIu64,
		kinds[s->kind], state(s), local, peer, s->inode);
	v6only_json(out, s);
	queues_json(out, s);
	for (size_t i = 0; i < COUNTERS; i++)
		fprintf(out, ",\"%s\":%" PRIu64, counters[i].name,
			counter(s, &counters[i]));
	rates_json(out, s);
	if (s->has_flows)
		fprintf(out, ",\"flows\":%d", s->n_flows);
	put_time(out, ",\"time\":%s}\n", s->when);
	for (int i = 0; i < s->n_flows; i++)
		flow_json(out, s, &s->flows[i]);
}
