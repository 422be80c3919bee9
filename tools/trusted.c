// SPDX-License-Identifier: MIT
/*
 * trusted.c - whether another user may have put code into a file. Counterpart:
 * StrictModes of sshd(8).
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trusted.h"

/* The user's own group counts as the user: with umask 002 it may write. */
static bool is_ours(const char *path)
{
	struct stat st;

	if (lstat(path, &st) || (st.st_uid && st.st_uid != geteuid()))
		return false;
	if (S_ISDIR(st.st_mode) && st.st_mode & S_ISVTX)
		return true;
	return !(st.st_mode & S_IWOTH) &&
	       (!(st.st_mode & S_IWGRP) || !st.st_gid ||
		st.st_gid == getegid());
}

bool trusted_file(const char *path)
{
	char part[PATH_MAX], *slash;

	if (!realpath(path, part))
		return false;
	for (; (slash = strrchr(part, '/')); *slash = '\0')
		if (!is_ours(part))
			return false;
	return is_ours("/");
}
