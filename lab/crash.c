// SPDX-License-Identifier: MIT
/*
 * crash.c - says where a program crashed. It is preloaded beside libcop.so, and appends
 * to the file that LAB_CRASH names:
 *
 *	signal NUMBER ADDRESS
 *	frame OFFSET FILE		the innermost first
 *
 * check.py makes functions and lines of these with addr2line. It sends SIGTRAP to a
 * program that takes too long: libcop does not block this signal.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define FRAMES_MAX 64

static const int signals[] = { SIGSEGV, SIGBUS,	 SIGFPE, SIGILL,
			       SIGABRT, SIGTRAP, SIGSYS };

static char *report;
static char stack[128 * 1024]; /* the program's own may be full */

static void *where(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (void *)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (void *)context->uc_mcontext.pc;
#else
	return NULL;
#endif
}

/* Where a call through a wrong pointer came from: no frame leads there. */
static void *caller(const ucontext_t *context)
{
#if defined(__x86_64__)
	return *(void **)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	return (void *)context->uc_mcontext.regs[30];
#else
	return NULL;
#endif
}

/* A return address is behind the call, which may be in the next line. */
static void put_frame(int fd, const char *address, int back)
{
	char line[4200];
	Dl_info info;
	int len;

	address -= back;
	if (!dladdr(address, &info) || !info.dli_fname)
		return;
	len = snprintf(line, sizeof(line), "frame %zx %s\n",
		       (size_t)(address - (char *)info.dli_fbase),
		       info.dli_fname);
	if (len > 0 && (size_t)len < sizeof(line) && write(fd, line, len) < 0)
		_exit(1);
}

static void put_frames(int fd, const ucontext_t *context)
{
	void *frame[FRAMES_MAX];
	int count = backtrace(frame, FRAMES_MAX);
	Dl_info info;
	int i = 0;

	while (i < count && frame[i] != where(context))
		i++;
	put_frame(fd, where(context), 0);
	if (i == count || !dladdr(where(context), &info))
		put_frame(fd, caller(context), 1);
	for (i++; i < count; i++)
		put_frame(fd, frame[i], 1);
}

static void handler(int sig, siginfo_t *info, void *context)
{
	int fd = open(report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	signal(sig, SIG_DFL);
	if (fd >= 0) {
		dprintf(fd, "signal %d %p\n", sig, info->si_addr);
		put_frames(fd, context);
		close(fd);
	}
	raise(sig); /* which ends the process when this function returns */
}

static __attribute__((constructor)) void begin(void)
{
	const stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = handler,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK };
	void *frame[1];

	report = getenv("LAB_CRASH");
	if (!report)
		return;
	report = strdup(report);
	backtrace(frame, 1); /* the first call loads a library */
	sigaltstack(&other, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
}
