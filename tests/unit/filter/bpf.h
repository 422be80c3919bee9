/* SPDX-License-Identifier: MIT */
/*
 * bpf.h - what the tests of BPF programs share, with the kernel as the judge: what
 * a program does to a UDP datagram, the moved program must do to a COP datagram
 * with the same payload.
 *
 * Both datagrams go from the same socket to the same socket, so the ports in their
 * UDP headers are the same, and neither has a checksum.
 */
#ifndef COP_TEST_BPF_H
#define COP_TEST_BPF_H

#include <linux/filter.h>
#include <stdint.h>

#include "filter/bpf.h"
#include "unit/helpers.h"

#define T_SEED	    2463534242u
#define PAYLOAD_MAX 40000
#define OPTIONS_MAX 11 /* 32-bit words */
#define DROPPED	    (-1)

extern int t_bpf_udp, t_bpf_fd; /* where datagrams come from and go to */

void t_bpf_init(void); /* for TestSuite(): t_init(), and both sockets */

/* ---- the random source ---------------------------------------------------- */

extern uint32_t t_state; /* set it to repeat a failure */

uint32_t t_number(void);
unsigned int t_below(unsigned int n);

/* ---- the kernel's judgement ----------------------------------------------- */

/* Attach a program to t_bpf_fd; returns 0 or a negative errno. */
int t_bpf_attach(const struct sock_filter *insn, unsigned int n);

/* Send a datagram; returns how many bytes of its payload are kept, or DROPPED. */
int t_kept_udp(const unsigned char *payload, size_t len);
int t_kept_cop(unsigned int options, const unsigned char *payload, size_t len);

/* ---- a program and what becomes of it ------------------------------------- */

/* Names what a failure is about: the entry of a table, or the seed. */
extern char t_what[64];

struct t_sample {
	size_t len;
	unsigned char payload[PAYLOAD_MAX];
};

/* The datagrams that each program is tried on. */
extern struct t_sample t_samples[4];

/* For each sample, how much of its payload the kernel keeps. */
struct t_answers {
	int kept[ARRAY_SIZE(t_samples)];
};

/* Fill a sample with @len random bytes below @most. */
void t_random_payload(struct t_sample *sample, size_t len, unsigned int most);

/* Make samples of these lengths. */
void t_samples_of(size_t a, size_t b, size_t c, size_t d);

/* cop_bpf_shift(), with its working memory. */
int t_shifted(const struct sock_filter *in, unsigned int len,
	      struct sock_filter *out, unsigned int max);

/*
 * Move a program and attach the result. Returns what cop_bpf_shift() does, or
 * -ENOMEM if the result is longer than net.core.optmem_max allows.
 */
int t_attach_moved(const struct sock_filter *insn, unsigned int n);

/*
 * Fail unless the moved program keeps of COP datagrams what the program keeps of
 * UDP. Returns the kernel's answers.
 */
struct t_answers t_assert_moves(const struct sock_filter *insn, unsigned int n);

/*
 * The same for all bits of A at the end of a program: six bits of it at a time
 * decide how much of the payload is kept.
 */
void t_observe(const struct sock_fprog *prog);
void t_observe_all(const struct sock_fprog *progs, size_t n);

extern const uint16_t t_sizes[3];  /* of a load: word, half word, byte */
extern const uint32_t t_far[7];	   /* offsets out of bounds in any datagram */
extern const uint32_t t_keeps[26]; /* results of a program */

/* ---- programs by hand ----------------------------------------------------- */

#define STMT(code, k)	      BPF_STMT(code, (uint32_t)(k))
#define JUMP(code, k, jt, jf) BPF_JUMP(code, (uint32_t)(k), jt, jf)
#define LD(how, k)	      STMT(BPF_LD | (how), k)
#define LDX(how, k)	      STMT(BPF_LDX | (how), k)
#define ALU(how, k)	      STMT(BPF_ALU | (how), k)
#define JMP(how, k, jt, jf)   JUMP(BPF_JMP | (how), k, jt, jf)
#define JA(k)		      STMT(BPF_JMP | BPF_JA, k)
#define ST(k)		      STMT(BPF_ST, k)
#define STX(k)		      STMT(BPF_STX, k)
#define TAX		      STMT(BPF_MISC | BPF_TAX, 0)
#define TXA		      STMT(BPF_MISC | BPF_TXA, 0)
#define RET(k)		      STMT(BPF_RET | BPF_K, k)
#define RET_A		      STMT(BPF_RET | BPF_A, 0)

#define PROGRAM(...)                                                 \
	{                                                            \
		ARRAY_SIZE(((struct sock_filter[]){ __VA_ARGS__ })), \
			(struct sock_filter[])                       \
		{                                                    \
			__VA_ARGS__                                  \
		}                                                    \
	}

#define NET(k) (SKF_NET_OFF + (k))
#define LL(k)  (SKF_LL_OFF + (k))
#define AD(k)  (SKF_AD_OFF + SKF_AD_##k)

#endif /* COP_TEST_BPF_H */
