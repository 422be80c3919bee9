// SPDX-License-Identifier: MIT
/*
 * test_dissector_modules.c - what tshark shows with tools/cop.lua of the transports of
 * modules, whose headers a file beside the module describes.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"

#define ROOT COP_TEST_DIR "/../"

/* Nothing that the user has set counts; root may not load scripts of its own. */
#define SHARK                                        \
	"$AS_USER env -u XDG_CONFIG_HOME HOME=$PWD " \
	"COP_MODULES=$PWD/none:$PWD/m "              \
	"tshark -n -r c.pcap "
#define PLUGINS ".local/lib/wireshark/plugins"
#define AS_USER "setpriv --reuid=65534 --regid=65534 --clear-groups"

static struct run_result result;

/* A datagram of the skeleton, one with its magic alone, one of COP, and noise. */
static const char capture[] =
	"import struct\n"
	"def ip(p):\n"
	"  u = struct.pack(\">HHHH\", 4142, 4143, 8 + len(p), 0) + p\n"
	"  return struct.pack(\">BBHHHBBH4s4s\", 0x45, 0, 20 + len(u), 0, 0, "
	"64, "
	"17, 0, b\"\\x7f\\0\\0\\1\", b\"\\x7f\\0\\0\\1\") + u\n"
	"f = open(\"c.pcap\", \"wb\")\n"
	"f.write(struct.pack(\"<IHHIIII\", 0xa1b2c3d4, 2, 4, 0, 0, 65535, "
	"101))\n"
	"for p in [b\"SK\" + struct.pack(\">HHH\", 4142, 4143, 7) + "
	"b\"hello\",\n"
	"          b\"SK12\",\n"
	"          struct.pack(\">HBBHHII\", 0xc0b1, 0x14, 1, 4142, 4143, 0, "
	"9) + "
	"b\"hi\",\n"
	"          b\"noise\"]:\n"
	"  p = ip(p)\n"
	"  f.write(struct.pack(\"<IIII\", 1000, 0, len(p), len(p)) + p)\n";

static void make(void)
{
	scratch_make();
	if (scratch_shell(&result, "command -v tshark"))
		cr_skip_test("tshark is not installed");
	setenv("AS_USER", "", 1);
	if (!geteuid() && !scratch_shell(&result, AS_USER " true"))
		setenv("AS_USER", AS_USER, 1);
	scratch_must("python3 -c '%s' && mkdir -p m " PLUGINS " && "
		     "cp " ROOT "tools/cop.lua " PLUGINS " && "
		     "cp " ROOT "transports/skeleton/skeleton.lua m && "
		     "chmod -R a+rwX .",
		     capture);
}

static void shows(const char *options, const char *expected)
{
	scratch_shell(&result, SHARK "%s 2>err", options);
	cr_expect_str_eq(result.out, expected, "%s: %s", options, result.out);
}

static void complains(const char *expected)
{
	scratch_shell(&result, "grep -v '^Running as user' err");
	cr_expect_str_eq(result.out, expected, "%s", result.out);
}

#define SUMMARY "-T fields -e _ws.col.Protocol -e _ws.col.Info"
#define COP_AND_NOISE                              \
	"COP\t4142 → 4143 Seq=0 [First] Len=2\n" \
	"UDP\t4142 → 4143 Len=5\n"
#define COPS "UDP\t4142 → 4143 Len=13\nUDP\t4142 → 4143 Len=4\n" COP_AND_NOISE

TestSuite(dissector_modules, .init = make, .timeout = 120);

Test(dissector_modules, the_skeletons_header_is_shown)
{
	shows(SUMMARY, "SKEL\tsrcport=4142 dstport=4143 seq=7 Len=5\n"
		       "UDP\t4142 → 4143 Len=4\n" COP_AND_NOISE);
	shows("-Y skel -T fields -e skel.magic -e skel.srcport -e skel.dstport "
	      "-e skel.seq -e data.data",
	      "0x534b\t4142\t4143\t7\t68656c6c6f\n");
	shows("-Y skel.seq==8 " SUMMARY, "");
	complains("");
}

Test(dissector_modules, it_says_whose_the_fields_are)
{
	scratch_shell(&result, SHARK "-O skel -Y skel 2>/dev/null");
	cr_expect_not_null(strstr(result.out,
				  "\nSkeleton Datagram, as skeleton.lua "
				  "describes it\n    Magic: 0x534b\n"),
			   "%s", result.out);
}

/* Each is a file, and what cop.lua says of it. */
static const struct {
	const char *text, *why;
} damaged[] = {
	{ "return {", "*unexpected symbol near" },
	{ "", "what it returns is wrong" },
	{ "return 5", "what it returns is wrong" },
	{ "while true do end", "it takes too long" },
	{ "error({})", "*attempt to call" },
	{ "os.execute(\"touch m/done\")", "*attempt to index" },
	{ "return (\"x\"):rep(9)", "*attempt to" },
	{ "return {name = \"A B\", fields = {{\"a\", 1}}}", "name is wrong" },
	{ "return {name = \"x\"}", "fields is wrong" },
	{ "return {name = \"x\", fields = {{\"a\", 5}}}", "field 1 is wrong" },
	{ "return {name = \"x\", fields = {{\"a\", 1}, {\"a\", 1}}}",
	  "field 2 is wrong" },
	{ "local f = {} for i = 1, 9 do f[i] = {\"f\" .. i, 8} end "
	  "return {name = \"x\", fields = f}",
	  "field 9 is wrong" },
	{ "return {name = \"x\", fields = {{\"a\", 2}}, "
	  "match = {offset = 1, size = 2, value = 0}}",
	  "match is wrong" },
	{ "return {name = \"x\", fields = {{\"a\", 2}}, "
	  "match = {offset = 0, size = 2, value = 65536}}",
	  "match is wrong" },
	{ "return {name = \"cop\", fields = {{\"a\", 2}}, "
	  "match = {offset = 0, size = 2, value = 0xc0b1}}",
	  "*" },
	{ "return {name = \"udp\", fields = {{\"a\", 2}}, "
	  "match = {offset = 0, size = 2, value = 0xc0b1}}",
	  "*" },
};

Test(dissector_modules, a_damaged_description_is_left_out_and_named)
{
	char line[256];

	for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
		scratch_must("cat >m/skeleton.lua <<'EOF'\n%s\nEOF\n",
			     damaged[i].text);
		shows(SUMMARY, COPS);
		snprintf(line, sizeof(line),
			 "grep -c 'skeleton.lua is not used: .*%s' err",
			 damaged[i].why + (*damaged[i].why == '*'));
		scratch_shell(&result, "%s", line);
		cr_expect_str_eq(result.out, "1\n", "%s", damaged[i].text);
	}
	scratch_must("! test -e m/done");
}

Test(dissector_modules, a_file_that_is_too_long_is_left_out)
{
	scratch_must("yes -- -- | head -c 70000 >>m/skeleton.lua");
	shows(SUMMARY, COPS);
	complains("cop.lua: skeleton.lua is not used: it is too long\n");
}

Test(dissector_modules, what_a_terminal_obeys_is_not_printed)
{
	scratch_must("sed -i 's/Skeleton Datagram/S\\\\027[31mD/; "
		     "s/Magic/M\\\\n\\\\200c/' m/skeleton.lua");
	scratch_shell(&result, SHARK "-O skel -Y skel 2>/dev/null");
	cr_expect_not_null(strstr(result.out, "\nS?[31mD, as skeleton.lua"),
			   "%s", result.out);
	cr_expect_not_null(strstr(result.out, "\n    M??c: 0x534b\n"), "%s",
			   result.out);
}

Test(dissector_modules, a_payload_that_is_encoded_goes_to_no_other_dissector)
{
	scratch_must("sed -i 's/^return {/&encoded = true,/' m/skeleton.lua");
	shows("-Y skel -T fields -e frame.protocols", "raw:ip:udp:skel:data\n");
}

/* The datagram of docs/sealed.md, in the place of the skeleton's. */
Test(dissector_modules, a_sealed_datagram_is_shown_and_not_decrypted)
{
	scratch_must("cp " ROOT "transports/sealed/sealed.lua m && "
		     "python3 -c 'import re, struct\n"
		     "page = open(\"" ROOT "docs/sealed.md\").read()\n"
		     "d = bytes.fromhex(re.search(r\"```text\\n(5ea1[0-9a-f\\n]"
		     "+)```\", page)[1].replace(\"\\n\", \"\"))\n"
		     "u = struct.pack(\">HHHH\", 1, 2, 8 + len(d), 0) + d\n"
		     "p = struct.pack(\">BBHHHBBH4s4s\", 0x45, 0, 20 + len(u), "
		     "0, 0, 64, 17, 0, b\"\\x7f\\0\\0\\1\", "
		     "b\"\\x7f\\0\\0\\1\") + u\n"
		     "f = open(\"c.pcap\", \"wb\")\n"
		     "f.write(struct.pack(\"<IHHIIIIIIII\", 0xa1b2c3d4, 2, 4, "
		     "0, 0, 65535, 101, 1000, 0, len(p), len(p)) + p)' && "
		     "chmod -R a+rX .");
	shows("-Y sealed -T fields -e sealed.version -e sealed.seq "
	      "-e sealed.time -e sealed.counter -e sealed.salt_high "
	      "-e data.len",
	      "1\t0\t1700000000000000\t5\t0x4041424344454647\t32\n");
	scratch_shell(&result, SHARK "-O sealed -Y sealed 2>/dev/null");
	cr_expect_not_null(strstr(result.out,
				  "Sealed Datagram, encrypted: Wireshark can't "
				  "decrypt it"),
			   "%s", result.out);
	complains("");
}

/* ---- where packages put them ---------------------------------------------- */

/* For a line in which the system has other modules than this machine's. */
static void make_own_system(void)
{
	make();
	if (scratch_shell(&result,
			  "unshare -m mount -t tmpfs t /usr/local/lib"))
		cr_skip_test("nothing can be mounted here");
}

#define INSTALLED(files)                                   \
	"unshare -m sh -ec 'mount -t tmpfs -o mode=755 t " \
	"/usr/local/lib; cd /usr/local/lib; " files        \
	"; cd $OLDPWD; exec " SHARK "-Y frame.number==1 " SUMMARY "' 2>err"

#define DESCRIBED   "SKEL\tsrcport=4142 dstport=4143 seq=7 Len=5\n"
#define UNDESCRIBED "UDP\t4142 → 4143 Len=13\n"

static void installed_shows(const char *line, const char *expected)
{
	scratch_shell(&result, "%s", line);
	cr_expect_str_eq(result.out, expected, "%s: %s", line, result.out);
	complains("");
}

/* Whatever processor the module is for. */
Test(dissector_modules, descriptions_of_packages_are_found,
     .init = make_own_system)
{
	scratch_must("mv m/skeleton.lua .");
	installed_shows(INSTALLED("mkdir cop; cp $OLDPWD/skeleton.lua cop"),
			DESCRIBED);
	installed_shows(INSTALLED(
				"mkdir -p s390x-linux-gnu/cop; "
				"cp $OLDPWD/skeleton.lua s390x-linux-gnu/cop"),
			DESCRIBED);
	installed_shows(INSTALLED("mkdir -p python3/cop; "
				  "cp $OLDPWD/skeleton.lua python3/cop"),
			UNDESCRIBED);
}

Test(dissector_modules, a_description_that_is_there_twice_counts_once,
     .init = make_own_system)
{
	installed_shows(
		INSTALLED("mkdir -p cop arm-linux-gnueabihf/cop; "
			  "cp $OLDPWD/m/skeleton.lua cop; "
			  "cp $OLDPWD/m/skeleton.lua arm-linux-gnueabihf/cop"),
		DESCRIBED);
}

Test(dissector_modules, a_damaged_description_of_a_package_is_named_once,
     .init = make_own_system)
{
	scratch_must("rm m/skeleton.lua");
	scratch_shell(&result,
		      INSTALLED("mkdir cop; echo return 5 >cop/skeleton.lua"));
	cr_expect_str_eq(result.out, UNDESCRIBED, "%s", result.out);
	complains("cop.lua: skeleton.lua is not used: what it returns is "
		  "wrong\n");
}
