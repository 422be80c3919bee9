// SPDX-License-Identifier: MIT
/*
 * calls_option.c - getsockopt, setsockopt and ioctl.
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "player.h"

/* Newer than some headers. */
#define OPT_INCOMING_CPU 49
#define OPT_MEMINFO	 55
#define OPT_NAPI_ID	 56
#define OPT_COOKIE	 57
#define OPT_NETNS_COOKIE 71
#define OPT_IP_PROTOCOL	 52

#define STAMP_OLD	 0x8906
#define STAMPNS_OLD	 0x8907
#define STAMP_NEW	 0x80108906
#define STAMPNS_NEW	 0x80108907

static unsigned char area[2048];

static size_t hex_arg(unsigned char *to, size_t size, const char *word)
{
	size_t n = 0;

	for (; word[0] && word[1] && n < size; word += 2) {
		char two[3] = { word[0], word[1] };

		to[n++] = strtol(two, NULL, 16);
	}
	return n;
}

/* A filter's instructions are hex; a struct sock_fprog leads to them. */
static void *filter_arg(const char *word)
{
	static struct sock_filter insn[64];
	static struct sock_fprog prog;

	prog.len = hex_arg((unsigned char *)insn, sizeof(insn), word) /
		   sizeof(*insn);
	prog.filter = insn;
	memset(area, 0, sizeof(area));
	memcpy(area, &prog, sizeof(prog));
	return area;
}

/* setsockopt SLOT LEVEL NAME VALUE LENGTH: a value is hex, "!kind", or
 * "f" and a filter's instructions */
static void play_setsockopt(int argc, char **argv)
{
	void *value = area;

	(void)argc;
	memset(area, 0, sizeof(area));
	if (argv[3][0] == '!')
		value = pointer(argv[3][1], area);
	else if (argv[3][0] == 'f' && argv[3][1] == ':')
		value = filter_arg(argv[3] + 2);
	else
		hex_arg(area, sizeof(area), argv[3]);
	tape->joins |= number(argv[2]) == UDP_GRO;
	T(setsockopt(fd_of(argv[0]), number(argv[1]), number(argv[2]), value,
		     number(argv[4])));
}

/* The longest int that fits, and 0 beyond. */
static uint64_t value_of(size_t len)
{
	uint64_t value = 0;

	memcpy(&value, area, len < sizeof(value) ? len : sizeof(value));
	return value;
}

/* Whether it is there is all that can be said of some. */
static bool varies(int level, int name)
{
	return level == SOL_SOCKET &&
	       (name == OPT_INCOMING_CPU || name == OPT_NAPI_ID ||
		name == OPT_NETNS_COOKIE);
}

/* The port, of all things; a part of it says nothing. */
static void say_ip_protocol(size_t len)
{
	say(" value=");
	if (len < 2)
		say("part");
	else
		say_port(htons(value_of(2)));
}

/* How much memory a socket has, in nine words. */
static void say_meminfo(size_t used)
{
	uint32_t word[9];

	memcpy(word, area, sizeof(word));
	say(" value=");
	for (size_t i = 0; i < ARRAY_SIZE(word) && i < used / 4; i++)
		say("%u,", word[i]);
}

static void say_value(int level, int name, size_t used)
{
	if (level == IPPROTO_IP && name == OPT_IP_PROTOCOL) {
		say_ip_protocol(used);
	} else if (level == SOL_SOCKET && name == OPT_MEMINFO) {
		say_meminfo(used);
	} else if (level == SOL_SOCKET && name == SO_PEERNAME) {
		say_name("value", area, sizeof(area));
	} else if (level == SOL_SOCKET && name == OPT_COOKIE && used == 8) {
		say_cookie("value", value_of(used));
	} else if (level == SOL_SOCKET && name == OPT_COOKIE) {
		say(" value=%zu", used);
	} else if (varies(level, name)) {
		say(" value=some");
	} else {
		say_bytes("value", area, used);
	}
}

/* getsockopt SLOT LEVEL NAME OUT */
static void play_getsockopt(int argc, char **argv)
{
	int level = number(argv[1]), name = number(argv[2]);
	struct out_arg out;
	long ret;

	(void)argc;
	out_arg(&out, argv[3], area, sizeof(area));
	ret = T(getsockopt(fd_of(argv[0]), level, name, out.room.ptr,
			   out.len_ptr));
	say_len(&out);
	if (!ret && out.len <= sizeof(area))
		say_value(level, name, out.len);
	else if (room_used(&out.room))
		say_bytes("value", area, room_used(&out.room));
}

static bool is_stamp(unsigned long cmd)
{
	return cmd == STAMP_OLD || cmd == STAMPNS_OLD || cmd == STAMP_NEW ||
	       cmd == STAMPNS_NEW;
}

static bool area_changed(size_t n)
{
	while (n && area[n - 1] == CANARY)
		n--;
	return n;
}

/* Who owns a descriptor is said by whether it is the caller. */
static void own_pid(void)
{
	int pid;

	memcpy(&pid, area, sizeof(pid));
	if (pid == getpid())
		memcpy(area, "self", 4);
}

/* ioctl SLOT COMMAND VALUE: hex, or "!kind" */
static void play_ioctl(int argc, char **argv)
{
	unsigned long cmd = number(argv[1]);
	void *value = area;

	(void)argc;
	memset(area, CANARY, sizeof(area));
	if (argv[2][0] == '!')
		value = pointer(argv[2][1], area);
	else
		hex_arg(area, sizeof(area), argv[2]);
	T(ioctl(fd_of(argv[0]), cmd, value));
	own_pid();
	if (is_stamp(cmd))
		say(" stamp=%s", area_changed(16) ? "yes" : "no");
	else
		say_data(area, sizeof(area));
}

const struct call option_calls[] = {
	{ "setsockopt", play_setsockopt },
	{ "getsockopt", play_getsockopt },
	{ "ioctl", play_ioctl },
	{ NULL, NULL },
};
