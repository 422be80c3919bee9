// SPDX-License-Identifier: MIT
/*
 * tape.c - what came of the calls, one line for each, in memory that both
 * actors share and that outlives them.
 *
 * What differs from run to run on UDP itself is said by a name: an ephemeral
 * port by "e" and a number, in the order in which they turn up, and a cookie
 * likewise.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "player.h"

#define EPHEMERAL_LOW  32768
#define EPHEMERAL_HIGH 60999

/* Of a payload, behind up to 40 bytes of IP options and with a COP header. */
#define QUOTE_LESS  (40 + 16)
#define QUOTE_MAX   520
#define QUOTE_MAX_6 1184

struct tape *tape;

int (*real_getsockname)(int, struct sockaddr *, socklen_t *);
int (*real_setsockopt)(int, int, int, const void *, socklen_t);

void tape_make(void)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);

	real_getsockname = dlsym(libc, "getsockname");
	real_setsockopt = dlsym(libc, "setsockopt");
	tape = mmap(NULL, sizeof(*tape), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tape == MAP_FAILED || !real_getsockname || !real_setsockopt)
		exit(2);
}

void tape_clear(void)
{
	memset(tape, 0, offsetof(struct tape, text));
}

void say(const char *fmt, ...)
{
	size_t room = sizeof(tape->text) - tape->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(tape->text + tape->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		tape->len += (size_t)n < room ? (size_t)n : room - 1;
}

void say_result(long ret, int err)
{
	say(" ret=%ld", ret);
	if (ret == -1)
		say(" err=%s", strerrorname_np(err) ?: "unknown");
	else if (err != UNTOUCHED)
		say(" touched=%s", strerrorname_np(err) ?: "unknown");
}

void say_hex(const char *what, const unsigned char *bytes, size_t n)
{
	say(" %s=", what);
	for (size_t i = 0; i < n; i++)
		say("%02x", bytes[i]);
	if (!n)
		say("-");
}

static uint64_t sum_of(const unsigned char *bytes, size_t n)
{
	uint64_t sum = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3u;
	return sum;
}

static bool may_be_quoted(size_t n)
{
	return (n >= QUOTE_MAX - QUOTE_LESS && n <= QUOTE_MAX) ||
	       (n >= QUOTE_MAX_6 - QUOTE_LESS && n <= QUOTE_MAX_6);
}

/*
 * Many bytes are said by a sum of them (FNV-1a). As many as an ICMP error may
 * quote have a second sum: of what of them is left beside a header.
 */
void say_bytes(const char *what, const unsigned char *bytes, size_t n)
{
	if (n <= 24) {
		say_hex(what, bytes, n);
		return;
	}
	say(" %s=%zu:%016" PRIx64, what, n, sum_of(bytes, n));
	if (may_be_quoted(n))
		say("/%zu:%016" PRIx64, n - 16, sum_of(bytes, n - 16));
}

/* A frame on loopback, which comes with a transmit timestamp. */
static bool is_frame(const unsigned char *at, size_t n)
{
	static const unsigned char ipv4[14] = { [12] = 0x08, [13] = 0x00 };
	static const unsigned char ipv6[14] = { [12] = 0x86, [13] = 0xdd };

	return n > 14 && ((!memcmp(at, ipv4, 14) && at[14] >> 4 == 4) ||
			  (!memcmp(at, ipv6, 14) && at[14] >> 4 == 6));
}

/*
 * What has been written to an area, up to where it is as it was. Much in a frame
 * is different each time.
 */
void say_data(const unsigned char *at, size_t size)
{
	while (size && at[size - 1] == CANARY)
		size--;
	if (is_frame(at, size))
		say(" data=frame");
	else
		say_bytes("data", at, size);
}

/* ---- ports --------------------------------------------------------------- */

static bool is_ephemeral(uint16_t port)
{
	return port >= EPHEMERAL_LOW && port <= EPHEMERAL_HIGH;
}

static struct symbol *symbol_of(uint16_t port)
{
	for (size_t i = 0; i < ARRAY_SIZE(tape->symbol); i++)
		if (tape->symbol[i].port == port)
			return &tape->symbol[i];
	return NULL;
}

static struct symbol *symbol_new(uint16_t port)
{
	struct symbol *symbol = symbol_of(port);

	if (!symbol)
		symbol =
			&tape->symbol[tape->symbols % ARRAY_SIZE(tape->symbol)];
	*symbol = (struct symbol){ port, tape->symbols++ };
	return symbol;
}

void say_port(in_port_t port)
{
	uint16_t host = ntohs(port);
	struct symbol *symbol = symbol_of(host);

	if (!is_ephemeral(host))
		say("%u", host);
	else
		say("e%u", (symbol ?: symbol_new(host))->number);
}

static bool is_held(uint16_t port)
{
	for (int i = 0; i < SLOTS; i++)
		if (tape->bound[i] == port)
			return true;
	return false;
}

in_port_t port_of(int slot)
{
	return htons(tape->bound[slot]);
}

union name {
	sa_family_t family;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static const char *ip_text(const union name *name, char *text)
{
	if (name->family == AF_INET6)
		return inet_ntop(AF_INET6, &name->in6.sin6_addr, text,
				 INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET, &name->in.sin_addr, text, INET6_ADDRSTRLEN);
}

/* A port that none of the sockets has is a new one, even if it had been one's
 * before. */
void note_port(int slot)
{
	union name name = { 0 };
	socklen_t len = sizeof(name);
	char ip[INET6_ADDRSTRLEN];
	uint16_t port;

	if (slot_fd[slot] < 0 ||
	    real_getsockname(slot_fd[slot], SA(&name), &len))
		return;
	/* both families have it at the same place */
	port = ntohs(name.in.sin_port);
	if (port != tape->bound[slot]) {
		if (is_ephemeral(port) && !is_held(port))
			symbol_new(port);
		tape->bound[slot] = port;
		say("# %d at %s:", slot, ip_text(&name, ip));
		say_port(name.in.sin_port);
		say("\n");
	}
}

void forget_port(int slot)
{
	tape->bound[slot] = 0;
}

/* ---- other things with values of their own --------------------------------- */

void say_cookie(const char *what, uint64_t cookie)
{
	unsigned int i = 0;

	while (i < tape->cookies && tape->cookie[i] != cookie)
		i++;
	if (i == tape->cookies && i < ARRAY_SIZE(tape->cookie))
		tape->cookie[tape->cookies++] = cookie;
	say(" %s=%s%u", what, cookie ? "c" : "none", cookie ? i : 0);
}

/* An address as far as the call has written it. */
void say_name(const char *what, const unsigned char *area, size_t size)
{
	struct sockaddr_in addr;
	size_t used = size;

	while (used && area[used - 1] == CANARY)
		used--;
	if (used == 3 || used == 4)
		used = 2; /* half a port may look as if nothing had come */
	memcpy(&addr, area, sizeof(addr));
	if ((addr.sin_family != AF_INET && addr.sin_family != AF_INET6) ||
	    used < sizeof(addr.sin_family)) {
		say_hex(what, area, used);
		return;
	}
	say(" %s=in%s", what, addr.sin_family == AF_INET6 ? "6" : "");
	if (used >= offsetof(struct sockaddr_in, sin_addr)) {
		say(":");
		say_port(addr.sin_port);
		say_hex("", area + 4, used - 4);
	} else {
		say("+%zu", used - 2);
	}
}
