// SPDX-License-Identifier: MIT
/*
 * test_check.c - cop check: its verdicts, on real files, against what becomes
 * of these when they are run with the library. cop run refuses where cop check
 * says no, for the same reason. progs/asks.c is the program, built in many
 * ways.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "scratch.h"

#define ASKS	COP_TEST_DIR "/e2e/progs/asks.c"
#define CC	"cc -O1 -o program " ASKS
#define HAS_COP "cop 1 "
#define HAS_NOT "cop 0 "

static struct run_result result;

/* ---- what the tests have in common --------------------------------------- */

/* That the check says so, and what cop run then comes to. */
static void expect_verdict(const char *program, int code, const char *name)
{
	char text[64];
	char *reason;

	snprintf(text, sizeof(text), ": %s: ", name);
	scratch_shell(&result, "$COP check %s", program);
	cr_expect_eq(result.status, code, "%s: %d: %s", program, result.status,
		     result.out);
	reason = strstr(result.out, text);
	cr_expect_not_null(reason, "%s: %s", program, result.out);
	cr_expect_str_empty(result.err, "%s: %s", program, result.err);
}

/* Nothing is run, and what is said is what the check says. */
static void expect_refused(const char *program, int code, const char *name)
{
	char text[64], *reason;
	static struct run_result check;

	expect_verdict(program, code, name);
	check = result;
	snprintf(text, sizeof(text), ": %s: ", name);
	reason = strstr(check.out, text);
	scratch_shell(&result, "$COP run %s", program);
	cr_expect_eq(result.status, code == 127 ? 127 : 126, "%s: %d", program,
		     result.status);
	cr_expect_str_empty(result.out, "%s: %s", program, result.out);
	cr_expect(reason && strstr(result.err, reason + strlen(text)),
		  "%s: %s, not %s", program, result.err, check.out);
	cr_expect_eq(strncmp(result.err, "cop: run: ", 10), 0, "%s",
		     result.err);
}

static void expect_active(const char *program)
{
	expect_verdict(program, 0, "active");
	cr_expect_eq(scratch_shell(&result, "$COP run %s", program), 0, "%s",
		     result.err);
	cr_expect_not_null(strstr(result.out, HAS_COP), "%s: %s", program,
			   result.out);
	cr_expect_str_empty(result.err, "%s: %s", program, result.err);
}

/* What comes of it if the library is preloaded all the same. */
static void preload(const char *program)
{
	scratch_shell(&result, "LD_PRELOAD=$LIB %s", program);
}

static void skip_unless(const char *command)
{
	if (scratch_shell(&result, "%s", command))
		cr_skip_test("%s does not work here: %.200s", command,
			     result.err);
}

/* ---- programs ------------------------------------------------------------ */

/* The header says that there are none, as those do that are made very small. */
#define NO_SECTIONS                                                   \
	" && printf '\\0\\0\\0\\0\\0\\0\\0\\0' | dd of=program bs=1 " \
	"seek=40 conv=notrunc status=none"

static const struct program {
	const char *build;
	int code;
	const char *name;
	const char *preloaded; /* what it says with the library preloaded */
} programs[] = {
	{ CC, 0, "active", HAS_COP },
	{ CC " -no-pie", 0, "active", HAS_COP },
	{ CC " -s", 0, "active", HAS_COP },
	{ CC NO_SECTIONS, 0, "active", HAS_COP },
	{ CC " -static", 6, "static", HAS_NOT },
	{ CC " -static-pie", 6, "static", HAS_NOT },
	{ CC " -static -s", 6, "static", HAS_NOT },
	{ "musl-gcc -o program " ASKS, 9, "musl", "" },
	{ "musl-gcc -static -o program " ASKS, 6, "static", HAS_NOT },
	/* the program is C's, so the library does get into it */
	{ CC " -DGO_NOTE", 7, "go", HAS_COP },
	{ CC " -DGO_NOTE -static", 7, "go", HAS_NOT },
	{ CC " -DGO_NOTE -s", 7, "go", HAS_COP },
	{ CC " -DGO_NOTE" NO_SECTIONS, 7, "go", HAS_COP },
	{ "echo >info && " CC " && objcopy --add-section "
	  ".go.buildinfo=info program",
	  7, "go", HAS_COP },
	/* a loader's name without an end, which the kernel does not take */
	{ CC " && sed -i 's/\\(ld-linux[-a-z0-9_]*\\.so\\.[0-9]\\)\\x00/\\1A/' "
	     "program && chmod +x program",
	  126, "not-executable", "" },
	/* the loader by another name, which is in the file system's eye its own */
	{ "ln -s $(readelf -l /bin/sh | sed -n 's/.*preter: \\(.*\\)]/\\1/p') "
	  "ours && " CC " -Wl,-dynamic-linker,$PWD/ours",
	  0, "active", HAS_COP },
};

#define PROGRAMS (sizeof(programs) / sizeof(*programs))

static void expect_told(const struct program *row)
{
	preload("./program");
	cr_expect_eq(strncmp(result.out, row->preloaded,
			     strlen(row->preloaded)),
		     0, "%s: %s", row->build, result.out);
	if (row->code)
		expect_refused("./program", row->code, row->name);
	else
		expect_active("./program");
}

Test(check, a_program_is_judged_by_how_it_was_built, .init = scratch_make)
{
	for (size_t i = 0; i < PROGRAMS; i++) {
		scratch_must("rm -f program; %s", programs[i].build);
		expect_told(&programs[i]);
	}
}

Test(check, a_program_built_by_clang_is_judged, .init = scratch_make)
{
	static const struct program clang = { "clang -o program " ASKS, 0,
					      "active", HAS_COP };

	skip_unless(clang.build);
	expect_told(&clang);
}

/* A byte of the header is another: its place, the byte, the verdict. */
static const struct header {
	const char *what;
	int place, byte, code;
	const char *name;
} headers[] = {
	{ "the other word length", 4, sizeof(long) == 8 ? 1 : 2, 8, "machine" },
	{ "the other byte order", 5, 2, 8, "machine" },
	{ "the other byte order", 5, 1, 0, "active" },
	{ "no machine there is", 19, 0x7f, 8, "machine" },
	{ "a size of program headers", 54, 57, 126, "not-executable" },
	{ "no program headers", 56, 0, 126, "not-executable" },
	{ "program headers beyond its end", 37, 0x7f, 126, "not-executable" },
};

Test(check, a_program_for_another_machine_is_known_by_its_header,
     .init = scratch_make)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || __SIZEOF_POINTER__ != 8
	cr_skip_test("the headers of other machines are laid out otherwise");
#endif
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		const struct header *row = &headers[i];

		scratch_must(CC " && printf '\\%o' | dd of=program bs=1 "
				"seek=%d conv=notrunc status=none",
			     row->byte, row->place);
		if (row->code)
			expect_refused("./program", row->code, row->name);
		else
			expect_active("./program");
	}
}

/* A file that ends early, at any place in what is read of it. */
Test(check, a_file_that_is_cut_off_is_no_program, .init = scratch_make)
{
	static const int sizes[] = { 5, 15, 16, 63, 64, 100, 500 };

	scratch_must(CC " && mv program whole");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		scratch_must("head -c %d whole >program && chmod +x program",
			     sizes[i]);
		expect_refused("./program", 126, "not-executable");
	}
}

Test(check, a_32_bit_program_is_another_machines, .init = scratch_make)
{
	skip_unless("gcc -m32 -o program " ASKS " && ./program");
	preload("./program");
	cr_expect_not_null(strstr(result.out, HAS_NOT), "%s", result.out);
	expect_refused("./program", 8, "machine");
}

Test(check, another_libc_is_known_by_its_loader, .init = scratch_make)
{
	scratch_must("cp /bin/true ld-uClibc.so.1 && " CC
		     " -Wl,-dynamic-linker,$PWD/ld-uClibc.so.1");
	expect_refused("./program", 10, "libc");
}

Test(check, a_program_without_its_loader_is_not_executable,
     .init = scratch_make)
{
	scratch_must(CC " -Wl,-dynamic-linker,/nowhere/ld-linux.so.2");
	expect_refused("./program", 126, "not-executable");
	cr_expect_not_null(strstr(result.err, "/nowhere/ld-linux.so.2: can't"),
			   "%s", result.err);
}

Test(check, a_library_and_a_loader_are_no_programs, .init = scratch_make)
{
	expect_refused("$LIB", 13, "no-program");
	expect_refused("$(readelf -l /bin/sh | "
		       "sed -n 's/.*preter: \\(.*\\)]/\\1/p')",
		       13, "no-program");
}

Test(check, a_missing_or_unexecutable_program_is_reported, .init = scratch_make)
{
	scratch_must("echo >text && mkdir directory");
	setenv("PATH", "/usr/bin:/bin",
	       1); /* all of which may be looked into */
	expect_refused("nosuch", 127, "not-found");
	expect_refused("./nosuch", 127, "not-found");
	expect_refused("./text", 126, "not-executable");
	expect_refused("./directory", 126, "not-executable");
}

/* ---- nothing of a program is run ----------------------------------------- */

/* What runs of it leaves a file. */
#define LOADER COP_TEST_DIR "/e2e/progs/interpreter.c"
#define AUDITS                                                                 \
	"echo '#include <fcntl.h>\nunsigned int la_version(unsigned int v) { " \
	"return v; } __attribute__((constructor)) static void f(void) { "      \
	"open(\"ran\", O_CREAT, 0644); }' | cc -shared -fPIC -x c "            \
	"-o audit.so - && "
#define LOADER_OF "$(readelf -l /bin/sh | sed -n 's/.*preter: \\(.*\\)]/\\1/p')"

static const struct hostile {
	const char *build;
	int code;
	const char *name;
	bool runs; /* what it has does run where it is started, or listed */
} hostiles[] = {
	{ "cc -DLOADER -nostdlib -static-pie -o ld-linux-x.so.2 " LOADER
	  " && " CC " -Wl,--dynamic-linker=$PWD/ld-linux-x.so.2 && ./program",
	  15, "unknown-loader", true },
	/* a copy of the system's, where anybody may put one */
	{ "cp " LOADER_OF " ld-linux-y.so.2 && " CC
	  " -Wl,--dynamic-linker=$PWD/ld-linux-y.so.2",
	  15, "unknown-loader", false },
	/* a link into a place of the system's, which leads out of it again */
	{ "cp " LOADER_OF " ld-linux-y.so.2 && " CC
	  " -Wl,--dynamic-linker=/lib/../../$PWD/ld-linux-y.so.2",
	  15, "unknown-loader", false },
	{ AUDITS CC " -Wl,--audit=$PWD/audit.so && " LOADER_OF
		    " --list ./program",
	  0, "active", true },
	{ AUDITS CC " -Wl,--depaudit=$PWD/audit.so && " LOADER_OF
		    " --list ./program",
	  0, "active", true },
};

Test(check, nothing_of_a_program_is_run, .init = scratch_make)
{
#ifndef __x86_64__
	cr_skip_test("the loader of this test is x86-64's");
#endif
	for (size_t i = 0; i < sizeof(hostiles) / sizeof(*hostiles); i++) {
		const struct hostile *row = &hostiles[i];

		scratch_must("rm -f ran; %s", row->build);
		cr_expect_eq(!access("ran", F_OK), row->runs, "row %zu", i);
		unlink("ran");
		expect_verdict("./program", row->code, row->name);
		cr_expect_neq(access("ran", F_OK), 0, "row %zu", i);
	}
}

/* A place of the system's that others may change: tried on one of our own. */
Test(check, a_loader_that_others_may_change_is_not_run, .init = scratch_make)
{
	static const struct {
		const char *change;
		int code;
	} rows[] = {
		{ "true", 0 },
		{ "chmod g+w ld-linux.so.2", 15 },
		{ "chmod o+w ld-linux.so.2", 15 },
		{ "chmod o+wt .", 15 },
		{ "chown 65534 ld-linux.so.2", 15 },
		{ "chown 65534 .", 15 },
	};

	skip_unless("unshare -m mount -t tmpfs none /usr/lib32");
	scratch_must("cp " LOADER_OF " loader && " CC
		     " -Wl,--dynamic-linker=/usr/lib32/ld-linux.so.2");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scratch_shell(&result,
			      "unshare -m sh -c 'mount -t tmpfs -o mode=755 "
			      "none /usr/lib32 && install -m 755 loader "
			      "/usr/lib32/ld-linux.so.2 && (cd /usr/lib32 && "
			      "%s) && $COP check ./program'",
			      rows[i].change);
		cr_expect_eq(result.status, rows[i].code, "%s: %s%s",
			     rows[i].change, result.out, result.err);
	}
}

/* ---- scripts ------------------------------------------------------------- */

static const struct script {
	const char *text;
	int code;
	const char *name;
} scripts[] = {
	{ "#!%s/active\\n", 0, "active" },
	{ "#!%s/static\\n", 6, "static" },
	{ "#! \\t%s/static  -x\\n", 6, "static" },
	{ "#!%s/static", 6, "static" },
	{ "#!%s/nested\\n", 6, "static" },
	{ "#!%s/nowhere\\n", 126, "not-executable" },
	{ "#!%s/data\\n", 126, "not-executable" },
	{ "#!/usr/bin/env active\\n", 0, "active" },
	{ "#!/usr/bin/env static\\n", 6, "static" },
	{ "#! /usr/bin/env\\tstatic \\n", 6, "static" },
	{ "#!/nosuch/env active\\n", 126, "not-executable" },
};

Test(check, a_script_is_its_interpreter, .init = scratch_make)
{
	scratch_must(CC " && mv program active && " CC " -static && "
			"mv program static && echo >data && "
			"printf '#!%%s/static\\n' $PWD >nested && "
			"chmod +x nested");
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		const struct script *row = &scripts[i];

		scratch_must("printf '%s' $PWD >script && chmod +x script",
			     row->text);
		setenv("PATH", "/usr/bin:/bin", 1);
		cr_expect_eq(scratch_shell(&result, "PATH=$PWD:$PATH; "
						    "$COP check ./script"),
			     row->code, "%s: %s", row->text, result.out);
		scratch_shell(&result, "PATH=$PWD:$PATH; $COP run ./script");
		if (row->code)
			cr_expect_str_empty(result.out);
		else
			cr_expect_not_null(strstr(result.out, HAS_COP), "%s",
					   result.err);
	}
}

Test(check, a_text_is_the_shells, .init = scratch_make)
{
	scratch_must("echo 'exec ./program' >text && : >empty && "
		     "chmod +x text empty && " CC);
	expect_active("./text");
	expect_verdict("./empty", 0, "active");
}

/* ---- rights that the caller does not have -------------------------------- */

#define AS_NOBODY "setpriv --reuid=65534 --regid=65534 --clear-groups "

static const struct rights {
	const char *given;  /* to the program's file */
	const char *caller; /* who starts it */
	int code;
	const char *name;
} rights[] = {
	{ "true", "", 0, "active" },
	{ "true", AS_NOBODY, 0, "active" },
	{ "chmod u+s", "", 0, "active" },
	{ "chmod u+s", AS_NOBODY, 11, "set-id" },
	{ "chown 65534 program; chmod u+s", "", 11, "set-id" },
	{ "chown 65534 program; chmod u+s", AS_NOBODY, 0, "active" },
	{ "chgrp 1 program; chmod g+s", AS_NOBODY, 11, "set-id" },
	{ "chgrp 1 program; chmod g+s", "", 11, "set-id" },
	{ "chgrp 1 program; chmod g+s,g-x", AS_NOBODY, 0, "active" },
	{ "chgrp 65534 program; chmod g+s", AS_NOBODY, 0, "active" },
	{ "chmod u+s", AS_NOBODY "--no-new-privs ", 0, "active" },
	{ "chmod g+s", AS_NOBODY "--no-new-privs ", 0, "active" },
	{ "setcap cap_net_raw=ep", "", 0, "active" },
	{ "setcap cap_net_raw=ep", AS_NOBODY, 12, "capabilities" },
	{ "setcap cap_net_raw=p", AS_NOBODY, 12, "capabilities" },
	{ "setcap cap_wake_alarm=p", AS_NOBODY, 12, "capabilities" },
	{ "setcap cap_net_raw=i", AS_NOBODY, 0, "active" },
	{ "setcap cap_net_raw=ei", AS_NOBODY, 12, "capabilities" },
	{ "setcap =", AS_NOBODY, 0, "active" },
	{ "setcap cap_net_raw=ep", AS_NOBODY "--no-new-privs ", 12,
	  "capabilities" },
	{ "setcap -n 1000 cap_net_raw=ep", AS_NOBODY, 0, "active" },
	{ "true", "setpriv --ruid=65534 ", 11, "set-id" },
	{ "true", "setpriv --rgid=65534 --keep-groups ", 11, "set-id" },
};

#define RIGHTS (sizeof(rights) / sizeof(*rights))

/* The launcher, the library and the program where every user may have them. */
static void make_shared(void)
{
	struct statvfs fs;

	scratch_make();
	if (geteuid())
		cr_skip_test("only root may make programs of other users");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))
		cr_skip_test("no program gets rights of its own here");
	if (!statvfs(scratch_dir, &fs) && fs.f_flag & ST_NOSUID)
		cr_skip_test("/tmp is mounted nosuid");
	scratch_must("cp -r $COP $PROGRAMS $LIB . && " CC
		     " && mv program plain");
}

/* The kernel's own word, for the program in its place by the same caller. */
static void expect_secure(const struct rights *row)
{
	bool secure;

	scratch_shell(&result, "%s ./program", row->caller);
	cr_assert_eq(result.status, 0, "%s: %s", row->caller, result.err);
	secure = strstr(result.out, "secure 1");
	cr_expect_eq(secure, row->code != 0, "%s, %s: %s", row->given,
		     row->caller, result.out);
	scratch_shell(&result, "%s env LD_PRELOAD=./libcop.so ./program",
		      row->caller);
	cr_expect_eq(strstr(result.out, HAS_COP) != NULL, !secure, "%s, %s: %s",
		     row->given, row->caller, result.out);
}

Test(check, a_program_with_other_rights_is_judged_as_by_the_kernel,
     .init = make_shared)
{
	for (size_t i = 0; i < RIGHTS; i++) {
		const struct rights *row = &rights[i];

		if (scratch_shell(
			    &result,
			    "rm -f program && cp plain program && %s program",
			    row->given))
			cr_skip_test("%s: %s", row->given, result.err);
		expect_secure(row);
		scratch_shell(&result, "%s ./cop check ./program", row->caller);
		cr_expect_eq(result.status, row->code, "%s, %s: %s", row->given,
			     row->caller, result.out);
		cr_expect_not_null(strstr(result.out, row->name), "%s",
				   result.out);
		scratch_shell(&result, "%s ./cop run ./program", row->caller);
		cr_expect_eq(result.status, row->code ? 126 : 0, "%s, %s: %s",
			     row->given, row->caller, result.err);
		cr_expect_eq(strstr(result.out, HAS_COP) != NULL, !row->code,
			     "%s, %s: %s", row->given, row->caller, result.out);
	}
}

Test(check, bits_on_a_file_system_without_them_are_nothing, .init = make_shared)
{
	skip_unless("unshare -m mount -t tmpfs -o nosuid none .");
	scratch_shell(
		&result,
		"unshare -m sh -c '"
		"mkdir nosuid && mount -t tmpfs -o nosuid,mode=755 none "
		"nosuid && cp plain nosuid/program && cp plain nosuid/caps"
		" && chmod u+s nosuid/program && "
		"setcap cap_net_raw=ep nosuid/caps;" AS_NOBODY
		"./cop check nosuid/program;" AS_NOBODY
		"nosuid/program;" AS_NOBODY "./cop check nosuid/caps;" AS_NOBODY
		"nosuid/caps'");
	cr_expect_str_eq(result.out,
			 "nosuid/program: active: libcop acts in it\n"
			 "cop 0 secure 0\n"
			 "nosuid/caps: active: libcop acts in it\n"
			 "cop 0 secure 0\n",
			 "%s%s", result.out, result.err);
}

/* It is started, since most often the library does act in it. */
Test(check, an_unreadable_program_is_not_judged, .init = make_shared)
{
	scratch_must("cp plain program && chmod 711 program");
	scratch_shell(&result, AS_NOBODY "./cop check ./program");
	cr_expect_eq(result.status, 14);
	cr_expect_not_null(strstr(result.out, ": unreadable: "), "%s",
			   result.out);
	cr_expect_eq(scratch_shell(&result, AS_NOBODY "./cop run ./program"),
		     0);
	cr_expect_not_null(strstr(result.out, HAS_COP), "%s", result.out);
	cr_expect_not_null(strstr(result.err, "may be executed but not read"),
			   "%s", result.err);
}

Test(check, an_unreadable_program_is_judged_by_its_mode_bits,
     .init = make_shared)
{
	scratch_must("cp plain program && chmod 4711 program");
	scratch_shell(&result, AS_NOBODY "./cop check ./program");
	cr_expect_eq(result.status, 11, "%s", result.out);
}

/* ---- the library --------------------------------------------------------- */

static const struct library {
	const char *make;
	const char *check; /* the path of cop, which is beside the library */
	int code;
	const char *name;
	int run; /* status of cop run, which does not ask the loader */
} libraries[] = {
	{ "cp $LIB .", "./cop", 0, "active", 0 },
	{ "mkdir -p a/bin a/lib && cp $LIB a/lib && mv cop a/bin && mv libexec "
	  "a",
	  "a/bin/cop", 0, "active", 0 },
	{ "mkdir -p real && cp $LIB real && mv cop libexec real && ln -s "
	  "real/cop cop",
	  "./cop", 0, "active", 0 },
	{ "true", "./cop", 2, "no-library", 126 },
	{ "ln -s nowhere libcop.so", "./cop", 2, "no-library", 126 },
	{ "mkdir 'a b' && cp $LIB 'a b' && mv cop libexec 'a b'", "'a b/cop'",
	  3, "library-path", 126 },
	{ "mkdir a:b && cp $LIB a:b && mv cop libexec a:b", "a:b/cop", 3,
	  "library-path", 126 },
	{ "mkdir 'a$LIB' && cp $LIB 'a$LIB' && mv cop libexec 'a$LIB'",
	  "'a$LIB/cop'", 3, "library-path", 126 },
	{ ": >libcop.so", "./cop", 4, "bad-library", 126 },
	{ "echo text >libcop.so", "./cop", 4, "bad-library", 126 },
	{ "mkdir libcop.so", "./cop", 4, "bad-library", 126 },
	{ "cp /bin/true libcop.so", "./cop", 4, "bad-library", 126 },
	{ "head -c 3000 $LIB >libcop.so", "./cop", 4, "bad-library", 126 },
	{ "cp $LIB . && printf '\\1' | dd of=libcop.so bs=1 seek=4 "
	  "conv=notrunc status=none",
	  "./cop", 4, "bad-library", 126 },
	{ "echo 'int f(void) { return 1; }' | cc -shared -fPIC -x c "
	  "-o libf.so - && echo 'int f(void); int g(void) { return f(); }' | "
	  "cc -shared -fPIC -x c -o libcop.so - -L. -lf && rm libf.so",
	  "./cop", 5, "unloadable", 127 },
};

#define LIBRARIES (sizeof(libraries) / sizeof(*libraries))

static void check_library(const struct library *row)
{
	scratch_must("rm -rf ./* && cp -r $COP $PROGRAMS . && " CC " && %s",
		     row->make);
	scratch_shell(&result, "%s check ./program", row->check);
	cr_expect_eq(result.status, row->code, "%s: %s", row->make, result.out);
	cr_expect_not_null(strstr(result.out, row->name), "%s: %s", row->make,
			   result.out);
	scratch_shell(&result, "%s run ./program", row->check);
	cr_expect_eq(result.status, row->run, "%s: %d", row->make,
		     result.status);
	if (row->run)
		cr_expect_str_empty(result.out, "%s: %s", row->make,
				    result.out);
	else
		cr_expect_not_null(strstr(result.out, HAS_COP), "%s: %s",
				   row->make, result.err);
}

Test(check, the_library_is_found_and_looked_at, .init = scratch_make)
{
	scratch_must("cp -r $COP $PROGRAMS .");
	if (scratch_shell(&result, "./cop check true") != 2)
		cr_skip_test("a library is installed, which cop finds: %s",
			     result.out);
	for (size_t i = 0; i < LIBRARIES; i++)
		check_library(&libraries[i]);
}

/* ---- the environment ----------------------------------------------------- */

static const struct here {
	const char *env;
	int code;
	const char *here, *run; /* the two lines, or what they begin with */
} heres[] = {
	{ "env -u LD_PRELOAD", 1,
	  "here: inactive: ", "with cop run: active: programs get " COP_LIB },
	{ "LD_PRELOAD=", 1,
	  "here: inactive: ", "with cop run: active: programs get " COP_LIB },
	{ "LD_PRELOAD=./a.so", 1,
	  "here: inactive: ", "with cop run: active: programs get " COP_LIB },
	{ "LD_PRELOAD=$LIB", 0, "here: active: programs get " COP_LIB,
	  "with cop run: active: programs get " COP_LIB },
	{ "LD_PRELOAD=\"./a.so $LIB\"", 0,
	  "here: active: programs get " COP_LIB,
	  "with cop run: active: programs get " COP_LIB },
	{ "LD_PRELOAD=./a.so:./copy/libcop.so", 0,
	  "here: active: programs get ./copy/libcop.so",
	  "with cop run: active: programs get ./copy/libcop.so" },
	{ "LD_LIBRARY_PATH=copy LD_PRELOAD=libcop.so", 0,
	  "here: active: programs get copy/libcop.so",
	  "with cop run: active: programs get " COP_LIB },
	{ "LD_PRELOAD=libcop.so", 5, "here: unloadable: ", "with cop run: " },
	{ "LD_PRELOAD=./gone/libcop.so", 5,
	  "here: unloadable: ", "with cop run: active: programs get " COP_LIB },
	{ "LD_PRELOAD=./cut/libcop.so", 5,
	  "here: unloadable: ", "with cop run: bad-library: " },
};

Test(check, check_says_which_library_programs_get_here, .init = scratch_make)
{
	scratch_must("mkdir copy cut && cp $LIB copy && "
		     "head -c 3000 $LIB >cut/libcop.so && "
		     "echo | cc -shared -fPIC -x c -o a.so -");
	for (size_t i = 0; i < sizeof(heres) / sizeof(*heres); i++) {
		const struct here *row = &heres[i];
		const char *second;

		scratch_shell(&result, "%s $COP check", row->env);
		second = strchrnul(result.out, '\n') + 1;
		cr_expect_eq(result.status, row->code, "%s: %d", row->env,
			     result.status);
		cr_expect_eq(strncmp(result.out, row->here, strlen(row->here)),
			     0, "%s: %s", row->env, result.out);
		cr_expect_eq(strncmp(second, row->run, strlen(row->run)), 0,
			     "%s: %s", row->env, result.out);
		cr_expect_str_empty(result.err, "%s", result.err);
	}
}

/* What it says of here is so. */
Test(check, a_program_that_is_started_here_gets_the_library_that_check_named,
     .init = scratch_make)
{
	scratch_must(CC " && mkdir copy && cp $LIB copy");
	cr_expect_eq(scratch_shell(&result, "export LD_PRELOAD=libcop.so "
					    "LD_LIBRARY_PATH=copy; "
					    "$COP check >&2 && ./program"),
		     0);
	cr_expect_not_null(strstr(result.out, HAS_COP), "%s", result.out);
	cr_expect_eq(scratch_shell(&result, "$COP run $COP check"), 126);
}

/* ---- what it does not tell ----------------------------------------------- */

/* As cop(1) says: what a call is bound to is in the loader's log. */
Test(check, a_library_in_a_namespace_apart_is_seen_in_the_loaders_log,
     .init = scratch_make)
{
	static const char *const opens[] = { "dlopen(",
					     "dlmopen(LM_ID_NEWLM, " };

	scratch_must("echo '#include <sys/socket.h>\nint ask(void) { return "
		     "socket(AF_INET, 7, 253); }' | "
		     "cc -shared -fPIC -x c -o module.so -");
	for (int apart = 0; apart < 2; apart++) {
		scratch_must("echo '#define _GNU_SOURCE\n#include <dlfcn.h>\n"
			     "int main(void) { int (*ask)(void) = "
			     "dlsym(%s\"./module.so\", RTLD_NOW), \"ask\"); "
			     "return ask() < 0; }' | cc -x c -o program - -ldl",
			     opens[apart]);
		expect_verdict("./program", 0, "active");
		scratch_shell(&result,
			      "LD_DEBUG=bindings $COP run ./program 2>&1 | "
			      "grep 'module.so .*symbol .socket'");
		cr_expect_not_null(strstr(result.out,
					  apart ? "to /lib" : COP_LIB),
				   "%s", result.out);
		cr_expect_eq(strstr(result.out, COP_LIB) == NULL, apart, "%s",
			     result.out);
		cr_expect_eq(scratch_shell(&result, "$COP run ./program"),
			     apart);
	}
}

/* Its header says that the names of the sections take 32 GB, all of them zero. */
#define SPARSE                                                          \
	"import os,struct,sys; name = sys.argv[1]; "                    \
	"h = bytearray(open(name, \"rb\").read()[:64]); at = 1 << 16; " \
	"h[40:48] = struct.pack(\"Q\", at); "                           \
	"h[60:64] = struct.pack(\"HH\", 1, 0); "                        \
	"f = open(name, \"r+b\"); f.write(h); f.seek(at); "             \
	"f.write(struct.pack(\"IIQQQQIIQQ\", 0, 3, 0, 0, 1 << 20, "     \
	"32 << 30, 0, 0, 0, 0)); f.truncate(33 << 30)"

Test(check, a_header_that_claims_much_takes_no_time, .init = scratch_make,
     .timeout = 60)
{
	scratch_must(CC " && truncate -s 65536 program && "
			"/usr/bin/python3 -c '" SPARSE "' program");
	scratch_shell(&result, "timeout 3 $COP check ./program");
	cr_expect_eq(result.status, 0, "%d: %s", result.status, result.out);
}
