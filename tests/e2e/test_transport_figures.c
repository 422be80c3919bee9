// SPDX-License-Identifier: MIT
/*
 * test_transport_figures.c - figures of transports that modules have: which ones their
 * header has, and their own counters.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "skeleton.h"

static struct run_result result;

#define WITH "COP_MODULES=$PWD/m LD_PRELOAD=$LIB "

/* Two sockets: one sends three datagrams to the other. */
#define PAIR                                          \
	"import socket, time\n"                       \
	"a = socket.socket(socket.AF_INET, 8, 254)\n" \
	"b = socket.socket(socket.AF_INET, 8, 254)\n" \
	"a.bind((\"127.0.0.1\", 0))\n"                \
	"b.connect(a.getsockname())\n"                \
	"for i in range(3): b.send(b\"hello\"); a.recv(9)\n"

/* Its figures when it ends, and as cop stat sees them. */
#define AT_EXIT	     WITH "COP_STATS=stats python3 -c '" PAIR "'; cat stats"
#define AT_EXIT_JSON WITH "COP_STATS=s.jsonl python3 -c '" PAIR "'; cat s.jsonl"
#define SEEN(options)                                                     \
	"rm -f ready; " WITH "python3 -c '" PAIR                          \
	"open(\"ready\", \"w\"); time.sleep(60)' & "                      \
	"while [ ! -e ready ]; do sleep 0.1; done; $COP stat -f " options \
	" -p $!; kill $!"

static void shows(const char *line, const char *const *texts)
{
	scratch_shell(&result, "%s", line);
	for (; *texts; texts++)
		cr_expect_not_null(strstr(result.out, *texts),
				   "no \"%s\" in: %s%s", *texts, result.out,
				   result.err);
}

static void hides(const char *const *texts)
{
	for (; *texts; texts++)
		cr_expect_null(strstr(result.out, *texts), "\"%s\" in: %s",
			       *texts, result.out);
}

/* ---- what a header has ---------------------------------------------------- */

#define DASHES \
	"lost=- reordered=- duplicated=- unordered=- restarts=- jitter_us=-"

Test(transport_figures, a_header_without_times_has_no_jitter,
     .init = make_skeleton)
{
	static const char *const text[] = { "transport=SKEL",
					    " lost=0 reordered=0 duplicated=0 ",
					    " jitter_us=- ", NULL };
	static const char *const json[] = { "\"transport\":\"SKEL\"",
					    "\"lost\":0", "\"gap_us\"", NULL };
	static const char *const no[] = { "jitter", NULL };

	shows(AT_EXIT, text);
	shows(AT_EXIT_JSON, json);
	hides(no);
}

Test(transport_figures, a_header_with_nothing_has_dashes)
{
	static const char *const text[] = { " port_mismatch=-", DASHES,
					    " rx=3 rx_bytes=15 ", NULL };
	static const char *const json[] = { "\"rx\":3,\"rx_bytes\":15", NULL };
	static const char *const no[] = { "lost",	"reordered",
					  "duplicated", "unordered",
					  "restarts",	"jitter",
					  "mismatch",	NULL };

	make_variant("s/^\t.has = .*//; s/^\t.seq_bits.*//", "");
	shows(AT_EXIT, text);
	shows(AT_EXIT_JSON, json);
	hides(no);
	shows(SEEN(""), text);
	shows(SEEN("-j"), json);
	hides(no);
}

Test(transport_figures, a_header_with_a_time_alone_has_jitter)
{
	static const char *const text[] = {
		"lost=- reordered=- duplicated=- unordered=- restarts=- "
		"jitter_us=",
		NULL
	};
	static const char *const no[] = { "jitter_us=-", NULL };

	make_variant("s/^\t.has = .*/\t.has = COP_HAS_TSTAMP,/; "
		     "s/^\t.seq_bits.*//",
		     "");
	shows(AT_EXIT, text);
	hides(no);
}

/* The number has 16 bits in the skeleton's header. */
Test(transport_figures, a_short_number_that_wraps_loses_nothing,
     .init = make_skeleton)
{
	static const char *const text[] = {
		"rx=140000 rx_bytes=140000 lost=0 reordered=0 duplicated=0 "
		"unordered=0 restarts=0",
		NULL
	};

	shows(WITH "COP_STATS=stats python3 -c '" PAIR
		   "for i in range(140000 - 3): b.send(b\"x\"); a.recv(9)\n"
		   "'; sed s/rx_bytes=140012/rx_bytes=140000/ stats",
	      text);
}

Test(transport_figures, a_loss_across_the_wrap_is_counted,
     .init = make_skeleton)
{
	static const char *const text[] = { " lost=20 reordered=0 "
					    "duplicated=0 unordered=0 "
					    "restarts=0",
					    NULL };

	shows(WITH "COP_STATS=stats python3 -c '" PAIR
		   "for i in range(65523): b.send(b\"x\"); a.recv(9)\n"
		   "udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
		   "c = socket.socket(socket.AF_INET, 8, 254)\n"
		   "udp.bind((\"127.0.0.1\", 0))\n"
		   "to = a.getsockname()\n"
		   "p = to[1].to_bytes(2, \"big\")\n"
		   "for n in list(range(65500, 65526)) + [10, 11]:\n"
		   "  n = n.to_bytes(2, \"big\")\n"
		   "  udp.sendto(b\"SK\" + p + p + n, to); a.recv(9)\n"
		   "'; grep rx=28 stats",
	      text);
}

Test(transport_figures, a_sender_that_begins_anew_is_told_without_a_clock,
     .init = make_skeleton)
{
	static const char *const text[] = {
		"rx=19 rx_bytes=0 lost=0 reordered=0 duplicated=0 unordered=0 "
		"restarts=1",
		NULL
	};

	shows(WITH "COP_STATS=stats python3 -c '" PAIR
		   "udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
		   "udp.bind((\"127.0.0.1\", 0))\n"
		   "to = a.getsockname()\n"
		   "p = to[1].to_bytes(2, \"big\")\n"
		   "for n in list(range(10)) + list(range(9)):\n"
		   "  n = n.to_bytes(2, \"big\")\n"
		   "  udp.sendto(b\"SK\" + p + p + n, to); a.recv(9)\n"
		   "'; grep rx=19 stats",
	      text);
}

static const char *const faults[] = {
	"s/^\t.has = .*/\t.has = 8,/",
	"s/^\t.seq_bits.*/\t.seq_bits = 7,/",
	"s/^\t.seq_bits.*/\t.seq_bits = 33,/",
	"s/^\t.has = .*/\t.has = COP_HAS_PORTS,/",
};

Test(transport_figures, a_description_that_can_not_be_right_is_refused)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		make_variant(faults[i], "");
		scratch_shell(&result,
			      WITH "COP_DEBUG=1 python3 -c '" PAIR "'");
		cr_expect_not_null(strstr(result.err,
					  "has or seq_bits is wrong"),
				   "%s: %s", faults[i], result.err);
	}
}

/* ---- its own counters ------------------------------------------------------ */

/* Three datagrams to the sock that init has given 1 and 2. */
#define COUNT                                                                \
	"s/^static struct proto skel_prot.*/"                                \
	"static const char *names[] = { %s };\\n&/; "                        \
	"s/^\t.wire = .*/&\\n\t.counters = names,/; "                        \
	"s/^\treturn datagram_prot.*/\tcop_count(sk, 0);\\n\tcop_count(sk, " \
	"1);\\n\tcop_count(sk, 1);\\n\tcop_count(sk, 2);\\n\tcop_count(sk, " \
	"~0u);\\n&/; %s"

static void make_counting(const char *names, const char *more)
{
	char script[2048];

	snprintf(script, sizeof(script), COUNT, names, more);
	make_variant(script, "");
}

Test(transport_figures, counters_are_shown_by_name)
{
	static const char *const text[] = { " handshakes=1 retries_2=2", NULL };
	static const char *const json[] = {
		",\"counters\":{\"handshakes\":1,\"retries_2\":2}", NULL
	};

	make_counting("\"handshakes\", \"retries_2\", NULL", "");
	shows(AT_EXIT, text);
	shows(AT_EXIT_JSON, json);
	shows(SEEN(""), text);
	shows(SEEN("-j"), json);
}

Test(transport_figures, a_sock_of_own_values_has_counters_too)
{
	static const char *const text[] = { " handshakes=1 retries=9", NULL };

	make_counting("\"handshakes\", \"retries\", NULL",
		      "s/^static int skel_init_sock.*/struct own { struct "
		      "datagram_sock datagram; int count[3]; };\\n&/; "
		      "s/^\tpr_info(.*/\tfor (int i = 0; i < 3; "
		      "i++) ((struct own *)sk)->count[i]++, cop_count(sk, "
		      "1), cop_count(sk, 1);\\n\tif (((struct own "
		      "*)sk)->count[2] == 1) cop_count(sk, 1);\\n&/; "
		      "s/^\t.wire = .*/&\\n\t.obj_size = sizeof(struct own),/");
	shows(AT_EXIT, text);
	shows(SEEN(""), text);
}

/* With COP_DEBUG no filter is set, so the library drops the stray itself. */
Test(transport_figures, a_reason_of_its_own_is_counted_by_name)
{
	static const char *const text[] = { " odd=3 ", " stray_magic=0 ",
					    NULL };

	make_counting("\"odd\", \"two\", NULL",
		      "s/COP_STRAY_MAGIC/COP_STRAY_OWN(0)/");
	shows(WITH "COP_DEBUG=1 COP_STATS=stats python3 -c '" PAIR
		   "udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
		   "for i in range(2): "
		   "udp.sendto(b\"nothing like it\", a.getsockname())\n"
		   "b.send(b\"end\"); a.recv(9)'; sed 's/$/ /' stats",
	      text);
	cr_expect_not_null(strstr(result.err, " are refused by SKEL"), "%s",
			   result.err);
}

Test(transport_figures, names_are_escaped_wherever_they_come_from)
{
	static const char *const text[] = { " a\\x1b[31m\\\"=1 two=2", NULL };
	static const char *const json[] = {
		"\"counters\":{\"a\\u001b[31m\\\"\":1,\"two\":2}", NULL
	};

	make_counting("\"one\", \"two\", NULL",
		      "s/^\treturn err ? err : inet_reg.*/"
		      "\tnames[0] = \"a\\\\033[31m\\\\\"\";\\n&/");
	shows(AT_EXIT, text);
	shows(AT_EXIT_JSON, json);
	shows(SEEN(""), text);
	shows(SEEN("-j"), json);
}

/* What a module might do to its struct proto, and what cop stat shows then. */
static const struct {
	const char *change, *shows;
} lies[] = {
	{ "names[0] = (char *)8", "\ttx=0 tx_bytes=0 rx=3 rx_bytes=15 =1 "
				  "two=2" },
	{ "skel_prot.n_counters = 17", "rx=3 rx_bytes=15\n" },
	{ "skel_prot.n_counters = ~0u", "rx=3 rx_bytes=15\n" },
	{ "skel_prot.counters = (void *)~7ul", "rx=3 rx_bytes=15\n" },
	{ "skel_prot.counters_at = ~0u", "rx=3 rx_bytes=15\n" },
	{ "skel_prot.name = (char *)8", " ESTAB " },
};

Test(transport_figures, cop_stat_bounds_what_a_module_says)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		const char *const texts[] = { lies[i].shows, NULL };
		char more[256];

		snprintf(more, sizeof(more),
			 "s/^\topen(.*//; s/^\treturn 0; .. the queue.*/&/; "
			 "s/^static void skel_exit/__attribute__((used)) void "
			 "lie(void)\\n{\\n\t%s;\\n}\\n&/",
			 lies[i].change);
		make_counting("\"one\", \"two\", NULL", more);
		scratch_must("nm -D m/" NAME ".so | grep -q ' lie$'");
		shows(WITH "python3 -c '" PAIR "import ctypes\n"
			   "ctypes.CDLL(\"m/" NAME ".so\").lie()\n"
			   "open(\"ready\", \"w\"); time.sleep(60)' & "
			   "while [ ! -e ready ]; do sleep 0.1; done; "
			   "$COP stat -p $!; kill $!",
		      texts);
	}
}

static const char *const bad_names[] = {
	"\"\", NULL",
	"\"two words\", NULL",
	"\"a=b\", NULL",
	"\"x23456789_123456789_12345\", NULL",
	"\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\","
	"\"12\",\"13\",\"14\",\"15\",\"16\",\"17\", NULL",
};

Test(transport_figures, names_that_can_not_be_shown_are_refused)
{
	for (size_t i = 0; i < sizeof(bad_names) / sizeof(*bad_names); i++) {
		make_counting(bad_names[i], "");
		scratch_shell(&result,
			      WITH "COP_DEBUG=1 python3 -c '" PAIR "'");
		cr_expect_not_null(strstr(result.err, "counters is wrong"),
				   "%s: %s", bad_names[i], result.err);
	}
}

/* ---- cop stat -------------------------------------------------------------- */

Test(transport_figures, cop_stat_lists_sockets_of_modules,
     .init = make_skeleton)
{
	static const char *const text[] = { "SKEL UNCONN ", "SKEL ESTAB ",
					    "tx=3 tx_bytes=15", NULL };
	static const char *const json[] = { "\"kind\":\"module\"",
					    "\"transport\":\"SKEL\"", NULL };

	shows(SEEN(""), text);
	shows(SEEN("-j"), json);
}

Test(transport_figures, cop_stat_escapes_a_transports_name)
{
	static const char *const text[] = { "S\\x1b\\\"K UNCONN ", NULL };
	static const char *const json[] = { "\"transport\":\"S\\u001b\\\"K\"",
					    NULL };

	make_variant("s/\"SKEL\"/\"S\\\\033\\\\\"K\"/", "");
	shows(SEEN(""), text);
	shows(SEEN("-j"), json);
}

Test(transport_figures, cop_stat_knows_udp_that_is_put_on_a_module,
     .init = make_skeleton)
{
	static const char *const text[] = { "adopted UNCONN ", "adopted ESTAB ",
					    "rx=3 rx_bytes=15", "jitter_us=-",
					    NULL };

	shows("rm -f ready; $COP run --load m/" NAME ".so --adopt --transport "
	      "SKEL python3 -c 'import socket, time\n"
	      "a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
	      "b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
	      "a.bind((\"127.0.0.1\", 0))\n"
	      "b.connect(a.getsockname())\n"
	      "for i in range(3): b.send(b\"hello\"); a.recv(9)\n"
	      "open(\"ready\", \"w\"); time.sleep(60)' & "
	      "while [ ! -e ready ]; do sleep 0.1; done; $COP stat -f -p $!; "
	      "kill $!",
	      text);
}
