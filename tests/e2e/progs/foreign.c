// SPDX-License-Identifier: MIT
/*
 * foreign.c - ask for a COP socket in a program for another machine, with that
 * machine's libc alone: its headers and start files need not be there. main()
 * is where the kernel starts it.
 */
int socket(int domain, int type, int protocol);
int printf(const char *fmt, ...);
_Noreturn void exit(int status);
int *__errno_location(void);

#if defined(__i386__)
__attribute__((force_align_arg_pointer))
#endif
int main(void)
{
	int fd = socket(2, 7, 253);

	printf("%d %d\n", fd, *__errno_location());
	exit(0);
}
