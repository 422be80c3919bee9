// SPDX-License-Identifier: MIT
/*
 * test_real_programs.c - programs that know nothing of COP and were never told
 * of it: both ends of each are adopted, and the wire shows that COP crossed it.
 *
 * tests/programs/NAME.sh is played twice, on plain UDP and adopted, and must say
 * the same; each time it judges what it captured on lo, see lib.sh there. NAME_ip6
 * is NAME with IPv6, and where the server can, with clients of both families.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "runner.h"
#include "scratch.h"
#include "skeleton.h"

#define SCRIPTS	      COP_TEST_DIR "/programs/"
#define ADOPTED	      "RUN=" COP_BIN " run --adopt --"

#define LISTED(ports) "RUN=" COP_BIN " run --adopt=udp:" ports " --"

static struct run_result plain_result, adopted_result;

static int play(struct run_result *res, const char *name, const char *env,
		const char *carrier)
{
	const char *const envs[] = { env, carrier, NULL };
	char path[4096];
	const char *const argv[] = { path, NULL };

	snprintf(path, sizeof(path), SCRIPTS "%s.sh", name);
	run(res, argv, false, envs);
	if (res->status == RUN_SKIP)
		cr_skip_test("%s: %s", name, res->err);
	return res->status;
}

static void runs_carried(const char *name, const char *env, const char *carrier)
{
	cr_assert_eq(play(&plain_result, name, "RUN", "CARRIER"), 0,
		     "plain: %s%s", plain_result.out, plain_result.err);
	cr_assert_eq(play(&adopted_result, name, env, carrier), 0,
		     "adopted: %s%s", adopted_result.out, adopted_result.err);
	cr_expect_str_not_empty(plain_result.out);
	cr_expect_str_eq(adopted_result.out, plain_result.out,
			 "plain: %sadopted: %s", plain_result.out,
			 adopted_result.out);
}

static void runs_over(const char *name, const char *env)
{
	runs_carried(name, env, "CARRIER");
}

#define PROGRAM(name)                        \
	Test(programs, name##_runs_over_cop) \
	{                                    \
		runs_over(#name, ADOPTED);   \
	}

PROGRAM(asyncio)
PROGRAM(asyncio_ip6)
PROGRAM(bash)
PROGRAM(bash_ip6)
PROGRAM(chronyd)
PROGRAM(chronyd_ip6)
PROGRAM(coap)
PROGRAM(coap_ip6)
PROGRAM(coturn)
PROGRAM(coturn_ip6)
PROGRAM(dnsmasq)
PROGRAM(dnsmasq_ip6)
PROGRAM(dtls)
PROGRAM(dtls_ip6)
PROGRAM(iperf)
PROGRAM(iperf3)
PROGRAM(iperf3_ip6)
PROGRAM(iperf_ip6)
PROGRAM(java)
PROGRAM(java_ip6)
PROGRAM(knotd)
PROGRAM(knotd_ip6)
PROGRAM(memcached)
PROGRAM(memcached_ip6)
PROGRAM(ncat)
PROGRAM(ncat_ip6)
PROGRAM(netcat)
PROGRAM(netcat_ip6)
PROGRAM(ngtcp2)
PROGRAM(ngtcp2_ip6)
PROGRAM(node)
PROGRAM(node_ip6)
PROGRAM(nsd)
PROGRAM(nsd_ip6)
PROGRAM(perl)
PROGRAM(perl_ip6)
PROGRAM(php)
PROGRAM(php_ip6)
PROGRAM(qperf)
PROGRAM(qperf_ip6)
PROGRAM(quinn)
PROGRAM(quinn_ip6)
PROGRAM(resolver)
PROGRAM(resolver_ip6)
PROGRAM(rsyslog)
PROGRAM(rsyslog_ip6)
PROGRAM(ruby)
PROGRAM(ruby_ip6)
PROGRAM(sipp)
PROGRAM(sipp_ip6)
PROGRAM(snmp)
PROGRAM(snmp_ip6)
PROGRAM(socat)
PROGRAM(socat_ip6)
PROGRAM(socketserver)
PROGRAM(socketserver_ip6)
PROGRAM(sockperf)
PROGRAM(tftp)
PROGRAM(tftp_ip6)
PROGRAM(unbound)
PROGRAM(unbound_ip6)

/* The list has the ports of the servers alone. */
#define PROGRAM_LISTED(name, ports)                    \
	Test(programs, name##_runs_over_cop_by_a_list) \
	{                                              \
		runs_over(#name, LISTED(ports));       \
	}

PROGRAM_LISTED(dnsmasq_ip6, "53,5300")
PROGRAM_LISTED(iperf3_ip6, "5201")
PROGRAM_LISTED(java_ip6, "11508-11509")
PROGRAM_LISTED(node_ip6, "11501-11502")
PROGRAM_LISTED(socat_ip6, "5000-5001")

/* ---- on another transport ------------------------------------------------ */

static void runs_over_skeleton(const char *name)
{
	char env[4096];

	snprintf(env, sizeof(env),
		 "RUN=" COP_BIN " run --adopt --transport skeleton "
		 "--modules %s/m --",
		 scratch_dir);
	runs_carried(name, env, "CARRIER=skeleton");
}

#define PROGRAM_CARRIED(name)                                                \
	Test(programs, name##_runs_over_the_skeleton, .init = make_skeleton) \
	{                                                                    \
		runs_over_skeleton(#name);                                   \
	}

PROGRAM_CARRIED(asyncio)
PROGRAM_CARRIED(dnsmasq)
PROGRAM_CARRIED(dnsmasq_ip6)
PROGRAM_CARRIED(iperf3)
PROGRAM_CARRIED(iperf3_ip6)
PROGRAM_CARRIED(netcat)
PROGRAM_CARRIED(socat)
PROGRAM_CARRIED(socat_ip6)
PROGRAM_CARRIED(socketserver_ip6)
PROGRAM_CARRIED(tftp)

#define LITE_MODULES COP_BUILD_DIR "/modules"

#define PROGRAM_LITE(name)                                              \
	Test(programs, name##_runs_over_udplite)                        \
	{                                                               \
		runs_carried(#name,                                     \
			     "RUN=" COP_BIN " run --adopt --transport " \
			     "udplite --modules " LITE_MODULES " --",   \
			     "CARRIER=udplite");                        \
	}

PROGRAM_LITE(asyncio)
PROGRAM_LITE(dnsmasq)
PROGRAM_LITE(dnsmasq_ip6)
PROGRAM_LITE(iperf3)
PROGRAM_LITE(iperf3_ip6)
PROGRAM_LITE(netcat)
PROGRAM_LITE(socat)
PROGRAM_LITE(socat_ip6)
PROGRAM_LITE(socketserver_ip6)
PROGRAM_LITE(tftp)

/* ---- that the wire is judged -------------------------------------------- */

Test(programs, plain_udp_is_not_taken_for_cop)
{
	cr_expect_eq(play(&plain_result, "socat", "RUN=env", "CARRIER"), 1);
	cr_expect_not_null(strstr(plain_result.err,
				  " datagrams 0 were COP and not "),
			   "%s", plain_result.err);
}

Test(programs, cop_is_not_taken_for_the_skeleton)
{
	cr_expect_eq(
		play(&adopted_result, "socat", ADOPTED, "CARRIER=skeleton"), 1);
	cr_expect_not_null(strstr(adopted_result.err,
				  " datagrams 0 were COP and not "),
			   "%s", adopted_result.err);
}

Test(programs, cop_is_not_taken_for_udplite)
{
	cr_expect_eq(play(&adopted_result, "socat", ADOPTED, "CARRIER=udplite"),
		     1);
	cr_expect_not_null(strstr(adopted_result.err,
				  " datagrams 0 were COP and not "),
			   "%s", adopted_result.err);
}

Test(programs, cop_is_not_taken_for_plain_udp)
{
	const char *const argv[] = { SCRIPTS "socat.sh", NULL };
	const char *const env[] = { "RUN", "COP_ADOPT=udp", NULL };

	run(&adopted_result, argv, true, env);
	if (adopted_result.status == RUN_SKIP)
		cr_skip_test("%s", adopted_result.err);
	cr_expect_eq(adopted_result.status, 1);
	cr_expect_not_null(strstr(adopted_result.err, " were COP and not 0"),
			   "%s", adopted_result.err);
}

/* A server that is plain UDP shows the header of a client that is adopted. */
Test(programs, a_header_in_what_a_server_says_is_found, .init = scratch_make)
{
	scratch_must("printf '%%s\\n' >script.sh "
		     "'. %slib.sh' "
		     "'udp_port_to 5000' "
		     "'serve_plain socat -u UDP6-RECVFROM:5000 STDOUT' "
		     "'wait_udp 5000' "
		     "'echo text | talk socat -u - UDP6-SENDTO:[::1]:5000' "
		     "'wait_log text'",
		     SCRIPTS);
	scratch_shell(&adopted_result,
		      "IP=6 RUN=\"$COP run --adopt --\" sh script.sh");
	if (adopted_result.status == RUN_SKIP)
		cr_skip_test("%s", adopted_result.err);
	cr_expect_eq(adopted_result.status, 1, "%s", adopted_result.err);
	cr_expect_not_null(strstr(adopted_result.err,
				  "a header is in the output of: server.1"),
			   "%s", adopted_result.err);
}

/* ---- encrypted ------------------------------------------------------------ */

static void make_key(void)
{
	scratch_make();
	scratch_must("$COP key new key");
}

/* The wire must have nothing in plain, and behind the headers nothing but noise. */
static void runs_over_sealed(const char *name)
{
	char env[4096];

	snprintf(env, sizeof(env),
		 "RUN=" COP_BIN " run --adopt --transport sealed "
		 "--modules " COP_MODULE_DIR " --key %s/key --",
		 scratch_dir);
	runs_carried(name, env, "CARRIER=sealed");
}

#define PROGRAM_SEALED(name)                                      \
	Test(programs, name##_runs_over_sealed, .init = make_key) \
	{                                                         \
		runs_over_sealed(#name);                          \
	}

PROGRAM_SEALED(asyncio)
PROGRAM_SEALED(asyncio_ip6)
PROGRAM_SEALED(bash)
PROGRAM_SEALED(bash_ip6)
PROGRAM_SEALED(chronyd)
PROGRAM_SEALED(chronyd_ip6)
PROGRAM_SEALED(coap)
PROGRAM_SEALED(coap_ip6)
PROGRAM_SEALED(coturn)
PROGRAM_SEALED(coturn_ip6)
PROGRAM_SEALED(dnsmasq)
PROGRAM_SEALED(dnsmasq_ip6)
PROGRAM_SEALED(dtls)
PROGRAM_SEALED(dtls_ip6)
PROGRAM_SEALED(iperf)
PROGRAM_SEALED(iperf_ip6)
PROGRAM_SEALED(iperf3)
PROGRAM_SEALED(iperf3_ip6)
PROGRAM_SEALED(java)
PROGRAM_SEALED(java_ip6)
PROGRAM_SEALED(knotd)
PROGRAM_SEALED(knotd_ip6)
PROGRAM_SEALED(memcached)
PROGRAM_SEALED(memcached_ip6)
PROGRAM_SEALED(ncat)
PROGRAM_SEALED(ncat_ip6)
PROGRAM_SEALED(netcat)
PROGRAM_SEALED(netcat_ip6)
PROGRAM_SEALED(ngtcp2)
PROGRAM_SEALED(ngtcp2_ip6)
PROGRAM_SEALED(node)
PROGRAM_SEALED(node_ip6)
PROGRAM_SEALED(nsd)
PROGRAM_SEALED(nsd_ip6)
PROGRAM_SEALED(perl)
PROGRAM_SEALED(perl_ip6)
PROGRAM_SEALED(php)
PROGRAM_SEALED(php_ip6)
PROGRAM_SEALED(qperf)
PROGRAM_SEALED(qperf_ip6)
PROGRAM_SEALED(quinn)
PROGRAM_SEALED(quinn_ip6)
PROGRAM_SEALED(resolver)
PROGRAM_SEALED(resolver_ip6)
PROGRAM_SEALED(rsyslog)
PROGRAM_SEALED(rsyslog_ip6)
PROGRAM_SEALED(ruby)
PROGRAM_SEALED(ruby_ip6)
PROGRAM_SEALED(sipp)
PROGRAM_SEALED(sipp_ip6)
PROGRAM_SEALED(snmp)
PROGRAM_SEALED(snmp_ip6)
PROGRAM_SEALED(socat)
PROGRAM_SEALED(socat_ip6)
PROGRAM_SEALED(socketserver)
PROGRAM_SEALED(socketserver_ip6)
PROGRAM_SEALED(sockperf)
PROGRAM_SEALED(tftp)
PROGRAM_SEALED(tftp_ip6)
PROGRAM_SEALED(unbound)
PROGRAM_SEALED(unbound_ip6)
