// SPDX-License-Identifier: MIT
/*
 * rights.c - sockets that are sent to another process in a message, or to
 * oneself. The other process is this program run again, with the library and
 * without a socket of its own: "<program> udp|cop|adopted <scenario> <port of A>
 * <port of B>".
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "raw.h"

#define FD_LINK 40  /* where the other process finds its end */
#define FDS_MAX 253 /* SCM_MAX_FD */
#define PASSES	1000

static const char *self;
static int ours = -1; /* this process's end */

/* ---- messages with descriptors ----------------------------------------- */

static char control[CMSG_SPACE(FDS_MAX * sizeof(int))];
static char data[16];
static struct iovec iov = { data, sizeof(data) };

static struct msghdr message(const int *fds, int n)
{
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *cmsg;

	memset(control, 0, sizeof(control));
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	return msg;
}

static struct msghdr room_for(int n)
{
	return (struct msghdr){ .msg_iov = &iov,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
}

/* Returns how many descriptors came. */
static int received(struct msghdr *msg, int *fds)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	int n;

	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(cmsg), n * sizeof(int));
	return n;
}

static ssize_t send_fds(int to, const int *fds, int n)
{
	struct msghdr msg = message(fds, n);

	return sendmsg(to, &msg, 0);
}

static ssize_t send_fd(int to, int fd)
{
	return send_fds(to, &fd, 1);
}

/* While the other process prints, this one does not. */
#define MUST(expr)                  \
	do {                        \
		if ((expr) <= 0)    \
			die(#expr); \
	} while (0)

static int receive_fds(int link, int *fds, int n, int flags)
{
	struct msghdr msg = room_for(n);

	if (recvmsg(link, &msg, flags) < 0)
		return -1;
	return received(&msg, fds);
}

static int receive_fd(int link)
{
	int fd = -1;

	receive_fds(link, &fd, 1, 0);
	return fd;
}

/* ---- the other process ------------------------------------------------- */

static pid_t other;

static void make_link(int *one, int *two)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		die("socketpair");
	*one = fds[0];
	*two = fds[1];
}

/* Runs this program; what is not its link is closed in it. */
static void run_other(const char *scenario)
{
	char port_a[8], port_b[8];
	int theirs;

	make_link(&ours, &theirs);
	snprintf(port_a, sizeof(port_a), "%d", ntohs(addr_a.sin_port));
	snprintf(port_b, sizeof(port_b), "%d", ntohs(addr_b.sin_port));
	fcntl(sock_a, F_SETFD, FD_CLOEXEC);
	fcntl(sock_b, F_SETFD, FD_CLOEXEC);
	fflush(stdout);
	other = fork();
	if (!other) {
		dup2(theirs, FD_LINK);
		execl(self, self, kind, scenario, port_a, port_b, NULL);
		die(self);
	}
	close(theirs);
}

static void wait_other(void)
{
	int status = -1;

	close(ours);
	waitpid(other, &status, 0);
	printf("status %d\n", status);
}

static void know_port(char name, const char *port, struct sockaddr_in *addr)
{
	*addr = addr_of("127.0.0.1", atoi(port));
	known[name - 'A'] = (struct known){ name, addr->sin_port };
}

/* A word to the other side, that something is done. */
static void done(int link)
{
	fflush(stdout);
	send(link, "x", 1, MSG_NOSIGNAL);
}

static void wait_done(int link)
{
	char c;

	recv(link, &c, 1, 0);
}

static void is_a(int fd, int b)
{
	show_pair(fd, b);
	show_name(fd);
}

/* ---- what is sent, and arrives ----------------------------------------- */

/* Both are sent one by one, used and closed; the sender closes them first. */
static void other_uses(void)
{
	int a = receive_fd(FD_LINK), b = receive_fd(FD_LINK);

	wait_done(FD_LINK);
	is_a(a, b);
	T(freed());
	T(close(a));
	T(freed());
	T(fcntl(a, F_GETFD));
	done(FD_LINK);
}

static void sends_two(void)
{
	make_pair();
	run_other("other_uses");
	T(send_fd(ours, sock_a));
	T(send_fd(ours, sock_b));
	is_a(sock_a, sock_b);
	T(close(sock_a));
	T(freed());
	done(ours);
	wait_done(ours);
	T(freed());
	wait_other();
}

/* In states that are not seen on the outside. */
static void other_disconnects(void)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int fd;

	while ((fd = receive_fd(FD_LINK)) >= 0) {
		T(of_the_kind(fd));
		show_name(fd);
		show_peer(fd);
		T(connect(fd, SA(&addr_b), sizeof(addr_b)));
		T(connect(fd, &none, sizeof(none)));
		show_name(fd);
		T(bind(fd, SA(&addr_a), sizeof(addr_a)));
		close(fd);
		done(FD_LINK);
	}
}

static int explicit(void)
{
	struct sockaddr_in addr = addr_a;
	int fd = sock();

	close(sock_a);
	T(bind(fd, SA(&addr), sizeof(addr)));
	return fd;
}

static int connected(void)
{
	int fd = sock();

	connect_to(fd, &addr_b);
	return fd;
}

static void pass_and_wait(int fd)
{
	MUST(send_fd(ours, fd));
	wait_done(ours);
}

static void sends_states(void)
{
	make_pair();
	run_other("other_disconnects");
	pass_and_wait(sock());
	pass_and_wait(connected());
	pass_and_wait(explicit());
	wait_other();
}

/* Plain ones at any place among them. */
static void other_sorts(void)
{
	int fds[FDS_MAX], n = receive_fds(FD_LINK, fds, FDS_MAX, 0);
	int kinds = 0, files = 0, zeros = 0;

	T(n);
	for (int i = 0; i < n; i++) {
		char c = 'c';

		if (of_the_kind(fds[i])) {
			kinds++;
			continue;
		}
		files += write(fds[i], "x", 1) == 1;
		zeros += read(fds[i], &c, 1) == 1 && !c;
	}
	T(kinds);
	T(files);
	T(zeros);
	T(of_the_kind(fds[0]));
	T(of_the_kind(fds[100]));
	T(of_the_kind(fds[252]));
	is_a(fds[0], fds[100]);
	is_a(fds[252], fds[100]);
}

static void sends_253(void)
{
	int fds[FDS_MAX], zero = open("/dev/zero", O_RDWR);

	make_pair();
	run_other("other_sorts");
	for (int i = 0; i < FDS_MAX; i++)
		fds[i] = zero;
	fds[0] = fds[252] = sock_a;
	fds[100] = sock_b;
	MUST(send_fds(ours, fds, FDS_MAX));
	wait_other();
	T(send_fds(ours, fds, FDS_MAX));
}

/* ---- flags ------------------------------------------------------------- */

/* A look leaves the message there, and makes descriptors each time. */
static void other_peeks(void)
{
	int fds[3] = { -1, -1, -1 };

	T(receive_fds(FD_LINK, &fds[0], 1, MSG_PEEK));
	T(receive_fds(FD_LINK, &fds[1], 1, MSG_PEEK | MSG_CMSG_CLOEXEC));
	T(receive_fds(FD_LINK, &fds[2], 1, 0));
	T(fcntl(fds[0], F_GETFD));
	T(fcntl(fds[1], F_GETFD));
	T(fcntl(fds[2], F_GETFD));
	wait_done(FD_LINK);
	for (int i = 0; i < 3; i++) {
		T(of_the_kind(fds[i]));
		show_name(fds[i]);
		T(freed());
		T(close(fds[i]));
	}
	T(freed());
}

static void sends_to_peek(void)
{
	make_pair();
	run_other("other_peeks");
	MUST(send_fd(ours, sock_a));
	close(sock_a);
	done(ours);
	wait_other();
}

/* With room for two of three, and for none. */
static void other_cuts(void)
{
	int fds[4] = { -1, -1, -1, -1 };
	struct msghdr msg = room_for(2);

	T(count_fds());
	msg.msg_controllen = CMSG_LEN(2 * sizeof(int));
	T(recvmsg(FD_LINK, &msg, 0));
	T(msg.msg_flags & MSG_CTRUNC);
	T(received(&msg, fds));
	T(count_fds());
	is_a(fds[0], fds[1]);
	msg = room_for(1);
	msg.msg_controllen = CMSG_LEN(0);
	T(recvmsg(FD_LINK, &msg, 0));
	T(msg.msg_flags & MSG_CTRUNC);
	msg = room_for(1);
	msg.msg_control = NULL;
	msg.msg_controllen = 0;
	T(recvmsg(FD_LINK, &msg, 0));
	T(msg.msg_flags & MSG_CTRUNC);
	T(recv(FD_LINK, data, sizeof(data), 0));
	T(count_fds());
	T(close(fds[0]));
	T(close(fds[1]));
}

static void sends_too_many(void)
{
	int fds[3];

	make_pair();
	run_other("other_cuts");
	fds[0] = sock_a;
	fds[1] = sock_b;
	fds[2] = sock_a;
	for (int i = 0; i < 4; i++)
		MUST(send_fds(ours, fds, 3));
	wait_other();
}

/* ---- other calls ------------------------------------------------------- */

static void other_mmsg(void)
{
	struct mmsghdr vec[3];
	static char controls[3][CMSG_SPACE(sizeof(int))];
	int fds[3];

	for (int i = 0; i < 3; i++) {
		vec[i] = (struct mmsghdr){ .msg_hdr = room_for(1) };
		vec[i].msg_hdr.msg_control = controls[i];
	}
	T(recvmmsg(FD_LINK, vec, 3, 0, NULL));
	for (int i = 0; i < 3; i++)
		T(received(&vec[i].msg_hdr, &fds[i]));
	is_a(fds[0], fds[1]);
	is_a(fds[2], fds[1]);
	done(FD_LINK);
}

static void sends_mmsg(void)
{
	static char controls[3][CMSG_SPACE(sizeof(int))];
	struct mmsghdr vec[3];
	int fds[3];

	make_pair();
	fds[0] = fds[2] = sock_a;
	fds[1] = sock_b;
	for (int i = 0; i < 3; i++) {
		vec[i] = (struct mmsghdr){ .msg_hdr = message(&fds[i], 1) };
		memcpy(controls[i], control, sizeof(controls[i]));
		vec[i].msg_hdr.msg_control = controls[i];
	}
	run_other("other_mmsg");
	MUST(sendmmsg(ours, vec, 3, 0));
	wait_done(ours);
	wait_other();
}

/* Of more messages than the kernel sends in one call it marks the first ones. */
static void sends_more_than_are_sent(void)
{
	static struct mmsghdr vec[1100];

	make_pair();
	vec[0].msg_hdr = message(&sock_a, 1);
	for (size_t i = 1; i < ARRAY_SIZE(vec); i++)
		vec[i].msg_hdr =
			(struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	run_other("other_takes_the_first");
	MUST(sendmmsg(ours, vec, ARRAY_SIZE(vec), MSG_DONTWAIT));
	MUST(send_fd(ours, sock_b));
	wait_other();
}

static void other_takes_the_first(void)
{
	int a = receive_fd(FD_LINK), b;

	do
		b = receive_fd(FD_LINK);
	while (b < 0);
	is_a(a, b);
}

static int receive_by_number(void)
{
	struct msghdr msg = room_for(1);
	int fd = -1;

	T(syscall(SYS_recvmsg, FD_LINK, &msg, 0));
	received(&msg, &fd);
	return fd;
}

static void other_by_number(void)
{
	struct mmsghdr vec = { .msg_hdr = room_for(1) };
	int a = receive_by_number(), b = receive_by_number(), again = -1;

	T(syscall(SYS_recvmmsg, FD_LINK, &vec, 1, 0, NULL));
	received(&vec.msg_hdr, &again);
	is_a(a, b);
	is_a(again, b);
}

static void sends_by_number(void)
{
	struct mmsghdr vec;
	struct msghdr msg;

	make_pair();
	run_other("other_by_number");
	msg = message(&sock_a, 1);
	MUST(syscall(SYS_sendmsg, ours, &msg, 0));
	msg = message(&sock_b, 1);
	MUST(syscall(SYS_sendmsg, ours, &msg, 0));
	vec = (struct mmsghdr){ .msg_hdr = message(&sock_a, 1) };
	MUST(syscall(SYS_sendmmsg, ours, &vec, 1, 0));
	wait_other();
}

/* ---- a middle man ------------------------------------------------------ */

static void other_passes_on(void)
{
	int a, b, next;

	a = receive_fd(FD_LINK);
	b = receive_fd(FD_LINK);
	wait_done(FD_LINK);
	next = receive_fd(FD_LINK);
	T(send_fd(next, a));
	T(send_fd(next, b));
	done(FD_LINK);
}

static void passes_on(void)
{
	pid_t middle;
	int end, link;

	make_pair();
	run_other("other_passes_on");
	middle = other;
	link = ours;
	T(send_fd(link, sock_a));
	T(send_fd(link, sock_b));
	run_other("other_uses");
	done(link);
	end = ours;
	MUST(send_fd(link, end));
	wait_done(link);
	close(link);
	waitpid(middle, NULL, 0);
	T(close(sock_a));
	done(end);
	wait_done(end);
	T(freed());
	wait_other();
}

/* On its way nobody has it open, and it is what it was. */
static void in_flight(void)
{
	int one, two, fd;

	make_pair();
	make_link(&one, &two);
	T(send_fd(one, sock_a));
	T(close(sock_a));
	T(freed());
	T(sendto(sock_b, "to A", 4, 0, SA(&addr_a), sizeof(addr_a)));
	T(fd = receive_fd(two));
	R(recvfrom(fd, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	is_a(fd, sock_b);
	T(close(fd));
	T(freed());
}

/* ---- to oneself -------------------------------------------------------- */

static void to_oneself(void)
{
	int one, two, again, third;

	make_pair();
	make_link(&one, &two);
	T(send_fd(one, sock_a));
	T(again = receive_fd(two));
	is_a(again, sock_b);
	T(send_fd(one, again));
	T(third = receive_fd(two));
	T(close(sock_a));
	T(freed());
	T(close(third));
	T(freed());
	is_a(again, sock_b);
	T(close(again));
	T(freed());
}

/* A number that was a socket's is what came under it. */
static void number_of_another(void)
{
	int one, two, fd, zero = open("/dev/zero", O_RDWR);

	make_pair();
	make_link(&one, &two);
	T(send_fd(one, zero));
	T(close(sock_a));
	T(fd = receive_fd(two));
	R(read(fd, buf, 1));
	T(recv(fd, buf, 1, 0));
	T(send_fd(one, sock_b));
	T(dup2(fd, sock_b) == sock_b);
	T(close(fd));
	T(fd = receive_fd(two));
	T(of_the_kind(fd));
	T(of_the_kind(sock_b));
	show_name(fd);
}

/* ---- nothing is left --------------------------------------------------- */

static void other_many(void)
{
	int wrong = 0, before;

	wait_done(FD_LINK);
	before = count_fds();
	for (int i = 0; i < PASSES; i++) {
		int fd = receive_fd(FD_LINK);

		wrong += !of_the_kind(fd);
		close(fd);
		send(FD_LINK, "x", 1, 0);
	}
	printf("%d wrong, %d more\n", wrong, count_fds() - before);
}

static void sends_many(void)
{
	int before;

	make_pair();
	run_other("other_many");
	before = count_fds();
	done(ours);
	for (int i = 0; i < PASSES; i++) {
		send_fd(ours, i % 2 ? sock_a : sock_b);
		wait_done(ours);
	}
	before = count_fds() - before;
	wait_other();
	printf("%d more\n", before);
	is_a(sock_a, sock_b);
	T(close(sock_a));
	T(freed());
}

static void many_to_oneself(void)
{
	int one, two, before, wrong = 0;

	make_pair();
	make_link(&one, &two);
	before = count_fds();
	for (int i = 0; i < PASSES; i++) {
		int fd;

		send_fd(one, sock_a);
		fd = receive_fd(two);
		wrong += !of_the_kind(fd);
		close(i % 2 ? fd : sock_a);
		sock_a = i % 2 ? sock_a : fd;
	}
	printf("%d wrong, %d more\n", wrong, count_fds() - before);
	is_a(sock_a, sock_b);
	T(close(sock_a));
	T(freed());
}

/* ---- what fails -------------------------------------------------------- */

static void failing(void)
{
	void *hole =
		mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int one, two, fds[2], null = open("/dev/null", O_RDWR);
	struct msghdr msg;

	make_pair();
	make_link(&one, &two);
	fds[0] = sock_a;
	fds[1] = 999;
	T(send_fds(one, fds, 2));
	T(send_fd(-1, sock_a));
	T(send_fd(900, sock_a));
	msg = message(fds, 1);
	msg.msg_controllen = 3;
	T(sendmsg(one, &msg, 0));
	msg = message(fds, 1);
	msg.msg_control = BAD_PTR;
	T(sendmsg(one, &msg, 0));
	msg = message(fds, 1);
	CMSG_FIRSTHDR(&msg)->cmsg_len = 1;
	T(sendmsg(one, &msg, 0));
	msg = message(fds, 1);
	CMSG_FIRSTHDR(&msg)->cmsg_len = 4096;
	T(sendmsg(one, &msg, 0));
	T(sendmsg(one, NULL, 0));
	T(sendmsg(one, hole, 0));
	T(sendmsg(900, hole, 0));
	T(sendmsg(null, hole, 0));
	T(sendmmsg(900, hole, 1, 0));
	T(sendmmsg(null, hole, 1, 0));
	close(two);
	signal(SIGPIPE, SIG_IGN);
	T(send_fd(one, sock_a));
	is_a(sock_a, sock_b);
}

/* What is closed unseen leaves a port, a number and all it knew behind. */
static void number_closed_unseen(void)
{
	int one, two, fd;

	make_pair();
	make_link(&one, &two);
	T(send_fd(one, sock_b));
	raw(SYS_close, sock_a, 0, 0, 0);
	T((fd = receive_fd(two)) == sock_a);
	T(freed());
	T(of_the_kind(fd));
	show_name(fd);
	T(close(sock_b));
	T(sendto(fd, "to self", 7, 0, SA(&addr_b), sizeof(addr_b)));
	R(recvfrom(fd, buf, 64, MSG_DONTWAIT, SA(&from), &fromlen));
	T(close(fd));
}

/* ---- at once ------------------------------------------------------------ */

#define RECEIVERS 6
#define AT_ONCE	  400

static int link_to, link_from, came[RECEIVERS];
static pthread_barrier_t barrier;

/* Not receive_fd(), whose buffers are for one thread. */
static void *receive_each(void *arg)
{
	char byte, room[CMSG_SPACE(sizeof(int))];
	struct iovec one = { &byte, 1 };
	struct msghdr msg;

	for (int i = 0; i < AT_ONCE; i++) {
		msg = (struct msghdr){ .msg_iov = &one,
				       .msg_iovlen = 1,
				       .msg_control = room,
				       .msg_controllen = sizeof(room) };
		pthread_barrier_wait(&barrier);
		if (recvmsg(link_from, &msg, 0) <= 0 || !received(&msg, arg))
			die("recvmsg");
		pthread_barrier_wait(&barrier);
	}
	return arg;
}

/* What is set by one descriptor is seen by all. */
static bool are_one(void)
{
	int value = 1, n = 0;
	socklen_t len = sizeof(value);

	setsockopt(came[0], SOL_SOCKET, SO_REUSEADDR, &value, len);
	for (int i = 0; i < RECEIVERS; i++) {
		getsockopt(came[i], SOL_SOCKET, SO_REUSEADDR, &value, &len);
		n += value;
	}
	return n == RECEIVERS;
}

static bool pass_at_once(void)
{
	bool good;

	sock_a = sock_at('A', "127.0.0.1");
	addr_a = name_of(sock_a);
	for (int i = 0; i < RECEIVERS; i++)
		send_fd(link_to, sock_a);
	close(sock_a);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	good = are_one() && !freed();
	for (int i = 0; i < RECEIVERS; i++)
		close(came[i]);
	return good && freed();
}

static void at_once(void)
{
	pthread_t thread[RECEIVERS];
	int good = 0;

	make_link(&link_to, &link_from);
	pthread_barrier_init(&barrier, NULL, RECEIVERS + 1);
	for (int i = 0; i < RECEIVERS; i++)
		pthread_create(&thread[i], NULL, receive_each, &came[i]);
	for (int i = 0; i < AT_ONCE; i++)
		good += pass_at_once();
	for (int i = 0; i < RECEIVERS; i++)
		pthread_join(thread[i], NULL);
	printf("%d of %d\n", good, AT_ONCE);
}

#define S(name)             \
	{                   \
#name, name \
	}

int main(int argc, char **argv)
{
	static const struct scenario all[] = {
		S(other_uses),
		S(other_disconnects),
		S(other_sorts),
		S(other_peeks),
		S(other_cuts),
		S(other_mmsg),
		S(other_by_number),
		S(other_passes_on),
		S(other_many),
		S(sends_two),
		S(sends_states),
		S(sends_253),
		S(sends_to_peek),
		S(sends_too_many),
		S(sends_more_than_are_sent),
		S(other_takes_the_first),
		S(sends_mmsg),
		S(sends_by_number),
		S(passes_on),
		S(in_flight),
		S(to_oneself),
		S(number_of_another),
		S(sends_many),
		S(many_to_oneself),
		S(failing),
		S(number_closed_unseen),
		S(at_once),
	};

	self = argv[0];
	if (argc > 4) {
		know_port('A', argv[3], &addr_a);
		know_port('B', argv[4], &addr_b);
	}
	return play(all, ARRAY_SIZE(all), argc, argv);
}
