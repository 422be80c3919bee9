// SPDX-License-Identifier: MIT
/*
 * args.c - arguments of calls, as a script writes them.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "player.h"

/* Longer than any datagram, with canaries behind it. */
#define DATA_SIZE (80 * 1024)
#define BEHIND	  64

int slot_fd[SLOTS];

static unsigned char *guard;
static unsigned char *sent, *received;

static unsigned char *map(size_t size, int prot)
{
	void *at = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		exit(2);
	return at;
}

void args_init(void)
{
	guard = map(64 * 4096, PROT_NONE);
	sent = map(16 * DATA_SIZE, PROT_READ | PROT_WRITE);
	received = map(MANY_MSGS * DATA_SIZE, PROT_READ | PROT_WRITE);
	for (int i = 0; i < SLOTS; i++)
		slot_fd[i] = -1;
}

long long number(const char *word)
{
	return *word == '-' ? strtoll(word, NULL, 0)
			    : (long long)strtoull(word, NULL, 0);
}

int fd_of(const char *word)
{
	int slot = number(word);

	return slot >= 0 && slot < SLOTS ? slot_fd[slot] : -1;
}

void *pointer(char kind, void *good)
{
	switch (kind) {
	case 'N':
		return NULL;
	case 'O':
		return (void *)8;
	case 'B':
		return (void *)-1;
	case 'K':
		return (void *)0xffff888000000000;
	case 'P':
		return guard;
	default:
		return good;
	}
}

static bool is_kind(const char *word)
{
	return strchr("NOBKPo", *word) != NULL;
}

/* What follows the next comma of a word, and NULL at its end. */
static const char *after_comma(const char *word)
{
	const char *comma = word ? strchr(word, ',') : NULL;

	return comma ? comma + 1 : NULL;
}

static long long number_or(const char *word, long long otherwise)
{
	return word ? number(word) : otherwise;
}

void room_fresh(struct room *room, unsigned char *at, size_t size)
{
	memset(at, CANARY, size);
	*room = (struct room){ at, size, at };
}

/* How much of a room has been written to. */
size_t room_used(const struct room *room)
{
	size_t used = room->size;

	while (used && room->at[used - 1] == CANARY)
		used--;
	return used;
}

/* ---- names ----------------------------------------------------------------- */

/* "@slot" is that socket's port. */
static in_port_t port_arg(const char *word)
{
	if (!word)
		return 0;
	if (*word == '@')
		return port_of(number(word + 1) % SLOTS);
	return htons(number(word));
}

static void in4_arg(struct name_arg *arg, sa_family_t family, const char *ip,
		    in_port_t port)
{
	const struct sockaddr_in addr = { .sin_family = family,
					  .sin_port = port,
					  .sin_addr.s_addr = inet_addr(ip) };

	memcpy(arg->at, &addr, sizeof(addr));
}

/* @rest is "scope,flow". */
static void in6_arg(struct name_arg *arg, sa_family_t family, const char *ip,
		    in_port_t port, const char *rest)
{
	struct sockaddr_in6 addr = { .sin6_family = family, .sin6_port = port };

	inet_pton(AF_INET6, ip, &addr.sin6_addr);
	addr.sin6_scope_id = number_or(rest, 0);
	addr.sin6_flowinfo = htonl(number_or(after_comma(rest), 0));
	memcpy(arg->at, &addr, sizeof(addr));
}

void name_arg(struct name_arg *arg, const char *word)
{
	const char *ip = after_comma(word);
	const char *port = after_comma(ip);
	const char *len = after_comma(port);
	char copy[INET6_ADDRSTRLEN] = "";

	memset(arg->at, 0, sizeof(arg->at));
	arg->ptr = arg->at;
	if (is_kind(word)) {
		arg->ptr = pointer(*word, arg->at);
		arg->len = number_or(ip, 0);
		return;
	}
	strncpy(copy, ip ?: "", sizeof(copy) - 1);
	copy[strcspn(copy, ",")] = 0;
	if (strchr(copy, ':'))
		in6_arg(arg, number(word), copy, port_arg(port),
			after_comma(len));
	else
		in4_arg(arg, number(word), copy, port_arg(port));
	arg->len = number_or(len, 0);
}

void out_arg(struct out_arg *arg, const char *word, unsigned char *at,
	     size_t size)
{
	const char *len = after_comma(word);

	room_fresh(&arg->room, at, size);
	arg->room.ptr = pointer(*word, at);
	arg->len = number_or(len, 0);
	arg->len_ptr = &arg->len;
	if (len && is_kind(len))
		arg->len_ptr = pointer(*len, &arg->len);
}

void say_len(const struct out_arg *arg)
{
	if (arg->len_ptr == &arg->len)
		say(" len=%u", arg->len);
}

/* ---- data ------------------------------------------------------------------- */

static void fill(unsigned char *at, size_t len, unsigned int salt)
{
	for (size_t i = 0; i < len; i++)
		at[i] = salt * 31 + i * 7 + (i >> 8);
}

void *payload(const char *word, size_t *len)
{
	*len = number_or(after_comma(word), 0);
	fill(sent, *len < DATA_SIZE ? *len : DATA_SIZE, call_number);
	return pointer(*word, sent);
}

/* ---- messages --------------------------------------------------------------- */

/*
 * Iovecs: "[kind]len" and commas between them, "xN" for N of one byte each,
 * "-" for none, "!kindN" for N at a bad place.
 */
static size_t iov_list(struct message *m, const char *word)
{
	size_t n = 0, off = 0;

	for (; word && n < MANY_IOVS; word = after_comma(word)) {
		char kind = is_kind(word) ? *word++ : 'o';
		size_t len = number(word);

		m->iov[n].iov_base = pointer(kind, m->data + off);
		m->iov[n++].iov_len = len;
		if (kind == 'o' && len < DATA_SIZE - off)
			off += len;
	}
	return n;
}

static size_t iov_many(struct message *m, size_t n)
{
	for (size_t i = 0; i < n && i < MANY_IOVS; i++)
		m->iov[i] = (struct iovec){ m->data + i, 1 };
	return n;
}

static size_t iov_total(const struct message *m, const struct msghdr *msg)
{
	size_t total = 0;

	if (msg->msg_iov != m->iov)
		return 0;
	for (size_t i = 0; i < msg->msg_iovlen && i < MANY_IOVS; i++)
		if (m->iov[i].iov_len < DATA_SIZE)
			total += m->iov[i].iov_len;
	return total < DATA_SIZE ? total : DATA_SIZE;
}

static void iov_arg(struct message *m, struct msghdr *msg, const char *word)
{
	msg->msg_iov = m->iov;
	if (*word == '!') {
		msg->msg_iov = pointer(word[1], m->iov);
		msg->msg_iovlen = number(word + 2);
	} else if (*word == 'x') {
		msg->msg_iovlen = iov_many(m, number(word + 1));
	} else {
		msg->msg_iovlen = *word == '-' ? 0 : iov_list(m, word);
	}
}

static size_t hex_bytes(unsigned char *to, const char *word)
{
	size_t n = 0;

	for (; word[0] && word[1] && strchr("0123456789abcdef", word[0]);
	     word += 2) {
		char two[3] = { word[0], word[1] };

		to[n++] = strtol(two, NULL, 16);
	}
	return n;
}

static const char *after(const char *word, char mark)
{
	const char *at = word ? strchr(word, mark) : NULL;

	return at ? at + 1 : NULL;
}

/* "level:type:bytes[:length]" */
static size_t one_control(unsigned char *at, const char *word)
{
	struct cmsghdr *cmsg = (struct cmsghdr *)at;
	const char *type = after(word, ':');
	const char *bytes = after(type, ':');
	size_t n = hex_bytes(at + sizeof(*cmsg), bytes ?: "");
	const char *len = bytes;

	cmsg->cmsg_level = number(word);
	cmsg->cmsg_type = number_or(type, 0);
	cmsg->cmsg_len = CMSG_LEN(n);
	while (len && *len && *len != ';' && *len != ':')
		len++;
	if (len && *len == ':')
		cmsg->cmsg_len = number(len + 1);
	return CMSG_SPACE(n);
}

/* "-", "!kind,len", or controls with ";" between them and "=len" at the end */
static void control_arg(struct message *m, struct msghdr *msg, const char *word)
{
	const char *len = after(word, '=');
	size_t n = 0;

	memset(m->control_at, 0, sizeof(m->control_at));
	if (*word == '-')
		return;
	msg->msg_control = m->control_at;
	if (*word == '!') {
		msg->msg_control = pointer(word[1], m->control_at);
		msg->msg_controllen = number(word + 3);
		return;
	}
	for (; word && n < sizeof(m->control_at) - 300; word = after(word, ';'))
		n += one_control(m->control_at + n, word);
	msg->msg_controllen = number_or(len, n);
}

void message_out(struct message *m, struct msghdr *msg, char **words,
		 unsigned int salt)
{
	memset(msg, 0, sizeof(*msg));
	m->data = sent;
	name_arg(&m->name, words[0]);
	msg->msg_name = m->name.ptr;
	msg->msg_namelen = m->name.len;
	iov_arg(m, msg, words[1]);
	fill(sent, iov_total(m, msg), salt);
	control_arg(m, msg, words[2]);
	msg->msg_flags = number(words[3]);
}

/* Rooms for a name, data and control messages: "kind,len iovecs kind,len". */
void message_in(struct message *m, struct msghdr *msg, char **words,
		unsigned int which)
{
	memset(msg, 0, sizeof(*msg));
	m->data = received + (which % MANY_MSGS) * DATA_SIZE;
	room_fresh(&m->name_room, m->name.at, sizeof(m->name.at));
	room_fresh(&m->control, m->control_at, sizeof(m->control_at));
	msg->msg_name = pointer(*words[0], m->name.at);
	msg->msg_namelen = number_or(after_comma(words[0]), 0);
	iov_arg(m, msg, words[1]);
	m->data_size = iov_total(m, msg) + BEHIND;
	memset(m->data, CANARY, m->data_size);
	msg->msg_control = pointer(*words[2], m->control_at);
	msg->msg_controllen = number_or(after_comma(words[2]), 0);
	msg->msg_flags = number(words[3]);
}
