// SPDX-License-Identifier: MIT
/*
 * test_dlerror.c - lib/dlerror.c: the program's message stays.
 */
#include <dlfcn.h>
#include <pthread.h>

#include "lib/dlerror.h"
#include "unit/helpers.h"

#define MISSING "/nowhere/of-the-program.so"
#define OURS	"/nowhere/of-the-library.so"

TestSuite(dlerror, .init = cop_dlerror_init, .timeout = 20);

/* A call that succeeds drops the message as well as one that fails. */
static void load(const char *file)
{
	struct cop_dlerror keep;
	void *handle;

	cop_dlerror_hide(&keep);
	handle = dlopen(file, RTLD_NOW);
	if (handle) {
		dlsym(handle, "getpid");
		dlclose(handle);
	} else {
		cr_expect(ne(ptr, strstr(dlerror(), file), NULL));
	}
	cop_dlerror_show(&keep);
}

static const char *const files[] = { NULL, "libc.so.6", OURS };

static void expect_kept(void)
{
	const char *text;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		cr_assert(zero(ptr, dlopen(MISSING, RTLD_NOW)));
		load(files[i]);
		load(files[i]);
		text = dlerror();
		cr_assert(ne(ptr, (void *)text, NULL), "%s", files[i]);
		cr_expect(ne(ptr, strstr(text, MISSING), NULL), "%s", text);
		cr_expect(zero(ptr, dlerror()));
	}
}

static bool libc_has_it(void)
{
	return dlvsym(RTLD_DEFAULT, "__libc_dlerror_result", "GLIBC_PRIVATE");
}

Test(dlerror, the_programs_message_stays)
{
	if (!libc_has_it())
		cr_skip("this libc has its messages elsewhere");
	expect_kept();
}

static void *in_thread(void *unused)
{
	expect_kept();
	return unused;
}

Test(dlerror, the_message_of_another_thread_stays)
{
	pthread_t thread;

	if (!libc_has_it())
		cr_skip("this libc has its messages elsewhere");
	cr_assert(zero(ptr, dlopen(MISSING, RTLD_NOW)));
	pthread_create(&thread, NULL, in_thread, NULL);
	pthread_join(thread, NULL);
	cr_expect(ne(ptr, strstr(dlerror() ?: "", MISSING), NULL));
}

/* A message that was read is still there for libc, which frees it at the next call. */
Test(dlerror, a_message_that_was_read_does_not_come_back)
{
	const char *text;

	cr_assert(zero(ptr, dlopen(MISSING, RTLD_NOW)));
	text = dlerror();
	load(OURS);
	cr_expect(ne(ptr, strstr(text, MISSING), NULL), "it is not freed yet");
	cr_expect(zero(ptr, dlerror()));
}

Test(dlerror, the_librarys_message_is_not_seen)
{
	dlerror();
	dlerror();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		load(files[i]);
		cr_expect(zero(ptr, dlerror()), "%s", files[i]);
	}
}

TestSuite(dlerror_elsewhere, .timeout = 20);

/* As with a libc that has no such variable. */
Test(dlerror_elsewhere, the_librarys_message_is_not_seen_either)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		dlopen(MISSING, RTLD_NOW);
		load(files[i]);
		cr_expect(zero(ptr, dlerror()), "%s", files[i]);
	}
}
