// SPDX-License-Identifier: MIT
/*
 * player.c - play scripts of socket calls, on UDP or on COP.
 *
 * player udp|cop <scripts >tapes. Each script is played by a process of its own
 * in a network of its own. A script's "fork" makes a second actor of it; the
 * two take turns, which go to and fro over pipes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "network.h"
#include "player.h"

#define MAX_STEPS    512
#define PIPES_FROM   200 /* above the descriptors that scripts get */
#define SCRIPT_TIME  20

#define NO_SUCH_CALL 78

bool is_cop;
int own_protocol = IPPROTO_UDP;
int call_number;

static struct script {
	int id, mtu, rights;
	char net[8]; /* how the network is to be: network.h */
	int n;
	struct step step[MAX_STEPS];
} script;

static int me;	       /* which actor this is */
static bool two;       /* are there, by now */
static int turn[2][2]; /* [actor]: the pipe over which it gets its turn */
static pid_t other;    /* of actor 0: actor 1 */
static volatile sig_atomic_t broken_pipes;

/* ---- reading scripts --------------------------------------------------------- */

static char *next_word(char **line)
{
	char *word = strsep(line, " ");

	while (word && !*word)
		word = strsep(line, " ");
	return word;
}

/* "actor call argument..." */
static void read_step(char *line)
{
	struct step *step = &script.step[script.n];
	char *word = next_word(&line);

	if (!word || script.n == MAX_STEPS)
		return;
	step->actor = number(word);
	step->name = next_word(&line);
	step->argc = 0;
	while (step->argc < MAX_ARGS - 1 && (word = next_word(&line)))
		step->argv[step->argc++] = word;
	step->argv[step->argc] = NULL;
	if (step->name)
		script.n++;
}

/* "script id mtu rights [net]", steps, "end"; returns where the next one
 * begins. */
static char *read_script(char *text)
{
	char *line;

	script.n = 0;
	strcpy(script.net, "4");
	while ((line = strsep(&text, "\n"))) {
		if (!strcmp(line, "end"))
			return text;
		if (sscanf(line, "script %d %d %d %7s", &script.id, &script.mtu,
			   &script.rights, script.net) < 3)
			read_step(line);
	}
	return NULL;
}

static char *read_all(void)
{
	size_t size = 1 << 20, len = 0;
	char *text = malloc(size);
	ssize_t n;

	while (text && (n = read(0, text + len, size - len - 1)) > 0) {
		len += n;
		if (size - len < 1 << 16)
			text = realloc(text, size *= 2);
	}
	if (text)
		text[len] = 0;
	return text;
}

/* ---- playing one -------------------------------------------------------------- */

static const struct call *find_call(const char *name)
{
	const struct call *const all[] = { socket_calls, data_calls,
					   option_calls, wait_calls };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (const struct call *call = all[i]; call->name; call++)
			if (!strcmp(call->name, name))
				return call;
	exit(NO_SUCH_CALL);
}

static void play_fork(void)
{
	other = fork();
	if (!other) {
		me = 1;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	two = true;
	close(turn[!me][0]);
	close(turn[me][1]);
}

static void play_step(const struct step *step)
{
	int seen = broken_pipes;

	for (int i = 0; i < SLOTS; i++)
		note_port(i);
	say("%d %s", call_number, step->name);
	find_call(step->name)->play(step->argc, (char **)step->argv);
	if (broken_pipes != seen)
		say(" SIGPIPE");
	say("\n");
	for (int i = 0; i < SLOTS; i++)
		note_port(i);
}

static void pass_turn(void)
{
	if (write(turn[!me][1], "", 1) != 1)
		exit(0);
}

static void await_turn(void)
{
	char c;

	if (read(turn[me][0], &c, 1) != 1)
		exit(0);
}

/* A step of an actor that there is not (yet) is played by the one there is. */
static int actor_of(const struct step *step)
{
	return two ? step->actor : 0;
}

static void play_script(void)
{
	int whose = 0;

	for (int i = 0; i < script.n; i++) {
		const struct step *step = &script.step[i];
		int actor = actor_of(step);

		if (actor != whose && two) {
			if (whose == me)
				pass_turn();
			else
				await_turn();
			whose = actor;
		}
		call_number = i;
		if (!strcmp(step->name, "fork") && !two)
			play_fork();
		else if (actor == me && strcmp(step->name, "fork"))
			play_step(step);
	}
}

static void on_broken_pipe(int sig)
{
	(void)sig;
	broken_pipes++;
}

static void make_pipes(void)
{
	for (int i = 0; i < 2; i++) {
		int ends[2];

		if (pipe(ends))
			exit(2);
		turn[i][0] = fcntl(ends[0], F_DUPFD, PIPES_FROM);
		turn[i][1] = fcntl(ends[1], F_DUPFD, PIPES_FROM);
		close(ends[0]);
		close(ends[1]);
	}
}

/* Neither ends, and closes its sockets, before the other has played. */
static void end_together(void)
{
	int status = 0;
	char c;

	if (!two)
		return;
	close(turn[!me][1]);
	while (read(turn[me][0], &c, 1) > 0)
		;
	if (me)
		return;
	waitpid(other, &status, 0);
	if (status)
		say("second actor: %x\n", status);
}

/* The first actor, and from its fork on both. */
static _Noreturn void act(void)
{
	signal(SIGPIPE, on_broken_pipe);
	signal(SIGIO, SIG_IGN);
	signal(SIGURG, SIG_IGN);
	network_fresh(script.mtu, script.rights, script.net);
	make_pipes();
	mail_make();
	args_init();
	alarm(SCRIPT_TIME);
	play_script();
	end_together();
	_exit(0);
}

/* ---- time stamps ----------------------------------------------------------------- */

static bool is_stamped(int fd)
{
	char control[256], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };

	return send(fd, "", 1, 0) == 1 && recvmsg(fd, &msg, 0) == 1 &&
	       msg.msg_controllen;
}

/* One that is not played with asks, and waits until the kernel stamps. */
static void stamps_begin(void)
{
	const int on = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, SA(&addr), len) || getsockname(fd, SA(&addr), &len) ||
	    connect(fd, SA(&addr), len) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &on, sizeof(on)))
		exit(2);
	while (!is_stamped(fd))
		usleep(1000);
}

/*
 * The kernel begins to stamp what comes in some time after the first socket has
 * asked for it, and ends with the last one. A process of its own has that socket
 * until the player ends: the actors' first socket is in their own network, as in a
 * program that has always been there.
 */
static void stamps_keep(void)
{
	int life[2], begun[2];
	char c;

	if (pipe(life) || pipe(begun))
		exit(2);
	if (!fork()) {
		close(life[1]);
		stamps_begin();
		if (write(begun[1], "", 1) == 1)
			read(life[0], &c, 1);
		_exit(0);
	}
	close(life[0]);
	close(begun[1]);
	fcntl(life[1], F_DUPFD_CLOEXEC, PIPES_FROM);
	close(life[1]);
	if (read(begun[0], &c, 1) != 1)
		exit(2);
	close(begun[0]);
}

/* ---- playing all ---------------------------------------------------------------- */

/* Both ends of @life are closed in both actors when both have ended. */
static void await_both(pid_t pid, const int life[2], int *status)
{
	char c;

	close(life[1]);
	while (read(life[0], &c, 1) > 0)
		;
	close(life[0]);
	waitpid(pid, status, 0);
}

static int play_apart(void)
{
	int life[2], status = 0;
	pid_t pid;

	if (pipe(life))
		exit(2);
	pid = fork();
	if (!pid) {
		close(life[0]);
		fcntl(life[1], F_DUPFD, PIPES_FROM);
		close(life[1]);
		close(0);
		close(1);
		open("/dev/null", O_RDWR);
		open("/dev/null", O_RDWR);
		act();
	}
	await_both(pid, life, &status);
	return status;
}

int main(int argc, char **argv)
{
	char *text;

	if (argc != 2)
		return 2;
	is_cop = !strcmp(argv[1], "cop");
	if (is_cop)
		own_protocol = IPPROTO_COP;
	else if (!strcmp(argv[1], "udplite"))
		own_protocol = IPPROTO_UDPLITE;
	unsetenv("LD_PRELOAD");
	stamps_keep();
	tape_make();
	text = read_all();
	while (text && (text = read_script(text))) {
		int status;

		tape_clear();
		status = play_apart();
		if (WIFEXITED(status) && WEXITSTATUS(status))
			return WEXITSTATUS(status);
		printf("script %d\n%.*send %x\n", script.id, (int)tape->len,
		       tape->text, status);
	}
	return 0;
}
