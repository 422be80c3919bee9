// SPDX-License-Identifier: MIT
/*
 * calls_data.c - the calls that send and receive.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "player.h"

#define BUFFER_SIZE (80 * 1024)
#define BEHIND	    64

static struct message message[MANY_MSGS];
static unsigned char buffer[BUFFER_SIZE];
static unsigned char name_area[160];

/* ---- sending ---------------------------------------------------------------- */

/* send SLOT DATA FLAGS */
static void play_send(int argc, char **argv)
{
	size_t len;
	void *data = payload(argv[1], &len);

	(void)argc;
	T(send(fd_of(argv[0]), data, len, number(argv[2])));
}

/* write SLOT DATA */
static void play_write(int argc, char **argv)
{
	size_t len;
	void *data = payload(argv[1], &len);

	(void)argc;
	T(write(fd_of(argv[0]), data, len));
}

/* sendto SLOT DATA FLAGS NAME */
static void play_sendto(int argc, char **argv)
{
	size_t len;
	void *data = payload(argv[1], &len);
	struct name_arg name;

	(void)argc;
	name_arg(&name, argv[3]);
	T(sendto(fd_of(argv[0]), data, len, number(argv[2]), name.ptr,
		 name.len));
}

/* writev SLOT IOVECS [FLAGS]: pwritev2 at the current place with flags */
static void play_writev(int argc, char **argv)
{
	char *words[] = { "N", argv[1], "-", "0" };
	int fd = fd_of(argv[0]);
	struct msghdr msg;

	message_out(message, &msg, words, call_number);
	if (argc > 2)
		T(pwritev2(fd, msg.msg_iov, msg.msg_iovlen, -1,
			   number(argv[2])));
	else
		T(writev(fd, msg.msg_iov, msg.msg_iovlen));
}

/* sendmsg SLOT FLAGS MESSAGE, or KIND where the message is elsewhere */
static void play_sendmsg(int argc, char **argv)
{
	int fd = fd_of(argv[0]), flags = number(argv[1]);
	struct msghdr msg;

	if (argc < 2 + MSG_WORDS) {
		T(sendmsg(fd, pointer(*argv[2], NULL), flags));
		return;
	}
	message_out(message, &msg, argv + 2, call_number);
	T(sendmsg(fd, &msg, flags));
}

static unsigned int messages_in(int argc)
{
	unsigned int n = argc / MSG_WORDS;

	return n < MANY_MSGS ? n : MANY_MSGS;
}

/* All of them send from the same bytes. */
static void out_vector(struct mmsghdr *vec, int argc, char **argv)
{
	for (unsigned int i = 0; i < messages_in(argc); i++) {
		message_out(&message[i], &vec[i].msg_hdr, argv + i * MSG_WORDS,
			    call_number);
		vec[i].msg_len = 0xa5a5;
	}
}

/* sendmmsg SLOT NUMBER FLAGS KIND MESSAGE... */
static void play_sendmmsg(int argc, char **argv)
{
	struct mmsghdr vec[MANY_MSGS] = { 0 };
	unsigned int n = messages_in(argc - 4);

	out_vector(vec, argc - 4, argv + 4);
	T(sendmmsg(fd_of(argv[0]), pointer(*argv[3], vec), number(argv[1]),
		   number(argv[2])));
	for (unsigned int i = 0; i < n; i++)
		say(" %u", vec[i].msg_len);
}

/* ---- receiving --------------------------------------------------------------- */

static size_t buffer_used;

/* "kind,len" */
static void *fresh_buffer(const char *word, size_t *len)
{
	const char *comma = strchr(word, ',');

	*len = comma ? number(comma + 1) : 0;
	buffer_used = *len < BUFFER_SIZE - BEHIND ? *len + BEHIND : BUFFER_SIZE;
	memset(buffer, CANARY, buffer_used);
	return pointer(*word, buffer);
}

/*
 * Behind joined datagrams the library leaves bytes in the room that the program gave
 * it. Nothing may change behind this room.
 */
static void forget_rest(unsigned char *at, long ret, size_t room)
{
	const size_t n = ret < 0 ? 0 : ret;

	if (tape->joins && n < room)
		memset(at + n, CANARY, room - n);
}

static void say_received(long ret)
{
	forget_rest(buffer, ret, buffer_used - BEHIND);
	say_data(buffer, buffer_used);
}

/* recv SLOT BUFFER FLAGS */
static void play_recv(int argc, char **argv)
{
	size_t len;
	void *buf = fresh_buffer(argv[1], &len);

	(void)argc;
	say_received(T(recv(fd_of(argv[0]), buf, len, number(argv[2]))));
}

/* read SLOT BUFFER */
static void play_read(int argc, char **argv)
{
	size_t len;
	void *buf = fresh_buffer(argv[1], &len);

	(void)argc;
	say_received(T(read(fd_of(argv[0]), buf, len)));
}

/* recvfrom SLOT BUFFER FLAGS OUT */
static void play_recvfrom(int argc, char **argv)
{
	struct out_arg out;
	size_t len;
	void *buf = fresh_buffer(argv[1], &len);
	long ret;

	(void)argc;
	out_arg(&out, argv[3], name_area, sizeof(name_area));
	ret = T(recvfrom(fd_of(argv[0]), buf, len, number(argv[2]),
			 out.room.ptr, out.len_ptr));
	say_len(&out);
	say_name("from", name_area, sizeof(name_area));
	say_received(ret);
}

/* readv SLOT IOVECS [FLAGS]: preadv2 at the current place with flags */
static void play_readv(int argc, char **argv)
{
	char *words[] = { "N", argv[1], "N", "0" };
	int fd = fd_of(argv[0]);
	struct msghdr msg;
	long ret;

	message_in(message, &msg, words, 0);
	if (argc > 2)
		ret = T(preadv2(fd, msg.msg_iov, msg.msg_iovlen, -1,
				number(argv[2])));
	else
		ret = T(readv(fd, msg.msg_iov, msg.msg_iovlen));
	forget_rest(message->data, ret, message->data_size - BEHIND);
	say_data(message->data, message->data_size);
}

/* recvmsg SLOT FLAGS MESSAGE, or KIND where the message is elsewhere */
static void play_recvmsg(int argc, char **argv)
{
	int fd = fd_of(argv[0]), flags = number(argv[1]);
	struct msghdr msg;
	long ret;

	if (argc < 2 + MSG_WORDS) {
		T(recvmsg(fd, pointer(*argv[2], NULL), flags));
		return;
	}
	message_in(message, &msg, argv + 2, 0);
	ret = T(recvmsg(fd, &msg, flags));
	forget_rest(message->data, ret, message->data_size - BEHIND);
	say_message(message, &msg);
}

static void in_vector(struct mmsghdr *vec, int argc, char **argv)
{
	for (unsigned int i = 0; i < messages_in(argc); i++) {
		message_in(&message[i], &vec[i].msg_hdr, argv + i * MSG_WORDS,
			   i);
		vec[i].msg_len = 0xa5a5;
	}
}

/* "-", "kind", or "seconds.nanoseconds" */
static struct timespec *timeout_arg(struct timespec *ts, const char *word)
{
	const char *dot = strchr(word, '.');

	if (*word == '-' && !dot)
		return NULL;
	ts->tv_sec = number(word);
	ts->tv_nsec = dot ? number(dot + 1) : 0;
	return pointer(*word, ts);
}

/* How much of the time is left is not the same twice. */
static void say_time_left(const struct timespec *ts, const char *word)
{
	if (!strchr(word, '.'))
		return;
	if (ts->tv_sec > 0 && ts->tv_sec <= number(word))
		say(" left=some");
	else
		say(" left=%ld.%09ld", (long)ts->tv_sec, ts->tv_nsec);
}

/* recvmmsg SLOT NUMBER FLAGS TIMEOUT KIND MESSAGE... */
static void play_recvmmsg(int argc, char **argv)
{
	struct mmsghdr vec[MANY_MSGS] = { 0 };
	unsigned int n = messages_in(argc - 5);
	struct timespec ts = { 0 };
	struct timespec *timeout = timeout_arg(&ts, argv[3]);
	long ret;

	in_vector(vec, argc - 5, argv + 5);
	ret = T(recvmmsg(fd_of(argv[0]), pointer(*argv[4], vec),
			 number(argv[1]), number(argv[2]), timeout));
	say_time_left(&ts, argv[3]);
	for (unsigned int i = 0; i < n; i++) {
		forget_rest(message[i].data, i < ret ? vec[i].msg_len : 0,
			    message[i].data_size - BEHIND);
		say(" [%u", vec[i].msg_len);
		say_message(&message[i], &vec[i].msg_hdr);
		say("]");
	}
}

const struct call data_calls[] = {
	{ "send", play_send },
	{ "write", play_write },
	{ "sendto", play_sendto },
	{ "writev", play_writev },
	{ "sendmsg", play_sendmsg },
	{ "sendmmsg", play_sendmmsg },
	{ "recv", play_recv },
	{ "read", play_read },
	{ "recvfrom", play_recvfrom },
	{ "readv", play_readv },
	{ "recvmsg", play_recvmsg },
	{ "recvmmsg", play_recvmmsg },
	{ NULL, NULL },
};
