// SPDX-License-Identifier: MIT
/*
 * secure.c - says whether the kernel would set AT_SECURE for a program: then
 * its loader ignores LD_PRELOAD. The rules of security modules are not known
 * here. Counterpart in the kernel: bprm_fill_uid() in fs/exec.c and
 * cap_bprm_creds_from_file() in security/commoncap.c.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "secure.h"

/* linux/capability.h, which musl's headers don't have; all little-endian. */
#define VFS_CAP_REVISION_MASK	0xff000000
#define VFS_CAP_REVISION_1	0x01000000
#define VFS_CAP_REVISION_2	0x02000000
#define VFS_CAP_FLAGS_EFFECTIVE 0x000001

struct vfs_caps {
	uint32_t magic_etc;
	struct {
		uint32_t permitted;
		uint32_t inheritable;
	} data[2];
	uint32_t rootid; /* revision 3 only: the root of a user namespace */
};

static uint32_t le32(uint32_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap32(x);
#else
	return x;
#endif
}

/*
 * The kernel shows capabilities that count in this user namespace as revision
 * 2. Effective capabilities make a program privileged, and so do permitted
 * ones.
 */
static bool has_capabilities(const char *path)
{
	struct vfs_caps caps = { 0 };
	ssize_t n = getxattr(path, "security.capability", &caps, sizeof(caps));
	uint32_t magic = le32(caps.magic_etc);

	if (n < (ssize_t)sizeof(magic))
		return false;
	if ((magic & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_1 &&
	    (magic & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_2)
		return false;
	return (magic & VFS_CAP_FLAGS_EFFECTIVE) || caps.data[0].permitted ||
	       caps.data[1].permitted;
}

/* The kernel compares the effective ids after exec with the real ids before. */
static bool changes_ids(const struct stat *st, bool honoured)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (honoured && (st->st_mode & S_ISUID))
		uid = st->st_uid;
	if (honoured &&
	    (st->st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		gid = st->st_gid;
	return uid != getuid() || gid != getgid();
}

/*
 * With no_new_privs the kernel ignores the set-id bits, but not capabilities.
 */
enum verdict secure_exec(const char *path)
{
	struct statvfs fs;
	struct stat st;
	bool nosuid;

	if (stat(path, &st) || statvfs(path, &fs))
		return ACTIVE;
	nosuid = fs.f_flag & ST_NOSUID;
	if (changes_ids(&st,
			!nosuid && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1))
		return SET_ID;
	if (getuid() && !nosuid && has_capabilities(path))
		return CAPABILITIES;
	return ACTIVE;
}
