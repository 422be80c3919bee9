// SPDX-License-Identifier: MIT
/*
 * test_services.c - cop enable, cop disable and cop status: the drop-in that they write
 * and remove, the units that they refuse, and services that a real systemd starts.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"

#define SCRIPTS COP_TEST_DIR "/e2e/scripts/"
#define MARK	"# Written by \"cop enable\". \"cop disable\" removes this file.\n"
#define ETC	"r/etc/systemd/system/"
#define CONF	ETC "foo.service.d/zz-cop.conf"

static struct run_result result;

/* r/ is a system that has the library and a unit. */
static void make_root(void)
{
	scratch_make();
	scratch_must("mkdir -p r/usr/lib/systemd/system " ETC
		     " r/$(dirname $LIB) "
		     "&& cp $LIB r/$LIB && cd r/usr/lib/systemd/system && "
		     "printf '[Service]\\nExecStart=/usr/bin/foo\\n' "
		     ">foo.service");
}

static void says(const char *out, const char *line)
{
	scratch_says(&result, out, line);
}

static void refuses(int status, const char *text, const char *line)
{
	scratch_shell(&result, "%s", line);
	cr_expect_eq(result.status, status, "%s: %d", line, result.status);
	scratch_says_in_stderr(&result, text);
	says("", "find r -name '*cop*.conf*'");
}

/* Adds lines to the unit's section. */
static void add(const char *lines)
{
	scratch_must("cp r/usr/lib/systemd/system/foo.service was 2>&1; "
		     "printf '%%b' '%s' >>r/usr/lib/systemd/system/foo.service",
		     lines);
}

/* A cop in s/, which belongs to the user who tests, as an installed one does. */
#define COPY                                                           \
	"mkdir -p s/libexec && cp $COP $LIB s && cp -r $PROGRAMS/cop " \
	"s/libexec && "

/* ---- the file ------------------------------------------------------------- */

Test(services, enable_writes_a_drop_in_and_disable_removes_it,
     .init = make_root)
{
	scratch_must("find r | sort >before && $COP enable --root r foo "
		     "--adopt=udp:7000 --debug");
	says(MARK "[Service]\nEnvironment=\"LD_PRELOAD=" COP_LIB "\"\n"
		  "Environment=\"COP_ADOPT=udp:7000\"\n"
		  "Environment=\"COP_DEBUG=1\"\n",
	     "cat " CONF);
	says("644\n", "stat -c %a " CONF);
	scratch_must("$COP disable --root r foo");
	says("", "find r | sort | diff before -");
}

Test(services, a_second_enable_replaces_the_first, .init = make_root)
{
	scratch_must("$COP enable --root r foo --adopt --stats && "
		     "$COP enable --root r foo.service --debug");
	says(MARK "[Service]\nEnvironment=\"LD_PRELOAD=" COP_LIB "\"\n"
		  "Environment=\"COP_DEBUG=1\"\n",
	     "cat " CONF);
	says("zz-cop.conf\n", "ls -A " ETC "foo.service.d");
}

Test(services, the_environment_of_cop_itself_is_left_out, .init = make_root)
{
	scratch_must("COP_ADOPT=udp COP_DEBUG=2 LD_PRELOAD=/x/libfoo.so $COP "
		     "enable --root r foo 2>&1");
	says("1\n", "grep -c Environment= " CONF);
}

/* systemd itself reads it, where it is installed. */
Test(services, values_are_quoted_for_systemd, .init = make_root)
{
	scratch_must("$COP enable --root r foo --stats='/a \"b\\c %%n $x'");
	says("Environment=\"COP_STATS=/a \\\"b\\\\c %%n $x\"\n",
	     "grep STATS " CONF);
	says("  COP_STATS=/a \"b\\c %n $x\n",
	     "$COP status --root r foo | grep STATS");
}

Test(services, values_that_systemd_would_not_take_are_refused,
     .init = make_root)
{
	refuses(125, "does not take this value",
		"$COP enable --root r foo --stats=\"$(printf '/a\\nb')\"");
	refuses(125, "does not take this value",
		"$COP enable --root r foo --stats=\"$(printf '/\\377')\"");
}

Test(services, a_relative_file_counts_from_here, .init = make_root)
{
	scratch_must("$COP enable --root r foo --stats=figures && grep -q "
		     "\"COP_STATS=$PWD/figures\" " CONF);
}

Test(services, a_library_that_the_unit_preloads_stays_first, .init = make_root)
{
	add("Environment=A=1 \"LD_PRELOAD=/usr/lib/a%%b.so\"\\n");
	scratch_must("$COP enable --root r foo && $COP enable --root r foo");
	says("Environment=\"LD_PRELOAD=/usr/lib/a%%b.so:" COP_LIB "\"\n",
	     "grep PRELOAD " CONF);
}

/* The last file counts, by name and not by directory. */
Test(services, drop_ins_count_in_the_order_of_systemd, .init = make_root)
{
	add("Environment=LD_PRELOAD=/unit.so\\n");
	scratch_must(
		"cd r && mkdir -p etc/systemd/system/foo.service.d "
		"usr/lib/systemd/system/service.d "
		"usr/lib/systemd/system/foo.service.d && "
		"put() { printf '[Service]\\nEnvironment=LD_PRELOAD=%%s\\n' "
		"$1 >$2; } && "
		"put /all.so usr/lib/systemd/system/service.d/20.conf && "
		"put /hidden.so usr/lib/systemd/system/foo.service.d/30.conf "
		"&& "
		"put /seen.so etc/systemd/system/foo.service.d/30.conf && "
		"put /early.so etc/systemd/system/foo.service.d/10.conf && "
		"$COP enable --root . foo");
	says("Environment=\"LD_PRELOAD=/seen.so:" COP_LIB "\"\n",
	     "grep PRELOAD " CONF);
	scratch_must("$COP disable --root r foo");
	says("10.conf\n30.conf\n", "ls " ETC "foo.service.d");
}

Test(services, a_file_that_cop_has_not_written_stays, .init = make_root)
{
	scratch_must("mkdir " ETC "foo.service.d && echo '[Service]' >" CONF);
	says("1\n1\n", "$COP enable --root r foo 2>err; echo $?; "
		       "$COP disable --root r foo 2>>err; echo $?");
	says("2\n", "grep -c 'has not written this file' err");
	says("[Service]\n", "cat " CONF);
	says("foo.service: not enabled\n", "$COP status --root r foo");
}

/* What a link leads to is not read, written or removed. */
Test(services, a_link_in_its_place_is_not_followed, .init = make_root)
{
	scratch_must("$COP enable --root r foo && mv " CONF " ours && ln -s "
		     "$PWD/ours " CONF " && cp ours kept");
	says("1\n1\n", "$COP enable --root r foo --adopt 2>err; echo $?; "
		       "$COP disable --root r foo 2>>err; echo $?");
	says("", "cmp ours kept; test -L " CONF " || echo gone");
}

Test(services, what_cannot_be_written_is_said_and_leaves_nothing,
     .init = make_root)
{
	scratch_must("rmdir " ETC " && : >r/etc/systemd/system");
	scratch_shell(&result, "$COP enable --root r foo");
	cr_expect_eq(result.status, 1);
	scratch_says_in_stderr(&result, "Not a directory");
	if (!geteuid())
		return;
	scratch_must("rm r/etc/systemd/system && mkdir -m 500 "
		     "r/etc/systemd/system");
	scratch_shell(&result, "$COP enable --root r foo");
	cr_expect_eq(result.status, 1);
	scratch_says_in_stderr(&result, "Permission denied: be root");
}

Test(services, everybody_may_read_it, .init = make_root)
{
	scratch_must("umask 077 && $COP enable --root r foo");
	says("755\n644\n", "stat -c %a $(dirname " CONF ") " CONF);
}

/* Such a system may be another user's. */
Test(services, a_link_out_of_the_system_is_refused, .init = make_root)
{
	scratch_must("mkdir out && ln -s $PWD/out " ETC "foo.service.d");
	refuses(1, "a link leads out of the system",
		"$COP enable --root r foo");
	says("", "ls out");
	scratch_must(
		"rm " ETC "foo.service.d && ln -s ../../systemd/system/x " ETC
		"foo.service.d && mkdir " ETC "x && $COP enable --root r foo");
}

/* strace plays another cop disable: it has removed the directory, or the file. */
Test(services, another_cop_disable_may_run, .init = make_root)
{
	scratch_shell(&result, "strace -o log true");
	if (result.status)
		cr_skip_test("this machine forbids strace");
	scratch_must("dirs=$(echo $PWD/" ETC
		     "d | tr -cd / | wc -c) && strace -f "
		     "-o log -e inject=/^mkdir:error=EEXIST:when=1..$dirs "
		     "$COP enable --root r foo && grep -q INJECTED log");
	says("foo.service: disabled\n",
	     "strace -f -o log -e inject=/^unlink:error=ENOENT $COP disable "
	     "--root r foo");
}

/* ---- units ---------------------------------------------------------------- */

static const struct name {
	const char *given;
	int status;
	const char *says;
} names[] = {
	{ "../foo", 125, "no name that a unit can have" },
	{ "/etc/passwd", 125, "no name that a unit can have" },
	{ "foo bar", 125, "no name that a unit can have" },
	{ "@.service", 125, "no name that a unit can have" },
	{ ".service", 125, "no name that a unit can have" },
	{ "", 125, "no name that a unit can have" },
	{ "foo\nbar", 125, "no name that a unit can have" },
	{ "foo.socket", 125, "name the service" },
	{ "foo.timer", 125, "name the service" },
	{ "nosuch", 127, "systemd has no unit nosuch.service" },
	{ "foo@x", 127, "systemd has no unit foo@x.service" },
};

Test(services, names_are_checked, .init = make_root)
{
	char line[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(line, sizeof(line), "$COP enable --root r '%s'",
			 names[i].given);
		refuses(names[i].status, names[i].says, line);
	}
	refuses(125, "too long", "$COP enable --root r $(printf %0300d 0)");
	refuses(125, "a unit is missing", "$COP enable --root r");
	refuses(125, "takes one unit", "$COP enable --root r foo foo");
	refuses(125, "takes one unit", "$COP enable --root r foo -- --adopt");
	refuses(125, "leave out --user", "$COP enable --root r --user foo");
}

Test(services, an_alias_is_the_unit_that_it_names, .init = make_root)
{
	scratch_must("ln -s /usr/lib/systemd/system/foo.service " ETC
		     "bar.service && $COP enable --root r bar && test -f " CONF
		     " && $COP disable --root r bar && ! test -e " CONF);
}

/* A link to a template names one instance, not all. systemd shows the same. */
Test(services, an_instance_that_is_a_link_is_one_instance, .init = make_root)
{
	scratch_must("cd r/usr/lib/systemd/system && mv foo.service "
		     "foo@.service && ln -s foo@.service bar@.service");
	scratch_must("at=/usr/lib/systemd/system/foo@.service && "
		     "ln -s $at " ETC "foo@1.service && "
		     "ln -s $at " ETC "baz@2.service && "
		     "for unit in foo@1 baz@2 bar@3; do "
		     "$COP enable --root r $unit || exit; done");
	says("foo@1.service.d\nfoo@2.service.d\nfoo@3.service.d\n",
	     "ls " ETC " | grep service.d");
}

Test(services, a_link_to_a_file_elsewhere_is_no_alias, .init = make_root)
{
	scratch_must(
		"mkdir r/opt && mv r/usr/lib/systemd/system/foo.service "
		"r/opt/foo-2.service && ln -s /opt/foo-2.service " ETC
		"foo.service && $COP enable --root r foo && test -f " CONF);
}

/* Where portablectl puts its units. */
Test(services, an_attached_unit_is_found, .init = make_root)
{
	scratch_must("mkdir r/etc/systemd/system.attached && mv "
		     "r/usr/lib/systemd/system/foo.service "
		     "r/etc/systemd/system.attached && "
		     "$COP enable --root r foo && test -f " CONF);
}

Test(services, an_instance_has_the_drop_ins_of_its_prefix, .init = make_root)
{
	scratch_must("cd r/usr/lib/systemd/system && "
		     "mv foo.service foo-a@.service && for tail in @ @x; do "
		     "mkdir foo-$tail.service.d && printf '[Service]\\n"
		     "Environment=LD_PRELOAD=%%s.so\\n' $tail "
		     ">foo-$tail.service.d/$tail.conf; done");
	scratch_must("$COP enable --root r foo-a@x");
	says("Environment=\"LD_PRELOAD=@x.so:" COP_LIB "\"\n",
	     "grep PRELOAD " ETC "foo-a@x.service.d/zz-cop.conf");
}

Test(services, an_instance_has_a_drop_in_of_its_own, .init = make_root)
{
	scratch_must("cp r/usr/lib/systemd/system/foo.service "
		     "r/usr/lib/systemd/system/foo@.service && "
		     "$COP enable --root r foo@x && $COP enable --root r foo@");
	says("foo@.service.d\nfoo@x.service.d\n", "ls " ETC);
}

Test(services, a_unit_of_a_user_is_written_below_home, .init = make_root)
{
	scratch_must(COPY
		     "mkdir -p h/.config/systemd/user && cp "
		     "r/usr/lib/systemd/system/foo.service "
		     "h/.config/systemd/user && unset XDG_CONFIG_HOME "
		     "XDG_RUNTIME_DIR && HOME=$PWD/h && export HOME && "
		     "sed -i s,/usr/bin/foo,/bin/sh, "
		     "h/.config/systemd/user/foo.service && "
		     "s/cop enable --user foo --adopt && grep -q COP_ADOPT=udp "
		     "h/.config/systemd/user/foo.service.d/zz-cop.conf && "
		     "s/cop status --user foo && s/cop disable --user foo && "
		     "test -z \"$(find h -name '*cop*')\"");
}

Test(services, a_user_without_a_home_does_not_write_for_all_users,
     .init = make_root)
{
	if (geteuid())
		cr_skip_test("needs root, to be a user without a home");
	refuses(125, "you have no home",
		"unset HOME XDG_CONFIG_HOME XDG_RUNTIME_DIR; " COPY
		"chmod -R go+rX . && setpriv --reuid=4294960001 --clear-groups "
		"s/cop enable --user foo");
}

/* ---- refused units -------------------------------------------------------- */

static const struct setting {
	const char *lines, *says;
} hiding[] = {
	{ "InaccessiblePaths=-$DIR\\n", "InaccessiblePaths= hides" },
	{ "TemporaryFileSystem=/usr / :ro\\n", "TemporaryFileSystem= hides" },
	{ "TemporaryFileSystem=/\\nBindReadOnlyPaths=$DIR\\n", NULL },
	{ "NoExecPaths=/\\nExecPaths=/usr\\n", "NoExecPaths= hides" },
	{ "NoExecPaths=/\\nExecPaths=/usr $DIR\\n", NULL },
	{ "RootDirectory=/nosuch\\n", "RootDirectory=/nosuch has no" },
	{ "UnsetEnvironment=LD_PRELOAD\\n", "removes LD_PRELOAD" },
	{ "EnvironmentFile=-/etc/foo\\n", "sets LD_PRELOAD" },
	{ "EnvironmentFile=/etc/f*o\\n", "sets LD_PRELOAD" },
	{ "EnvironmentFile=-/etc/nosuch\\n", NULL },
	{ "EnvironmentFile=/etc/pipe\\n", NULL },
};

Test(services, a_unit_that_hides_the_library_is_refused, .init = make_root)
{
	char line[512];

	scratch_must("echo LD_PRELOAD=/x >r/etc/foo && mkfifo r/etc/pipe");
	for (size_t i = 0; i < sizeof(hiding) / sizeof(*hiding); i++) {
		scratch_must(
			"dir=/$(echo $LIB | cut -d / -f 2) && printf '%%b' "
			"'[Service]\\n%s' | sed \"s,.DIR,$dir,\" "
			">r/usr/lib/systemd/system/foo.service",
			hiding[i].lines);
		snprintf(line, sizeof(line), "$COP enable --root r foo");
		if (hiding[i].says) {
			refuses(126, hiding[i].says, line);
			continue;
		}
		scratch_shell(&result, "%s && $COP disable --root r foo", line);
		cr_expect_eq(result.status, 0, "%s: %s", hiding[i].lines,
			     result.err);
	}
}

/* systemd reads the drop-ins by name. */
Test(services, a_later_drop_in_that_takes_the_library_is_refused,
     .init = make_root)
{
	static const char *const takes[] = { "LD_PRELOAD=/x.so", "" };

	scratch_must("mkdir " ETC "foo.service.d");
	for (size_t i = 0; i < 2; i++) {
		scratch_must("printf '[Service]\\nEnvironment=%s\\n' >" ETC
			     "foo.service.d/zzz.conf",
			     takes[i]);
		scratch_shell(&result, "$COP enable --root r foo");
		cr_expect_eq(result.status, 126);
		scratch_says_in_stderr(&result, "zzz.conf counts more than");
	}
	scratch_must("cd " ETC "foo.service.d && echo '[Service]' >zzz.conf && "
		     "echo Environment=A=1 >>zzz.conf && cd - && "
		     "$COP enable --root r foo");
}

/* ProtectHome= hides /home, /root and /run/user. */
Test(services, a_unit_without_homes_is_refused_where_the_library_is_in_one,
     .init = make_root)
{
	bool in_home = !strncmp(COP_LIB, "/home/", 6) ||
		       !strncmp(COP_LIB, "/root/", 6);

	scratch_must("printf '[Service]\\nProtectHome=yes\\n' "
		     ">r/usr/lib/systemd/system/foo.service");
	if (in_home)
		refuses(126, "ProtectHome= hides", "$COP enable --root r foo");
	else
		scratch_must("$COP enable --root r foo");
}

/* DynamicUser= makes PrivateTmp=, and hides /tmp. */
Test(services, a_dynamic_user_is_refused_where_the_library_is_in_tmp,
     .init = make_root)
{
	scratch_shell(&result, "case $PWD in /tmp/*) ;; *) false ;; esac");
	if (result.status)
		cr_skip_test("the test is not in /tmp");
	scratch_must(COPY "mkdir -p r/$PWD && cp -r s r/$PWD && printf "
			  "'[Service]\\nDynamicUser=yes\\n' "
			  ">r/usr/lib/systemd/system/foo.service");
	refuses(126, "DynamicUser= hides", "s/cop enable --root r foo");
}

Test(services, a_masked_unit_is_refused, .init = make_root)
{
	scratch_must("ln -s /dev/null " ETC "foo.service");
	refuses(126, "is masked", "$COP enable --root r foo");
}

Test(services, a_system_without_the_library_is_refused, .init = make_root)
{
	scratch_must("rm r/$LIB");
	refuses(126, "install libcop in that system",
		"$COP enable --root r foo");
}

Test(services, a_library_that_anybody_may_change_is_refused, .init = make_root)
{
	scratch_must("chmod o+w r/$LIB");
	refuses(126, "another user than root may change it",
		"$COP enable --root r foo");
	scratch_must("chmod o-w r/$LIB && mkdir -m 777 m");
	refuses(126, "another user than root may change it",
		"$COP enable --root r foo --modules m");
}

Test(services, a_program_that_cop_run_would_refuse_is_refused,
     .init = make_root)
{
	scratch_must(COPY
		     "echo 'int main(void) { return 0; }' >a.c && cc -static "
		     "-o a a.c && mkdir -p h/.config/systemd/user && printf "
		     "'[Service]\\nExecStart=-%%s/a a b\\n' $PWD "
		     ">h/.config/systemd/user/foo.service");
	refuses(126, "is statically linked",
		"unset XDG_CONFIG_HOME; HOME=$PWD/h s/cop enable --user foo");
}

Test(services, a_socket_of_systemd_is_named, .init = make_root)
{
	scratch_must("printf '[Socket]\\nListenDatagram=7000\\n' "
		     ">r/usr/lib/systemd/system/foo.socket");
	scratch_shell(&result, "$COP enable --root r foo --adopt");
	cr_expect_eq(result.status, 0);
	scratch_says_in_stderr(&result, "UDP sockets of foo.socket itself");
}

/* ---- status --------------------------------------------------------------- */

Test(services, what_cannot_be_printed_is_a_failure, .init = make_root)
{
	says("125\n125\n125\n",
	     "for command in 'status --root r foo' version 'help run'; do "
	     "$COP $command >/dev/full; echo $?; done");
}

Test(services, status_names_a_library_that_is_gone, .init = make_root)
{
	scratch_must("$COP enable --root r foo && $COP status --root r foo && "
		     "rm r/$LIB");
	scratch_shell(&result, "$COP status --root r foo");
	cr_expect_eq(result.status, 2);
	cr_expect_not_null(strstr(result.out, "no longer there"), "%s",
			   result.out);
}

/* ---- a running systemd ---------------------------------------------------- */

#define UNITS COPY "mkdir -p s/units && cp " SCRIPTS "service.py s && "
#define START                                                        \
	"[Service]\\nType=notify\\nNotifyAccess=all\\n"              \
	"ExecStart=/usr/bin/python3 /run/t/service.py serve 7000\\n" \
	"StandardError=file:/run/t/server.err\\n"

/* What systemd.exec(5) offers to confine a service that needs the network. */
#define CONFINED                                                            \
	"DynamicUser=yes\\nNoNewPrivileges=yes\\nProtectSystem=strict\\n"   \
	"ProtectHome=yes\\nPrivateTmp=yes\\nPrivateDevices=yes\\n"          \
	"ProtectKernelTunables=yes\\nProtectKernelModules=yes\\n"           \
	"ProtectKernelLogs=yes\\nProtectControlGroups=yes\\n"               \
	"ProtectClock=yes\\nProtectHostname=yes\\nProtectProc=invisible\\n" \
	"ProcSubset=pid\\nRestrictAddressFamilies=AF_INET AF_UNIX\\n"       \
	"RestrictNamespaces=yes\\nRestrictRealtime=yes\\n"                  \
	"RestrictSUIDSGID=yes\\nLockPersonality=yes\\n"                     \
	"MemoryDenyWriteExecute=yes\\nSystemCallArchitectures=native\\n"    \
	"SystemCallFilter=@system-service\\nCapabilityBoundingSet=\\n"      \
	"UMask=0077\\n"

/* What a plain client and one with libcop hear from the server. */
#define ASKS                                                   \
	"ask() { /usr/bin/python3 service.py ask 7000 $1; }; " \
	"cop_ask() { ./cop run --adopt python3 service.py ask 7000 20; }; "

/* Boots, runs a script there, and expects what it prints. */
static void expect_system(const char *settings, const char *script,
			  const char *out)
{
	scratch_must(UNITS
		     "printf '%%b' '[Unit]\\nDefaultDependencies=no\\n" START
		     "%s' >s/units/echo.service && "
		     "cat >s/script <<'END'\n" ASKS "%s\nEND\n",
		     settings, script);
	scratch_shell(&result, SCRIPTS "systemd.sh $PWD/s");
	if (result.status == RUN_SKIP)
		cr_skip_test("%s", result.err);
	cr_expect_eq(result.status, 0, "%d: %s", result.status, result.err);
	scratch_shell(&result, "cat s/out; cat s/err s/server.err >&2");
	cr_expect_str_eq(result.out, out, "%s%s", result.out, result.err);
}

#define ENABLED                                                              \
	"./cop enable echo --adopt=udp:7000 >said && systemctl start echo\n" \
	"cop_ask\nask 0.3\n./cop status echo >said && echo has it\n"         \
	"systemctl show -P ActiveState echo\n"
#define ANSWERS "hello\nnothing\nhas it\nactive\n"

Test(services, a_service_of_systemd_is_on_cop_from_enable_to_disable,
     .init = scratch_make)
{
	expect_system(
		"",
		"systemctl start echo && ask 20 && ./cop status echo >said || "
		"echo not enabled\n"
		"./cop enable echo --adopt=udp:7000 >said && ./cop status echo "
		">said || echo $?; grep -c 'has no libcop: systemctl restart' "
		"said\n"
		"systemctl restart echo\n" ENABLED
		"./cop disable echo >said && ./cop status echo >said || "
		"grep -c 'has libcop: systemctl restart' said\n"
		"systemctl restart echo && ask 20",
		"hello\nnot enabled\n2\n1\n" ANSWERS "1\nhello\n");
}

Test(services, a_service_that_systemd_confines_is_on_cop, .init = scratch_make)
{
	expect_system(CONFINED, ENABLED, ANSWERS);
}

/* So the tests above see a filter that forbids what the service needs. */
Test(services, a_service_that_may_make_no_socket_does_not_start,
     .init = scratch_make)
{
	expect_system(CONFINED "SystemCallFilter=~socket\\n",
		      "./cop enable echo --adopt=udp:7000 >said\n"
		      "systemctl start echo 2>said || echo fails\n",
		      "fails\n");
}

Test(services, a_library_that_its_user_may_not_read_is_refused,
     .init = scratch_make)
{
	expect_system("User=65534\\n",
		      "chmod 700 .\n"
		      "./cop enable echo 2>said || grep -c 'its user may not "
		      "read /run/t/libcop.so' said\n"
		      "chmod 755 .\n./cop enable echo >said && echo fits",
		      "1\nfits\n");
}

Test(services, systemd_understands_what_cop_writes, .init = scratch_make)
{
	expect_system(
		"Environment=\"LD_PRELOAD=libutil.so.1\" X=a%%b\\n",
		"./cop enable echo --stats='/run/t/a \"b\\c %n $x' >said\n"
		"systemctl start echo\n"
		"tr '\\0' '\\n' </proc/$(systemctl show -P MainPID echo)/"
		"environ | grep -e ^LD_P -e ^X= -e ^COP | sort\n",
		"COP_STATS=/run/t/a \"b\\c %n $x\n"
		"LD_PRELOAD=libutil.so.1:/run/t/libcop.so\n"
		"X=a%b\n");
}

/* ---- a user's own systemd ------------------------------------------------- */

/* The system's systemd starts it, as user@.service does. */
#define MANAGER                                                         \
	"[Unit]\nDefaultDependencies=no\n[Service]\nType=notify\n"      \
	"User=65534\nDelegate=yes\nKillMode=mixed\n"                    \
	"Environment=HOME=/run/t/home XDG_RUNTIME_DIR=/run/t/runtime\n" \
	"ExecStart=%%s --user --unit=basic.target\n"

static void make_users_service(void)
{
	scratch_make();
	scratch_must("mkdir -p s/units s/runtime s/home/.config/systemd/user "
		     "&& printf '%%b' '" START "' | "
		     "sed s,t/server.err,t/home/server.err, "
		     ">s/home/.config/systemd/user/echo.service && "
		     "init=/usr/lib/systemd/systemd; "
		     "[ -x $init ] || init=/lib/systemd/systemd; "
		     "printf '" MANAGER "' $init >s/units/manager.service");
	scratch_shell(&result, "chown -R 65534 s/home s/runtime && "
			       "chmod 700 s/runtime");
}

/* cop status names the command that a user can give. */
Test(services, a_service_of_a_users_systemd_is_on_cop,
     .init = make_users_service)
{
	expect_system(
		"",
		"as() { setpriv --reuid=65534 --regid=65534 --clear-groups env "
		"HOME=/run/t/home XDG_RUNTIME_DIR=/run/t/runtime \"$@\"; }\n"
		"systemctl start manager\n"
		"as systemctl --user start echo && ask 20\n"
		"as ./cop enable --user echo --adopt=udp:7000 >said\n"
		"as ./cop status --user echo >said || grep -c "
		"'has no libcop: systemctl --user restart echo' said\n"
		"as systemctl --user restart echo\ncop_ask\nask 0.3\n"
		"as ./cop status --user echo >said && echo has it\n"
		"as ./cop disable --user echo >said\n"
		"as systemctl --user restart echo && ask 20",
		"hello\n1\nhello\nnothing\nhas it\nhello\n");
}

/* ---- a file system of its own ---------------------------------------------- */

/* s/root has the library, the server, and places for what the system lends it. */
static void make_files(void)
{
	scratch_make();
	scratch_must("mkdir -p s/root && cd s/root && "
		     "mkdir -p run/t run/systemd usr etc dev proc sys tmp var "
		     "root && for dir in bin lib lib64 sbin; do "
		     "ln -s usr/$dir $dir; done && "
		     "cp $LIB " SCRIPTS "service.py run/t");
}

#define LENT \
	"BindReadOnlyPaths=/usr /etc\\nMountAPIVFS=no\\nPrivateDevices=no\\n"

Test(services, a_service_in_a_directory_of_its_own_is_on_cop,
     .init = make_files)
{
	expect_system("RootDirectory=/run/t/root\\n" LENT, ENABLED, ANSWERS);
}

static void make_image(void)
{
	make_files();
	if (scratch_shell(&result, "command -v mkfs.ext4"))
		cr_skip_test("mkfs.ext4 is not installed");
	if (geteuid() || scratch_shell(&result, "losetup -f"))
		cr_skip_test("this machine has no loop devices");
}

#define IMAGE "RootImage=/run/t/image\\n" LENT
#define PACK  "mkfs.ext4 -q -d s/root s/image 24M && rm -r s/root"

Test(services, a_service_in_an_image_is_on_cop, .init = make_image)
{
	scratch_must(PACK);
	expect_system(IMAGE, ENABLED, ANSWERS);
}

/* cop enable does not look into images; cop status looks at the process. */
Test(services, status_says_that_an_image_has_no_library, .init = make_image)
{
	scratch_must("rm s/root/run/t/libcop.so && " PACK);
	expect_system(IMAGE,
		      "./cop enable echo --adopt=udp:7000 >said\n"
		      "systemctl start echo && ask 20\n"
		      "./cop status echo >said || echo $?\n"
		      "grep -c 'has no libcop: systemctl restart echo' said",
		      "hello\n2\n1\n");
}

/* ---- socket activation ---------------------------------------------------- */

/* An activated server: it answers once, on the socket that it has been given. */
#define ACTIVATED                                                \
	"printf 'import socket\\ns = socket.socket(fileno=3)\\n" \
	"data, peer = s.recvfrom(9)\\ns.sendto(data * 2, peer)\\n' >once.py; "

Test(services, a_socket_that_a_program_with_libcop_activates_is_on_cop,
     .init = scratch_make)
{
	scratch_shell(&result, "command -v systemd-socket-activate");
	if (result.status)
		cr_skip_test("systemd-socket-activate is not installed");
	says("hellohello\n", ACTIVATED
	     "port=$((20000 + $$ % 10000)); $COP run --adopt "
	     "systemd-socket-activate --datagram -l 127.0.0.1:$port $COP run "
	     "--adopt /usr/bin/python3 once.py 2>log & "
	     "until grep -q Listening log 2>/dev/null; do sleep 0.05; done; "
	     "$COP run --adopt /usr/bin/python3 " SCRIPTS "service.py ask "
	     "$((20000 + $$ % 10000)) 20; wait");
}
