// SPDX-License-Identifier: MIT
/*
 * interpose/start.c - starts the library, and ends it with the process.
 *
 * Owns: whether the library has started. Protected by: pthread_once().
 * Counterpart in the kernel: the initcalls, and begin_new_exec() for what a
 * program inherits.
 */
#include <pthread.h>
#include <unistd.h>

#include "cop_table.h"
#include "inet/af_inet.h"
#include "inet/carried.h"
#include "inet/kernel.h"
#include "inet/request.h"
#include "interpose/interpose.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "lib/scratch.h"
#include "socket/confine.h"
#include "socket/inherit.h"
#include "socket/stream.h"

static pthread_once_t cop_once = PTHREAD_ONCE_INIT;
static _Atomic(bool) cop_starting;
_Atomic(bool) cop_started;
static bool env_unread; /* only the thread that starts the library uses it */

/* libc has made the standard streams before: they may have to be replaced. */
static void inherit(bool confined)
{
	if (confined)
		cop_inherit_confined();
	else
		cop_inherit();
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (unlikely(sockfd_lookup(fd)))
			stdio_adopt(fd);
}

static void cop_start(void)
{
	bool confined;

	atomic_store(&cop_starting, true);
	env_unread = !environ;
	cop_libc_init();
	cop_env_init();
	inet_init();
	modules_init();
	request_init();
	process_watch();
	cop_stream_io = &stream_io;
	confined = cop_confine_start();
	request_load();
	inet_carry_init();
	inherit(confined);
	if (unlikely(confined))
		cop_confine_started();
	atomic_store_explicit(&cop_started, true, memory_order_release);
}

/* A module may use sockets while it is loaded, for a socket that the program inherits. */
void cop_init(void)
{
	if (unlikely(!READ_ONCE(cop_started)) && !request_is_loading())
		pthread_once(&cop_once, cop_start);
}

/*
 * The program uses a socket before any constructor: see early() in lib/libc.c.
 */
bool cop_libc_early(void)
{
	if (!READ_ONCE(cop_started) && atomic_load(&cop_starting))
		return false;
	cop_init();
	return true;
}

/*
 * In a program that was built with ThreadSanitizer the calls that follow need
 * its checks. The program itself would start them later than this, in
 * .preinit_array.
 */
void __tsan_init(void) __attribute__((weak));

/*
 * Runs even before libc's own constructor, which sets environ. If another
 * library's constructor runs first and opens a socket, libcop has started
 * without environ, and reads the environment here.
 */
__attribute__((constructor)) static void cop_load(int argc, char **argv,
						  char **envp)
{
	(void)argc;
	(void)argv;
	if (!environ)
		environ = envp;
	if (unlikely(__tsan_init))
		__tsan_init();
	cop_init();
	if (unlikely(env_unread)) {
		cop_env_init();
		request_init();
		request_load();
		inet_carry_init();
		env_unread = false;
	}
}

/*
 * Reports the figures of sockets that are still open, as a close() does. It
 * waits until other threads have written their lines, and lets them begin no
 * more. Then the modules hear of the exit.
 */
__attribute__((destructor)) static void cop_exit(void)
{
	if (cop_env.stats) {
		cop_scratch_hold();
		fd_flush_all();
	}
	request_exit();
}
