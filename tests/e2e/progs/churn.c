// SPDX-License-Identifier: MIT
/*
 * churn.c - sockets that are opened, bound, connected, sent from, received from,
 * duplicated and closed at random, by sixteen threads at once or by one.
 *
 *	churn udp|cop threads SECONDS
 *	churn udp|cop single CALLS
 *
 * In the end nothing may be left: it exits with 1 where something is. Memory is
 * only told of, for a sanitizer has a use for it.
 */
#include "churn.h"

#define MEMORY_KB 2048 /* by how much a process may grow as it runs on */

static bool grown;

static int tell(int fds_before)
{
	int ports, fds;

	close_slots();
	ports = ports_lost();
	fds = count_fds() - fds_before;
	printf("%d ports lost, %d descriptors left, %d of %s damaged, memory "
	       "%s\n",
	       ports, fds, damaged, verified ? "all datagrams" : "no datagrams",
	       grown ? "grew" : "kept");
	return ports || fds || damaged || !verified;
}

/* ---- the two ways to run ----------------------------------------------- */

static void *work(void *arg)
{
	struct worker *me = arg;

	while (!stop)
		call_one(me);
	return NULL;
}

/* What all this takes is there after a while, and then there is no more. */
static bool grows(int seconds)
{
	long before;

	sleep(seconds / 10 + 1);
	before = vm_kb();
	sleep(seconds - seconds / 10 - 1);
	return vm_kb() - before > MEMORY_KB;
}

static void run_threads(int seconds)
{
	static struct worker worker[THREADS];
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++) {
		init_worker(&worker[i], i);
		if (pthread_create(&thread[i], NULL, work, &worker[i]))
			die("pthread_create");
	}
	grown = grows(seconds);
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

static void run_single(int n)
{
	static struct worker me;

	init_worker(&me, 0);
	while (n--)
		call_one(&me);
}

int main(int argc, char **argv)
{
	int before;

	if (argc < 4)
		return 2;
	know_kind(argv[1]);
	own_network();
	set_sysctl("ip_local_port_range", "40000 43999");
	for (int i = 0; i < SLOTS; i++)
		slot[i] = -1;
	before = count_fds();
	if (!strcmp(argv[2], "threads"))
		run_threads(atoi(argv[3]));
	else
		run_single(atoi(argv[3]));
	return tell(before);
}
