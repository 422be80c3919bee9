// SPDX-License-Identifier: MIT
/*
 * test_stdio.c - stdio on a COP descriptor: its streams send and receive as those
 * on UDP do. progs/stdio.c has the calls.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <stdlib.h>
#include <string.h>

#include "runner.h"

/* ---- opening and closing ------------------------------------------------ */

Test(e2e_stdio, fdopen_takes_the_same_modes)
{
	run_same("stdio", "modes");
}

Test(e2e_stdio, fdopen_on_no_descriptor_is_ebadf)
{
	run_same("stdio", "no_descriptor");
}

Test(e2e_stdio, fclose_closes_the_socket)
{
	run_same("stdio", "closed");
}

Test(e2e_stdio, fclose_of_a_closed_descriptor_is_ebadf)
{
	run_same("stdio", "closed_before");
}

Test(e2e_stdio, a_socket_may_have_many_streams)
{
	run_same("stdio", "many");
	run_same("stdio", "two_on_one");
}

Test(e2e_stdio, streams_leave_no_memory_and_no_descriptor_behind)
{
	run_says("stdio", "no_leaks", "left: 0 bytes, 0 descriptors\n");
}

Test(e2e_stdio, a_number_that_fclose_leaves_is_at_once_another_threads,
     .timeout = 60)
{
	run_same("stdio", "beside_files");
}

Test(e2e_stdio, libcs_own_streams_on_a_socket_close_it)
{
	run_same("stdio", "own_streams");
}

Test(e2e_stdio, a_stream_that_leaves_the_socket_open_leaves_it_ours)
{
	run_same("stdio", "not_closed");
}

/* ---- writing ------------------------------------------------------------ */

Test(e2e_stdio, each_flush_is_one_datagram)
{
	run_same("stdio", "printed");
}

Test(e2e_stdio, a_text_longer_than_the_buffer_is_cut_as_on_udp)
{
	run_same("stdio", "long_ones");
}

Test(e2e_stdio, a_line_buffered_stream_sends_lines)
{
	run_same("stdio", "line_by_line");
}

Test(e2e_stdio, an_unbuffered_stream_sends_each_call)
{
	run_same("stdio", "unbuffered");
}

Test(e2e_stdio, setvbuf_changes_the_size_of_the_datagrams)
{
	run_same("stdio", "own_buffer");
}

Test(e2e_stdio, errors_of_a_flush_are_udps)
{
	run_same("stdio", "refused");
	run_same("stdio", "refused_in_fclose");
}

Test(e2e_stdio, buffered_text_is_sent_at_exit)
{
	run_same("stdio", "at_exit");
}

Test(e2e_stdio, a_forked_child_sends_its_copy)
{
	run_same("stdio", "forked");
}

/* ---- reading ------------------------------------------------------------ */

Test(e2e_stdio, lines_are_read)
{
	run_same("stdio", "lines");
}

Test(e2e_stdio, characters_are_read_and_put_back)
{
	run_same("stdio", "characters");
}

Test(e2e_stdio, fread_reads_over_several_datagrams)
{
	run_same("stdio", "blocks");
}

Test(e2e_stdio, an_empty_datagram_is_the_end)
{
	run_same("stdio", "end");
}

Test(e2e_stdio, reading_an_empty_socket_is_eagain)
{
	run_same("stdio", "nothing_there");
}

Test(e2e_stdio, reading_gets_a_pending_error)
{
	run_same("stdio", "refused_reading");
}

Test(e2e_stdio, a_stream_may_read_and_write)
{
	run_same("stdio", "both_ways");
	run_same("stdio", "switched");
}

Test(e2e_stdio, seeking_is_espipe)
{
	run_same("stdio", "sought");
}

Test(e2e_stdio, a_thread_cancelled_in_fgets_leaves_the_stream_usable)
{
	run_same("stdio", "cancelled");
}

/* ---- freopen ------------------------------------------------------------ */

Test(e2e_stdio, freopen_makes_the_stream_a_files)
{
	run_same("stdio", "reopened");
	run_same("stdio", "reopened_by_64");
}

Test(e2e_stdio, a_reopened_stream_has_wide_characters)
{
	run_same("stdio", "reopened_wide");
}

Test(e2e_stdio, freopen_in_vain_closes_the_socket)
{
	run_same("stdio", "reopened_in_vain");
}

Test(e2e_stdio, freopen_tries_once_to_send_the_rest)
{
	run_same("stdio", "reopened_after_refusal");
}

Test(e2e_stdio, freopen_of_a_closed_descriptor_works)
{
	run_same("stdio", "reopened_closed");
}

Test(e2e_stdio, a_file_duplicated_over_the_socket_is_written_whole)
{
	run_same("stdio", "replaced");
}

/* ---- dprintf ------------------------------------------------------------ */

Test(e2e_stdio, dprintf_and_its_other_names_send_a_datagram)
{
	run_same("stdio", "formatted");
}

Test(e2e_stdio, dprintf_fails_as_on_udp)
{
	run_same("stdio", "formatted_in_vain");
}

Test(e2e_stdio, dprintf_cuts_a_long_text_as_on_udp)
{
	run_same("stdio", "formatted_long");
	run_same("stdio", "formatted_long_in_vain");
}

Test(e2e_stdio, dprintf_to_a_pipe_is_libcs)
{
	run_same("stdio", "formatted_elsewhere");
}

/* ---- otherwise than UDP ------------------------------------------------- */

Test(e2e_stdio, a_line_longer_than_the_buffer_is_read_whole)
{
	run_says("stdio", "whole_lines",
		 "send(sock_a, out, sizeof(out), 0) = 20000\n"
		 "fgets(in, sizeof(in), stream) ? 0 : -1 = 0\n"
		 "memcmp(in, out, sizeof(out)) || in[sizeof(out)] = 0\n"
		 "fgets(buf, sizeof(buf), stream) ? 0 : -1 = 0\n"
		 "  line next\n"
		 "setvbuf(stream, NULL, _IONBF, 0) = 0\n"
		 "fgets(buf, sizeof(buf), stream) ? 0 : -1 = 0\n"
		 "  line unbuffered\n"
		 "fgetc(stream) = 117\n"
		 "fclose(stream) = 0\n");
}

Test(e2e_stdio, the_largest_datagram_is_read_whole_in_any_pieces)
{
	run_says("stdio", "whole_blocks",
		 "send(sock_a, out, sizeof(out), 0) = 65491\n"
		 "fread(in, 1, 5000, stream) = 5000\n"
		 "fread(in + 5000, 1, sizeof(out) - 5000, stream) = 60491\n"
		 "memcmp(in, out, sizeof(out)) = 0\n"
		 "fcntl(sock_b, F_SETFL, O_NONBLOCK) = 0\n"
		 "fread(in, 1, 1, stream) = 0 but errno is EAGAIN\n"
		 "fclose(stream) = 0\n");
}

Test(e2e_stdio, wide_characters_are_refused)
{
	run_says("stdio", "wide",
		 "fwide(stream, 1) = -1 no such error\n"
		 "fputws(L\"wide\", stream) = -1 no such error\n"
		 "fputs(\"narrow\", stream) < 0 = 0\n"
		 "fclose(stream) = 0\n"
		 "  datagram of 6: narrow ... \n"
		 "  then EAGAIN\n");
}

/* ---- the table ---------------------------------------------------------- */

struct scenario {
	char name[32];
};

ParameterizedTestParameters(e2e_stdio, nothing_is_closed_unseen)
{
	static struct scenario all[] = {
		{ "closed" },
		{ "many" },
		{ "own_streams" },
		{ "reopened" },
		{ "no_leaks" },
		{ "reopened_wide" },
		{ "refused_in_fclose" },
		{ "replaced" },
		{ "reopened_in_vain" },
	};

	return cr_make_param_array(struct scenario, all,
				   sizeof(all) / sizeof(*all));
}

/* Were an entry left behind, the next use of its number would say so. */
ParameterizedTest(struct scenario *it, e2e_stdio, nothing_is_closed_unseen)
{
	static struct run_result res;
	const char *const argv[] = { COP_BUILD_DIR "/tests/progs/stdio", "cop",
				     it->name, NULL };
	const char *const env[] = { "COP_DEBUG=1", NULL };

	cr_expect_eq(run(&res, argv, true, env), 0);
	cr_expect_null(strstr(res.err, "closed unseen"), "%s:\n%s", it->name,
		       res.err);
}

/* ---- other programs ----------------------------------------------------- */

static void run_streams(struct run_result *res, const char *kind, bool preload)
{
	const char *const argv[] = { "/usr/bin/python3",
				     COP_TEST_DIR "/e2e/scripts/streams.py",
				     kind, NULL };

	cr_expect_eq(run(res, argv, preload, NULL), 0, "%s:\n%s", kind,
		     res->err);
	cr_expect_str_empty(res->err);
}

Test(e2e_stdio, wide_characters_are_not_read_from_a_stream_of_bytes)
{
	run_same("stdio", "wide_reading");
}

Test(e2e_stdio, python_streams_are_as_on_udp)
{
	static struct run_result udp, cop;

	run_streams(&udp, "udp", false);
	run_streams(&cop, "cop", true);
	cr_expect_gt(udp.out_len, 100);
	cr_expect_str_eq(cop.out, udp.out);
}
