// SPDX-License-Identifier: MIT
/*
 * test_dissector.c - what tshark shows of COP with tools/cop.lua: of captures
 * that a script writes byte by byte, and of what COP sockets send. Each capture is
 * there twice, and tshark shows the same of both: NAME.pcap is of IPv4, NAME6.pcap
 * of IPv6.
 *
 * What it works out of a flow has to be what flow/source.c does, datagram by
 * datagram.
 */
#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cop.h"
#include "flow/source.h"
#include "scratch.h"

#define ROOT	COP_TEST_DIR "/../"
#define SCRIPTS COP_TEST_DIR "/e2e/scripts/"
#define PYTHON	"/usr/bin/python3 "
#define INSTALL SCRATCH_MAKE "DESTDIR=$PWD "

/* Nothing that the user has set counts; that we are root is of no interest. */
#define OWN_HOME "$AS_USER env -u XDG_CONFIG_HOME HOME=$PWD "
#define PLUGINS	 ".local/lib/wireshark/plugins"
#define SHARK	 OWN_HOME "tshark -n "
#define OUTPUT	 " 2>err; s=$?; grep -v '^Running as user' err >&2; exit $s"

static struct run_result result;

/* If root starts Wireshark 4.4, it loads only what is installed for the system. */
#define AS_USER "setpriv --reuid=65534 --regid=65534 --clear-groups"

static void dissector_make(void)
{
	scratch_make();
	setenv("AS_USER", "", 1);
	if (!geteuid() && !scratch_shell(&result, AS_USER " true"))
		setenv("AS_USER", AS_USER, 1);
	if (!scratch_shell(&result,
			   OWN_HOME "tshark -G protocols 2>/dev/null | "
				    "cut -f 3 | grep -qx cop"))
		cr_skip_test("a cop.lua is installed here, which would be "
			     "the one that is tested");
	scratch_must("mkdir -p " PLUGINS " && cp " ROOT "tools/cop.lua " PLUGINS
		     " && chmod -R a+rwX .");
}

static const struct family {
	const char *name, *suffix;
} families[] = { { "inet", "" }, { "inet6", "6" } };

#define FAMILIES 2

static void capture_at_random(const char *what, const char *seed)
{
	for (int i = 0; i < FAMILIES; i++)
		scratch_must(PYTHON SCRIPTS "capture.py %s %s %s%s.pcap %s",
			     what, families[i].name, what, families[i].suffix,
			     seed);
}

static void capture(const char *what)
{
	capture_at_random(what, "");
}

/* What tshark says of one capture; every complaint of Lua's is among it. */
static void expect_shown_of(const char *what, const char *options,
			    const char *expected)
{
	scratch_shell(&result, "{ " SHARK "-r %s.pcap %s; }" OUTPUT, what,
		      options);
	cr_expect_eq(result.status, 0, "%s %s: %d", what, options,
		     result.status);
	cr_expect_str_empty(result.err, "%s %s: %s", what, options, result.err);
	cr_expect_str_eq(result.out, expected, "%s %s:\n%sand not\n%s", what,
			 options, result.out, expected);
}

static void expect_shown(const char *what, const char *options,
			 const char *expected)
{
	char name[32];

	for (int i = 0; i < FAMILIES; i++) {
		snprintf(name, sizeof(name), "%s%s", what, families[i].suffix);
		expect_shown_of(name, options, expected);
	}
}

#define FIELDS	"-T fields -E separator='|' -e frame.number "
#define COLUMNS "-o 'gui.column.format:\"P\",\"%p\",\"I\",\"%i\"' "
#define MATCHES "-T fields -e frame.number -Y "

/* ---- the header ---------------------------------------------------------- */

#define HEADER                                                                \
	"-e cop.magic -e cop.version -e cop.hdr_len -e cop.flags "            \
	"-e cop.srcport -e cop.dstport -e cop.port -e cop.seq -e cop.tstamp " \
	"-e cop.options -e cop.len -e cop.payload "

Test(dissector, shows_each_field_of_a_header, .init = dissector_make)
{
	capture("header");
	expect_shown("header", FIELDS HEADER,
		     "1|0xc0b1|1|16|0x01|40000|41000|40000,41000|7|4294967295||"
		     "5|68656c6c6f\n"
		     "2|0xc0b1|1|16|0x00|40000|41000|40000,41000|7|4294967295||"
		     "5|68656c6c6f\n"
		     "3|0xc0b1|1|16|0x00|40000|41000|40000,41000|0|0||0|\n");
	expect_shown("header", MATCHES "cop.flags.first==1", "1\n");
	expect_shown_of("header", MATCHES "'cop && ipv6'", "2\n");
	expect_shown_of("header6", MATCHES "'cop && ipv6'", "1\n3\n");
	expect_shown("header", MATCHES "cop.port==41000", "1\n2\n3\n");
	expect_shown("header", COLUMNS,
		     "COP 40000 → 41000 Seq=7 [First] Len=5\n"
		     "COP 40000 → 41000 Seq=7 Len=5\n"
		     "COP [Reordered] 40000 → 41000 Seq=0 Len=0\n");
}

/* The nesting is that of the tree in the window. */
Test(dissector, nests_flags_and_figures, .init = dissector_make)
{
	capture("header");
	expect_shown(
		"header",
		"-T json -J cop -c 1 | " PYTHON "-c 'import json, sys\n"
		"cop = json.load(sys.stdin)[0][\"_source\"][\"layers\"]"
		"[\"cop\"]\n"
		"print(list(cop))\n"
		"print(list(cop[\"cop.flags_tree\"]))\n"
		"print(cop[\"cop.analysis\"])'",
		"['cop.magic', 'cop.version', 'cop.hdr_len', 'cop.flags', "
		"'cop.flags_tree', 'cop.srcport', 'cop.port', "
		"'cop.dstport', 'cop.seq', 'cop.tstamp', 'cop.analysis', "
		"'cop.len', 'cop.payload']\n"
		"['cop.flags.reserved', 'cop.flags.first']\n"
		"{'cop.analysis.flow': '0', 'cop.analysis.datagrams': '1', "
		"'cop.analysis.number': '0', 'cop.analysis.lost': '0', "
		"'cop.analysis.reordered': '0', "
		"'cop.analysis.duplicated': '0', "
		"'cop.analysis.unordered': '0', "
		"'cop.analysis.restarts': '0', "
		"'cop.analysis.jitter_us': '0', "
		"'cop.analysis.gap_us': '0'}\n");
}

/* ---- runs --------------------------------------------------------------- */

#define EACH "-e cop.seq -e cop.len -e cop.payload "

/* A capture on the sender's host has datagrams of one send in one packet. */
Test(dissector, shows_a_run_datagram_by_datagram, .init = dissector_make)
{
	capture("runs");
	expect_shown("runs", FIELDS EACH "-e _ws.expert.message",
		     "1|0,1,2,3|3,3,3,1|6f6e65,74776f,736978,34|\n"
		     "2|4|5|616c6f6e65|\n"
		     "3|7,8,9|0,0,0||2 missing\n");
	expect_shown("runs", COLUMNS,
		     "COP [4 datagrams] 40000 → 41000 Seq=0 [First]\n"
		     "COP 40000 → 41000 Seq=4 Len=5\n"
		     "COP [3 datagrams] 40000 → 41000 Seq=7\n");
	expect_shown("runs",
		     FIELDS "-e cop.analysis.datagrams -e cop.analysis.lost",
		     "1|1,2,3,4|0,0,0,0\n2|5|0\n3|6,7,8|2,2,2\n");
	expect_shown("runs", FIELDS EACH "-2 -Y cop.len==1",
		     "1|0,1,2,3|3,3,3,1|6f6e65,74776f,736978,34\n");
}

Test(dissector, gives_each_payload_of_a_run_to_its_dissector,
     .init = dissector_make)
{
	capture("runs_of_queries");
	expect_shown("runs_of_queries",
		     FIELDS "-e cop.seq -e dns.id -o cop.ports:53",
		     "1|0,1|0x1234,0x5678\n2|4294967295,0|\n");
}

/* As long as not all of the second header follows from the first. */
Test(dissector, takes_no_payload_for_the_rest_of_a_run, .init = dissector_make)
{
	capture("not_runs");
	expect_shown("not_runs", FIELDS "-e cop.seq -e cop.len",
		     "1|0|16\n2|0|16\n3|0|16\n4|0|16\n5|0|15\n6|0|34\n"
		     "7|0|56\n");
}

/* What was not captured is not lost. A packet without a second header is one. */
Test(dissector, shows_a_cut_run_as_far_as_it_goes, .init = dissector_make)
{
	capture("cut_runs");
	expect_shown("cut_runs", FIELDS EACH "-e cop.analysis.lost",
		     "1|0,1|5,5|6669727374,6f74686572|0,0\n"
		     "2|3|0||0\n"
		     "3|4,5|5,5|6669727374,6f74686572|0,0\n"
		     "4|7|0||0\n"
		     "5|8,9|5,5|6669727374,6f74686572|0,0\n"
		     "6|11|0||0\n"
		     "7|12|5|6669727374|0\n"
		     "8|15|0||0\n"
		     "9|16|47|6669727374c0b114009c40a02800000011|0\n"
		     "10|19|0||2\n");
}

/* ---- what an expert says ------------------------------------------------- */

#define MESSAGE "-e cop.version -e cop.hdr_len -e _ws.expert.message "
#define DROPS	": a receiver drops it\n"

/* Behind the first 13 are the same with ports that are not UDP's. */
Test(dissector, says_why_a_receiver_drops_a_datagram, .init = dissector_make)
{
	capture("bad");
	expect_shown(
		"bad", FIELDS MESSAGE "-Y 'cop || frame.number==14'",
		"1|0|16|Version 0 is not known, and is shown as if it "
		"were 1" DROPS
		"2|2|16|Version 2 is not known, and is shown as if it "
		"were 1" DROPS
		"3|15|16|Version 15 is not known, and is shown as if it "
		"were 1" DROPS "4|1|0|Header length 0 is less than 16" DROPS
		"5|1|4|Header length 4 is less than 16" DROPS
		"6|1|8|Header length 8 is less than 16" DROPS
		"7|1|12|Header length 12 is less than 16" DROPS
		"8|1|20|Header length 20 is beyond the datagram's 16" DROPS
		"9|1|60|Header length 60 is beyond the datagram's 16" DROPS
		"10|1|24|Header length 24 is beyond the datagram's "
		"20" DROPS "11|1|16|15 bytes are too short for a header" DROPS
		"12|1|16|9 bytes are too short for a header" DROPS
		"13|1|16|8 bytes are too short for a header" DROPS "14|||\n");
	expect_shown("bad", MATCHES "cop.expert.version", "1\n2\n3\n");
	expect_shown("bad", MATCHES "cop.expert.length",
		     "4\n5\n6\n7\n8\n9\n10\n");
	expect_shown("bad", MATCHES "cop.expert.short", "11\n12\n13\n");
	expect_shown("bad", MATCHES "cop.analysis", "");
	expect_shown("bad", COLUMNS "-c 1",
		     "COP [Dropped] 40000 → 41000 Seq=0\n");
}

/* With a port of its own the magic alone will do; 0 and 1 byte are nobody's. */
Test(dissector, trusts_the_port_if_a_datagram_is_too_short,
     .init = dissector_make)
{
	capture("magic_alone");
	expect_shown("magic_alone", MATCHES "cop", "");
	expect_shown("magic_alone",
		     FIELDS "-e _ws.expert.message -Y cop -o cop.ports:41000",
		     "3|2 bytes are too short for a header" DROPS
		     "4|3 bytes are too short for a header" DROPS
		     "5|4 bytes are too short for a header" DROPS
		     "6|5 bytes are too short for a header" DROPS
		     "7|6 bytes are too short for a header" DROPS
		     "8|7 bytes are too short for a header" DROPS);
}

#define NAT(name, sent, is)                                 \
	"The " name " port was " sent " when it was sent, " \
	"UDP's is " is ": a NAT is on the way"
#define OPTIONS "Unknown options, which a receiver skips"

Test(dissector, notes_options_flags_and_other_ports, .init = dissector_make)
{
	capture("notes");
	expect_shown(
		"notes",
		FIELDS "-e cop.hdr_len -e cop.options -e cop.flags "
		       "-e cop.len -e _ws.expert.message",
		"1|20|01020304|0x00|1|" OPTIONS "\n"
		"2|60|000000000000000000000000000000000000000000000000000"
		"0000000000000000000000000000000000000|0x00|0|"
		"Duplicate of #1," OPTIONS "\n"
		"3|16||0x81|0|Unknown flags 0x80, which a receiver "
		"ignores,Duplicate of #1\n"
		"4|16||0xfe|0|Unknown flags 0xfe, which a receiver "
		"ignores,Duplicate of #1\n"
		"5|16||0x00|0|" NAT(
			"source", "40000",
			"10024") "\n"
				 "6|16||0x00|0|" NAT(
					 "destination", "41000",
					 "60000") "\n"
						  "7|16||0x00|0|" NAT(
							  "source", "40000",
							  "10024") "," NAT("des"
									   "tin"
									   "ati"
									   "on",
									   "410"
									   "00",
									   "600"
									   "00") "\n");
	expect_shown("notes", MATCHES "cop.expert.options", "1\n2\n");
	expect_shown("notes", MATCHES "cop.expert.flags", "3\n4\n");
	expect_shown("notes", MATCHES "cop.expert.ports", "5\n6\n7\n");
}

/* ---- sequences ----------------------------------------------------------- */

#define COUNTS                                                       \
	"-e cop.seq -e cop.analysis.number -e cop.analysis.missing " \
	"-e cop.analysis.duplicate_of -e cop.analysis.lost "         \
	"-e cop.analysis.reordered -e cop.analysis.duplicated "      \
	"-e cop.analysis.unordered -e cop.analysis.restarts "        \
	"-e _ws.expert.message"

static const struct sequence {
	const char *what;
	const char *expected; /* frame, then what COUNTS says */
} sequences[] = {
	{ "gaps", "1|0|0|||0|0|0|0|0|\n"
		  "2|1|1|||0|0|0|0|0|\n"
		  "3|4|4|2||2|0|0|0|0|2 missing\n"
		  "4|5|5|||2|0|0|0|0|\n"
		  "5|105|105|99||101|0|0|0|0|99 missing\n" },
	{ "order", "1|0|0|||0|0|0|0|0|\n"
		   "2|2|2|1||1|0|0|0|0|1 missing\n"
		   "3|1|1|||0|1|0|0|0|Reordered\n"
		   "4|5|5|2||2|1|0|0|0|2 missing\n"
		   "5|4|4|||1|2|0|0|0|Reordered\n"
		   "6|3|3|||0|3|0|0|0|Reordered\n"
		   "7|6|6|||0|3|0|0|0|\n" },
	{ "duplicates", "1|0|0|||0|0|0|0|0|\n"
			"2|0|0||1|0|0|1|0|0|Duplicate of #1\n"
			"3|1|1|||0|0|1|0|0|\n"
			"4|3|3|1||1|0|1|0|0|1 missing\n"
			"5|1|1||3|1|0|2|0|0|Duplicate of #3\n"
			"6|2|2|||0|1|2|0|0|Reordered\n"
			"7|2|2||6|0|1|3|0|0|Duplicate of #6\n"
			"8|3|3||4|0|1|4|0|0|Duplicate of #4\n" },
	{ "restarts", "1|0|0|||0|0|0|0|0|\n"
		      "2|1|1|||0|0|0|0|0|\n"
		      "3|3|3|1||1|0|0|0|0|1 missing\n"
		      "4|0|0|||1|0|0|0|1|Restart\n"
		      "5|1|1|||1|0|0|0|1|\n"
		      "6|900|900|898||899|0|0|0|1|898 missing\n"
		      "7|5|0|||899|0|0|0|2|Restart\n" },
	{ "wrap", "1|4294967294|0|||0|0|0|0|0|\n"
		  "2|4294967295|1|||0|0|0|0|0|\n"
		  "3|1|3|1||1|0|0|0|0|1 missing\n"
		  "4|0|2|||0|1|0|0|0|Reordered\n"
		  "5|2|4|||0|1|0|0|0|\n"
		  "6|4294967295|1||2|0|1|1|0|0|Duplicate of #2\n"
		  "7|4294967293|-1|||0|2|1|0|0|Reordered\n" },
	{ "late_beginning", "1|100|0|||0|0|0|0|0|\n"
			    "2|97|-3|||2|1|0|0|0|Reordered\n"
			    "3|98|-2|||1|2|0|0|0|Reordered\n"
			    "4|101|1|||1|2|0|0|0|\n"
			    "5|20|-80|||77|3|0|0|0|Reordered\n" },
	{ "cut_number", "1|10|0|||0|0|0|0|0|\n"
			"2||||||||||Only 11 bytes of the header were captured\n"
			"3|14|4|||0|0|0|0|0|\n"
			"4|13|3|||0|0|0|1|0|Late\n"
			"5|15|5|||0|0|0|1|0|\n" },
	{ "not_counted",
	  "1|0|0|||0|0|0|0|0|\n"
	  "2|5|||||||||Version 2 is not known, and is shown "
	  "as if it were 1" DROPS
	  "3|5|||||||||Header length 12 is less than 16" DROPS "4|5|||||||||\n"
	  "5|1|1|||0|0|0|0|0|\n" },
};

Test(dissector, counts_as_the_library_does, .init = dissector_make)
{
	for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++) {
		capture(sequences[i].what);
		expect_shown(sequences[i].what, FIELDS COUNTS,
			     sequences[i].expected);
	}
}

/* Beyond 64 numbers what is not missing must have come, but not where. */
Test(dissector, knows_a_duplicate_of_a_datagram_long_ago,
     .init = dissector_make)
{
	capture("long_ago");
	expect_shown("long_ago", FIELDS COUNTS " -Y 'frame.number > 70'",
		     "71|100|0|||0|0|1|0|0|Duplicate\n"
		     "72|99|-1|||0|1|1|0|0|Reordered\n");
}

/* As they come: 1000, 3500, 500 and 1000 us; as they were sent: 1000, 3000, 1000
 * and 1000. So D is 0, 500, -500 and 0; jitter times 16 is 0, 500, 500 + 500 - 31
 * and 969 - 61. */
Test(dissector, shows_times_between_datagrams, .init = dissector_make)
{
	capture("gaps");
	expect_shown("gaps",
		     FIELDS "-e cop.analysis.previous -e cop.analysis.since "
			    "-e cop.analysis.delay_variation "
			    "-e cop.analysis.jitter_us -e cop.analysis.gap_us",
		     "1||||0|0\n"
		     "2|1|0.001000000|0.000000000|0|1000\n"
		     "3|2|0.003500000|0.000500000|31.25|3500\n"
		     "4|3|0.000500000|-0.000500000|60.5625|3500\n"
		     "5|4|0.001000000|0.000000000|56.75|3500\n");
}

Test(dissector, tells_flows_apart, .init = dissector_make)
{
	capture("two_ways");
	expect_shown("two_ways",
		     FIELDS "-e cop.analysis.flow -e cop.analysis.datagrams "
			    "-e cop.analysis.lost",
		     "1|0|1|0\n2|1|1|0\n3|2|1|0\n4|3|1|0\n5|4|1|0\n6|5|1|0\n"
		     "7|6|1|0\n8|7|1|0\n9|8|1|0\n10|0|2|0\n11|1|2|0\n"
		     "12|2|2|0\n13|3|2|0\n14|4|2|0\n15|5|2|0\n16|6|2|0\n"
		     "17|7|2|0\n18|8|2|0\n");
}

Test(dissector, can_do_without_the_analysis, .init = dissector_make)
{
	capture("gaps");
	expect_shown("gaps",
		     MATCHES "'cop.analysis || cop.expert.missing' -o "
			     "cop.analyze:FALSE",
		     "");
}

/* ---- payloads ------------------------------------------------------------ */

#define NAMES FIELDS "-e cop.seq -e dns.qry.name -e cop.len "

/* By each way to get ahead of the dissector that has the port. */
Test(dissector, gives_the_payload_to_the_dissector_of_the_port,
     .init = dissector_make)
{
	static const char *const ways[] = { "-o cop.ports:53",
					    "-o cop.ports:1000,50-60,2000-3000",
					    "-d udp.port==53,cop" };
	char options[256];

	capture("names");
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		snprintf(options, sizeof(options), "%s %s", ways[i], COLUMNS);
		expect_shown("names", options,
			     "COP/DNS Standard query 0x1234 A www.example.com\n"
			     "COP/DNS [1 missing] Standard query 0x1234 A "
			     "www.example.com\n"
			     "DNS Standard query 0x1234 A www.example.com\n"
			     "COP/DNS [Malformed Packet]\n");
		snprintf(options, sizeof(options), "%s %s", ways[i], NAMES);
		expect_shown("names", options,
			     "1|0|www.example.com|33\n2|2|www.example.com|33\n"
			     "3||www.example.com|\n4|3||1\n");
	}
	expect_shown("names", NAMES "-o udp.try_heuristic_first:TRUE",
		     "1|0|www.example.com|33\n2|2|www.example.com|33\n"
		     "3||www.example.com|\n4|3||1\n");
}

Test(dissector, leaves_payloads_alone_on_request, .init = dissector_make)
{
	capture("names");
	expect_shown("names", NAMES "-o cop.ports:53 -o cop.payload:FALSE",
		     "1|0||33\n2|2||33\n3||www.example.com|\n4|3||1\n");
	expect_shown("names",
		     COLUMNS "-o cop.ports:53 -o cop.payload:FALSE -c 2",
		     "COP 40000 → 53 Seq=0 Len=33\n"
		     "COP [1 missing] 40000 → 53 Seq=2 Len=33\n");
}

Test(dissector, gives_the_payload_to_a_heuristic_dissector,
     .init = dissector_make)
{
	capture("unclaimed");
	expect_shown("unclaimed", COLUMNS,
		     "COP/STUN Binding Request\n"
		     "COP 40000 → 41000 Seq=1 Len=21\n"
		     "COP 40000 → 41000 Seq=2 Len=7\n");
	expect_shown("unclaimed", FIELDS "-e cop.seq -e data.data",
		     "1|0|\n2|1|c0b114009c40a0280000004d00000000696e6e6572\n"
		     "3|2|6e656974686572\n");
}

Test(dissector, knows_a_datagram_inside_of_another, .init = dissector_make)
{
	capture("tunnel");
	expect_shown("tunnel", COLUMNS "-o cop.ports:4789",
		     "COP/COP 1 → 2 Seq=77 Len=5\n"
		     "COP/VxLAN [Malformed Packet]\n"
		     "COP/COP 40000 → 4789 Seq=3 Len=0\n");
	expect_shown("tunnel",
		     FIELDS "-o cop.ports:4789 -e cop.seq -e cop.analysis.flow "
			    "-e cop.analysis.datagrams",
		     "1|0,77|0,1|1,1\n2|1|0|2\n3|2,3|0,0|3,4\n");
}

/* ---- what is not there --------------------------------------------------- */

/* Each length from the UDP header's end on, 3 bytes of which show the magic and
 * a header length that fits. */
Test(dissector, shows_a_cut_datagram_as_far_as_it_goes, .init = dissector_make)
{
	char expected[4096] = "";
	int n = 0;

	capture("cuts");
	for (int cut = 0; cut <= 57; cut++)
		n += snprintf(expected + n, sizeof(expected) - n,
			      "%d|%s|%s|%s|%s|%s\n", cut + 1,
			      cut < 3 ? "" : "24", cut < 8 ? "" : "53",
			      cut < 12 ? "" : "0", cut < 3 ? "" : "33",
			      cut < 57 ? "" : "www.example.com");
	expect_shown("cuts",
		     FIELDS "-e cop.hdr_len -e cop.dstport -e cop.seq "
			    "-e cop.len -e dns.qry.name "
			    "-o udp.try_heuristic_first:TRUE",
		     expected);
	expect_shown("cuts", MATCHES "cop.expert.cut -o cop.ports:53",
		     "4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n");
	expect_shown("cuts", MATCHES "'_ws.malformed && !dns' -o cop.ports:53",
		     "");
}

Test(dissector, outlives_cut_datagrams_of_others, .init = dissector_make)
{
	capture("plain_cuts");
	expect_shown("plain_cuts", FIELDS "-e cop.seq -o cop.ports:53 -Y cop",
		     "401|7\n");
}

Test(dissector, shows_fragments, .init = dissector_make)
{
	capture("fragments");
	expect_shown("fragments",
		     FIELDS "-e cop.seq -e cop.len -e cop.analysis.lost",
		     "1|||\n2|||\n3|3|3000|0\n4|4|0|0\n");
	expect_shown("fragments",
		     FIELDS "-e cop.seq -e cop.analysis.lost "
			    "-o ip.defragment:FALSE -o ipv6.defragment:FALSE",
		     "1|3|0\n2||\n3||\n4|4|0\n");
}

static const char *fresh_seed(void)
{
	static char seed[32];

	snprintf(seed, sizeof(seed), "%u", arc4random());
	return seed;
}

/* Lua says in the packet's tree where it went wrong. */
Test(dissector, takes_noise_without_an_error, .init = dissector_make)
{
	const char *seed = fresh_seed();

	capture_at_random("noise", seed);
	for (int i = 0; i < FAMILIES; i++) {
		scratch_shell(&result,
			      SHARK "-r noise%s.pcap -V "
				    "-o cop.ports:53,69,123,4789,41000 "
				    ">noise.txt; "
				    "grep -c '^COP Datagram' noise.txt; "
				    "grep -i 'lua' noise.txt err" OUTPUT,
			      families[i].suffix);
		cr_expect_gt(atoi(result.out), 2000, "seed %s: %s", seed,
			     result.out);
		cr_expect_null(strchr(result.out, 'L'), "seed %s: %s", seed,
			       result.out);
	}
}

/* ---- beside flow/source.c ------------------------------------------------- */

#define FIGURES                                                 \
	"-T fields -E separator='|' -e cop.analysis.flow "      \
	"-e cop.analysis.datagrams -e cop.analysis.missing "    \
	"-e cop.analysis.lost -e cop.analysis.reordered "       \
	"-e cop.analysis.duplicated -e cop.analysis.unordered " \
	"-e cop.analysis.restarts -e cop.analysis.gap_us "      \
	"-e cop.analysis.jitter_us"

#define FLOWS 8

/* What a capture is to come to, as it is read. */
struct oracle {
	struct cop_source source[FLOWS];
	struct cop_source sum; /* of all counts, which are not to be 0 */
	uint64_t missing;      /* likewise */
	int lines;
};

/* A number that goes up within a stretch leaves out what is between. */
static uint64_t missing_ahead(const struct cop_source *before,
			      const struct cop_source *after)
{
	if (!before->datagrams || before->skip ||
	    before->restarts != after->restarts || after->next <= before->next)
		return 0;
	return after->next - before->next - 1;
}

/* As tshark writes it: a field that is not there is empty. */
static void predict(struct oracle *o, unsigned int flow,
		    const struct cop_arrival *a, char *line, size_t size)
{
	struct cop_source *s = &o->source[flow], before = *s;
	char missing[24] = "";
	uint64_t ahead;

	cop_source_update(s, a);
	ahead = missing_ahead(&before, s);
	if (ahead)
		snprintf(missing, sizeof(missing), "%" PRIu64, ahead);
	o->missing += ahead;
	snprintf(line, size,
		 "%u|%" PRIu64 "|%s|%" PRIu64 "|%u|%u|%u|%u|%u|%.15g\n", flow,
		 s->datagrams, missing, cop_source_lost(s), s->reordered,
		 s->duplicated, s->unordered, s->restarts, s->gap,
		 s->jitter / 16.0);
}

/* A line of what was written with the capture. */
static void predict_line(struct oracle *o, const char *text, char *line,
			 size_t size)
{
	struct cop_arrival a = { .ordered = true };
	unsigned int flow, flags, cut;

	cr_assert_eq(sscanf(text,
			    "%u %" SCNu64 " %" SCNu32 " %" SCNu32 " %u %u",
			    &flow, &a.now, &a.seq, &a.tstamp, &flags, &cut),
		     6, "%s", text);
	cr_assert_lt(flow, FLOWS);
	a.first = flags & COP_F_FIRST;
	if (cut) {
		cop_source_skip(&o->source[flow]);
		snprintf(line, size, "|||||||||\n");
	} else {
		predict(o, flow, &a, line, size);
	}
}

static void sum_up(struct oracle *o)
{
	for (int i = 0; i < FLOWS; i++) {
		o->sum.lost += cop_source_lost(&o->source[i]);
		o->sum.reordered += o->source[i].reordered;
		o->sum.duplicated += o->source[i].duplicated;
		o->sum.unordered += o->source[i].unordered;
		o->sum.restarts += o->source[i].restarts;
		o->sum.jitter |= o->source[i].jitter;
		o->sum.gap |= o->source[i].gap;
	}
}

/* Of a capture NAME.pcap with NAME.pcap.txt beside it, made with a seed. */
static void expect_agreement(struct oracle *o, const char *name,
			     const char *seed)
{
	char text[256], expected[256], shown[256];
	FILE *from, *by;

	scratch_must(SHARK "-r %s.pcap -Y cop " FIGURES " >shown 2>err", name);
	scratch_must("mv %s.pcap.txt text", name);
	from = fopen("text", "r");
	by = fopen("shown", "r");
	cr_assert(from && by);
	while (fgets(text, sizeof(text), from)) {
		predict_line(o, text, expected, sizeof(expected));
		cr_assert(fgets(shown, sizeof(shown), by), "seed %s", seed);
		cr_assert_str_eq(shown, expected,
				 "seed %s: datagram %d: %sshown %sbut it is %s",
				 seed, o->lines, text, shown, expected);
		o->lines++;
	}
	cr_expect_null(fgets(shown, sizeof(shown), by), "more: %s", shown);
	fclose(from);
	fclose(by);
	sum_up(o);
}

static void expect_agreement_of(const char *name, const char *seed)
{
	struct oracle o = { .lines = 0 };

	expect_agreement(&o, name, seed);
	cr_expect_eq(o.lines, 12000, "%d lines", o.lines);
	cr_expect(o.missing && o.sum.lost && o.sum.reordered &&
			  o.sum.duplicated && o.sum.unordered &&
			  o.sum.restarts && o.sum.jitter && o.sum.gap,
		  "seed %s does not show all there is", seed);
}

static void expect_agreement_at_random(const char *seed)
{
	capture_at_random("flows", seed);
	expect_agreement_of("flows", seed);
	expect_agreement_of("flows6", seed);
}

Test(dissector, agrees_with_the_library_at_random, .init = dissector_make)
{
	expect_agreement_at_random("1");
	expect_agreement_at_random("2");
	expect_agreement_at_random(fresh_seed());
}

/* ---- what COP sockets send ----------------------------------------------- */

#define WIRE                                                              \
	"if unshare -n true 2>/dev/null; then users=; else users=r; fi\n" \
	"unshare -${users}n true || exit 77\n"                            \
	"for family in inet inet6; do unshare -${users}n " PYTHON SCRIPTS \
	"wire.py $family wire${family#inet}.pcap $LIB "                   \
	">sent${family#inet} || exit 1; done"

static void capture_wire(void)
{
	scratch_shell(&result, WIRE);
	if (result.status == RUN_SKIP)
		cr_skip_test("no network namespace can be made: %s",
			     result.err);
	cr_assert_eq(result.status, 0, "%s%s", result.out, result.err);
}

#define CLOCK_US 1000 /* more than two ways to read a clock differ */

/* Each was sent between two readings of the clock that it is stamped by. */
static void expect_stamped(const char *suffix)
{
	uint64_t before, after;
	FILE *sent, *stamps;
	uint32_t stamp;

	scratch_must(SHARK "-r wire%s.pcap -T fields -e cop.tstamp >stamps "
			   "2>err && cp sent%s times",
		     suffix, suffix);
	sent = fopen("times", "r");
	stamps = fopen("stamps", "r");
	cr_assert(sent && stamps);
	for (int i = 0; i < 7; i++) {
		cr_assert_eq(fscanf(sent, "%" SCNu64 "%" SCNu64, &before,
				    &after),
			     2);
		cr_assert_eq(fscanf(stamps, "%" SCNu32, &stamp), 1);
		cr_expect_leq(stamp - (uint32_t)before + CLOCK_US,
			      after - before + 2 * CLOCK_US, "datagram %d", i);
	}
	fclose(sent);
	fclose(stamps);
}

static void expect_same_as_sent(const char *suffix)
{
	struct oracle o = { .lines = 0 };
	char name[16];

	snprintf(name, sizeof(name), "wire%s", suffix);
	expect_stamped(suffix);
	expect_agreement(&o, name, "none");
	cr_expect_eq(o.lines, 7);
	cr_expect_eq(o.sum.restarts, 1);
}

Test(dissector, shows_the_datagrams_of_cop_sockets, .init = dissector_make)
{
	capture_wire();
	expect_shown("wire",
		     FIELDS "-e cop.version -e cop.hdr_len -e cop.flags "
			    "-e cop.srcport -e cop.dstport -e cop.seq "
			    "-e cop.len -e _ws.expert.message",
		     "1|1|16|0x01|40000|41000|0|3|\n"
		     "2|1|16|0x00|40000|41000|1|0|\n"
		     "3|1|16|0x00|40000|41000|2|500|\n"
		     "4|1|16|0x01|41000|40000|0|4|\n"
		     "5|1|16|0x00|41000|40000|1|4|\n"
		     "6|1|16|0x00|40000|41000|3|3|\n"
		     "7|1|16|0x01|40000|41000|0|4|Restart\n");
	for (int i = 0; i < FAMILIES; i++)
		expect_same_as_sent(families[i].suffix);
}

#define BATCHES                                                           \
	"if unshare -n true 2>/dev/null; then users=; else users=r; fi\n" \
	"unshare -${users}n true || exit 77\n"                            \
	"for family in inet inet6; do unshare -${users}n " PYTHON SCRIPTS \
	"wire.py $family wire${family#inet}.pcap $LIB " COP_BUILD_DIR     \
	"/tests/progs${family#inet}/batches "                             \
	"cop to_the_peer >sent || exit 1; done"

/* 32 and 8 datagrams, twice; the last one is shorter. */
Test(dissector, shows_what_sendmmsg_sends, .init = dissector_make)
{
	scratch_shell(&result, BATCHES);
	if (result.status == RUN_SKIP)
		cr_skip_test("no network namespace can be made: %s",
			     result.err);
	cr_assert_eq(result.status, 0, "%s%s", result.out, result.err);
	scratch_must("seq 0 79 >numbers");
	expect_shown("wire", "-T fields -e frame.number", "1\n2\n3\n4\n");
	expect_shown("wire",
		     "-T fields -e cop.seq | tr , '\n' | diff - numbers", "");
	expect_shown("wire", MATCHES "_ws.expert", "");
}

/* ---- seen again ---------------------------------------------------------- */

static void expect_same_twice(const char *what, const char *suffix)
{
	scratch_must(SHARK "-r %s%s.pcap -V -o cop.ports:4789 >once && " SHARK
			   "-r %s%s.pcap -V -o cop.ports:4789 -2 >twice "
			   "&& cmp once twice && grep -q '^    ."
			   "Analysis of the flow' once",
		     what, suffix, what, suffix);
}

Test(dissector, shows_the_same_in_a_second_pass, .init = dissector_make)
{
	static const char *const all[] = { "order",	  "duplicates",
					   "restarts",	  "cut_number",
					   "not_counted", "tunnel" };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		capture(all[i]);
		for (int k = 0; k < FAMILIES; k++)
			expect_same_twice(all[i], families[k].suffix);
	}
}

/* One file after the other, in one process. */
static void expect_clicked(const char *files, const char *expected)
{
	scratch_shell(&result,
		      "cp " SCRIPTS "clicks.py . && { " OWN_HOME PYTHON
		      "clicks.py %s; }" OUTPUT,
		      files);
	cr_expect_eq(result.status, 0, "%s", result.err);
	cr_expect_str_eq(result.out, expected, "%s%sand not\n%s", result.out,
			 result.err, expected);
}

#define ORDER                        \
	"order.pcap\n"               \
	"7 6 0 3 0 0\n6 3 0 3 0 0\n" \
	"5 4 1 2 0 0\n4 5 2 1 0 0\n" \
	"3 1 0 1 0 0\n2 2 1 0 0 0\n1 0 0 0 0 0\n"

Test(dissector, shows_the_same_in_any_order_and_forgets_other_files,
     .init = dissector_make)
{
	capture("order");
	capture("restarts");
	expect_clicked("order.pcap restarts.pcap order.pcap",
		       ORDER "restarts.pcap\n"
			     "7 0 899 0 0 2\n6 900 899 0 0 1\n"
			     "5 1 1 0 0 1\n4 0 1 0 0 1\n"
			     "3 3 1 0 0 0\n2 1 0 0 0 0\n"
			     "1 0 0 0 0 0\n" ORDER);
}

/* Whose port it was before has it again; Wireshark saves what is changed. */
Test(dissector, gives_ports_back, .init = dissector_make)
{
	capture("names");
	scratch_must("mkdir -p -m 777 .config/wireshark && cp " SCRIPTS
		     "preference.lua " PLUGINS);
	expect_shown_of("names",
			"-o cop.ports:50-53 " FIELDS "-e frame.protocols",
			"1|eth:ethertype:ip:udp:cop:dns\n"
			"2|eth:ethertype:ip:udp:cop:dns\n"
			"3|eth:ethertype:ip:udp:dns\n"
			"4|eth:ethertype:ip:udp:dns\n");
}

/* ---- where it is put ----------------------------------------------------- */

Test(dissector, is_found_where_it_is_installed, .init = dissector_make)
{
	scratch_must("rm " PLUGINS "/cop.lua && " INSTALL
		     "WIRESHARKDIR=/" PLUGINS " install");
	capture("header");
	scratch_shell(&result, OWN_HOME "tshark -r header.pcap -T fields "
					"-e cop.seq" OUTPUT);
	cr_expect_str_eq(result.out, "7\n7\n0\n", "%s%s", result.out,
			 result.err);
}

Test(dissector, of_two_copies_one_stays, .init = dissector_make)
{
	capture("header");
	scratch_must("cp " PLUGINS "/cop.lua " PLUGINS "/other.lua");
	scratch_shell(&result, SHARK "-r header.pcap -T fields "
				     "-e cop.seq" OUTPUT);
	cr_expect_str_eq(result.out, "7\n7\n0\n", "%s", result.out);
	cr_expect_str_eq(result.err,
			 "cop.lua: COP has a dissector already, which "
			 "stays\n",
			 "%s", result.err);
}

Test(dissector, is_loaded_by_an_option, .init = dissector_make)
{
	capture("header");
	scratch_must("mv " PLUGINS "/cop.lua .");
	scratch_shell(&result,
		      OWN_HOME "tshark -X lua_script:cop.lua "
			       "-r header.pcap -T fields -e cop.seq" OUTPUT);
	cr_expect_str_eq(result.out, "7\n7\n0\n", "%s%s", result.out,
			 result.err);
}

/* For the system, where its Wireshark looks, else below the prefix. */
Test(dissector, is_installed_where_wireshark_looks, .init = dissector_make)
{
	scratch_must(INSTALL "PREFIX=/usr/local install && " OWN_HOME
			     "tshark -G folders 2>/dev/null | "
			     "sed -n 's/^Global Lua Plugins:[[:space:]]*//p' "
			     ">folder && cmp " ROOT "tools/cop.lua "
			     "$PWD$(cat folder)/cop.lua");
	scratch_must(INSTALL
		     "PREFIX=/opt install && cmp " ROOT
		     "tools/cop.lua usr/local/lib/wireshark/plugins/cop.lua");
	scratch_must("rm -r opt usr && " INSTALL "PREFIX=/opt WIRESHARKDIR= "
		     "install && test -z \"$(find opt usr -name cop.lua)\"");
}
