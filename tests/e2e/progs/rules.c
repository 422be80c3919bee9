// SPDX-License-Identifier: MIT
/*
 * rules.c - threads bind sockets of several types in both families, and look whether
 * two sockets ever have the same port.
 *
 * rules SECONDS TYPE...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4
#define SOCKETS 8 /* of each thread, at a time */

static _Atomic(int) owner[65536]; /* which socket has the port, 0: none */
static _Atomic(int) twice, binds, refusals;
static int types[8], n_types;
static time_t end;

union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct held {
	int fd, port;
};

static socklen_t make_addr(union addr *a, int family, int local, int port)
{
	memset(a, 0, sizeof(*a));
	a->sa.sa_family = family;
	a->in.sin_port = htons(port);
	if (family == AF_INET6) {
		a->in6.sin6_addr = local ? in6addr_loopback : in6addr_any;
		return sizeof(a->in6);
	}
	a->in.sin_addr.s_addr = htonl(local ? INADDR_LOOPBACK : INADDR_ANY);
	return sizeof(a->in);
}

/* By bind to port 0 or to one that another socket may have, or by a connect. */
static int get_port(int fd, int family, int way, int taken)
{
	union addr a;
	socklen_t len = make_addr(&a, family, way & 1, way < 4 ? 0 : taken);

	if (way < 2) {
		a.in.sin_port = htons(9);
		len = make_addr(&a, family, 1, 9);
		if (connect(fd, &a.sa, len))
			return 0;
	} else if (bind(fd, &a.sa, len)) {
		if (errno != EADDRINUSE)
			printf("bind: %s\n", strerror(errno));
		refusals++;
		return 0;
	}
	len = sizeof(a);
	getsockname(fd, &a.sa, &len);
	return ntohs(a.in.sin_port);
}

static void drop(struct held *h)
{
	if (h->port)
		owner[h->port] = 0;
	if (h->fd >= 0)
		close(h->fd);
	*h = (struct held){ -1, 0 };
}

static void take(struct held *h, unsigned int *seed, int taken)
{
	int family = rand_r(seed) % 2 ? AF_INET : AF_INET6, was = 0;

	h->fd = socket(family, types[rand_r(seed) % n_types], 0);
	if (h->fd < 0) {
		perror("socket");
		exit(1);
	}
	h->port = get_port(h->fd, family, rand_r(seed) % 6, taken);
	if (!h->port)
		return;
	binds++;
	if (!atomic_compare_exchange_strong(&owner[h->port], &was, h->fd + 1)) {
		twice++;
		h->port = 0;
	}
}

static void *work(void *arg)
{
	unsigned int seed = (unsigned int)(long)arg;
	struct held held[SOCKETS];

	for (int i = 0; i < SOCKETS; i++)
		held[i] = (struct held){ -1, 0 };
	while (time(NULL) < end) {
		struct held *h = &held[rand_r(&seed) % SOCKETS];

		drop(h);
		take(h, &seed, held[rand_r(&seed) % SOCKETS].port);
	}
	for (int i = 0; i < SOCKETS; i++)
		drop(&held[i]);
	return NULL;
}

int main(int argc, char *argv[])
{
	pthread_t threads[THREADS];

	for (int i = 2; i < argc && n_types < 8; i++)
		types[n_types++] = atoi(argv[i]);
	if (!n_types)
		return 2;
	end = time(NULL) + atoi(argv[1]);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)(i + 1));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%d twice\n", twice);
	fprintf(stderr, "%d binds, %d refusals\n", binds, refusals);
	return binds < 1000 || refusals < 10;
}
