// SPDX-License-Identifier: MIT
/*
 * test_kernel.c - inet/kernel.c: a module reaches the library through its table.
 */
#include "cop_port.h"
#include "inet/kernel.h"
#include "port/port_crowd.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "port/range.h"
#include "socket/module.h"
#include "socket/security.h"
#include "unit/helpers.h"

/* Here they are members of the public struct cop_inet_info. */
#undef inet_num
#undef inet_rcv_saddr
#undef inet_daddr

static int result;
static void (*in_init)(void);

static int begun(void)
{
	if (in_init)
		in_init();
	return result;
}

static struct module mod = { .name = "test", .init = begun };
static const struct cop_kernel *kernel;

static void setup(void)
{
	t_init();
	cr_assert(zero(int, module_begin(&mod)));
	kernel = mod.kernel;
	cop_port_refresh();
}

TestSuite(inet_kernel, .init = setup, .timeout = 20);

Test(inet_kernel, inet_sk_shows_addresses_and_ports)
{
	int fd = t_open_bound();
	struct cop_inet_info info;

	kernel->inet_info(t_sk(fd), &info);
	cr_expect(eq(uint, info.inet_num, t_port(fd)));
	cr_expect(eq(uint, ntohs(info.inet_sport), t_port(fd)));
	cr_expect(eq(uint, info.inet_rcv_saddr.in.sin_addr.s_addr,
		     htonl(INADDR_LOOPBACK)));
	cr_expect(eq(uint, info.inet_daddr.family, AF_UNSPEC));
	cr_assert(zero(int, t_connect(fd, LOOPBACK, 9)));
	kernel->inet_info(t_sk(fd), &info);
	cr_expect(eq(uint, info.inet_daddr.family, AF_INET));
	cr_expect(eq(uint, info.inet_daddr.in.sin_port, htons(9)));
}

Test(inet_kernel, a_module_learns_that_the_process_is_confined)
{
	cr_expect(not(kernel->confined()));
	WRITE_ONCE(cop_is_confined, true);
	cr_expect(kernel->confined());
	WRITE_ONCE(cop_is_confined, false);
}

Test(inet_kernel, a_port_is_claimed_once_in_all_transports)
{
	int fd = t_open_bound();
	uint16_t snum = t_port(fd), other = snum ^ 1;

	cr_expect(not(kernel->claim_port(0)));
	cr_expect(kernel->port_is_held(snum));
	cr_expect(not(kernel->claim_port(snum)));
	cr_expect(not(kernel->port_is_held(other)));
	cr_expect(kernel->claim_port(other));
	cr_expect(eq(uint, kernel->queue_length(other), 1));
	cr_expect(not(cop_port_claim(&cop_port_table, other)));
	kernel->release_port(other);
	cr_expect(zero(uint, kernel->queue_length(other)));
	cr_expect(not(kernel->port_is_held(other)));
}

static bool is_allowed(uint16_t snum)
{
	return *port_word(&cop_port_table.allowed, snum) & port_mask(snum);
}

Test(inet_kernel, the_next_ports_of_all_queues_are_those_of_the_range)
{
	unsigned int found = 0, allowed = 0;
	uint16_t last;

	for (unsigned int q = 0; q < INET_PORT_QUEUES; q++) {
		last = 0;
		for (uint16_t p = 0; (p = kernel->next_port(q, p)); found++) {
			cr_assert(gt(uint, p, last));
			cr_assert(eq(uint, p % INET_PORT_QUEUES, q));
			cr_assert(is_allowed(p));
			last = p;
		}
		for (int w = 0; w < COP_QUEUE_WORDS; w++)
			allowed += __builtin_popcountll(
				cop_port_table.allowed.word[q][w]);
	}
	cr_assert(gt(uint, found, 0));
	cr_assert(eq(uint, found, allowed));
	cr_assert(zero(uint, kernel->next_port(127, 65535)));
}

static void say_all(void)
{
	kernel->log(COP_LOG_INFO, "number %d", 17);
	kernel->log(COP_LOG_DEBUG, "a detail");
}

Test(inet_kernel, messages_follow_COP_DEBUG)
{
	char text[1024];

	t_stderr(say_all, text, sizeof(text));
	cr_expect(eq(str, text, ""));
	cop_env.debug = COP_DEBUG_FAULTS;
	t_stderr(say_all, text, sizeof(text));
	cr_expect(ne(ptr, strstr(text, ": number 17\n"), NULL));
	cr_expect(zero(ptr, strstr(text, "detail")));
	cop_env.debug = COP_DEBUG_DECISIONS;
	t_stderr(say_all, text, sizeof(text));
	cr_expect(ne(ptr, strstr(text, "a detail"), NULL));
}

/* ---- references ----------------------------------------------------------- */

static struct proto owned = { .name = "OWNED", .owner = &mod };
static struct inet_protosw owned_sw = { .type = 9, .protocol = 1 };

Test(inet_kernel, each_sock_holds_a_reference_of_its_module)
{
	int a, b;

	owned_sw.prot = &owned;
	cr_assert(eq(int, kernel->inet_register_protosw(&owned_sw), -EINVAL),
		  "the transport is not registered yet");
	cr_assert(zero(int, kernel->proto_register(&owned)));
	cr_assert(zero(int, kernel->inet_register_protosw(&owned_sw)));
	a = t_open_type(9);
	b = t_open_type(9);
	cr_expect(eq(int, mod.refcnt, 2));
	t_close(a);
	cr_expect(eq(int, mod.refcnt, 1));
	t_close(b);
	cr_expect(zero(int, mod.refcnt));
}

Test(inet_kernel, an_unregistered_transport_serves_its_sockets_and_no_new_one)
{
	struct socket *sock;
	int a;

	owned_sw.prot = &owned;
	cr_assert(zero(int, kernel->proto_register(&owned)));
	cr_assert(zero(int, kernel->inet_register_protosw(&owned_sw)));
	a = t_open_type(9);
	kernel->inet_unregister_protosw(&owned_sw);
	kernel->proto_unregister(&owned);
	cr_expect(eq(int, sock_create(PF_INET, 9, 1, &sock), -ESOCKTNOSUPPORT));
	cr_expect(zero(ptr, sk_alloc(PF_INET, &owned)));
	cr_expect(zero(int, t_bind(a, LOOPBACK, 0)));
	cr_expect(ne(uint, t_port(a), 0));
	t_close(a);
	cr_expect(zero(int, mod.refcnt));
	cr_assert(zero(int, kernel->proto_register(&owned)));
	cr_assert(zero(int, kernel->inet_register_protosw(&owned_sw)));
	t_close(t_open_type(9));
}

/* ---- own rules for ports -------------------------------------------------- */

static uint16_t asked[4];
static int n_asked, answer;

static int rule(struct sock *sk, uint16_t snum)
{
	(void)sk;
	asked[n_asked++] = snum;
	if (answer > 0)
		return kernel->claim_port(answer) ? answer : -EADDRINUSE;
	return answer;
}

static int ruled(void)
{
	owned.get_port = rule;
	owned_sw.prot = &owned;
	cr_assert(zero(int, kernel->proto_register(&owned)));
	cr_assert(zero(int, kernel->inet_register_protosw(&owned_sw)));
	return t_open_type(9);
}

Test(inet_kernel, the_rule_of_a_transport_chooses_the_port_of_a_bind)
{
	int fd = ruled();

	answer = kernel->next_port(5, 40000);
	cr_assert(zero(int, t_bind(fd, LOOPBACK, 0)));
	cr_expect(eq(uint, t_port(fd), answer));
	cr_expect(eq(int, n_asked, 1));
	cr_expect(zero(uint, asked[0]));
	t_close(fd);
	cr_expect(not(kernel->port_is_held(answer)), "close gives it back");
}

Test(inet_kernel, the_rule_of_a_transport_chooses_the_port_of_an_autobind)
{
	int fd = ruled();

	answer = kernel->next_port(6, 40000);
	cr_assert(zero(int, t_connect(fd, LOOPBACK, 9)));
	cr_expect(eq(uint, t_port(fd), answer));
}

/* More than a bind tries by default; fewer than make a crowd for other tests. */
#define HELD 10

/* The lowest free port of a queue. */
static int lowest(struct sock *sk, uint16_t snum)
{
	uint16_t p = 0;

	(void)sk;
	if (snum)
		return kernel->claim_port(snum) ? snum : -EADDRINUSE;
	while ((p = kernel->next_port(5, p)))
		if (kernel->claim_port(p))
			return p;
	return -EADDRINUSE;
}

Test(inet_kernel, the_rule_meets_each_port_of_another_process_once)
{
	uint16_t p = 0, first;
	int fd;

	owned_sw.prot = &owned;
	owned.get_port = lowest;
	cr_assert(zero(int, kernel->proto_register(&owned)));
	cr_assert(zero(int, kernel->inet_register_protosw(&owned_sw)));
	for (int i = 0; i < HELD; i++) {
		struct sockaddr_in at;

		p = kernel->next_port(5, p);
		at = t_addr(LOOPBACK, p);
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		cr_assert(zero(int,
			       bind(fd, (struct sockaddr *)&at, sizeof(at))));
	}
	first = kernel->next_port(5, p);
	fd = t_open_type(9);
	cr_assert(zero(int, t_bind(fd, LOOPBACK, 0)));
	cr_expect(eq(uint, t_port(fd), first), "the kernel has not chosen");
	fd = t_open_type(9);
	cr_assert(zero(int, t_bind(fd, LOOPBACK, 0)));
	cr_expect(eq(uint, t_port(fd), kernel->next_port(5, first)));
}

/* Another process closes a socket: its port is free for the rule in the next second. */
Test(inet_kernel, a_port_that_another_process_gave_back_is_found_again)
{
	struct sockaddr_in at = t_addr(LOOPBACK, kernel->next_port(7, 0));
	int other = socket(AF_INET, SOCK_DGRAM, 0);
	uint16_t snum = ntohs(at.sin_port);

	cr_assert(zero(int, bind(other, (struct sockaddr *)&at, sizeof(at))));
	cop_port_crowd_collision(snum);
	cr_expect(kernel->port_is_held(snum));
	cop_port_forget_foreign();
	cr_expect(not(kernel->claim_port(snum)), "the kernel still has it");
	close(other);
	cr_expect(not(kernel->claim_port(snum)), "asked once in a second");
	cop_port_forget_foreign();
	cr_expect(kernel->claim_port(snum));
	kernel->release_port(snum);
}

Test(inet_kernel, a_bind_by_number_asks_the_kernel_whatever_collided)
{
	int fd;

	answer = kernel->next_port(8, 0);
	cop_port_crowd_collision(answer);
	fd = ruled();
	cr_expect(zero(int, t_bind(fd, LOOPBACK, answer)));
}

static int hashed, unhashed;

static void count_hash(struct sock *sk)
{
	struct cop_inet_info info;

	kernel->inet_info(sk, &info);
	cr_expect(ne(uint, info.inet_num, 0));
	hashed++;
}

static void count_unhash(struct sock *sk)
{
	struct cop_inet_info info;

	kernel->inet_info(sk, &info);
	unhashed += info.inet_num != 0;
	kernel->datagram->unhash(sk);
}

static int counted(void)
{
	owned.hash = count_hash;
	owned.unhash = count_unhash;
	owned_sw.prot = &owned;
	cr_assert(zero(int, kernel->proto_register(&owned)));
	cr_assert(zero(int, kernel->inet_register_protosw(&owned_sw)));
	return t_open_type(9);
}

static void expect_counts(int with, int without)
{
	cr_expect(eq(int, hashed, with));
	cr_expect(eq(int, unhashed, without));
}

Test(inet_kernel, hash_and_unhash_are_called_as_ports_come_and_go)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	int fd = counted();

	expect_counts(0, 0);
	cr_assert(zero(int, t_bind(fd, LOOPBACK, 0)));
	expect_counts(1, 0);
	t_close(fd);
	expect_counts(1, 1);
	fd = t_open_type(9);
	cr_assert(zero(int, t_connect(fd, LOOPBACK, 9)));
	expect_counts(2, 1);
	cr_assert(zero(int, t_sock(fd)->ops->connect(t_sock(fd), fd, &none,
						     sizeof(none))));
	expect_counts(2, 2);
	t_close(fd);
	expect_counts(2, 2);
}

/* Other processes have many ports, so the kernel chooses. */
Test(inet_kernel, hash_is_called_for_a_port_that_the_kernel_chose)
{
	int fd = counted();

	cop_port_crowd_measure(1000, 0, 1000);
	cr_assert(zero(int, t_bind(fd, LOOPBACK, 0)));
	cr_expect(ne(uint, t_port(fd), 0));
	expect_counts(1, 0);
	t_close(fd);
	expect_counts(1, 1);
}

Test(inet_kernel, a_rule_without_a_free_port_refuses_an_autobind)
{
	int fd = ruled();

	answer = -EADDRINUSE;
	cr_expect(eq(int, t_connect(fd, LOOPBACK, 9), -EAGAIN));
	cr_expect(eq(int, t_bind(fd, LOOPBACK, 0), -EADDRINUSE));
}

Test(inet_kernel, the_rule_of_a_transport_refuses_a_port_with_its_own_errno)
{
	int fd = ruled();

	answer = -EACCES;
	cr_expect(eq(int, t_bind(fd, LOOPBACK, 40001), -EACCES));
	cr_expect(eq(uint, asked[0], 40001));
	cr_expect(eq(int, t_bind(fd, NOT_LOCAL, 40001), -EADDRNOTAVAIL),
		  "the kernel's faults come first");
	cr_expect(eq(int, t_bind(fd, LOOPBACK, 0), -EACCES));
	answer = 40001;
	cr_expect(zero(int, t_bind(fd, LOOPBACK, 40001)));
	cr_expect(eq(uint, t_port(fd), 40001));
}

/* ---- a module whose init fails --------------------------------------------- */

static struct proto unowned = { .name = "UNOWNED" };
static struct inet_protosw unowned_sw = {
	.type = 9,
	.protocol = 1,
	.prot = &unowned,
	.flags = INET_PROTOSW_PERMANENT,
};
static const struct net_proto_family family = { .family = 44 };

static int refuses(struct socket *sock, struct sockaddr *address, int addrlen)
{
	(void)sock, (void)address, (void)addrlen;
	return -EPERM;
}

static struct security_hook_list hook[] = { LSM_HOOK_INIT(socket_bind,
							  refuses) };

static void register_all(void)
{
	cr_assert(zero(int, kernel->proto_register(&unowned)));
	cr_assert(zero(int, kernel->inet_register_protosw(&unowned_sw)));
	cr_assert(zero(int, kernel->sock_register(&family)));
	cr_assert(zero(int, kernel->security_add_hooks(hook, 1, "h", &mod)));
}

Test(inet_kernel, what_an_init_that_fails_has_registered_is_gone)
{
	struct socket *sock;

	in_init = register_all;
	result = -EXDEV;
	cr_assert(eq(int, module_begin(&mod), -EXDEV));
	cr_expect(eq(int, sock_create(PF_INET, 9, 1, &sock), -ESOCKTNOSUPPORT));
	cr_expect(not(sock_is_ours(44, 1, 1)));
	cr_expect(not(security_has(SECURITY_socket_bind)));
	cr_expect(not(kernel->try_module_get(&mod)));
}

Test(inet_kernel, what_an_init_has_registered_stays)
{
	in_init = register_all;
	cr_assert(zero(int, module_begin(&mod)));
	cr_expect(sock_is_ours(44, 1, 1));
	cr_expect(security_has(SECURITY_socket_bind));
	t_close(t_open_type(9));
	cr_expect(eq(ptr, unowned.owner, &mod), "so a sock holds the module");
}

Test(inet_kernel, socket_info_shows_the_kind_of_a_socket)
{
	struct cop_socket_info info;
	int fd = t_open_adopted();

	kernel->socket_info(t_sock(fd), &info);
	cr_expect(eq(ptr, info.sk, t_sk(fd)));
	cr_expect(eq(int, info.family, PF_INET));
	cr_expect(eq(int, info.type, SOCK_DGRAM));
	cr_expect(eq(int, info.protocol, IPPROTO_UDP));
}
