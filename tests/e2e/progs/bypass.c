// SPDX-License-Identifier: MIT
/*
 * bypass.c - the ways past a library that stands in for libc's: other ways to
 * make a system call, calls that libc makes itself, and other copies of libc.
 *
 * Built as a library too, with BYPASS_LIBRARY, that is loaded so that its calls
 * are bound elsewhere than the program's; its name is in BYPASS_LIBRARY in the
 * environment.
 */
#include <dlfcn.h>
#include <sys/syscall.h>

#include "netns.h"
#include "ring.h"
#include "stray.h"

#ifdef BYPASS_LIBRARY

/* Its errno may be another than the program's, so that is returned. */
static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* The loader looks for it by the RUNPATH of this library. */
void *library_open(const char *name)
{
	return dlopen(name, RTLD_NOW | RTLD_DEEPBIND);
}

long library_socket(int type, int protocol)
{
	return result(socket(PF_INET, type, protocol));
}

long library_send(int fd, const void *data, size_t len)
{
	return result(send(fd, data, len, 0));
}

long library_recv(int fd, void *data, size_t len)
{
	return result(recv(fd, data, len, MSG_DONTWAIT));
}

long library_close(int fd)
{
	return result(close(fd));
}

#else

#include <aio.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <resolv.h>
#include <sched.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>

#define HEADER	16
#define PAYLOAD "data whole"

extern char **environ;

/* A way to make the calls: what is asked of each of them here. */
struct way {
	long (*socket)(int type, int protocol);
	long (*send)(int fd, const void *data, size_t len);
	long (*recv)(int fd, void *data, size_t len);
	long (*close)(int fd);
};

/* ---- what the ways have in common ---------------------------------------- */

/* A type that the kernel knows not, with the answer of whoever is asked. */
static void ask(const struct way *way)
{
	int fd = way->socket(SOCK_DGRAM, 0);

	T(way->socket(SOCK_COP, IPPROTO_COP));
	T(way->socket(SOCK_COP, 0));
	T(fd < 0);
	T(way->close(fd));
}

/* What was sent past the library reaches a UDP socket bare, and COP not. */
static void send_past(const struct way *way)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	int udp = socket(AF_INET, SOCK_DGRAM, 0);

	connect_pair();
	T(way->send(sock_a, PAYLOAD, 10));
	show_rest(sock_b);
	if (bind(udp, SA(&addr), sizeof(addr)))
		die("bind");
	addr = name_of(udp);
	connect_to(sock_a, &addr);
	T(way->send(sock_a, PAYLOAD, 10));
	R(recv(udp, buf, 64, 0));
	T(close(udp));
}

static bool has_header(const char *data)
{
	return !memcmp(data, "\xc0\xb1\x14", 3);
}

/* What is received past the library still has its header. */
static void recv_past(const struct way *way)
{
	long n;

	deliver(PAYLOAD);
	fresh();
	n = way->recv(sock_b, buf, sizeof(buf));
	T(n);
	T(has_header(buf));
	printf("  %.10s\n", n > HEADER ? buf + HEADER : "");
}

/* The socket is no worse for it. */
static void works_on(void)
{
	connect_to(sock_a, &addr_b);
	deliver(PAYLOAD);
	R(recv(sock_b, buf, 64, 0));
}

static void past(const struct way *way)
{
	ask(way);
	send_past(way);
	recv_past(way);
	works_on();
}

static void use_ends(int out, int in)
{
	T(write(out, PAYLOAD, 10));
	R(read(in, buf, 64));
	T(close(out));
	T(close(in));
}

static int listener(struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (listen(fd, 5))
		die("listen");
	*addr = addr_of("127.0.0.1", ntohs(name_of(fd).sin_port));
	return fd;
}

static void reused_by_pipe(int stale)
{
	int fds[2];

	if (pipe(fds))
		die("pipe");
	T(fds[0] == stale || fds[1] == stale);
	use_ends(fds[1], fds[0]);
}

static void reused_by_file(int stale)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	T(fd == stale);
	T(write(fd, PAYLOAD, 10));
	T(lseek(fd, 0, SEEK_SET));
	R(read(fd, buf, 64));
	T(close(fd));
}

/* The client is there already: its number is another. */
static void reused_by_accept(int stale, int server, int client)
{
	int fd = accept(server, NULL, NULL);

	T(fd == stale);
	use_ends(fd, client);
}

static void reused_by_epoll(int stale)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd = epoll_create1(0);

	T(fd == stale);
	T(epoll_ctl(fd, EPOLL_CTL_ADD, sock_b, &ev));
	T(read(fd, buf, 1));
	T(epoll_wait(fd, &ev, 1, 0));
	T(close(fd));
}

static void reused_by_ours(int stale)
{
	int fd = sock();

	T(fd == stale);
	connect_to(fd, &addr_b);
	T(write(fd, PAYLOAD, 10));
	R(read(sock_b, buf, 64));
	T(close(fd));
}

/* Whatever gets the number of a socket that was closed past the library. */
static void close_past(const struct way *way)
{
	int client = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in addr;
	int server = listener(&addr);

	connect_to(client, &addr);
	sock_b = sock_at('B', "127.0.0.1");
	addr_b = name_of(sock_b);
	for (int i = 0; i < 5; i++) {
		int fd = sock_at('A', "127.0.0.1");

		T(way->close(fd));
		if (i == 0)
			reused_by_pipe(fd);
		else if (i == 1)
			reused_by_file(fd);
		else if (i == 2)
			reused_by_accept(fd, server, client);
		else if (i == 3)
			reused_by_epoll(fd);
		else
			reused_by_ours(fd);
	}
}

/* ---- by an instruction of one's own ------------------------------------- */

static long raw_socket(int type, int protocol)
{
	return with_errno(raw(SYS_socket, AF_INET, type, protocol, 0));
}

static long raw_send(int fd, const void *data, size_t len)
{
	return with_errno(raw(SYS_write, fd, (long)data, len, 0));
}

static long raw_recv(int fd, void *data, size_t len)
{
	return with_errno(raw(SYS_read, fd, (long)data, len, 0));
}

static long raw_close_it(int fd)
{
	return with_errno(raw(SYS_close, fd, 0, 0, 0));
}

static const struct way by_raw = { raw_socket, raw_send, raw_recv,
				   raw_close_it };

static void raw_calls(void)
{
	past(&by_raw);
}

static void raw_closes(void)
{
	close_past(&by_raw);
}

/* ---- through io_uring --------------------------------------------------- */

static long ring_inet(int type, int protocol)
{
	long fd = ring_socket(AF_INET, type, protocol);

	if (fd < 0 && errno == EINVAL)
		skip("this kernel's io_uring makes no sockets");
	return fd;
}

static const struct way by_ring = { ring_inet, ring_send, ring_recv,
				    ring_close };

static void ring_calls(void)
{
	past(&by_ring);
}

static void ring_closes(void)
{
	close_past(&by_ring);
}

/* ---- by another copy of libc, or another name for this one -------------- */

static struct {
	int (*socket)(int domain, int type, int protocol);
	ssize_t (*send)(int fd, const void *data, size_t len, int flags);
	ssize_t (*recv)(int fd, void *data, size_t len, int flags);
	int (*close)(int fd);
} found;

static void find(void *handle)
{
	*(void **)&found.socket = dlsym(handle, "socket");
	*(void **)&found.send = dlsym(handle, "send");
	*(void **)&found.recv = dlsym(handle, "recv");
	*(void **)&found.close = dlsym(handle, "close");
	if (!found.socket || !found.send || !found.recv || !found.close)
		die(dlerror());
}

static long found_socket(int type, int protocol)
{
	return found.socket(AF_INET, type, protocol);
}

static long found_send(int fd, const void *data, size_t len)
{
	return found.send(fd, data, len, 0);
}

static long found_recv(int fd, void *data, size_t len)
{
	return found.recv(fd, data, len, 0);
}

static long found_close(int fd)
{
	return found.close(fd);
}

static const struct way by_found = { found_socket, found_send, found_recv,
				     found_close };

static void *libc_handle(void)
{
	return dlopen("libc.so.6", RTLD_NOW) ?: (die(dlerror()), NULL);
}

static void handle_calls(void)
{
	find(libc_handle());
	past(&by_found);
}

static void handle_closes(void)
{
	find(libc_handle());
	close_past(&by_found);
}

/* No way past: the first in the program's own order is the library's. */
static void default_calls(void)
{
	find(RTLD_DEFAULT);
	T(found.socket(AF_INET, is_cop ? SOCK_COP : SOCK_DGRAM, 0));
	connect_pair();
	T(found.send(sock_a, PAYLOAD, 10, 0));
	R(found.recv(sock_b, buf, 64, 0));
	T(found.close(sock_a));
	T(found.close(sock_a));
}

/* With the version that libc gives it, which is not in every table. */
static const char *libc_version(void)
{
#if defined(__x86_64__)
	return "GLIBC_2.2.5";
#elif defined(__aarch64__)
	return "GLIBC_2.17";
#else
	errno = ENOSYS;
	skip("the version of libc's symbols is not known here");
	return NULL;
#endif
}

static void versioned_call(void)
{
	const char *version = libc_version();

	*(void **)&found.socket = dlvsym(RTLD_DEFAULT, "socket", version);
	if (!found.socket)
		die(dlerror());
	T(found.socket(AF_INET, SOCK_COP, IPPROTO_COP));
}

/* ---- by a library whose calls are bound elsewhere ----------------------- */

static struct way library;

static long library_socket(int type, int protocol)
{
	return with_errno(library.socket(type, protocol));
}

static long library_send(int fd, const void *data, size_t len)
{
	return with_errno(library.send(fd, data, len));
}

static long library_recv(int fd, void *data, size_t len)
{
	return with_errno(library.recv(fd, data, len));
}

static long library_close(int fd)
{
	return with_errno(library.close(fd));
}

static const struct way by_library = { library_socket, library_send,
				       library_recv, library_close };

static void load(void *handle)
{
	if (!handle)
		die(dlerror());
	*(void **)&library.socket = dlsym(handle, "library_socket");
	*(void **)&library.send = dlsym(handle, "library_send");
	*(void **)&library.recv = dlsym(handle, "library_recv");
	*(void **)&library.close = dlsym(handle, "library_close");
}

static void load_apart(void)
{
	load(dlmopen(LM_ID_NEWLM, getenv("BYPASS_LIBRARY"), RTLD_NOW));
}

static void apart_calls(void)
{
	load_apart();
	past(&by_library);
}

static void apart_closes(void)
{
	load_apart();
	close_past(&by_library);
}

static void not_past(void *handle)
{
	load(handle);
	T(library_socket(is_cop ? SOCK_COP : SOCK_DGRAM, 0));
	connect_pair();
	T(library_send(sock_a, PAYLOAD, 10));
	R(library_recv(sock_b, buf, 64));
	T(library_close(sock_a));
	T(library_close(sock_a));
}

/* No way past: a library that is loaded as most are. */
static void plain_calls(void)
{
	not_past(dlopen(getenv("BYPASS_LIBRARY"), RTLD_NOW));
}

/* As PHP loads its extensions. */
static void deep_calls(void)
{
	not_past(dlopen(getenv("BYPASS_LIBRARY"), RTLD_NOW | RTLD_DEEPBIND));
}

static void base_calls(void)
{
	not_past(dlmopen(LM_ID_BASE, getenv("BYPASS_LIBRARY"),
			 RTLD_NOW | RTLD_DEEPBIND));
}

static void found_calls(void)
{
	void *finder = dlopen(getenv("BYPASS_LIBRARY"), RTLD_NOW);
	void *(*open_by)(const char *name);

	if (!finder)
		die(dlerror());
	*(void **)&open_by = dlsym(finder, "library_open");
	not_past(open_by("libbypass-found.so"));
}

/* ---- inside libc -------------------------------------------------------- */

static int name_server;

/* One answer: that there is no such name. */
static void *serve_names(void *arg)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	static char query[512];
	ssize_t n;

	(void)arg;
	n = recvfrom(name_server, query, sizeof(query), 0, SA(&peer), &len);
	printf("  query of %zd bytes, flags %02x%02x, name %d cop %d test\n", n,
	       query[2], query[3], query[12], query[16]);
	query[2] |= 0x80;
	query[3] |= 3;
	if (sendto(name_server, query, n, 0, SA(&peer), len) != n)
		die("sendto");
	return NULL;
}

static void ask_for_name(void)
{
	struct addrinfo hints = { .ai_family = AF_INET };
	struct addrinfo *res = NULL;
	pthread_t id;
	int err;

	if (pthread_create(&id, NULL, serve_names, NULL))
		die("pthread_create");
	err = getaddrinfo("cop.test.", NULL, &hints, &res);
	printf("getaddrinfo: %s\n", gai_strerror(err));
	if (err == EAI_AGAIN || err == EAI_SYSTEM)
		exit(1);
	pthread_join(id, NULL);
}

/* The resolver's socket gets a number that the library had seen as its own. */
static void resolver(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);

	name_server = plain_udp();
	if (bind(name_server, SA(&addr), sizeof(addr)) || res_init())
		die("name server");
	_res.nscount = 1;
	_res.nsaddr_list[0] = name_of(name_server);
	make_pair();
	ask_for_name();
	works_on();
	raw_close(sock_a);
	ask_for_name();
	T(close(sock_a));
}

static int log_reader(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX,
				  .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (unshare(CLONE_NEWNS))
		own_users(CLONE_NEWNS);
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/dev", "tmpfs", 0, NULL))
		skip("no /dev of one's own");
	if (bind(fd, SA(&un), sizeof(un)))
		die("/dev/log");
	return fd;
}

static void log_line(int reader)
{
	static char line[256];
	char *text;

	memset(line, 0, sizeof(line));
	syslog(LOG_INFO, "a line");
	T(recv(reader, line, sizeof(line) - 1, MSG_DONTWAIT) > 0);
	text = strstr(line, "ident: ");
	printf("  %.4s %s\n", line, text ?: line);
}

static void system_log(void)
{
	int reader = log_reader();

	make_pair();
	openlog("ident", LOG_NDELAY, LOG_USER);
	log_line(reader);
	works_on();
	closelog();
	raw_close(sock_a);
	openlog("ident", LOG_NDELAY, LOG_USER);
	log_line(reader);
	closelog();
	T(close(sock_a));
}

static long aio_end(struct aiocb *cb)
{
	const struct aiocb *const list[] = { cb };

	while (aio_error(cb) == EINPROGRESS)
		aio_suspend(list, 1, NULL);
	if (aio_error(cb))
		errno = aio_error(cb);
	return aio_return(cb);
}

static long aio_send(int fd, const void *data, size_t len)
{
	struct aiocb cb = { .aio_fildes = fd,
			    .aio_buf = (void *)data,
			    .aio_nbytes = len };

	return aio_write(&cb) ?: aio_end(&cb);
}

static long aio_recv(int fd, void *data, size_t len)
{
	struct aiocb cb = { .aio_fildes = fd,
			    .aio_buf = data,
			    .aio_nbytes = len };

	return aio_read(&cb) ?: aio_end(&cb);
}

static const struct way by_aio = { NULL, aio_send, aio_recv, NULL };

static void aio_calls(void)
{
	send_past(&by_aio);
	recv_past(&by_aio);
	works_on();
}

/* The child's copies are closed, unseen; the parent's stay. */
static void spawn_closes(void)
{
	static char *const argv[] = { "true", NULL };
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	connect_pair();
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclose(&actions, sock_a);
	posix_spawn_file_actions_addclose(&actions, sock_b);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	T(posix_spawnp(&pid, "true", &actions, NULL, argv, environ));
	waitpid(pid, &status, 0);
	T(status);
	works_on();
	T(close(sock_a));
	T(close(sock_b));
}

/* ---- closed and made anew, neither of them seen -------------------------- */

/* To the library it is still its own, until a call shows otherwise. */
static void unseen_stream(void)
{
	int client = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in addr;
	int server = listener(&addr);
	int fd;

	connect_to(client, &addr);
	fd = sock_at('A', "127.0.0.1");
	T(raw(SYS_close, fd, 0, 0, 0));
	T(raw(SYS_accept, server, 0, 0, 0) == fd);
	T(send(fd, PAYLOAD, 10, 0));
	fresh();
	T(read(client, buf, 64));
	T(has_header(buf));
	T(close(fd));
	T(close(client));
}

/* ---- a child that shares the memory, unseen ------------------------------- */

/* What it closes is taken for the parent's. */
static void vfork_by_instruction(void)
{
	pid_t pid;

	connect_pair();
	pid = raw(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0);
	if (!pid) {
		close(sock_a);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	T(send(sock_a, PAYLOAD, 10, 0));
	show_rest(sock_b);
	T(close(sock_a));
	T(close(sock_b));
	connect_pair();
	works_on();
}

/* ---- descriptors taken from another process -------------------------------- */

static int kind_of(int fd)
{
	socklen_t len = sizeof(int);
	int type = -1;

	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
	return type;
}

/* Until its owner has handed it on it says nothing of what it is. */
static void taken(void)
{
	int self = syscall(SYS_pidfd_open, getpid(), 0);
	pid_t pid;

	connect_pair();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		int fd = pidfd_getfd(self, sock_b, 0);

		if (fd < 0)
			skip("pidfd_getfd: not permitted");
		printf("taken: type %d\n", kind_of(fd));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	system("exit 0"); /* which marks what it inherits */
	printf("once handed on: type %d\n",
	       kind_of(pidfd_getfd(self, sock_b, 0)));
}

/* ---- libc's own streams ----------------------------------------------------- */

/* As C++'s cout does; libc writes to whatever has the number, inside libc. */
static void stdout_kept(void)
{
	FILE *const kept = stdout;
	int saved = dup(STDOUT_FILENO);

	connect_pair();
	fflush(stdout);
	dup2(sock_a, STDOUT_FILENO);
	fputs(PAYLOAD, kept);
	fflush(kept);
	dup2(saved, STDOUT_FILENO);
	show_rest(sock_b);
	works_on();
}

SCENARIOS({ "raw_calls", raw_calls }, { "raw_closes", raw_closes },
	  { "ring_calls", ring_calls }, { "ring_closes", ring_closes },
	  { "handle_calls", handle_calls }, { "handle_closes", handle_closes },
	  { "default_calls", default_calls },
	  { "versioned_call", versioned_call }, { "deep_calls", deep_calls },
	  { "base_calls", base_calls }, { "found_calls", found_calls },
	  { "apart_calls", apart_calls }, { "apart_closes", apart_closes },
	  { "plain_calls", plain_calls }, { "resolver", resolver },
	  { "system_log", system_log }, { "aio_calls", aio_calls },
	  { "spawn_closes", spawn_closes }, { "unseen_stream", unseen_stream },
	  { "vfork_by_instruction", vfork_by_instruction }, { "taken", taken },
	  { "stdout_kept", stdout_kept })

#endif
