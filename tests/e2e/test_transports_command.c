// SPDX-License-Identifier: MIT
/*
 * test_transports_command.c - cop transports lists what a program can ask for, and
 * survives what it finds.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"
#include "scratch.h"

#define ROOT	 COP_TEST_DIR "/.."
#define SKELETON ROOT "/transports/skeleton"
#define NAME	 "net-pf-2-proto-254-type-8.so"

/* The directory of the test; LIBDIR/cop of this machine may have files as well. */
#define LIST                                                                   \
	"$COP transports --modules m | grep -e $PWD/m -e '^\t' -e 'built in' " \
	"| sed \"s:$PWD/::\""

static struct run_result result;

/* The skeleton in m/, with one name. */
static void make_skeleton(void)
{
	scratch_make();
	scratch_must("cp -r " SKELETON " m && make -s -C m INCLUDEDIR=" ROOT
		     "/include " NAME);
}

/* Builds m/FILE from the skeleton, with the source changed by a sed script. */
static void make_variant(const char *file, const char *change)
{
	scratch_must("sed '%s' " SKELETON "/skeleton.c >v.c && "
		     "cc -I" ROOT "/include -w -O2 -fPIC -shared -o m/%s v.c",
		     change, file);
}

static void make_empty(void)
{
	scratch_make();
	scratch_must("mkdir m");
}

/* ---- what is listed ------------------------------------------------------- */

Test(transports_command, the_librarys_own_and_a_modules_are_listed,
     .init = make_skeleton)
{
	scratch_must("ln -s " NAME " m/net-pf-10-proto-254-type-8.so");
	scratch_says(&result,
		     "COP       inet   7    253      1       ok    built in\n"
		     "COP       inet6  7    253      1       ok    built in\n"
		     "SKEL      inet   8    254      1       ok    m/" NAME "\n"
		     "SKEL      inet6  8    254      1       ok    "
		     "m/net-pf-10-proto-254-type-8.so -> " NAME "\n",
		     LIST);
}

Test(transports_command, the_variables_count_as_they_do_in_a_program,
     .init = make_skeleton)
{
	scratch_says(&result, "1\n2\n",
		     "COP_MODULES=none:m $COP transports | grep -c SKEL; "
		     "COP_MODULES=none:m $COP transports --modules none | "
		     "grep SKEL; COP_LOAD=m/" NAME
		     " $COP transports | grep -c SKEL");
	scratch_says(&result, "1\n",
		     "COP_MODULES=none:m $COP transports 2>err | grep -c SKEL");
	scratch_says(&result, "", "grep -v 'none: No such file' err");
}

Test(transports_command, json_has_a_line_for_each_with_its_numbers,
     .init = make_skeleton)
{
	scratch_says(
		&result,
		"7 8\n"
		"SKEL skeleton 1 2 8 254 ok None True None True\n",
		"$COP transports -j --modules m | python3 -c 'import json, "
		"sys\n"
		"rows = [json.loads(line) for line in sys.stdin]\n"
		"print(*sorted({r[\"socktype\"] for r in rows}))\n"
		"for r in rows:\n"
		"  if r[\"name\"] == \"SKEL\": print(*[r[k] for k in \"name "
		"module "
		"version family socktype protocol state reason\".split()],"
		" r[\"file\"].endswith(\"/m/" NAME "\"), r[\"target\"],"
		" r[\"from\"].endswith(\"/m\"))'");
}

Test(transports_command, names_that_nobody_asks_for_are_marked,
     .init = make_empty)
{
	scratch_must("cd m && touch net-pf-2.so net-pf-2-proto-254-type-11.so "
		     "net-pf-2-proto-0254-type-8.so net-pf-2-proto-263.so "
		     "net-pf-46.so net-pf-44-proto-1.so net-pf-2-proto-9.so.1 "
		     "net-pf-99999999999999999999.so other.so");
	scratch_says(&result, "8\n", LIST " | grep -c '^- .* unasked '");
	scratch_says(&result, "", LIST " | grep other");
}

/* ---- who comes first ------------------------------------------------------ */

Test(transports_command, an_earlier_file_of_the_same_name_hides_a_later_one,
     .init = make_skeleton)
{
	scratch_must("mkdir n && echo no >n/" NAME);
	scratch_says(
		&result,
		"fails n/" NAME "\n"
		"hidden m/" NAME "\n",
		"$COP transports --modules n --modules m | grep type-8 | "
		"sed \"s:$PWD/::g\" | sed -n 's/.* \\(fails\\|hidden\\)  */\\1 "
		"/p'");
	scratch_says(&result, "hidden\n",
		     "$COP transports --load m/" NAME " --modules m | sed "
		     "-n 's/.*\\(hidden\\) .*/\\1/p'");
	scratch_must("ln -sf nowhere n/" NAME);
	scratch_says(&result, "fails\nok\n",
		     "$COP transports --modules n --modules m | "
		     "sed -n 's/.* \\(ok\\|fails\\|hidden\\) .*type-8.*/"
		     "\\1/p'");
}

Test(transports_command, what_the_kernel_or_the_library_has_is_never_asked_for,
     .init = make_empty)
{
	make_variant("net-pf-2-proto-17-type-2.so", "");
	make_variant("net-pf-2-proto-0-type-7.so", "");
	scratch_says(&result,
		     "-         inet   2    17       -       hidden "
		     "m/net-pf-2-proto-17-type-2.so\n"
		     "\tthe kernel is asked first, and has it\n",
		     LIST " | grep -A 1 type-2");
	scratch_says(&result, "\tlibcop has it built in\n",
		     LIST " | grep -A 1 type-7 | tail -n 1");
}

/* Each row says what a program meets. */
Test(transports_command, a_program_gets_a_socket_where_the_list_says_ok,
     .init = make_skeleton)
{
	make_variant("net-pf-10-proto-99.so",
		     "s/IPPROTO_SKEL 254/IPPROTO_SKEL 99/");
	make_variant("net-pf-2-proto-98-type-9.so", "");
	make_variant("net-pf-2-proto-97-type-9.so",
		     "s/SOCK_SKEL    8/SOCK_SKEL 9/; s/_SKEL 254/_SKEL 97/; "
		     "s/return err ?/return -1; &/");
	make_variant("net-pf-2-proto-96-type-9.so",
		     "s/SOCK_SKEL    8/SOCK_SKEL 9/; s/_SKEL 254/_SKEL 96/");
	scratch_says(
		&result,
		"(2, 8, 254) ok\n"
		"(2, 9, 96) ok\n"
		"(2, 9, 97) fails\n"
		"(2, 9, 98) fails\n"
		"(10, 8, 99) ok\n"
		"agreed\n",
		"$COP transports -j --modules m >rows; cat >try.py <<'EOF'\n"
		"import json, os, socket, sys\n"
		"wrong, out = 0, []\n"
		"for row in map(json.loads, open('rows')):\n"
		"    if not row['file'] or os.getcwd() not in row['file']:\n"
		"        continue\n"
		"    kind = row['family'], row['socktype'] or 8, "
		"row['protocol']\n"
		"    out.append((kind, row['state']))\n"
		"    try: socket.socket(*kind)\n"
		"    except OSError: wrong += row['state'] == 'ok'\n"
		"    else: wrong += row['state'] != 'ok'\n"
		"for kind, state in sorted(out): print(kind, state)\n"
		"print('differ' if wrong else 'agreed')\n"
		"EOF\n"
		"for i in 1; do $COP run --modules m python3 try.py; done");
}

/* ---- modules that do harm ------------------------------------------------- */

static const struct {
	const char *change, *why;
} bad[] = {
	{ "s/return err ? err :.*/return -EXDEV;/", "its init returned -18" },
	{ "s/int err = proto_register/*(volatile int *)0 = 0; &/",
	  "it crashes when it is loaded: signal 11, Segmentation fault" },
	{ "s/int err = proto_register/__builtin_trap(); &/",
	  "it crashes when it is loaded: signal" },
	{ "s/^static int skel_init(void)/void exit(int);"
	  "__attribute__((constructor)) static void e(void) { exit(7); }\\n&/",
	  "it ends the process when it is loaded, with status 7" },
	{ "s/int err = proto_register/for (;;) sleep(1); &/",
	  "it does not end within 3 seconds when it is loaded" },
	{ "s/int err = proto_register/for (;;) ; &/", "when it is loaded" },
	{ "s/int err = proto_register/for (int i = 3; i < 99; i++) close(i); "
	  "&/",
	  "it ends the process when it is loaded" },
	{ "/^MODULE_TRANSPORT/d", "it has no struct module" },
	{ "s/SOCK_SKEL    8/SOCK_SKEL 9/", "it has no type 8, protocol 254" },
};

/* The other file is listed all the same. */
Test(transports_command,
     a_module_that_does_harm_is_reported_and_the_list_goes_on,
     .init = make_empty, .timeout = 120)
{
	make_variant("net-pf-10-proto-254-type-8.so", "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		make_variant(NAME, bad[i].change);
		scratch_shell(&result, "$COP transports --modules m");
		cr_expect_eq(result.status, 1, "%s: %d", bad[i].change,
			     result.status);
		cr_expect_not_null(strstr(result.out, bad[i].why), "%s: %s",
				   bad[i].why, result.out);
		cr_expect_not_null(strstr(result.out, "SKEL      inet6"), "%s",
				   result.out);
	}
}

Test(transports_command, a_modules_own_output_is_not_in_the_list,
     .init = make_empty)
{
	make_variant(NAME, "s/int err = proto_reg/write(1, \"no\", 2); "
			   "write(2, \"no\", 2); &/");
	scratch_says(&result,
		     "SKEL      inet   8    254      1       ok    m/" NAME
		     "\n",
		     LIST " | grep type-8");
	cr_expect_str_empty(result.err);
}

Test(transports_command, processes_that_a_module_starts_end_with_it,
     .init = make_empty)
{
	make_variant(NAME, "s|int err = proto_reg|if (!fork()) "
			   "for (execl(\"./m/idle\", \"idle\", \"600\", 0);;) "
			   "_exit(1); &|");
	scratch_says(&result, "1\n0\n",
		     "cp $(command -v sleep) m/idle; " LIST
		     " | grep -c ' ok .*type-8'; "
		     "sleep 0.2; ps -e -o args | grep -c '^idle 600$'");
}

Test(transports_command, a_list_of_many_files_has_an_end, .init = make_empty)
{
	scratch_says(&result, "256\n",
		     "for i in $(seq 256) 257 258 259; do "
		     "echo >m/net-pf-2-proto-$i-type-9.so; done; "
		     "$COP transports -j --modules m 2>err | "
		     "grep -c \"$PWD/m/net\"");
	scratch_says(&result, "yes\n",
		     "grep -q 'm has too many files: cop looks at 256 of "
		     "them$' err && echo yes");
}

Test(transports_command, names_and_versions_are_escaped, .init = make_empty)
{
	make_variant(NAME, "s/\"SKEL\"/\"S\\\\033[2J\"/; "
			   "s/(\"skeleton\", \"1\")/(\"\\\\n\", \"\\\\xff\")/");
	scratch_must("touch \"$(printf 'm/net-pf-2\\033[31m.so')\"");
	scratch_says(&result, "S\\x1b[2J\n",
		     LIST " | grep -o '^S.* inet' | cut -d ' ' -f 1");
	scratch_says(&result, "2\n",
		     LIST " | grep -c -F -e '\\xff' -e 'net-pf-2\\x1b[31m.so'");
	scratch_says(
		&result, "0\n",
		"$COP transports --modules m | grep -c \"$(printf '\\033')\"");
	scratch_says(
		&result, "['S\\x1b[2J', '\\n', '\\ufffd']\n",
		"$COP transports -j --modules m | grep type-8 | python3 -c "
		"'import "
		"json, sys\n"
		"r = json.load(sys.stdin)\n"
		"print(ascii([r[k] for k in (\"name\", \"module\", "
		"\"version\")]))'");
}

/* ---- whose code is loaded ------------------------------------------------- */

static void expect_untried(const char *line)
{
	scratch_must("%s", line);
	scratch_shell(&result, "%s", LIST);
	cr_expect_not_null(strstr(result.out, " untried m/" NAME), "%s: %s",
			   line, result.out);
	cr_expect_not_null(strstr(result.out, "\tother users may change it, "
					      "so cop does not load it\n"),
			   "%s", result.out);
	cr_expect_null(strstr(result.out, "SKEL"), "%s", result.out);
}

Test(transports_command, a_file_that_others_may_change_is_not_loaded,
     .init = make_skeleton)
{
	expect_untried("chmod o+w m/" NAME);
	expect_untried("chmod o-w m/" NAME "; chmod o+w m");
	expect_untried("chmod o-w m; mkdir o; mv m/" NAME " o; chmod o+w o; ln "
		       "-s ../o/" NAME " m/" NAME);
	scratch_says(&result, "1\n",
		     "chmod o-w o; " LIST " | grep -c 'SKEL.* ok '");
}

Test(transports_command, root_loads_no_file_of_another_user,
     .init = make_skeleton)
{
	if (geteuid())
		cr_skip("needs root, to give a file away");
	expect_untried("chown 12345 m/" NAME);
	expect_untried("chown 0 m/" NAME "; chown 12345 m");
}

/* ---- the command ---------------------------------------------------------- */

Test(transports_command, wrong_usage_is_125, .init = scratch_make)
{
	scratch_says(
		&result, "125\n125\n125\n125\n",
		"exec 2>err; $COP transports -x; echo $?; $COP transports x; "
		"echo $?; $COP transports --load; echo $?; $COP transports "
		">/dev/full; echo $?");
	scratch_says(
		&result,
		"cop: transports: there is no option -x: cop help transports "
		"lists "
		"them\n"
		"cop: transports: x is no option: cop help transports lists "
		"them\n"
		"cop: transports: --load: a value is missing\n"
		"cop: standard output: No space left on device\n",
		"cat err");
}
