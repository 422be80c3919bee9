// SPDX-License-Identifier: MIT
/*
 * interpreter.c - what a program may name as its loader: it leaves a file "ran"
 * and says that it would load libcop.so. A loader starts itself, so it is built
 * with -DLOADER, without libc, for one machine. Without it is a program that does
 * nothing.
 */
#ifdef LOADER

#define NR_WRITE 1
#define NR_OPEN	 2
#define NR_EXIT	 60

static long call(long n, long a, long b, long c)
{
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

void _start(void)
{
	static const char says[] = "\t/usr/local/lib/libcop.so (0x2)\n";

	call(NR_OPEN, (long)"./ran", 0101, 0644);
	call(NR_WRITE, 1, (long)says, sizeof(says) - 1);
	call(NR_EXIT, 0, 0, 0);
}

#else

int main(void)
{
	return 0;
}

#endif
