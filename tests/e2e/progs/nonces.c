// SPDX-License-Identifier: MIT
/*
 * nonces.c - processes that send by one sealed socket: a socket of the kernel's receives
 * all of it, and no nonce may come twice. The processes are forked, execute this program
 * again, get the socket in a message, have threads, or are killed.
 */
#include <pthread.h>
#include <sys/wait.h>

#include "fds.h"
#include "prog.h"

#define DATAGRAMS 1000000
#define EACH	  20000 /* of one process, at most */
#define FLYING	  100	/* on their way at once, so that none is lost */
#define NONCE_AT  24

struct nonce {
	unsigned char bytes[24];
};

static struct nonce *nonces;
static int sender, receiver, tokens[2];
static int n_received;

static void send_some(int n)
{
	char token;

	while (n-- && read(tokens[0], &token, 1) == 1)
		send(sender, "hello", 5, 0);
}

static void *send_in_thread(void *arg)
{
	send_some(EACH / 4);
	return arg;
}

static void send_by_threads(void)
{
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, send_in_thread, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
}

/* The child sends as well, and both have what the parent had begun. */
static void send_by_forks(void)
{
	for (int i = 0; i < 3; i++) {
		send_some(EACH / 16);
		fork();
	}
	send_some(EACH / 16);
}

static void send_by_image(void)
{
	char fd[16], token[16];

	send_some(10);
	snprintf(fd, sizeof(fd), "%d", sender);
	snprintf(token, sizeof(token), "%d", tokens[0]);
	execl("/proc/self/exe", "nonces", "cop", "image", fd, token, NULL);
	_exit(1);
}

static void send_from_message(void)
{
	int link[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, link))
		die("socketpair");
	give_fd(link[0], sender);
	close(sender);
	sender = take_fd(link[1]);
	send_some(EACH / 2);
}

static void (*const ways[])(void) = { send_by_threads, send_by_forks,
				      send_by_image, send_from_message };

static pid_t start(int way)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	close(tokens[1]); /* so that it ends with the receiver */
	ways[way % ARRAY_SIZE(ways)]();
	while (wait(NULL) > 0)
		;
	_exit(0);
}

static void give_tokens(int n)
{
	static const char token[FLYING];

	if (write(tokens[1], token, n) != n)
		_exit(2);
}

/* A process that was killed may have taken a token: a pause brings it back. */
static void receive(void)
{
	unsigned char d[256];
	ssize_t n = recv(receiver, d, sizeof(d), 0);

	if (n >= NONCE_AT + (ssize_t)sizeof(*nonces))
		memcpy(&nonces[n_received++], d + NONCE_AT, sizeof(*nonces));
	give_tokens(1);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct nonce));
}

static void judge(void)
{
	int twice = 0, salts = 1;

	qsort(nonces, n_received, sizeof(*nonces), compare);
	for (int i = 1; i < n_received; i++) {
		twice += !compare(&nonces[i], &nonces[i - 1]);
		salts += memcmp(&nonces[i], &nonces[i - 1], 16) != 0;
	}
	printf("%d datagrams, %d nonces twice, %s salts\n", n_received, twice,
	       salts > 20 ? "many" : "few");
}

static void a_million(void)
{
	struct sockaddr_in addr = addr_of("127.0.0.1", 0);
	struct timeval pause = { .tv_usec = 200000 };
	socklen_t len = sizeof(addr);
	pid_t pid[4] = { 0 };

	nonces = calloc(DATAGRAMS, sizeof(*nonces));
	receiver = socket(AF_INET, SOCK_DGRAM, 0);
	sender = socket(AF_INET, 9, 253);
	if (!nonces || sender < 0 || bind(receiver, SA(&addr), len) ||
	    getsockname(receiver, SA(&addr), &len) ||
	    connect(sender, SA(&addr), len) || pipe(tokens))
		_exit(1);
	setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof(pause));
	give_tokens(FLYING);
	for (int i = 0; n_received < DATAGRAMS; i++) {
		if (i % 5000 == 0) {
			int at = i / 5000 % 4;

			if (pid[at] && i / 5000 % 3 == 0)
				kill(pid[at], SIGKILL);
			pid[at] = start(i / 5000);
		}
		receive();
	}
	close(tokens[0]);
	close(tokens[1]);
	judge();
}

int main(int argc, char **argv)
{
	setlinebuf(stdout);
	if (argc == 5 && !strcmp(argv[2], "image")) {
		sender = atoi(argv[3]);
		tokens[0] = atoi(argv[4]);
		send_some(EACH / 2);
		return 0;
	}
	kind = argv[1];
	a_million();
	return 0;
}
