/* SPDX-License-Identifier: MIT */
/*
 * player.h - what the files of the differential tester's player share.
 *
 * The player plays a script of socket calls, on UDP or on COP, and says on its
 * tape what each came to. It knows nothing of libcop. What a script looks like
 * is described in script.py, which writes it.
 */
#ifndef COP_PLAYER_H
#define COP_PLAYER_H

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define SOCK_COP      7
#define IPPROTO_COP   253

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define SA(addr)      ((struct sockaddr *)(addr))

#define SLOTS	      16
#define MAX_ARGS      80
#define CANARY	      0xa5

/* What errno is before each call: a success must leave it so. */
#define UNTOUCHED 4000

/* ---- player.c ----------------------------------------------------------- */

extern bool is_cop;
extern int own_protocol; /* of socket(): UDP's, COP's or UDP-Lite's */
extern int call_number;	 /* of the call that is being played */

/* One call of a script. */
struct step {
	int actor;
	int argc; /* words behind the call's name */
	char *name;
	char *argv[MAX_ARGS];
};

/* ---- tape.c: what came of the calls -------------------------------------- */

/* Slots hold descriptors; both actors' have the same numbers until one of them
 * closes or opens what the other does not. */
struct tape {
	size_t len;
	unsigned int symbols;
	struct symbol {
		uint16_t port;
		uint16_t number;
	} symbol[64];
	unsigned int cookies;
	uint64_t cookie[64];
	uint16_t bound[SLOTS]; /* the port each slot's socket had last */
	bool joins;	       /* UDP_GRO was set or cleared */
	char text[1 << 18];
};

extern struct tape *tape;

/* libc's own, even where something stands before it. */
extern int (*real_getsockname)(int, struct sockaddr *, socklen_t *);
extern int (*real_setsockopt)(int, int, int, const void *, socklen_t);

void tape_make(void);
void tape_clear(void);
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void say_result(long ret, int err);
void say_hex(const char *what, const unsigned char *bytes, size_t n);
void say_bytes(const char *what, const unsigned char *bytes, size_t n);
void say_data(const unsigned char *at, size_t size);
void say_name(const char *what, const unsigned char *area, size_t size);
void say_port(in_port_t port);
void say_cookie(const char *what, uint64_t cookie);

/* What is known of a slot's port without asking the library. */
in_port_t port_of(int slot);
void note_port(int slot);
void forget_port(int slot);

/* ---- args.c: arguments as a script writes them ----------------------------- */

extern int slot_fd[SLOTS];

void args_init(void);
long long number(const char *word);
int fd_of(const char *word);

/* A pointer that may be bad: N NULL, O of the first page, B -1, K the kernel's,
 * P of a page that can't be accessed; anything else is @good. */
void *pointer(char kind, void *good);

/* A room that a call may write to, with CANARY in all of it and behind it. */
struct room {
	unsigned char *at;
	size_t size; /* with what stands behind it */
	void *ptr;   /* what the call is given */
};

void room_fresh(struct room *room, unsigned char *at, size_t size);
size_t room_used(const struct room *room);

/* "family,ip,port,len", or "family,ip,port,len,scope,flow" where the ip is of
 * IPv6, or "kind,len" */
struct name_arg {
	unsigned char at[160];
	void *ptr;
	socklen_t len;
};

void name_arg(struct name_arg *arg, const char *word);

/* "kind,len" and "kind,kind" : where a call may put a name or a value. */
struct out_arg {
	struct room room;
	socklen_t len;
	socklen_t *len_ptr;
	void *len_at;
};

void out_arg(struct out_arg *arg, const char *word, unsigned char *at,
	     size_t size);
void say_len(const struct out_arg *arg);

/* "kind,len": bytes to be sent, different ones for each call. */
void *payload(const char *word, size_t *len);

/* A message: four words "name iovecs control flags". */
#define MSG_WORDS 4
#define MANY_IOVS 1100
#define MANY_MSGS 16

struct message {
	struct name_arg name;
	struct room name_room;
	struct room control;
	unsigned char control_at[1024];
	struct iovec iov[MANY_IOVS];
	unsigned char *data; /* what the iovecs lead to */
	size_t data_size;
};

void message_out(struct message *m, struct msghdr *msg, char **words,
		 unsigned int salt);
void message_in(struct message *m, struct msghdr *msg, char **words,
		unsigned int which);
void say_message(const struct message *m, const struct msghdr *msg);

/* Where descriptors go by SCM_RIGHTS; before there are two actors. */
void mail_make(void);

/* ---- calls_*.c ------------------------------------------------------------- */

struct call {
	const char *name;
	void (*play)(int argc, char **argv);
};

extern const struct call socket_calls[], data_calls[], option_calls[],
	wait_calls[];

/* Do a call, and say its result. */
#define T(expr)                         \
	({                              \
		long ret_;              \
		int err_;               \
		errno = UNTOUCHED;      \
		ret_ = (long)(expr);    \
		err_ = errno;           \
		say_result(ret_, err_); \
		ret_;                   \
	})

#endif /* COP_PLAYER_H */
