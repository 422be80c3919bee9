// SPDX-License-Identifier: MIT
/*
 * test_install.c - what make install puts, make uninstall removes; a release is a file
 * that builds without git.
 */
#include <criterion/criterion.h>

#include <string.h>
#include <unistd.h>

#include "lib/version.h"
#include "runner.h"
#include "scratch.h"

#define ROOT	COP_TEST_DIR "/.."
#define INSTALL SCRATCH_MAKE "DESTDIR=$PWD/d PREFIX=/usr/local "
#define LIST	"(cd d && find . -type f -o -type l | sort) "

static struct run_result result;

static void says(const char *out, const char *line)
{
	scratch_shell(&result, "%s", line);
	cr_expect_str_eq(result.out, out, "%s: %s%s", line, result.out,
			 result.err);
}

/* ---- uninstall ------------------------------------------------------------ */

Test(install, uninstall_removes_what_install_put_and_nothing_else,
     .init = scratch_make)
{
	scratch_must("mkdir -p d/usr/local/lib/cop d/usr/local/share/man/man1 "
		     "d/usr/local/libexec/cop && cd d/usr/local && "
		     "touch lib/cop/net-pf-9.so share/man/man1/other.1 "
		     "libexec/other && cd - && " LIST ">before");
	scratch_must(INSTALL "install && " LIST ">installed");
	says("", "cmp -s before installed && echo nothing is installed");
	scratch_must(INSTALL "uninstall");
	says("", LIST "| diff before -");
	says("no\nyes\n", "[ -e d/usr/local/libexec/cop ] || echo no; "
			  "[ -e d/usr/local/lib/cop ] && echo yes");
}

Test(install, uninstall_may_be_repeated, .init = scratch_make)
{
	scratch_must("mkdir d && " INSTALL "uninstall && " INSTALL "install && "
		     "" INSTALL "uninstall && " INSTALL "uninstall");
	says("", "find d -type f; find d -name cop");
}

Test(install, a_place_may_have_blanks, .init = scratch_make)
{
	scratch_must("to=\"$PWD/a b\" && " SCRATCH_MAKE
		     "DESTDIR=\"$to\" install && test -x "
		     "'a b/usr/local/bin/cop' && " SCRATCH_MAKE
		     "DESTDIR=\"$to\" uninstall");
	says("", "find . -type f -o -type l");
}

/* Programs have other directories than make. */
Test(install, a_place_that_counts_from_here_is_refused, .init = scratch_make)
{
	static const char *const wrong[] = { "PREFIX=d", "LIBDIR=../d",
					     "'PREFIX=/a b'", "PREFIX=/a=b" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		scratch_shell(&result,
			      "env -u MAKEFLAGS -u MAKELEVEL make -s -C " ROOT
			      " DESTDIR=$PWD/d %s install",
			      wrong[i]);
		cr_expect_eq(result.status, 2);
		scratch_says_in_stderr(&result, "name it from / on");
	}
	says("", "ls");
}

Test(install, names_of_other_programs_variables_do_not_count,
     .init = scratch_make)
{
	says("B = build\nLIB = libcop.so\n",
	     "B=/nosuch LIB=/nosuch env -u MAKEFLAGS -u MAKELEVEL make -s -n "
	     "-p "
	     "-C " ROOT " uninstall | grep -e '^LIB =' -e '^B =' | sort");
}

/* Nothing of a tree that is built must change: it may be read-only by now. */
Test(install, a_tree_that_is_built_stays_as_it_is, .init = scratch_make)
{
	scratch_must("touch -d 2001-01-01 " COP_BUILD_DIR "/asked && " INSTALL
		     "install");
	says("2001\n", "date -r " COP_BUILD_DIR "/asked +%Y");
}

/* ---- what is installed ---------------------------------------------------- */

Test(install, stripped_files_have_no_symbols_and_work, .init = scratch_make)
{
	scratch_must(INSTALL "install-strip && cc -o asks " COP_TEST_DIR
			     "/e2e/progs/asks.c");
	says("", "readelf -S d/usr/local/lib/libcop.so d/usr/local/bin/cop "
		 "d/usr/local/libexec/cop/* | grep -e '[.]symtab' -e "
		 "'[.]debug'");
	says("cop 1 secure 0\n", "d/usr/local/bin/cop run ./asks");
	says("1\n",
	     "d/usr/local/bin/cop run python3 -c 'import socket, os\n"
	     "s = socket.socket(2, 7, 0)\n"
	     "s.bind((\"127.0.0.1\", 0))\n"
	     "os.system(\"env -u LD_PRELOAD d/usr/local/bin/cop stat -j -p "
	     "%d\" % os.getpid())' | grep -c '\"type\":\"socket\"'");
}

#define PKG_CONFIG                                                            \
	"PKG_CONFIG_PATH=d/usr/local/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=d " \
	"pkg-config "

Test(install, pkg_config_finds_the_header_and_the_modules, .init = scratch_make)
{
	scratch_must(INSTALL "install");
	says(COP_LIB_VERSION "\n", PKG_CONFIG "--modversion cop");
	says("/usr/local/lib/cop\n",
	     "PKG_CONFIG_PATH=d/usr/local/lib/pkgconfig pkg-config "
	     "--variable=moduledir cop");
	scratch_must("cc $(" PKG_CONFIG
		     "--cflags cop) -w -fPIC -shared -o m.so " ROOT
		     "/transports/skeleton/skeleton.c");
}

Test(install, the_newest_changes_are_those_of_this_version,
     .init = scratch_make)
{
	says("## " COP_LIB_VERSION "\n",
	     "grep '^## ' " ROOT
	     "/CHANGELOG.md | head -n 1 | cut -d ' ' -f 1-2");
	says("cop " COP_LIB_VERSION "\n", "$COP --version");
	says("(" COP_LIB_VERSION ")\n",
	     "head -n 1 " ROOT "/debian/changelog | cut -d ' ' -f 2");
}

/* ---- compilers ------------------------------------------------------------ */

Test(install, another_libc_than_glibc_is_refused_in_one_sentence,
     .init = scratch_make)
{
	scratch_must("command -v musl-gcc");
	scratch_shell(&result,
		      "env -u MAKEFLAGS -u MAKELEVEL make -s -j2 -C " ROOT
		      " CC=musl-gcc B=$PWD/b LIB=$PWD/libcop.so 2>err; "
		      "echo $?; grep -v -e '^make' err; find . -name '*.o'");
	cr_expect_str_eq(result.out,
			 "2\nlibcop needs glibc, and musl-gcc builds for "
			 "another libc: take gcc or clang.\n",
			 "%s", result.out);
}

/* ---- a release ------------------------------------------------------------ */

/* Takes longer than run() waits. */
static void long_shell(const char *line)
{
	const char *const argv[] = { "sh", "-ec", line, NULL };
	struct run_child child;
	int status;

	cr_assert_eq(run_start(&child, &result, argv, false, NULL), 0);
	status = run_finish(&child, 900000);
	cr_assert_eq(status, 0, "%s: %d: %s%s", line, status, result.out,
		     result.err);
}

static void unpack(void)
{
	scratch_make();
	if (access(ROOT "/.git", F_OK))
		cr_skip("this is no git repository, so make dist has no "
			"source");
	scratch_must("env -u MAKEFLAGS -u MAKELEVEL make -s -C " ROOT
		     " dist && "
		     "tar xzf " ROOT "/build/dist/libcop-" COP_LIB_VERSION
		     ".tar.gz && mkdir bin && ln -s /bin/false bin/git");
}

#define WITHOUT_GIT                                                    \
	"PATH=$PWD/bin:$PATH; export PATH; unset MAKEFLAGS MAKELEVEL " \
	"BXFI_MAP; cd "                                                \
	"libcop-" COP_LIB_VERSION "; "

Test(install, a_release_is_the_same_file_each_time, .init = unpack)
{
	says("same\n",
	     "cp " ROOT "/build/dist/libcop-" COP_LIB_VERSION ".tar.gz a; "
	     "git config --file .gitconfig tar.umask 0077; "
	     "git config --file .gitconfig core.autocrlf true; "
	     "git config --file .gitconfig safe.directory '*'; "
	     "HOME=$PWD env -u MAKEFLAGS -u MAKELEVEL make -s -C " ROOT
	     " dist >out; "
	     "cmp a " ROOT "/build/dist/libcop-" COP_LIB_VERSION
	     ".tar.gz && echo same");
	says("", "ls -d libcop-" COP_LIB_VERSION "/* | grep -e '/build$' -e "
		 "'/libexec$' -e '[.]so$'");
}

/* The archive of the other repository would have no files. */
Test(install, a_release_in_another_repository_packs_nothing, .init = unpack)
{
	scratch_must("git init -q . && git -c user.name=x -c user.email=x "
		     "commit -q --allow-empty -m x");
	scratch_shell(&result, "env -u MAKEFLAGS -u MAKELEVEL make -s -C "
			       "libcop-" COP_LIB_VERSION " dist");
	cr_expect_eq(result.status, 2);
	scratch_says_in_stderr(&result, "packs what is committed");
	says("", "find . -name '*.tar.gz'");
}

/* After a plain make, other directories at make install. */
Test(e2e_long, a_release_builds_tests_and_installs_without_git, .init = unpack,
     .timeout = 2000)
{
	long_shell(WITHOUT_GIT "make -s -j2 && make -s unit CRITERION='--jobs "
			       "2 --filter cop_port*/*' && scripts/untested && "
			       "scripts/families");
	long_shell(WITHOUT_GIT "make -s install PREFIX=$PWD/../p "
			       "LIBDIR=$PWD/../p/lib/x86_64-linux-gnu; "
			       "p=$PWD/..; cd /; "
			       "$p/p/bin/cop run true; "
			       "$p/p/bin/cop transports");
	says("1\n",
	     "cop=$PWD/p/bin/cop; cd /; $cop check true | grep -c '/p/lib/"
	     "x86_64-linux-gnu/libcop.so\\|active'");
	says("", "grep -rlE '/usr/local/lib(exec/|/libcop)' p/bin p/lib "
		 "p/libexec");
	says("1\n", "grep -c \"^local LIBDIR = .$PWD/libcop-.*/p/lib/"
		    "x86_64-linux-gnu.\" p/lib/x86_64-linux-gnu/wireshark/"
		    "plugins/cop.lua");
	long_shell(WITHOUT_GIT "make -s uninstall PREFIX=$PWD/../p "
			       "LIBDIR=$PWD/../p/lib/x86_64-linux-gnu");
	says("", "find p -type f");
}
