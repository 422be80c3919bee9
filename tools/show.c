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

#include "lib/escape.h"
#include "rates.h"
#include "show.h"
#include "show_flow.h"

static const char *const kinds[] = {
	[COP_KIND_COP] = "cop",
	[COP_KIND_ADOPTED] = "adopted",
	[COP_KIND_PENDING] = "undecided",
	[COP_KIND_MODULE] = "module",
};

#define NEEDS_DECODE 0x80

/* The figures, in the order of COP_STATS. */
static const struct counter {
	const char *name;
	enum cop_export_name field; /* COP_FIELDS: the kernel's drops */
	bool always;		    /* the table shows it even if it is 0 */
	uint8_t needs; /* COP_HAS_*: only a header that has it tells it; or
			* NEEDS_DECODE: only a transport with encoded payloads */
} counters[] = {
	{ "tx", COP_SOCK_TX, true, 0 },
	{ "tx_bytes", COP_SOCK_TX_BYTES, true, 0 },
	{ "tx_errors", COP_SOCK_TX_ERRORS, false, 0 },
	{ "rx", COP_SOCK_RX, true, 0 },
	{ "rx_bytes", COP_SOCK_RX_BYTES, true, 0 },
	{ "truncated", COP_SOCK_TRUNCATED, false, 0 },
	{ "port_mismatch", COP_SOCK_PORT_MISMATCH, false, COP_HAS_PORTS },
	{ "stray_short", COP_SOCK_STRAY_SHORT, false, 0 },
	{ "stray_magic", COP_SOCK_STRAY_MAGIC, false, 0 },
	{ "stray_version", COP_SOCK_STRAY_VERSION, false, 0 },
	{ "stray_length", COP_SOCK_STRAY_LENGTH, false, 0 },
	{ "stray_payload", COP_SOCK_STRAY_PAYLOAD, false, NEEDS_DECODE },
	{ "kernel_drops", COP_FIELDS, false, 0 },
	{ "evicted", COP_SOCK_EVICTED, false, 0 },
	{ "missed", COP_SOCK_MISSED, false, 0 },
};

#define COUNTERS (sizeof(counters) / sizeof(*counters))

static uint64_t counter(const struct stat_sock *s, const struct counter *c)
{
	return c->field == COP_FIELDS ? s->kernel.drops
				      : stat_counter(s, c->field);
}

static bool is_told(const struct stat_sock *s, const struct counter *c)
{
	if (c->needs == NEEDS_DECODE)
		return s->transport->decodes;
	return !(c->needs & s->transport->lacks);
}

static const char *state(const struct stat_sock *s)
{
	return s->is_connected ? "ESTAB" : "UNCONN";
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
		show_name(name, s, end);
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

static bool is_shown(const struct stat_sock *s, const struct counter *c)
{
	return c->always || counter(s, c) || c->needs & s->transport->lacks;
}

static void counter_text(FILE *out, const char *between,
			 const struct stat_sock *s, const struct counter *c)
{
	if (is_told(s, c))
		fprintf(out, "%s%s=%" PRIu64, between, c->name, counter(s, c));
	else
		fprintf(out, "%s%s=-", between, c->name);
}

static void own_text(FILE *out, const struct stat_sock *s)
{
	char name[COP_COUNTER_NAME_MAX * COP_ESCAPE_MAX];

	for (int i = 0; i < s->transport->n_counters; i++) {
		cop_escape(name, sizeof(name), s->transport->counter[i],
			   COP_ESCAPE_QUOTED);
		fprintf(out, " %s=%" PRIu64, name, s->own[i]);
	}
}

static void counters_text(FILE *out, const struct stat_sock *s)
{
	const char *between = "\t";
	struct rates r;

	for (size_t i = 0; i < COUNTERS; i++) {
		if (!is_shown(s, &counters[i]))
			continue;
		counter_text(out, between, s, &counters[i]);
		between = " ";
	}
	own_text(out, s);
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
	char type[TRANSPORT_NAME_MAX * COP_ESCAPE_MAX];
	char *users = users_text(s);
	const char *const cells[COLUMNS] = {
		type, state(s), rx, tx, local, peer, users,
	};

	show_flow_begin();
	cop_escape(type, sizeof(type),
		   s->kind == COP_KIND_MODULE ? s->transport->name
					      : kinds[s->kind],
		   COP_ESCAPE_QUOTED);
	text_name(local, s, &s->local);
	text_name(peer, s, &s->peer);
	queue_text(rx, s, s->kernel.rx_queue);
	queue_text(tx, s, s->kernel.tx_queue);
	put_row(out, cells);
	free(users);
	counters_text(out, s);
	for (int i = 0; i < s->n_flows; i++)
		show_flow_text(out, s, &s->flows[i]);
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

static void own_json(FILE *out, const struct stat_sock *s)
{
	char name[COP_COUNTER_NAME_MAX * COP_ESCAPE_MAX];

	if (s->transport->n_counters)
		fprintf(out, ",\"counters\":{");
	for (int i = 0; i < s->transport->n_counters; i++) {
		cop_escape(name, sizeof(name), s->transport->counter[i],
			   COP_ESCAPE_JSON);
		fprintf(out, "%s\"%s\":%" PRIu64, i ? "," : "", name,
			s->own[i]);
	}
	if (s->transport->n_counters)
		fprintf(out, "}");
}

static void transport_json(FILE *out, const struct stat_sock *s)
{
	char name[TRANSPORT_NAME_MAX * COP_ESCAPE_MAX];

	if (s->kind != COP_KIND_MODULE)
		return;
	cop_escape(name, sizeof(name), s->transport->name, COP_ESCAPE_JSON);
	fprintf(out, ",\"transport\":\"%s\"", name);
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

	show_flow_begin();
	show_name(local, s, &s->local);
	show_name(peer, s, &s->peer);
	users_json(out, s);
	fprintf(out,
		",\"kind\":\"%s\",\"state\":\"%s\",\"local\":\"%s\","
		"\"peer\":\"%s\",\"inode\":%" PRIu64,
		kinds[s->kind], state(s), local, peer, s->inode);
	transport_json(out, s);
	v6only_json(out, s);
	queues_json(out, s);
	for (size_t i = 0; i < COUNTERS; i++)
		if (is_told(s, &counters[i]))
			fprintf(out, ",\"%s\":%" PRIu64, counters[i].name,
				counter(s, &counters[i]));
	own_json(out, s);
	rates_json(out, s);
	if (s->has_flows)
		fprintf(out, ",\"flows\":%d", s->n_flows);
	show_time(out, ",\"time\":%s}\n", s->when);
	for (int i = 0; i < s->n_flows; i++)
		show_flow_json(out, s, &s->flows[i]);
}
