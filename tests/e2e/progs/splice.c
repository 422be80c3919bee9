// SPDX-License-Identifier: MIT
/*
 * splice.c - sendfile() and splice() into a socket and out of one: what becomes
 * a datagram, what is refused, and what is left in the file or the pipe.
 */
#include <fcntl.h>
#include <limits.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "netns.h"

#define FILE_LEN   200000
#define SMALL_FILE 5000

static size_t largest; /* payload that a datagram holds */
static unsigned char content[FILE_LEN], got[FILE_LEN];
static int pipes[2];

static void fill_content(void)
{
	largest = largest_payload();
	for (size_t i = 0; i < FILE_LEN; i++)
		content[i] = i * 7 + i / 251;
}

/* A file with the first @len bytes of content[], at its beginning. */
static int file_of(size_t len)
{
	int fd = memfd_create("content", MFD_CLOEXEC);

	if (fd < 0 || write(fd, content, len) != (ssize_t)len)
		die("memfd");
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void new_pipe(void)
{
	if (pipes[1] > 0)
		close(pipes[1]);
	if (pipes[0] > 0)
		close(pipes[0]);
	if (pipe(pipes))
		die("pipe");
}

static void fill_pipe(size_t len)
{
	if (fcntl(pipes[1], F_GETPIPE_SZ) < (int)len &&
	    fcntl(pipes[1], F_SETPIPE_SZ, len) < 0)
		die("F_SETPIPE_SZ");
	if (write(pipes[1], content, len) != (ssize_t)len)
		die("a pipe");
}

static void show_left(void)
{
	int left = -1;

	ioctl(pipes[0], FIONREAD, &left);
	printf("  %d left in the pipe\n", left);
}

static void show_pos(int fd)
{
	printf("  file at %ld\n", (long)lseek(fd, 0, SEEK_CUR));
}

/* What B has: one datagram after the other, each from content[] on. */
static void show_datagrams(size_t at)
{
	ssize_t n;

	while ((n = recv(sock_b, got, sizeof(got), MSG_DONTWAIT)) >= 0) {
		printf("  datagram of %zd, %s\n", n,
		       memcmp(got, content + at, n) ? "other bytes"
						    : "the file's bytes");
		at += n;
	}
	printf("  then %s\n", strerrorname_np(errno));
}

/* A connected pair, A to B, and content to send. */
static void begin(void)
{
	fill_content();
	connect_pair();
	new_pipe();
}

/* ---- sendfile ----------------------------------------------------------- */

static void file_sizes(void)
{
	static const size_t sizes[] = { 0,    1,     100,   2048, 2049,
					4096, 32769, 60000, 65491 };

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		int fd = file_of(FILE_LEN);
		off_t off = 4000;

		T(sendfile(sock_a, fd, NULL, sizes[i]));
		show_pos(fd);
		show_datagrams(0);
		T(sendfile(sock_a, fd, &off, sizes[i]));
		printf("  offset %ld\n", (long)off);
		show_pos(fd);
		show_datagrams(4000);
		close(fd);
	}
}

static void file_too_large(void)
{
	static const size_t sizes[] = { 1, 29, 1000, 50000, LONG_MAX - 65536 };
	int fd;

	begin();
	fd = file_of(FILE_LEN);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		off_t off = 0;

		T(sendfile(sock_a, fd, NULL, largest + sizes[i]));
		show_pos(fd);
		T(sendfile(sock_a, fd, &off, largest + sizes[i]));
		printf("  offset %ld\n", (long)off);
	}
	show_datagrams(0);
	T(sendfile(sock_a, fd, NULL, largest) == (ssize_t)largest);
	T(recv(sock_b, got, sizeof(got), 0) == (ssize_t)largest);
	T(lseek(fd, 0, SEEK_CUR) == (off_t)largest);
}

static void file_ends(void)
{
	off_t off = 4990;
	int fd;

	begin();
	fd = file_of(SMALL_FILE);
	T(sendfile(sock_a, fd, NULL, 10000));
	show_pos(fd);
	show_datagrams(0);
	T(sendfile(sock_a, fd, NULL, 10000));
	show_pos(fd);
	T(sendfile(sock_a, fd, &off, SSIZE_MAX));
	T(off);
	show_datagrams(4990);
	T(sendfile(sock_a, fd, &off, 10));
	off = 10000;
	T(sendfile(sock_a, fd, &off, 10));
	T(off);
	show_datagrams(0);
}

static void file_refused(void)
{
	off_t off = 0, negative = -1, huge = LONG_MAX;
	int fd, dir = open("/", O_RDONLY), wr = open("/dev/null", O_WRONLY);
	int counter = eventfd(3, EFD_NONBLOCK),
	    disk = open("/proc/self/exe", 0);

	begin();
	fd = file_of(SMALL_FILE);
	fill_pipe(10);
	T(sendfile(sock_a, -1, NULL, 5));
	T(sendfile(sock_a, 900, NULL, 0));
	T(sendfile(sock_a, wr, NULL, 5));
	T(sendfile(sock_a, dir, NULL, 5));
	T(sendfile(sock_a, dir, &huge, 5));
	T(sendfile(sock_a, counter, NULL, 5));
	T(sendfile(sock_a, counter, &off, 5));
	T(sendfile(sock_a, pipes[0], NULL, 5));
	T(sendfile(sock_a, pipes[0], &off, 5));
	T(sendfile(sock_a, sock_b, NULL, 5));
	T(sendfile(sock_a, sock_b, &off, 5));
	T(sendfile(sock_a, sock_a, NULL, 0));
	T(sendfile(sock_a, fd, &negative, 5));
	T(sendfile(sock_a, fd, &huge, 5));
	T(sendfile(sock_a, disk, &huge, 5));
	T(sendfile(sock_a, disk, &huge, 0));
	T(sendfile(sock_a, fd, &off, -1));
	T(sendfile(sock_a, fd, BAD_PTR, 5));
	T(sendfile(sock_a, fd, (off_t *)8, 5));
	T(fcntl(sock_a, F_SETFL, O_APPEND));
	T(sendfile(sock_a, fd, NULL, 5));
	T(sendfile(sock_a, fd, NULL, 0));
	T(fcntl(sock_a, F_SETFL, 0));
	T(off);
	show_pos(fd);
	show_left();
	show_datagrams(0);
}

/* A socket whose first send to nobody has come back. */
static int refused_socket(void)
{
	struct sockaddr_in addr;
	int fd = sock_at('X', "127.0.0.1"), gone = sock_at('Y', "127.0.0.1");

	addr = name_of(gone);
	connect_to(fd, &addr);
	close(gone);
	if (send(fd, "x", 1, 0) != 1)
		die("send");
	return fd;
}

static void file_kept(void)
{
	int fd, unbound = sock(), refused;
	off_t off = 7;

	begin();
	fd = file_of(FILE_LEN);
	T(sendfile(unbound, fd, NULL, 5));
	T(sendfile(unbound, fd, &off, 5));
	T(sendfile(unbound, fd, NULL, 0));
	T(sendfile(unbound, fd, NULL, 70000));
	know('U', unbound);
	show_name(unbound);
	refused = refused_socket();
	T(sendfile(refused, fd, NULL, 0));
	T(sendfile(refused, fd, &off, 5));
	T(off);
	show_pos(fd);
	T(sendfile(refused, fd, NULL, 5));
	T(shutdown(sock_a, SHUT_WR));
	T(sendfile(sock_a, fd, NULL, 5));
	T(sendfile(sock_a, fd, &off, 5));
	T(off);
	show_pos(fd);
	show_datagrams(0);
}

static void file_corked(void)
{
	int fd, on = 1, off = 0;

	begin();
	fd = file_of(FILE_LEN);
	T(setsockopt(sock_a, IPPROTO_UDP, UDP_CORK, &on, sizeof(on)));
	T(sendfile(sock_a, fd, NULL, 5));
	T(sendfile(sock_a, fd, NULL, 3000));
	show_datagrams(0);
	T(setsockopt(sock_a, IPPROTO_UDP, UDP_CORK, &off, sizeof(off)));
	show_datagrams(0);
	T(send(sock_a, content, 100, MSG_MORE));
	lseek(fd, 100, SEEK_SET);
	T(sendfile(sock_a, fd, NULL, 6));
	show_datagrams(0);
}

static void file_names(void)
{
	off_t off = 50;
	off64_t off64 = 60;
	int fd;

	begin();
	fd = file_of(SMALL_FILE);
	T(sendfile64(sock_a, fd, NULL, 50));
	T(sendfile64(sock_a, fd, &off64, 10));
	T(off64);
	T(syscall(SYS_sendfile, sock_a, fd, NULL, 10));
	T(syscall(SYS_sendfile, sock_a, fd, &off, 10));
	T(off);
	show_pos(fd);
	T(recv(sock_b, got, 50, 0));
	T(recv(sock_b, got, 50, 0));
	T(memcmp(got, content + 60, 10));
	T(recv(sock_b, got, 50, 0));
	T(memcmp(got, content + 50, 10));
	T(recv(sock_b, got, 50, 0));
	T(memcmp(got, content + 50, 10));
	show_datagrams(0);
}

/* ---- splice into a socket ------------------------------------------------ */

static void pipe_sizes(void)
{
	static const size_t sizes[] = { 0,    1,     100,   2048, 2049,
					4096, 32769, 60000, 65491 };

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		new_pipe();
		fill_pipe(sizes[i] + 10);
		T(splice(pipes[0], NULL, sock_a, NULL, sizes[i], 0));
		show_left();
		show_datagrams(0);
		T(splice(pipes[0], NULL, sock_a, NULL, 100000, 0));
		show_left();
		show_datagrams(sizes[i]);
	}
}

static void pipe_too_large(void)
{
	begin();
	for (size_t more = 1; more < 300; more += 298) {
		new_pipe();
		fill_pipe(largest + more);
		T(splice(pipes[0], NULL, sock_a, NULL, largest + more, 0));
		T(splice(pipes[0], NULL, sock_a, NULL, 100000, 0));
		T(splice(pipes[0], NULL, sock_a, NULL, SSIZE_MAX, 0));
		show_datagrams(0);
		T(splice(pipes[0], NULL, sock_a, NULL, largest, 0) ==
		  (ssize_t)largest);
		show_left();
		T(recv(sock_b, got, sizeof(got), 0) == (ssize_t)largest);
	}
}

static void pipe_parts(void)
{
	begin();
	fill_pipe(1000);
	T(splice(pipes[0], NULL, sock_a, NULL, 300, SPLICE_F_MOVE));
	show_datagrams(0);
	T(splice(pipes[0], NULL, sock_a, NULL, 100, SPLICE_F_MORE));
	show_left();
	show_datagrams(0);
	T(splice(pipes[0], NULL, sock_a, NULL, 200, SPLICE_F_GIFT));
	show_left();
	show_datagrams(300);
	T(splice(pipes[0], NULL, sock_a, NULL, 5000, SPLICE_F_NONBLOCK));
	show_left();
	show_datagrams(600);
}

static void write_packets(int n, size_t len)
{
	for (int i = 0; i < n; i++)
		if (write(pipes[1], content + i * len, len) != (ssize_t)len)
			die("a packet");
}

/* A pipe that keeps apart what was written apart. */
static void pipe_packets(void)
{
	begin();
	fcntl(pipes[1], F_SETFL, O_DIRECT);
	write_packets(5, 10);
	T(splice(pipes[0], NULL, sock_a, NULL, 25, 0));
	show_left();
	show_datagrams(0);
	T(splice(pipes[0], NULL, sock_a, NULL, 25, 0));
	show_left();
	show_datagrams(25);
}

static void pipe_empty(void)
{
	begin();
	T(splice(pipes[0], NULL, sock_a, NULL, 0, 0));
	T(splice(pipes[0], NULL, sock_a, NULL, 5, SPLICE_F_NONBLOCK));
	T(fcntl(pipes[0], F_SETFL, O_NONBLOCK));
	T(splice(pipes[0], NULL, sock_a, NULL, 5, 0));
	fill_pipe(10);
	T(splice(pipes[0], NULL, sock_a, NULL, 5, 0));
	T(close(pipes[1]));
	T(splice(pipes[0], NULL, sock_a, NULL, 10, 0));
	T(splice(pipes[0], NULL, sock_a, NULL, 10, 0));
	T(splice(pipes[0], NULL, sock_a, NULL, 10, SPLICE_F_NONBLOCK));
	T(fcntl(pipes[0], F_SETFL, 0));
	T(splice(pipes[0], NULL, sock_a, NULL, 10, 0));
	pipes[1] = 0;
	show_datagrams(0);
}

static void pipe_refused(void)
{
	off64_t off = 0;
	int fd;

	begin();
	fd = file_of(SMALL_FILE);
	fill_pipe(10);
	T(splice(pipes[0], &off, sock_a, NULL, 5, 0));
	T(splice(pipes[0], NULL, sock_a, &off, 5, 0));
	T(splice(pipes[0], &off, sock_a, &off, 5, 0));
	T(splice(pipes[0], BAD_PTR, sock_a, NULL, 5, 0));
	T(splice(pipes[0], NULL, sock_a, BAD_PTR, 5, 0));
	T(splice(pipes[0], NULL, sock_a, NULL, 5, 16));
	T(splice(pipes[0], NULL, sock_a, NULL, 0, 16));
	T(splice(pipes[0], NULL, sock_a, NULL, -1, 0));
	T(splice(pipes[1], NULL, sock_a, NULL, 5, 0));
	T(splice(-1, NULL, sock_a, NULL, 5, 0));
	T(splice(fd, NULL, sock_a, NULL, 5, 0));
	T(splice(fd, &off, sock_a, NULL, 5, 0));
	T(splice(sock_b, NULL, sock_a, NULL, 5, 0));
	T(fcntl(sock_a, F_SETFL, O_APPEND));
	T(splice(pipes[0], NULL, sock_a, NULL, 5, 0));
	T(off);
	show_pos(fd);
	show_left();
	show_datagrams(0);
}

static void pipe_kept(void)
{
	int unbound = sock(), refused;

	begin();
	fill_pipe(10);
	T(splice(pipes[0], NULL, unbound, NULL, 5, 0));
	know('U', unbound);
	show_name(unbound);
	refused = refused_socket();
	T(splice(pipes[0], NULL, refused, NULL, 5, 0));
	show_left();
	T(shutdown(sock_a, SHUT_WR));
	T(splice(pipes[0], NULL, sock_a, NULL, 5, 0));
	show_left();
	T(splice(pipes[0], NULL, refused, NULL, 5, 0));
	show_left();
	T(read(pipes[0], got, 10));
	T(memcmp(got, content + 5, 5));
}

static void pipe_by_number(void)
{
	begin();
	fill_pipe(10);
	T(syscall(SYS_splice, pipes[0], NULL, sock_a, NULL, 4ul, 0));
	T(syscall(SYS_splice, pipes[0], NULL, sock_a, NULL, 4ul, 16));
	show_left();
	show_datagrams(0);
}

/* ---- a wait for the pipe ------------------------------------------------- */

static volatile pid_t sleeper;
static volatile int handled;
static sigjmp_buf out_of_wait;

static void until_asleep(void)
{
	char path[64], state = 0;

	while (!sleeper)
		usleep(100);
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)sleeper);
	while (state != 'S') {
		FILE *f = fopen(path, "r");

		if (!f || fscanf(f, "%*d %*s %c", &state) != 1)
			die(path);
		fclose(f);
		usleep(100);
	}
}

static void *splice_asleep(void *arg)
{
	sleeper = gettid();
	T(splice(pipes[0], NULL, sock_a, NULL, 100, 0));
	return arg;
}

static void count_signal(int sig)
{
	(void)sig;
	handled = 1;
}

static void jump_out(int sig)
{
	(void)sig;
	siglongjmp(out_of_wait, 1);
}

static void on_signal(void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaction(SIGUSR1, &action, NULL);
}

static pthread_t start_splice(void)
{
	pthread_t thread;

	sleeper = 0;
	if (pthread_create(&thread, NULL, splice_asleep, NULL))
		die("pthread_create");
	until_asleep();
	return thread;
}

static void signal_splice(pthread_t thread)
{
	handled = 0;
	pthread_kill(thread, SIGUSR1);
	while (!handled)
		usleep(100);
}

static void wait_ends(void)
{
	pthread_t thread;
	int fds;

	begin();
	fds = count_fds();
	thread = start_splice();
	T(count_fds() - fds);
	fill_pipe(10);
	pthread_join(thread, NULL);
	show_datagrams(0);
	thread = start_splice();
	close(pipes[1]);
	pthread_join(thread, NULL);
	pipes[1] = 0;
	T(count_fds() - fds + 1);
}

static void wait_is_interrupted(void)
{
	pthread_t thread;

	begin();
	on_signal(count_signal, 0);
	thread = start_splice();
	signal_splice(thread);
	pthread_join(thread, NULL);
	on_signal(count_signal, SA_RESTART);
	thread = start_splice();
	signal_splice(thread);
	until_asleep();
	fill_pipe(10);
	pthread_join(thread, NULL);
	show_datagrams(0);
}

static void wait_is_cancelled(void)
{
	pthread_t thread;
	void *result;
	int fds;

	begin();
	fds = count_fds();
	thread = start_splice();
	pthread_cancel(thread);
	pthread_join(thread, &result);
	T(result == PTHREAD_CANCELED);
	T(count_fds() - fds);
	fill_pipe(10);
	T(splice(pipes[0], NULL, sock_a, NULL, 100, 0));
	show_datagrams(0);
}

static void *cancelled_first(void *arg)
{
	pthread_cancel(pthread_self());
	splice(pipes[0], NULL, sock_a, NULL, 100, SPLICE_F_NONBLOCK);
	return arg;
}

static void *sendfile_cancelled_first(void *arg)
{
	pthread_cancel(pthread_self());
	sendfile(sock_a, *(int *)arg, NULL, 100);
	pthread_testcancel();
	return NULL;
}

static void cancelled_before(void)
{
	pthread_t thread;
	int fd;

	begin();
	fd = file_of(SMALL_FILE);
	fill_pipe(10);
	pthread_create(&thread, NULL, cancelled_first, NULL);
	pthread_join(thread, NULL);
	show_left();
	show_datagrams(0);
	pthread_create(&thread, NULL, sendfile_cancelled_first, &fd);
	pthread_join(thread, NULL);
	show_pos(fd);
	show_datagrams(0);
}

static void *signal_sleeper(void *arg)
{
	until_asleep();
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

/* A function of its own, for its jump to have no variable in its way. */
static __attribute__((noinline)) void splice_until_jump(void)
{
	if (!sigsetjmp(out_of_wait, 1))
		splice_asleep(NULL);
}

static void wait_is_jumped_out_of(void)
{
	pthread_t self = pthread_self(), thread;
	int fds;

	begin();
	on_signal(jump_out, 0);
	fds = count_fds();
	pthread_create(&thread, NULL, signal_sleeper, &self);
	splice_until_jump();
	pthread_join(thread, NULL);
	T(count_fds() - fds);
	fill_pipe(10);
	T(splice(pipes[0], NULL, sock_a, NULL, 100, 0));
	show_datagrams(0);
}

/* ---- a socket that takes no more ----------------------------------------- */

/*
 * A neighbour that does not answer: what is sent to it waits, and fills the
 * sender's buffer.
 */
static int socket_to_nobody(int flags)
{
	static const char setup[] = "ip link add v0 type veth peer name v1 && "
				    "ip address add 192.0.2.1/24 dev v0 && "
				    "ip link set v0 up && ip link set v1 up";
	struct sockaddr_in nobody = addr_of("192.0.2.2", 9);
	int fd, one = 1;

	own_network();
	if (system(setup))
		skip("no veth device to be had");
	fd = sock_flags(flags);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &one, sizeof(one));
	connect_to(fd, &nobody);
	return fd;
}

static void fill_socket(int fd)
{
	while (send(fd, content, 1000, MSG_DONTWAIT) == 1000)
		;
}

static void full(void)
{
	off_t off = 7;
	int fd, out = socket_to_nobody(SOCK_NONBLOCK);

	begin();
	fd = file_of(SMALL_FILE);
	fill_pipe(10);
	fill_socket(out);
	T(sendfile(out, fd, NULL, 1000));
	T(sendfile(out, fd, &off, 1000));
	T(splice(pipes[0], NULL, out, NULL, 10, 0));
	T(off);
	show_pos(fd);
	show_left();
}

static void *splice_into_full(void *arg)
{
	sleeper = gettid();
	splice(pipes[0], NULL, *(int *)arg, NULL, 10, 0);
	pthread_testcancel();
	return NULL;
}

/* The neighbour is known at last, and all that waited for it is gone. */
static void cancelled_in_send(void)
{
	int out = socket_to_nobody(0), fds;
	pthread_t thread;
	void *result;

	begin();
	fill_pipe(10);
	fill_socket(out);
	fds = count_fds();
	pthread_create(&thread, NULL, splice_into_full, &out);
	until_asleep();
	pthread_cancel(thread);
	if (system("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:02 "
		   "dev v0"))
		die("ip neigh");
	pthread_join(thread, &result);
	T(result == PTHREAD_CANCELED);
	T(count_fds() - fds);
}

/* ---- what stays behind --------------------------------------------------- */

static void nothing_behind(void)
{
	int fd, fds;

	begin();
	fd = file_of(FILE_LEN);
	fill_pipe(66000);
	fds = count_fds();
	T(sendfile(sock_a, fd, NULL, 5));
	T(sendfile(sock_a, fd, NULL, 66000));
	T(splice(pipes[0], NULL, sock_a, NULL, 66000, 0));
	T(splice(pipes[0], NULL, sock_a, NULL, 50000, 0));
	T(splice(pipes[0], NULL, sock_a, NULL, 16000, 0));
	T(splice(pipes[0], NULL, sock_a, NULL, 5, SPLICE_F_NONBLOCK));
	T(count_fds() - fds);
}

static void *send_from_small_stack(void *arg)
{
	T(sendfile(sock_a, *(int *)arg, NULL, 60000));
	show_datagrams(0);
	T(splice(pipes[0], NULL, sock_a, NULL, 60000, 0));
	show_datagrams(0);
	return NULL;
}

static void small_stack(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int fd;

	begin();
	fd = file_of(FILE_LEN);
	fill_pipe(60000);
	pthread_attr_init(&attr);
	if (pthread_attr_setstacksize(&attr, 16384) ||
	    pthread_create(&thread, &attr, send_from_small_stack, &fd))
		die("a small stack");
	pthread_join(thread, NULL);
}

/* ---- a socket's number that is no socket's any more ---------------------- */

/* stdio closes a descriptor by a way of its own. */
static void close_unseen(int fd)
{
	FILE *f = fdopen(fd, "r");

	if (!f)
		die("fdopen");
	fclose(f);
}

static void stale(void)
{
	off_t off = 3;
	int fd, old, more[2];

	begin();
	fd = file_of(SMALL_FILE);
	old = sock_at('C', "127.0.0.1");
	close_unseen(old);
	T(sendfile(old, fd, NULL, 5));
	T(syscall(SYS_dup3, fd, old, 0));
	T(sendfile(old, fd, &off, 5));
	close(old);
	old = sock_at('D', "127.0.0.1");
	close_unseen(old);
	if (pipe(more))
		die("pipe");
	T(more[0] == old);
	T(write(more[1], content, 10));
	T(splice(old, NULL, pipes[1], NULL, 10, 0));
	show_left();
	T(splice(pipes[0], NULL, sock_a, NULL, 10, 0));
	show_datagrams(0);
}

/* ---- where COP differs --------------------------------------------------- */

/* On UDP what fills 16 pieces waits for more, or is lost. */
static void pipe_pieces(void)
{
	begin();
	fill_pipe(largest);
	T(splice(pipes[0], NULL, sock_a, NULL, 100000, 0));
	show_datagrams(0);
	new_pipe();
	fcntl(pipes[1], F_SETPIPE_SZ, 1 << 20);
	fcntl(pipes[1], F_SETFL, O_DIRECT);
	write_packets(40, 1000);
	T(splice(pipes[0], NULL, sock_a, NULL, 39500, 0));
	show_left();
	show_datagrams(0);
	new_pipe();
	fcntl(pipes[1], F_SETPIPE_SZ, 1 << 20);
	fcntl(pipes[1], F_SETFL, O_DIRECT);
	write_packets(30, 4000);
	T(splice(pipes[0], NULL, sock_a, NULL, 200000, 0));
	show_left();
	show_datagrams(0);
}

/* No room for the second pipe. */
static void no_descriptor(void)
{
	struct rlimit limit;
	int fd, last;

	begin();
	fd = file_of(SMALL_FILE);
	fill_pipe(10);
	last = dup(fd);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = last + 1;
	setrlimit(RLIMIT_NOFILE, &limit);
	T(splice(pipes[0], NULL, sock_a, NULL, 5, 0));
	show_left();
	T(sendfile(sock_a, fd, NULL, 5));
	show_datagrams(0);
}

static void out_of_socket(void)
{
	begin();
	T(send(sock_a, content, 10, 0));
	T(splice(sock_b, NULL, pipes[1], NULL, 10, 0));
	T(splice(sock_b, NULL, pipes[1], NULL, 10, SPLICE_F_NONBLOCK));
	T(sendfile(pipes[1], sock_b, NULL, 10));
	T(syscall(SYS_splice, sock_b, NULL, pipes[1], NULL, 10ul, 0));
	show_left();
	show_datagrams(0);
}

static void out_refused(void)
{
	off64_t off = 0;
	int fd;

	begin();
	fd = file_of(SMALL_FILE);
	T(send(sock_a, content, 10, 0));
	T(splice(sock_b, NULL, pipes[1], NULL, 0, 0));
	T(splice(sock_b, &off, pipes[1], NULL, 5, 0));
	T(splice(sock_b, NULL, pipes[1], &off, 5, 0));
	T(splice(sock_b, NULL, pipes[0], NULL, 5, 0));
	T(splice(sock_b, NULL, -1, NULL, 5, 0));
	T(splice(sock_b, NULL, fd, NULL, 5, 0));
	T(sendfile(fd, sock_b, NULL, 5));
	T(sendfile(pipes[1], sock_b, &off, 5));
	T(sendfile(pipes[0], sock_b, NULL, 5));
	T(copy_file_range(sock_b, NULL, fd, NULL, 5, 0));
	T(copy_file_range(fd, NULL, sock_a, NULL, 5, 0));
	show_left();
	show_datagrams(0);
}

SCENARIOS({ "file_sizes", file_sizes }, { "file_too_large", file_too_large },
	  { "file_ends", file_ends }, { "file_refused", file_refused },
	  { "file_kept", file_kept }, { "file_corked", file_corked },
	  { "file_names", file_names }, { "pipe_sizes", pipe_sizes },
	  { "pipe_too_large", pipe_too_large }, { "pipe_parts", pipe_parts },
	  { "pipe_packets", pipe_packets }, { "pipe_empty", pipe_empty },
	  { "pipe_refused", pipe_refused }, { "pipe_kept", pipe_kept },
	  { "pipe_by_number", pipe_by_number }, { "full", full },
	  { "cancelled_in_send", cancelled_in_send },
	  { "wait_ends", wait_ends },
	  { "wait_is_interrupted", wait_is_interrupted },
	  { "wait_is_cancelled", wait_is_cancelled },
	  { "cancelled_before", cancelled_before },
	  { "wait_is_jumped_out_of", wait_is_jumped_out_of },
	  { "nothing_behind", nothing_behind }, { "small_stack", small_stack },
	  { "stale", stale }, { "pipe_pieces", pipe_pieces },
	  { "no_descriptor", no_descriptor },
	  { "out_of_socket", out_of_socket }, { "out_refused", out_refused })
