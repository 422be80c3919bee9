// SPDX-License-Identifier: MIT
/*
 * test_security.c - socket/security.c: who is asked, in which order, and what a refusal
 * becomes.
 */
#include "lib/env.h"
#include "socket/security.h"
#include "unit/helpers.h"

static struct module mod = { .name = "mine" }, other = { .name = "another" };
static char asked[200];
static int answer;

static void note(const char *who)
{
	strcat(asked, who);
}

static int create_a(int family, int type, int protocol, int kern)
{
	cr_expect(kern == 0 && family == PF_INET && type == SOCK_COP &&
		  protocol == IPPROTO_COP);
	note("create_a ");
	return 0;
}

static int create_b(int family, int type, int protocol, int kern)
{
	(void)family, (void)type, (void)protocol, (void)kern;
	note("create_b ");
	return answer;
}

static int post_create(struct socket *sock, int family, int type, int protocol,
		       int kern)
{
	cr_expect(kern == 0 && sock->sk->sk_family == family &&
		  sock->type == type && protocol == IPPROTO_COP);
	note("post_create ");
	return answer;
}

static int name(struct socket *sock, struct sockaddr *address, int addrlen)
{
	(void)sock;
	note(address->sa_family == AF_INET && addrlen == 16 ? "name " : "? ");
	return answer;
}

static struct security_hook_list first[] = {
	LSM_HOOK_INIT(socket_create, create_a),
	LSM_HOOK_INIT(socket_post_create, post_create),
	LSM_HOOK_INIT(socket_bind, name),
	LSM_HOOK_INIT(socket_connect, name),
};

static struct security_hook_list second[] = {
	LSM_HOOK_INIT(socket_create, create_b),
	LSM_HOOK_INIT(socket_create, create_a),
};

TestSuite(security, .init = t_init, .timeout = 20);

static int ask_create(void)
{
	asked[0] = '\0';
	return security_socket_create(PF_INET, SOCK_COP, IPPROTO_COP, 0);
}

static void add_both(void)
{
	cr_assert(zero(int, security_add_hooks(first, 4, "first", &mod)));
	cr_assert(zero(int, security_add_hooks(second, 2, "second", &other)));
}

Test(security, without_a_policy_nobody_is_asked)
{
	for (int i = 0; i < SECURITY_HOOKS; i++)
		cr_expect(not(security_has(i)));
	cr_expect(zero(int, ask_create()));
}

Test(security, all_are_asked_in_the_order_of_registration)
{
	add_both();
	cr_expect(zero(int, ask_create()));
	cr_expect(eq(str, asked, "create_a create_b create_a "));
}

Test(security, the_first_refusal_ends_the_questions)
{
	add_both();
	answer = -EXDEV;
	cr_expect(eq(int, ask_create(), -EXDEV));
	cr_expect(eq(str, asked, "create_a create_b "));
}

Test(security, the_hooks_of_a_module_go_and_the_others_stay)
{
	add_both();
	security_drop_hooks(&mod);
	cr_expect(zero(int, ask_create()));
	cr_expect(eq(str, asked, "create_b create_a "));
	cr_expect(not(security_has(SECURITY_socket_bind)));
	security_drop_hooks(&other);
	cr_expect(not(security_has(SECURITY_socket_create)));
	add_both();
	cr_expect(zero(int, ask_create()));
	cr_expect(eq(str, asked, "create_a create_b create_a "));
}

Test(security, a_hook_is_registered_once)
{
	add_both();
	cr_expect(
		eq(int, security_add_hooks(second, 2, "again", &mod), -EEXIST));
	cr_expect(zero(int, ask_create()));
	cr_expect(eq(str, asked, "create_a create_b create_a "));
}

Test(security, a_wrong_hook_is_einval_and_none_is_registered)
{
	struct security_hook_list bad[] = {
		LSM_HOOK_INIT(socket_create, create_a),
		LSM_HOOK_INIT(socket_bind, NULL),
	};

	cr_expect(eq(int, security_add_hooks(bad, 2, "bad", &mod), -EINVAL));
	bad[1] = bad[0];
	bad[1].head = SECURITY_HOOKS;
	cr_expect(eq(int, security_add_hooks(bad, 2, "bad", &mod), -EINVAL));
	cr_expect(not(security_has(SECURITY_socket_create)));
}

/* Results that no program can get, and two that speak of the descriptor. */
static const int odd[] = { 1, INT_MAX, INT_MIN, -4096, -EBADF, -ENOTSOCK };

Test(security, an_answer_that_is_no_errno_of_a_policy_is_eacces)
{
	add_both();
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		answer = odd[i];
		cr_expect(eq(int, ask_create(), -EACCES), "%d", odd[i]);
	}
	answer = -4095;
	cr_expect(eq(int, ask_create(), -4095));
}

Test(security, bind_and_connect_pass_the_address)
{
	struct sockaddr_in at = t_addr(LOOPBACK, 9);
	struct socket *sock = t_sock(t_open());

	add_both();
	asked[0] = '\0';
	answer = -EPERM;
	cr_expect(eq(int, security_socket_bind(sock, (void *)&at, 16), -EPERM));
	cr_expect(eq(int, security_socket_connect(sock, (void *)&at, 16),
		     -EPERM));
	cr_expect(eq(str, asked, "name name "));
}

/* ---- sock_create() --------------------------------------------------------- */

static int create(struct socket **sock)
{
	asked[0] = '\0';
	return sock_create(PF_INET, SOCK_COP, IPPROTO_COP, sock);
}

Test(security, sock_create_asks_before_and_behind)
{
	struct socket *sock;

	cr_assert(zero(int, security_add_hooks(first, 4, "first", &mod)));
	cr_assert(zero(int, create(&sock)));
	cr_expect(eq(str, asked, "create_a post_create "));
	fd_drop(sock);
	cr_assert(zero(int, sock_create_allowed(PF_INET, SOCK_COP, IPPROTO_COP,
						&sock)));
	cr_expect(eq(str, asked, "create_a post_create post_create "));
	fd_drop(sock);
}

Test(security, a_socket_that_is_refused_behind_its_creation_is_freed)
{
	struct socket *sock = NULL, *again;
	struct sock *sk;

	cr_assert(zero(int, create(&sock)));
	sk = sock->sk;
	fd_drop(sock);
	cr_assert(zero(int, security_add_hooks(first, 4, "first", &mod)));
	answer = -EPERM;
	cr_expect(eq(int, create(&again), -EPERM));
	answer = 0;
	cr_assert(zero(int, create(&again)));
	cr_expect(eq(ptr, again, sock), "the same memory is free again");
	cr_expect(eq(ptr, again->sk, sk));
	fd_drop(again);
}

Test(security, a_family_that_is_not_registered_is_refused_behind_the_policy)
{
	struct socket *sock;

	add_both();
	answer = -EPERM;
	asked[0] = '\0';
	security_drop_hooks(&mod);
	cr_expect(eq(int, sock_create(44, 1, 1, &sock), -EPERM));
	answer = 0;
	security_drop_hooks(&other);
	cr_expect(eq(int, sock_create(44, 1, 1, &sock), -EAFNOSUPPORT));
}

Test(security, a_socket_that_came_from_elsewhere_asks_nobody)
{
	int fd = t_open_bound();

	add_both();
	asked[0] = '\0';
	answer = -EPERM;
	cr_assert(ne(ptr, t_taken_over(fd), NULL));
	cr_expect(eq(str, asked, ""));
}
