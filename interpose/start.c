// SPDX-License-Identifier: MIT
/*
 * interpose/start.c - the library starts, and ends with the process.
 *
 * Owns: whether the library has started. Protected by: pthread_once(). Counterpart in
 * the kernel: the initcalls, and begin_new_exec() for what a program inherits.
 */
#include <pthread.h>
#include <unistd.h>

#include "cop_table.h"
#include "inet/af_inet.h"
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
static bool env_unread; /* of this thread, which starts */

/* The standard streams are there before us, and are libc's own. */
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
	process_watch();
	cop_stream_io = &stream_io;
	confined = cop_confine_start();
	inherit(confined);
	if (unlikely(confined))
		cop_confine_started();
	atomic_store_explicit(&cop_started, true, memory_order_release);
}

void cop_init(void)
{
	if (unlikely(!READ_ONCE(cop_started)))
		pthread_once(&cop_once, cop_start);
}

/* A call on a socket ahead of every constructor; see early() in lib/libc.c. */
bool cop_libc_early(void)
{
	if (!READ_ONCE(cop_started) && atomic_load(&cop_starting))
		return false;
	cop_init();
	return true;
}

/*
 * A program that was built with ThreadSanitizer has its checks in the calls that
 * follow. They begin in .preinit_array, which is later than this.
 */
void __tsan_init(void) __attribute__((weak));

/*
 * Ahead of libc's own constructor, too, which sets environ. Where another library
 * asks to be first and has a socket made, the environment is read afterwards.
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
		inet_adopt_init();
		env_unread = false;
	}
}

/*
 * What is still open when the program ends is reported as if it were closed. Other
 * threads end what they are writing first, and begin nothing more.
 */
__attribute__((destructor)) static void cop_exit(void)
{
	if (!cop_env.stats)
		return;
	cop_scratch_hold();
	fd_flush_all();
}
