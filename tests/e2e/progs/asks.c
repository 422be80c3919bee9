// SPDX-License-Identifier: MIT
/*
 * asks.c - asks for a COP socket, and the kernel whether it trusts the
 * environment. Built by the tests in many ways, so it uses nothing but what
 * every libc has.
 */
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/socket.h>

#ifdef GO_NOTE
/* As Go's linker leaves it: its name, the type of a build's name, the name. */
struct go_note {
	unsigned int namesz, descsz, type;
	char name[4], desc[8];
};

__attribute__((section(".note.go.buildid"), used,
	       aligned(4))) static const struct go_note go_note = { 4, 8, 4,
								    "Go\0",
								    "a/b/c/d" };
#endif

int main(void)
{
	printf("cop %d secure %lu\n", socket(AF_INET, 7, 253) >= 0,
	       getauxval(AT_SECURE));
	return 0;
}
