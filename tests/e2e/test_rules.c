// SPDX-License-Identifier: MIT
/*
 * test_rules.c - transports with different rules for ports share one port space.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "runner.h"
#include "scratch.h"

#define ROOT  COP_TEST_DIR "/.."
#define RULES COP_BUILD_DIR "/tests/progs/rules "

static struct run_result result;

/* The skeleton, and a variant of type 9 whose rule takes random queues. */
static void make_both(void)
{
	scratch_make();
	scratch_must(
		"mkdir m; cd m; build() { cc -I" ROOT
		"/include -O2 -w -fPIC -shared -o "
		"net-pf-2-proto-0-type-$1.so $2 && ln -s "
		"net-pf-2-proto-0-type-$1.so net-pf-10-proto-0-type-$1.so; "
		"}; build 8 " ROOT "/transports/skeleton/skeleton.c && "
		"sed 's/int q = shortest_queue()/int q = get_random_u32() "
		"%% INET_PORT_QUEUES/; s/SOCK_SKEL    8/SOCK_SKEL 9/; "
		"s/SKEL\"/OTHER\"/' " ROOT
		"/transports/skeleton/skeleton.c >v.c && build 9 v.c");
}

Test(rules, two_transports_never_have_one_port_twice, .init = make_both,
     .timeout = 120)
{
	scratch_shell(&result,
		      "COP_MODULES=m LD_PRELOAD=$LIB " RULES "5 7 8 9");
	cr_expect_str_eq(result.out, "0 twice\n", "%s%s", result.out,
			 result.err);
	cr_expect_eq(result.status, 0, "%s", result.err);
}

/* So the test above can fail: UDP lets two sockets share a port, at two addresses. */
Test(rules, the_program_sees_a_port_that_is_used_twice, .init = make_both,
     .timeout = 120)
{
	scratch_shell(&result, RULES "2 2");
	cr_expect_str_neq(result.out, "0 twice\n", "%s", result.err);
}

/* The skeleton's hash and unhash count how many of its sockets have a port. */
Test(rules, hash_and_unhash_of_a_module_are_called_in_pairs, .init = make_both)
{
	scratch_must("sed 's/^static struct proto skel_prot/"
		     "static void skel_hash(struct sock *sk) "
		     "{ pr_info(\"hash %%d\", inet_sk(sk).inet_num); }\\n"
		     "static void skel_unhash(struct sock *sk) "
		     "{ pr_info(\"unhash %%d\", inet_sk(sk).inet_num); "
		     "datagram_prot()->unhash(sk); }\\n&/; "
		     "s/\\t.get_port = /\\t.hash = skel_hash, "
		     ".unhash = skel_unhash,\\n&/' " ROOT
		     "/transports/skeleton/skeleton.c >m/v.c && cc -I" ROOT
		     "/include -O2 -w -fPIC -shared -o "
		     "m/net-pf-2-proto-0-type-8.so m/v.c");
	scratch_shell(&result, "COP_DEBUG=1 COP_MODULES=m LD_PRELOAD=$LIB "
			       "python3 -c 'import socket\n"
			       "s = socket.socket(2, 8, 0)\n"
			       "s.bind((\"127.0.0.1\", 4242))\n"
			       "s.close()\n"
			       "s = socket.socket(2, 8, 0)\n"
			       "s.bind((\"127.0.0.1\", 4242))' 2>&1 | "
			       "sed -n 's/.*: \\(.*hash\\)/\\1/p'");
	cr_expect_str_eq(result.out,
			 "hash 4242\nunhash 4242\nhash 4242\nunhash 4242\n",
			 "%s%s", result.out, result.err);
}
