// SPDX-License-Identifier: MIT
/*
 * kinds.c - what kind of address it is: local, broadcast, multicast, none or a
 * foreign one, in a network whose addresses come and go.
 *
 *	cop0 10.8.1.2/24 --- cop1 10.8.2.2/24, both ours
 */
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "netns.h"

/* ---- the network ------------------------------------------------------- */

static void must(const char *command)
{
	if (system(command))
		skip(command);
}

static void network(void)
{
	own_network();
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	must("ip link add name cop0 type veth peer name cop1 2>/dev/null");
	must("ip address add 10.8.1.2/24 brd + dev cop0");
	must("ip address add 10.8.2.2/24 brd + dev cop1");
	must("ip link set cop0 up");
	must("ip link set cop1 up");
}

/* The comment of each is what it is at first. */
static const char *const ips[] = {
	"0.0.0.0",	   /* unspecified */
	"0.0.0.1",	   /* "this network" */
	"127.0.0.1",	   /* local */
	"127.3.2.1",	   /* local, as all of 127/8 */
	"127.255.255.255", /* broadcast */
	"127.0.0.0",	   /* the old broadcast */
	"10.8.1.2",	   /* local */
	"10.8.1.255",	   /* broadcast of a subnet */
	"10.8.1.0",	   /* the old broadcast of it */
	"10.8.1.3",	   /* a neighbour */
	"10.8.2.2",	   /* local */
	"10.8.2.255",	   /* broadcast */
	"10.8.3.2",	   /* foreign, local later */
	"10.8.3.127",	   /* foreign, broadcast later */
	"10.8.3.255",	   /* foreign */
	"192.0.2.1",	   /* foreign */
	"224.0.0.1",	   /* multicast */
	"239.255.255.255", /* multicast */
	"240.0.0.1",	   /* reserved */
	"255.255.255.255", /* limited broadcast */
};

/* ---- one address ------------------------------------------------------- */

static int one = 1;

static int set(int fd, int level, int name)
{
	return setsockopt(fd, level, name, &one, sizeof(one));
}

static int bind_to(int fd, const char *ip, in_port_t port)
{
	struct sockaddr_in addr = addr_of(ip, ntohs(port));

	return bind(fd, SA(&addr), sizeof(addr));
}

static int connect_ip(int fd, const char *ip)
{
	struct sockaddr_in addr = addr_of(ip, 9);

	return connect(fd, SA(&addr), sizeof(addr));
}

static ssize_t send_ip(int fd, const char *ip)
{
	struct sockaddr_in addr = addr_of(ip, 9);

	return sendto(fd, "x", 1, MSG_DONTWAIT, SA(&addr), sizeof(addr));
}

static void show_ip(int fd)
{
	char ip[INET_ADDRSTRLEN];
	struct sockaddr_in addr = name_of(fd);

	inet_ntop(AF_INET, &addr.sin_addr, ip, sizeof(ip));
	printf("  name %s:%s\n", ip, addr.sin_port ? "port" : "0");
}

static in_port_t free_port(void)
{
	int fd = sock();
	in_port_t port;

	bind_to(fd, "0.0.0.0", 0);
	port = name_of(fd).sin_port;
	close(fd);
	return port;
}

/* Options that each socket gets first. */
static struct {
	const char *device;
	int freebind, broadcast;
} with;

static int sock_with(void)
{
	int fd = sock();

	if (with.device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE,
				      with.device, strlen(with.device)))
		die(with.device);
	if (with.freebind)
		set(fd, IPPROTO_IP, IP_FREEBIND);
	if (with.broadcast)
		set(fd, SOL_SOCKET, SO_BROADCAST);
	return fd;
}

static void bind_both_ways(const char *ip)
{
	int fd = sock_with();

	T(bind_to(fd, ip, 0));
	show_ip(fd);
	T(connect_ip(fd, "10.8.1.2"));
	show_ip(fd);
	close(fd);
	fd = sock_with();
	T(bind_to(fd, ip, free_port()));
	show_ip(fd);
	T(send_ip(fd, "127.0.0.1"));
	close(fd);
}

static void reach(const char *ip)
{
	int fd = sock_with();

	T(connect_ip(fd, ip));
	show_ip(fd);
	close(fd);
	fd = sock_with();
	T(send_ip(fd, ip));
	show_ip(fd);
	close(fd);
}

static void every_address(const char *when)
{
	for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
		printf("%s: %s\n", when, ips[i]);
		bind_both_ways(ips[i]);
		reach(ips[i]);
	}
}

/* ---- scenarios --------------------------------------------------------- */

static void still(void)
{
	network();
	every_address("at first");
	with.broadcast = 1;
	every_address("SO_BROADCAST");
}

static void added_and_removed(void)
{
	int fd;

	network();
	every_address("at first");
	must("ip address add 10.8.3.2/25 brd + dev cop0");
	every_address("added");
	fd = sock();
	T(bind_to(fd, "10.8.3.2", 0));
	must("ip address del 10.8.3.2/25 dev cop0");
	every_address("removed");
	show_ip(fd);
	T(send_ip(fd, "127.0.0.1"));
	T(connect_ip(fd, "127.0.0.1"));
	must("ip link set cop0 down");
	every_address("down");
}

/* Asked for before, so that an answer that is kept would be seen. */
static void added_once_more(void)
{
	network();
	with.freebind = 1;
	for (int i = 0; i < 4; i++) {
		bind_both_ways("10.8.3.127");
		must(i % 2 ? "ip address del 10.8.3.2/25 dev cop0"
			   : "ip address add 10.8.3.2/25 brd + dev cop0");
		bind_both_ways("10.8.3.127");
	}
}

static void freely(void)
{
	network();
	with.freebind = 1;
	every_address("IP_FREEBIND");
}

static void nonlocal(void)
{
	network();
	set_sysctl("ip_nonlocal_bind", "1");
	every_address("ip_nonlocal_bind");
	set_sysctl("ip_nonlocal_bind", "0");
	bind_both_ways("192.0.2.1");
}

static const char *const devices[] = { "lo", "cop0", "cop1" };

static void on_device(void)
{
	network();
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		with.device = devices[i];
		every_address(devices[i]);
	}
}

static void no_device(void)
{
	int fd;

	network();
	fd = sock();
	T(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "cop7", 4));
	T(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "cop0", 4));
	must("ip link del cop0");
	T(bind_to(fd, "0.0.0.0", 0));
	T(bind_to(fd, "10.8.1.2", 0));
	T(send_ip(fd, "127.0.0.1"));
}

/* ---- privileged ports -------------------------------------------------- */

static void drop_privileges(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct none[2] = { 0 };

	if (syscall(SYS_capset, &head, none))
		die("capset");
}

static void try_port(const char *ip, int port)
{
	int fd = sock();

	printf("%s:%d: ", ip, port);
	T(bind_to(fd, ip, htons(port)));
	close(fd);
}

/* 80 is free, 81 is taken at all addresses, 82 at one. */
static void hold_some(void)
{
	if (bind_to(sock(), "0.0.0.0", htons(81)) ||
	    bind_to(sock(), "127.0.0.1", htons(82)))
		die("bind");
}

/* At other addresses UDP would share 82; COP does not. */
static void try_ports(void)
{
	for (int port = 80; port <= 82; port++) {
		try_port("0.0.0.0", port);
		try_port("127.0.0.1", port);
		try_port("192.0.2.1", port);
	}
	for (int port = 80; port <= 81; port++) {
		try_port("127.255.255.255", port);
		try_port("224.0.0.1", port);
	}
}

static void privileged(void)
{
	network();
	hold_some();
	try_ports();
	drop_privileges();
	try_ports();
}

/* The ports are taken by another process. */
static void privileged_elsewhere(void)
{
	int held[2];
	pid_t pid;
	char c;

	network();
	if (pipe(held))
		die("pipe");
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		hold_some();
		close(held[0]);
		if (write(held[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(held[1]);
	if (read(held[0], &c, 1) != 1)
		die("a child");
	drop_privileges();
	try_ports();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* From 82 on they are anybody's. */
static void less_privileged(void)
{
	network();
	try_port("0.0.0.0", 83);
	set_sysctl("ip_unprivileged_port_start", "82");
	hold_some();
	drop_privileges();
	try_ports();
	try_port("0.0.0.0", 83);
}

SCENARIOS({ "still", still }, { "added_and_removed", added_and_removed },
	  { "added_once_more", added_once_more }, { "freely", freely },
	  { "nonlocal", nonlocal }, { "on_device", on_device },
	  { "no_device", no_device }, { "privileged", privileged },
	  { "privileged_elsewhere", privileged_elsewhere },
	  { "less_privileged", less_privileged })
