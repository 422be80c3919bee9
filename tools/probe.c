// SPDX-License-Identifier: MIT
/*
 * probe.c - loads a module in a process of its own, and says what it has. A module may
 * crash, hang, or end its process when it is loaded, and then only the child is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "inet/af_inet.h"
#include "inet/protosw.h"
#include "inet/request.h"
#include "probe.h"
#include "socket/socket.h"
#include "transports/cop/cop.h"

/* ---- in the child -------------------------------------------------------- */

static void put(char to[OFFER_NAME], const char *text)
{
	snprintf(to, OFFER_NAME, "%s", text ?: "");
}

__attribute__((format(printf, 3, 4))) static void
refuse(struct found *found, enum offer_state state, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(found->why, sizeof(found->why), fmt, ap);
	va_end(ap);
	found->state = state;
}

/* The parent may have ended before prctl(). */
static void shut_in(pid_t parent, int out)
{
	const struct rlimit none = { 0, 0 };
	const struct rlimit busy = { PROBE_SECONDS, PROBE_SECONDS };
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent || null < 0)
		_exit(1);
	setsid();
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (out > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, out - 1, 0);
	close_range(out + 1, ~0u, 0);
	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_FSIZE, &none);
	setrlimit(RLIMIT_CPU, &busy);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Returns the transport by which the library answers; not by UDP's, the kernel's. */
static const struct inet_protosw *look_up(int type, int protocol)
{
	const struct inet_protosw *answer =
		inet_lookup_protosw(type, &protocol);

	return answer && !(answer->flags & INET_PROTOSW_ADOPTED) ? answer
								 : NULL;
}

static const struct inet_protosw *find(const struct asked *asked)
{
	const struct inet_protosw *answer = NULL;

	if (asked->type != OFFER_ANY)
		return look_up(asked->type, asked->protocol);
	for (int type = 0; !answer && type < SOCK_MAX; type++)
		answer = look_up(type, asked->protocol);
	return answer;
}

/* Whether a program that asks never gets as far as the file. */
static bool is_answered(const struct asked *asked, struct found *found)
{
	int fd;

	if (asked->type == OFFER_ANY)
		return false;
	if (find(asked)) {
		refuse(found, OFFER_HIDDEN, "libcop has it built in");
		return true;
	}
	fd = socket(asked->family, asked->type, asked->protocol);
	if (fd >= 0)
		close(fd);
	else if (errno == ESOCKTNOSUPPORT || errno == EPROTONOSUPPORT ||
		 errno == EAFNOSUPPORT)
		return false;
	refuse(found, OFFER_HIDDEN, "the kernel is asked first, %s",
	       fd >= 0 ? "and has it" : strerror(errno));
	return true;
}

/* sock_register() tells whether a family is taken. */
static bool has_family(int family)
{
	const struct net_proto_family probe = { .family = family };
	int err = sock_register(&probe);

	if (!err)
		sock_unregister(family);
	return err == -EEXIST;
}

static void note(struct found *found, const struct inet_protosw *p)
{
	struct found_transport *t = &found->transport[found->n];

	if (found->n == PROBE_MAX || p->flags & INET_PROTOSW_ADOPTED ||
	    p->prot == &cop_prot)
		return;
	put(t->name, p->prot->name);
	t->type = p->type;
	t->protocol = p->protocol;
	found->n++;
}

static void note_all(struct found *found)
{
	for (int type = 0; type < SOCK_MAX; type++)
		for (const struct inet_protosw *p = inet_first_protosw(type); p;
		     p = p->next)
			note(found, p);
	for (int family = 0; family < NPROTO; family++)
		if (family != PF_INET && family != PF_INET6 &&
		    has_family(family))
			found->families |= 1ull << family;
}

/* What a program that has asked for the file's name gets. */
static void answer(const struct asked *asked, struct found *found)
{
	const struct inet_protosw *p;

	if (asked->protocol == OFFER_ANY) {
		if (!has_family(asked->family))
			refuse(found, OFFER_FAILS,
			       "it does not register family %d", asked->family);
		return;
	}
	p = find(asked);
	found->n = 0;
	if (p) {
		put(found->transport[0].name, p->prot->name);
		found->n = 1;
	} else if (asked->type == OFFER_ANY) {
		refuse(found, OFFER_FAILS, "it has no protocol %d",
		       asked->protocol);
	} else {
		refuse(found, OFFER_FAILS, "it has no type %d, protocol %d",
		       asked->type, asked->protocol);
	}
}

static void load(const char *path, const struct asked *asked,
		 struct found *found)
{
	const struct module *mod = NULL;
	const char *fault;

	if (asked && is_answered(asked, found))
		return;
	fault = request_try(path, &mod);
	if (fault) {
		refuse(found, OFFER_FAILS, "%s", fault);
		return;
	}
	put(found->module, mod->name);
	put(found->version, mod->version);
	if (asked)
		answer(asked, found);
	else
		note_all(found);
}

static void run_child(pid_t parent, int out, const char *path,
		      const struct asked *asked)
{
	static struct found found;

	shut_in(parent, out);
	load(path, asked, &found);
	_exit(write(out, &found, sizeof(found)) != sizeof(found));
}

/* ---- in the parent ------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int left_ms(int64_t end)
{
	int64_t left = end - now_ms();

	return left > 0 ? (int)left : 0;
}

/* Returns whether all of the report came before @end. */
static bool hear(int in, struct found *found, int64_t end)
{
	struct pollfd pollfd = { in, POLLIN, 0 };
	char *to = (char *)found;
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(*found) && poll(&pollfd, 1, left_ms(end)) > 0) {
		n = read(in, to + len, sizeof(*found) - len);
		if (n <= 0)
			break;
		len += n;
	}
	return len == sizeof(*found);
}

/* The child runs the module's code, so any bytes may have come. */
static void bound(struct found *found)
{
	found->why[OFFER_WHY - 1] = '\0';
	found->module[OFFER_NAME - 1] = found->version[OFFER_NAME - 1] = '\0';
	if (found->n < 0 || found->n > PROBE_MAX)
		found->n = 0;
	for (int i = 0; i < found->n; i++)
		found->transport[i].name[OFFER_NAME - 1] = '\0';
	if (found->state < OFFER_OK || found->state > OFFER_UNTRIED)
		found->state = OFFER_FAILS;
}

/*
 * Waits for the end of the child. Its number stays its own, so that the processes that
 * it has started can be ended by it.
 */
static bool has_ended(pid_t pid, siginfo_t *info, int64_t end)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (;;) {
		info->si_pid = 0;
		if (waitid(P_PID, pid, info, WEXITED | WNOWAIT | WNOHANG))
			return false;
		if (info->si_pid || !left_ms(end))
			return info->si_pid;
		nanosleep(&pause, NULL);
	}
}

/* Why there is no report. */
static void explain(struct found *found, pid_t pid, int64_t end)
{
	siginfo_t info;

	memset(found, 0, sizeof(*found));
	if (!has_ended(pid, &info, end))
		refuse(found, OFFER_FAILS,
		       "it does not end within %d seconds when it is loaded",
		       PROBE_SECONDS);
	else if (info.si_code == CLD_EXITED)
		refuse(found, OFFER_FAILS,
		       "it ends the process when it is loaded, with status %d",
		       info.si_status);
	else
		refuse(found, OFFER_FAILS,
		       "it crashes when it is loaded: signal %d, %s",
		       info.si_status, strsignal(info.si_status));
}

static void attend(pid_t pid, int in, struct found *found)
{
	int64_t end = now_ms() + PROBE_SECONDS * 1000;

	if (hear(in, found, end))
		bound(found);
	else
		explain(found, pid, end);
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void probe(const char *path, const struct asked *asked, struct found *found)
{
	pid_t parent = getpid(), pid;
	int ends[2];

	memset(found, 0, sizeof(*found));
	if (pipe2(ends, O_CLOEXEC)) {
		refuse(found, OFFER_UNTRIED, "%s", strerror(errno));
		return;
	}
	pid = fork();
	if (!pid)
		run_child(parent, ends[1], path, asked);
	close(ends[1]);
	if (pid < 0)
		refuse(found, OFFER_UNTRIED, "%s", strerror(errno));
	else
		attend(pid, ends[0], found);
	close(ends[0]);
}
