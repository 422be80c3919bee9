/* SPDX-License-Identifier: MIT */
/*
 * listed.h - programs whose UDP is put on COP by a list of ports. As "udp" they
 * are plain UDP, as "listed" they run themselves again with COP_ADOPT=udp:PORTS,
 * for ports that are free here: two that are listed and two that are not, or in
 * scenarios whose name begins with "all_", all of them.
 *
 * What crosses the wire is not the same on both, so it is looked at here: a line
 * says that it is as it should be there, or what it is.
 */
#ifndef COP_TEST_LISTED_H
#define COP_TEST_LISTED_H

#include "stray.h"

#define PORTS  4
#define HEADER cop_header

static in_port_t ports[PORTS]; /* host order */
#define LISTED_A ports[0]
#define LISTED_B ports[1]
#define OTHER_A	 ports[2]
#define OTHER_B	 ports[3]

static bool is_listed; /* the kind */
static char *self;

/* Whether that is on COP here which is there with the list. */
static inline bool on_cop(bool by_cop)
{
	return by_cop && is_listed;
}

/* ---- ports -------------------------------------------------------------- */

static inline bool port_is_free(in_port_t port)
{
	struct sockaddr_in addr = addr_of("0.0.0.0", port);
	int fd = plain_udp();
	bool is_free = !bind(fd, SA(&addr), sizeof(addr));

	raw_close(fd);
	return is_free;
}

/* Outside the range of ephemeral ports. */
static inline void choose_ports(void)
{
	unsigned int next = getpid() * 7919u;

	for (int i = 0; i < PORTS; i++, next += 13)
		while (!port_is_free(ports[i] = 10000 + next % 20000))
			next += 13;
}

static inline _Noreturn void run_again(char **argv)
{
	char text[PORTS][8], list[32];
	char *words[] = { self,	   argv[1], argv[2], text[0],
			  text[1], text[2], text[3], NULL };

	choose_ports();
	for (int i = 0; i < PORTS; i++)
		snprintf(text[i], sizeof(text[i]), "%d", ports[i]);
	snprintf(list, sizeof(list), "udp:%s,%s", text[0], text[1]);
	if (!strncmp(argv[2], "all_", 4))
		strcpy(list, "udp:1-65535");
	if (!strcmp(argv[1], "listed"))
		setenv("COP_ADOPT", list, 1);
	execv(self, words);
	die(self);
}

static inline int play_listed(const struct scenario *all, size_t n, int argc,
			      char **argv)
{
	self = argv[0];
	if (argc == 3)
		run_again(argv);
	for (int i = 0; i < PORTS && 3 + i < argc; i++)
		ports[i] = atoi(argv[3 + i]);
	is_listed = argc > 1 && !strcmp(argv[1], "listed");
	return play(all, n, argc, argv);
}

#define LISTED_SCENARIOS(...)                                         \
	int main(int argc, char **argv)                               \
	{                                                             \
		static const struct scenario all[] = { __VA_ARGS__ }; \
                                                                      \
		return play_listed(all, ARRAY_SIZE(all), argc, argv); \
	}

static inline int bind_to(int fd, in_port_t port)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", port);

	return bind(fd, SA(&addr), sizeof(addr));
}

static inline int connect_port(int fd, in_port_t port)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", port);

	return connect(fd, SA(&addr), sizeof(addr));
}

static inline ssize_t send_port(int fd, in_port_t port)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", port);

	return sendto(fd, "payload", 7, 0, SA(&addr), sizeof(addr));
}

static inline int bound(in_port_t port)
{
	int fd = sock();

	if (bind_to(fd, port))
		die("bind");
	return fd;
}

/* Bound to a port that it did not ask for. */
static inline int bound_anywhere(void)
{
	return sock_at('Z', "127.0.0.1");
}

/* ---- who else there is ----------------------------------------------------- */

/* The kernel's own, which hears whatever is on the wire. */
static inline int tap_at(in_port_t port)
{
	int fd = plain_udp();

	if (bind_to(fd, port))
		die("bind");
	return fd;
}

/* One that talks as it is to be talked to; 0: at any port. */
static inline int peer_at(in_port_t port, bool by_cop)
{
	int fd = on_cop(by_cop) ? socket(PF_INET, cop_type, cop_protocol)
				: plain_udp();

	if (bind_to(fd, port))
		die("bind");
	know('P', fd);
	return fd;
}

/* ---- what is on the wire --------------------------------------------------- */

static inline void judge(const char *what, bool is_right)
{
	printf("  %s: %s\n", what, is_right ? "as it should be" : "WRONG");
}

struct heard {
	ssize_t len;
	unsigned char wire[64];
	struct sockaddr_in from;
};

static inline bool hear(int tap, struct heard *heard)
{
	socklen_t len = sizeof(heard->from);

	heard->len = recvfrom(tap, heard->wire, sizeof(heard->wire),
			      MSG_DONTWAIT, SA(&heard->from), &len);
	return heard->len >= 0;
}

static inline bool has_header(const struct heard *heard)
{
	return heard->len >= HEADER &&
	       !memcmp(heard->wire, cop_magic, strlen(cop_magic));
}

static inline bool has_ports(const struct heard *heard, in_port_t dest)
{
	const in_port_t want[] = { heard->from.sin_port, htons(dest) };

	return !memcmp(heard->wire + cop_ports_at, want, sizeof(want));
}

/* One datagram that begins with "payload", and has come to @port. */
static inline bool is_as(const struct heard *heard, in_port_t port, bool by_cop)
{
	const size_t at = on_cop(by_cop) ? HEADER : 0;

	if (heard->len < (ssize_t)at + 7 ||
	    memcmp(heard->wire + at, "payload", 7) != 0)
		return false;
	return !at || (has_header(heard) && has_ports(heard, port));
}

static inline void hears_on(int tap, in_port_t port, bool by_cop)
{
	struct heard heard;

	judge("on the wire", hear(tap, &heard) && is_as(&heard, port, by_cop));
}

/* COP, and what may become COP, refuses what plain UDP allows. */
static inline void has_become(int fd, bool by_cop)
{
	judge("the socket", lacks_peek_offset(fd) == on_cop(by_cop));
}

/* What it sends to @port tells what it is. */
static inline void shows(int fd, in_port_t port, bool by_cop)
{
	int tap = tap_at(port);

	T(send_port(fd, port));
	hears_on(tap, port, by_cop);
	has_become(fd, by_cop);
	raw_close(tap);
}

static inline void send_from(int peer, int fd, const char *text)
{
	struct sockaddr_in addr =
		addr_of("127.0.0.1", ntohs(name_of(fd).sin_port));

	if (sendto(peer, text, strlen(text), 0, SA(&addr), sizeof(addr)) < 0)
		die("sendto");
}

/* It gets what a peer sends that is as it is, and nothing else. */
static inline void hears(int fd, int peer, bool by_cop)
{
	struct sockaddr_in addr =
		addr_of("127.0.0.1", ntohs(name_of(fd).sin_port));

	is_carried = on_cop(by_cop);
	send_stray(&addr);
	is_carried = false;
	send_from(peer, fd, "to it");
	R(recvfrom(fd, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(recv(fd, buf, 64, MSG_DONTWAIT));
}

#endif /* COP_TEST_LISTED_H */
