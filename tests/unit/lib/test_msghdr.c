// SPDX-License-Identifier: MIT
/*
 * test_msghdr.c - lib/msghdr.c: messages are checked, and filled in, as the kernel does it.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/msghdr.h"

static int fd;

#define BAD ((void *)8)

static void setup(void)
{
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	cr_assert_geq(fd, 0);
}

static void teardown(void)
{
	close(fd);
}

TestSuite(msghdr, .init = setup, .fini = teardown);

Test(msghdr, import_of_unreadable_memory_is_efault)
{
	struct msghdr msg;

	cr_assert_eq(msg_import(fd, &msg, BAD), -EFAULT);
}

Test(msghdr, import_of_negative_name_length_is_einval)
{
	struct sockaddr_in name;
	struct msghdr umsg = { .msg_name = &name, .msg_namelen = -1 }, msg;

	cr_assert_eq(msg_import(fd, &msg, &umsg), -EINVAL);
}

Test(msghdr, import_cuts_a_name_that_is_too_long)
{
	struct sockaddr_in name;
	struct msghdr umsg = { .msg_name = &name, .msg_namelen = 4096 }, msg;

	cr_assert_eq(msg_import(fd, &msg, &umsg), 0);
	cr_assert_eq(msg.msg_namelen, sizeof(struct sockaddr_storage));
}

Test(msghdr, import_forgets_the_length_of_no_name_and_the_flags)
{
	struct msghdr umsg = { .msg_namelen = -1, .msg_flags = MSG_TRUNC }, msg;

	cr_assert_eq(msg_import(fd, &msg, &umsg), 0);
	cr_assert_eq(msg.msg_namelen, 0);
	cr_assert_eq(msg.msg_flags, 0);
}

Test(msghdr, name_of_length_0_is_no_name)
{
	struct msghdr msg = { .msg_name = BAD };

	cr_assert_eq(msg_import_name(fd, &msg), 0);
	cr_assert_null(msg.msg_name);
}

Test(msghdr, name_that_cant_be_read_is_efault)
{
	struct msghdr msg = { .msg_name = BAD, .msg_namelen = 16 };

	cr_assert_eq(msg_import_name(fd, &msg), -EFAULT);
}

Test(msghdr, export_writes_lengths_and_flags)
{
	struct sockaddr_in name;
	struct msghdr umsg = { .msg_name = &name, .msg_namelen = 100 };
	struct msghdr msg = { .msg_name = &name,
			      .msg_namelen = 16,
			      .msg_controllen = 32,
			      .msg_flags = MSG_TRUNC };

	cr_assert_eq(msg_export(&umsg, &msg), 0);
	cr_assert_eq(umsg.msg_namelen, 16);
	cr_assert_eq(umsg.msg_controllen, 32);
	cr_assert_eq(umsg.msg_flags, MSG_TRUNC);
	cr_assert_eq(msg_export(BAD, &msg), -EFAULT);
}

Test(msghdr, export_leaves_the_length_of_no_name)
{
	struct msghdr umsg = { .msg_namelen = 100 };
	struct msghdr msg = { .msg_namelen = 0 };

	cr_assert_eq(msg_export(&umsg, &msg), 0);
	cr_assert_eq(umsg.msg_namelen, 100);
}

Test(msghdr, fault_in_the_name_still_writes_its_length)
{
	struct msghdr umsg = { .msg_name = BAD, .msg_namelen = 100 };
	struct msghdr msg = { .msg_name = BAD, .msg_namelen = 16 };

	cr_assert_eq(msg_export_fault(&umsg, &msg, 100, -EAGAIN), -EAGAIN);
	cr_assert_eq(umsg.msg_namelen, 100);
	cr_assert_eq(msg_export_fault(&umsg, &msg, 100, -EFAULT), -EFAULT);
	cr_assert_eq(umsg.msg_namelen, 16);
}

/* A room to report a name in, and where it is: NULL for memory that is writable. */
struct room {
	int len;
	void *at;
};

/* getsockname() of the kernel is what name_export() has to do. */
static void assert_as_kernel(const struct room *room)
{
	struct sockaddr_in own[2], from = { .sin_family = AF_INET };
	socklen_t len[2] = { room->len, room->len };
	int err;

	memset(own, 0xaa, sizeof(own));
	err = getsockname(fd, room->at ?: &own[0], &len[0]) ? -errno : 0;
	cr_assert_eq(name_export(fd, room->at ?: &own[1], &len[1],
				 (struct sockaddr_storage *)&from,
				 sizeof(from)),
		     err);
	cr_assert_eq(len[0], len[1]);
	cr_assert_arr_eq(&own[0], &own[1], sizeof(own[0]));
}

Test(msghdr, name_export_does_what_getsockname_does)
{
	const struct room rooms[] = {
		{ -1, NULL },  { 0, NULL }, { 5, NULL }, { 16, NULL },
		{ 100, NULL }, { 16, BAD }, { 0, BAD },	 { -1, BAD },
	};

	for (size_t i = 0; i < sizeof(rooms) / sizeof(*rooms); i++)
		assert_as_kernel(&rooms[i]);
	cr_assert_eq(name_export(fd, NULL, BAD, NULL, 16), -EFAULT);
}

Test(msghdr, refuse_asks_the_kernel_what_the_descriptor_is)
{
	int pipes[2];

	cr_assert_eq(pipe(pipes), 0);
	cr_assert_eq(msg_refuse(fd, -EINVAL), -EINVAL);
	cr_assert_eq(msg_refuse(fd, 0), 0);
	cr_assert_eq(msg_refuse(pipes[0], 0), -ENOTSOCK);
	close(pipes[0]);
	cr_assert_eq(msg_refuse(pipes[0], 0), -EBADF);
	close(pipes[1]);
}
