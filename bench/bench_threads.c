// SPDX-License-Identifier: MIT
/*
 * bench_threads.c - two threads that send and receive at once, over COP and over the
 * kernel's UDP: each on its own sockets, or both on the same two sockets.
 *
 * Both kinds of socket are open in this process. For UDP the benchmark calls libc's own
 * functions, past the library. The two threads live as long as the benchmark, and take
 * their turns between two barriers.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cop.h"
#include "harness.h"

#define THREADS 2
#define PAYLOAD 64
#define ROUNDS	200
#define BLOCK	2000 /* datagrams of each thread in a sample */

/* One kind of socket. Thread i sends from tx[i] to rx[i]. */
struct kind {
	ssize_t (*send)(int fd, const void *buf, size_t len, int flags);
	ssize_t (*recv)(int fd, void *buf, size_t len, int flags);
	int tx[THREADS], rx[THREADS];
};

/* What the threads do next; the barriers protect it. */
static struct {
	const struct kind *kind;
	unsigned int n;
	bool shared; /* both use the sockets of thread 0 */
} turn;

static pthread_barrier_t begin, end;

/*
 * With a shared socket a thread may receive the other one's datagram. Each receives as
 * many as it sends, so nobody waits for ever.
 */
static void work(const struct kind *kind, unsigned int at, unsigned int n)
{
	char out[PAYLOAD] = { 0 }, in[PAYLOAD];

	while (n--)
		if (kind->send(kind->tx[at], out, PAYLOAD, 0) != PAYLOAD ||
		    kind->recv(kind->rx[at], in, PAYLOAD, 0) != PAYLOAD)
			bench_die("a datagram was not sent or received whole");
}

static void *thread(void *arg)
{
	const unsigned int me = *(unsigned int *)arg;

	for (;;) {
		pthread_barrier_wait(&begin);
		work(turn.kind, turn.shared ? 0 : me, turn.n);
		pthread_barrier_wait(&end);
	}
	return NULL;
}

static bool shared;

static void run(void *arg, unsigned int n)
{
	turn.kind = arg;
	turn.n = n;
	turn.shared = shared;
	pthread_barrier_wait(&begin);
	pthread_barrier_wait(&end);
}

static void kind_open(struct kind *kind, int type, int protocol)
{
	struct bench_end tx, rx;

	for (int i = 0; i < THREADS; i++) {
		kind->tx[i] = bench_bound(AF_INET, type, protocol, &tx);
		kind->rx[i] = bench_bound(AF_INET, type, protocol, &rx);
		if (connect(kind->tx[i], &rx.sa, rx.len) ||
		    connect(kind->rx[i], &tx.sa, tx.len))
			bench_die("connect");
	}
}

static void threads_start(void)
{
	static unsigned int number[THREADS];
	pthread_t id;

	pthread_barrier_init(&begin, NULL, THREADS + 1);
	pthread_barrier_init(&end, NULL, THREADS + 1);
	for (unsigned int i = 0; i < THREADS; i++) {
		number[i] = i;
		if (pthread_create(&id, NULL, thread, &number[i]))
			bench_die("a thread");
	}
}

/* The harness pins the process to one CPU. */
static void use_all_cpus(void)
{
	cpu_set_t all;

	CPU_ZERO(&all);
	for (int i = 0; i < CPU_SETSIZE; i++)
		CPU_SET(i, &all);
	sched_setaffinity(0, sizeof(all), &all);
}

static void compare(const char *name, double most, struct kind *cop,
		    struct kind *udp)
{
	const struct bench_op ours = { .run = run, .arg = cop, .n = BLOCK };
	const struct bench_op kernels = { .run = run, .arg = udp, .n = BLOCK };
	const struct bench_goal goal = { .ratio = most };
	struct bench_result res = { 0 };

	bench_rounds(&res, &(struct bench_side){ .op = &ours },
		     &(struct bench_side){ .op = &kernels }, ROUNDS, 1);
	bench_report(name, &res, &goal);
}

int main(int argc, char **argv)
{
	static struct kind cop = { .send = send, .recv = recv }, udp;

	(void)argc;
	bench_preload(argv);
	udp.send = bench_libc("send");
	udp.recv = bench_libc("recv");
	kind_open(&cop, SOCK_COP, IPPROTO_COP);
	kind_open(&udp, SOCK_DGRAM, 0);
	bench_begin("threads");
	use_all_cpus();
	threads_start();
	bench_title("ns for send + recv of 64 bytes, in each of two threads",
		    "COP", "UDP");
	compare("each its own sockets", 1 / 0.95, &cop, &udp);
	shared = true;
	compare("both the same sockets", 1 / 0.93, &cop, &udp);
	return 0;
}
