// SPDX-License-Identifier: MIT
/*
 * test_bypass.c - every way past libcop, as docs/BYPASS.md lists them: who takes
 * it gets the kernel's plain answer, and what it does to a COP socket's
 * descriptor harms nobody else. progs/bypass.c and progs/stale.c have the calls.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "runner.h"

#define BUILT	COP_BUILD_DIR "/tests/"
#define COMPANY BUILT "progs/company"

static struct run_result result;

/* ---- what a way past comes to -------------------------------------------- */

#define REFUSED                                                     \
	"way->socket(SOCK_COP, IPPROTO_COP) = -1 ESOCKTNOSUPPORT\n" \
	"way->socket(SOCK_COP, 0) = -1 ESOCKTNOSUPPORT\n"           \
	"fd < 0 = 0\n"                                              \
	"way->close(fd) = 0\n"
#define BARE                                                      \
	"way->send(sock_a, PAYLOAD, 10) = 10\n"                   \
	"  0 more, then EAGAIN\n"                                 \
	"way->send(sock_a, PAYLOAD, 10) = 10\n"                   \
	"recv(udp, buf, 64, 0) = 10\n"                            \
	"  buf data whole..............  address (16) family 0\n" \
	"close(udp) = 0\n"
#define WHOLE                             \
	"n = 26\n"                        \
	"has_header(buf) = 1\n"           \
	"  data whole\n"                  \
	"recv(sock_b, buf, 64, 0) = 10\n" \
	"  buf data whole..............  address (16) family 0\n"
#define PAST REFUSED BARE WHOLE

/* The library whose calls are bound elsewhere, for progs/bypass.c to load. */
static void build_library(const char *file)
{
	run_build("cc", "bypass.c", file, "-shared", "-fPIC",
		  "-DBYPASS_LIBRARY", NULL);
	setenv("BYPASS_LIBRARY", file, 1);
}

/* ---- other ways to make a system call ------------------------------------ */

Test(e2e_bypass, a_system_call_by_instruction_meets_the_kernel_alone)
{
	run_says("bypass", "raw_calls", PAST);
}

Test(e2e_bypass, a_number_closed_by_instruction_is_its_next_owners)
{
	run_same("bypass", "raw_closes");
}

Test(e2e_bypass, io_uring_meets_the_kernel_alone)
{
	run_says("bypass", "ring_calls", PAST);
}

Test(e2e_bypass, a_number_closed_by_io_uring_is_its_next_owners)
{
	run_same("bypass", "ring_closes");
}

/* What README and BYPASS.md concede: nothing has shown that it is another. */
Test(e2e_bypass, a_stream_both_closed_and_made_unseen_gets_a_header)
{
	run_says("bypass", "unseen_stream",
		 "raw(SYS_close, fd, 0, 0, 0) = 0\n"
		 "raw(SYS_accept, server, 0, 0, 0) == fd = 1\n"
		 "send(fd, PAYLOAD, 10, 0) = 10\n"
		 "read(client, buf, 64) = 26\n"
		 "has_header(buf) = 1\n"
		 "close(fd) = 0\n"
		 "close(client) = 0\n");
}

/* ---- other copies of libc, other names for it ---------------------------- */

Test(e2e_bypass, symbols_looked_up_in_libc_itself_are_libcs)
{
	run_says("bypass", "handle_calls", PAST);
}

Test(e2e_bypass, a_number_closed_by_libc_itself_is_its_next_owners)
{
	run_same("bypass", "handle_closes");
}

Test(e2e_bypass, symbols_looked_up_by_libcs_version_are_libcs)
{
	run_same("bypass", "versioned_call");
}

Test(e2e_bypass, symbols_looked_up_by_default_are_not_past)
{
	run_same("bypass", "default_calls");
}

Test(e2e_bypass, pythons_ctypes_goes_past_if_it_opens_libc)
{
	const char *const argv[] = {
		"/usr/bin/python3", "-c",
		"import ctypes\n"
		"print(ctypes.CDLL('libc.so.6').socket(2, 7, 253),\n"
		"      ctypes.CDLL(None).socket(2, 7, 253) >= 0)\n",
		NULL
	};

	cr_expect_eq(run(&result, argv, true, NULL), 0, "%s", result.err);
	cr_expect_str_eq(result.out, "-1 True\n");
}

Test(e2e_bypass, a_library_that_asks_to_be_bound_deep_is_not_past)
{
	build_library(BUILT "libbypass-deep.so");
	run_same("bypass", "deep_calls");
}

Test(e2e_bypass, nor_is_one_by_dlmopen_in_the_programs_namespace)
{
	build_library(BUILT "libbypass-base.so");
	run_same("bypass", "base_calls");
}

/* $ORIGIN and RUNPATH are those of the library that calls dlopen(). */
Test(e2e_bypass, a_library_opens_what_its_own_runpath_has)
{
	const char *const mkdir[] = { "mkdir", "-p", BUILT "runpath", NULL };

	run_or_skip(mkdir);
	build_library(BUILT "runpath/libbypass-found.so");
	run_build("cc", "bypass.c", BUILT "libbypass-finds.so", "-shared",
		  "-fPIC", "-DBYPASS_LIBRARY", "-Wl,-rpath,$ORIGIN/runpath",
		  NULL);
	setenv("BYPASS_LIBRARY", BUILT "libbypass-finds.so", 1);
	run_same("bypass", "found_calls");
}

Test(e2e_bypass, a_library_in_a_namespace_apart_meets_the_kernel_alone)
{
	build_library(BUILT "libbypass-apart.so");
	run_says("bypass", "apart_calls", PAST);
}

Test(e2e_bypass, a_number_closed_in_a_namespace_apart_is_its_next_owners)
{
	build_library(BUILT "libbypass-apart-close.so");
	run_same("bypass", "apart_closes");
}

Test(e2e_bypass, a_library_loaded_plainly_is_not_past)
{
	build_library(BUILT "libbypass-plain.so");
	run_same("bypass", "plain_calls");
}

/* ---- inside libc --------------------------------------------------------- */

Test(e2e_bypass, the_resolver_speaks_plain_udp)
{
	run_same("bypass", "resolver");
}

Test(e2e_bypass, syslog_speaks_to_its_own_socket)
{
	run_same("bypass", "system_log");
}

Test(e2e_bypass, posix_aio_meets_the_kernel_alone)
{
	run_says("bypass", "aio_calls", BARE WHOLE);
}

Test(e2e_bypass, spawn_file_actions_close_the_childs_copies_alone)
{
	run_same("bypass", "spawn_closes");
}

/* ---- what the library can't know ------------------------------------------ */

#define WORKS                             \
	"recv(sock_b, buf, 64, 0) = 10\n" \
	"  buf data whole..............  address (16) family 0\n"

Test(e2e_bypass, a_vfork_by_instruction_closes_in_its_parent)
{
	run_says("bypass", "vfork_by_instruction",
		 "send(sock_a, PAYLOAD, 10, 0) = 10\n"
		 "  0 more, then EAGAIN\n"
		 "close(sock_a) = 0\n"
		 "close(sock_b) = 0\n" WORKS);
}

Test(e2e_bypass, a_descriptor_that_is_taken_is_udp_until_it_was_handed_on)
{
	run_says("bypass", "taken", "taken: type 2\nonce handed on: type 7\n");
}

Test(e2e_bypass, a_stdout_that_was_kept_from_before_a_dup2_sends_no_cop)
{
	run_says("bypass", "stdout_kept", "  0 more, then EAGAIN\n" WORKS);
}

/* ---- programs that no preload reaches ------------------------------------ */

#define NO_COP	"socket(PF_INET, SOCK_COP, IPPROTO_COP) = -1 "
#define HAS_COP "socket(PF_INET, SOCK_COP, IPPROTO_COP) = 3\n"

static void ask(const char *program)
{
	const char *const argv[] = { program, "cop", "ask", NULL };

	run(&result, argv, true, NULL);
}

/* It runs as if nothing were preloaded. */
static void expect_refused(void)
{
	cr_expect_eq(result.status, 0);
	cr_expect_str_eq(result.out,
			 NO_COP "ESOCKTNOSUPPORT\n"
				"socket(PF_INET, SOCK_DGRAM, 0) = 3\n");
	cr_expect_str_empty(result.err);
}

Test(e2e_bypass, a_static_program_meets_the_kernel_alone)
{
	run_build("cc", "company.c", BUILT "company-static", "-pthread",
		  "-static", NULL);
	ask(BUILT "company-static");
	expect_refused();
}

Test(e2e_bypass, a_static_program_at_any_address_meets_the_kernel_alone)
{
	run_build("cc", "company.c", BUILT "company-static-pie", "-pthread",
		  "-static-pie", "-fPIE", NULL);
	ask(BUILT "company-static-pie");
	expect_refused();
}

/* musl's loader takes glibc's library for a broken one, and does not start. */
Test(e2e_bypass, a_musl_program_is_not_started)
{
	const char *program = BUILT "company-musl";
	const char *const alone[] = { program, "cop", "ask", NULL };

	run_build("musl-gcc", "company.c", program, "-pthread",
		  "-Dstrerrorname_np=strerror", NULL);
	cr_expect_eq(run(&result, alone, false, NULL), 0, "%s", result.err);
	cr_expect_not_null(strstr(result.out,
				  NO_COP "Socket type not supported\n"),
			   "%s", result.out);
	ask(program);
	cr_expect_eq(result.status, 127);
	cr_expect_str_empty(result.out);
	cr_expect_not_null(strstr(result.err, "Error relocating " COP_LIB),
			   "%s", result.err);
}

Test(e2e_bypass, a_32_bit_program_is_started_without_the_library)
{
	const char *libc = "/lib32/libc.so.6";
	const char *program = BUILT "foreign";
	const char *const alone[] = { program, NULL };

	if (access(libc, R_OK))
		cr_skip_test("there is no %s", libc);
	run_build("gcc", "foreign.c", program, "-m32", "-nostdlib", "-fno-pie",
		  "-no-pie", "-fno-stack-protector", "-Wl,-e,main",
		  "-Wl,-dynamic-linker,/lib/ld-linux.so.2", libc, NULL);
	/* Some kernels start no 32-bit program. */
	run_or_skip(alone);
	ask(program);
	cr_expect_eq(result.status, 0);
	cr_expect_str_eq(result.out, "-1 94\n");
	cr_expect_not_null(strstr(result.err, "cannot be preloaded"), "%s",
			   result.err);
}

/* ---- programs with more rights than who starts them ---------------------- */

#define NOBODY "65534"
#define AS_USER \
	"setpriv", "--reuid=" NOBODY, "--regid=" NOBODY, "--clear-groups"

static char shared_dir[] = "/tmp/cop-bypass-XXXXXX";
static char shared_program[64], shared_env[64];

static void copy(const char *from, const char *to)
{
	const char *const argv[] = { "cp", from, to, NULL };

	cr_assert_eq(run(&result, argv, false, NULL), 0, "%s", result.err);
	cr_assert_eq(chmod(to, 0755), 0);
}

/* The program and the library where every user may have them. */
static void share(void)
{
	struct statvfs fs;

	if (geteuid())
		cr_skip_test("only root may make programs of other users");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))
		cr_skip_test("no program gets rights of its own here");
	cr_assert_not_null(mkdtemp(shared_dir));
	cr_assert_eq(chmod(shared_dir, 0755), 0);
	snprintf(shared_program, sizeof(shared_program), "%s/company",
		 shared_dir);
	snprintf(shared_env, sizeof(shared_env), "LD_PRELOAD=%s/libcop.so",
		 shared_dir);
	copy(COP_LIB, strchr(shared_env, '/'));
	copy(COMPANY, shared_program);
	if (!statvfs(shared_dir, &fs) && fs.f_flag & ST_NOSUID)
		cr_skip_test("/tmp is mounted nosuid");
}

static void unshare_files(void)
{
	const char *const argv[] = { "rm", "-rf", shared_dir, NULL };

	if (strcmp(strrchr(shared_dir, '-'), "-XXXXXX"))
		run(&result, argv, false, NULL);
}

static void ask_as_user(void)
{
	const char *const argv[] = { AS_USER, "env", shared_env, shared_program,
				     "cop",   "ask", NULL };

	run(&result, argv, false, NULL);
}

/* The same program is reached before it gets rights of its own. */
static void expect_reached(void)
{
	ask_as_user();
	if (result.status)
		cr_skip_test("no program can be run as another user: %.200s",
			     result.err);
	cr_expect_not_null(strstr(result.out, HAS_COP), "%s", result.out);
}

Test(e2e_bypass, a_set_user_id_program_meets_the_kernel_alone,
     .fini = unshare_files)
{
	share();
	expect_reached();
	cr_assert_eq(chown(shared_program, 1, 1), 0);
	cr_assert_eq(chmod(shared_program, 04755), 0);
	ask_as_user();
	expect_refused();
}

Test(e2e_bypass, a_program_with_capabilities_meets_the_kernel_alone,
     .fini = unshare_files)
{
	struct vfs_cap_data cap = { .magic_etc = VFS_CAP_REVISION_2 |
						 VFS_CAP_FLAGS_EFFECTIVE,
				    .data[0].permitted = 1u << CAP_NET_RAW };

	share();
	expect_reached();
	if (setxattr(shared_program, "security.capability", &cap,
		     XATTR_CAPS_SZ_2, 0))
		cr_skip_test("no capabilities for files here: %s",
			     strerror(errno));
	ask_as_user();
	expect_refused();
}
