/* SPDX-License-Identifier: MIT */
/*
 * criterion.h - what the unit tests use of Criterion, for processors for which Debian
 * has no Criterion. tests/unit/runner.c runs the tests.
 */
#ifndef CROSS_CRITERION_H
#define CROSS_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct criterion_test_extra_data {
	int sentinel;
	void (*init)(void);
	void (*fini)(void);
	double timeout;
};

struct criterion_test {
	const char *category, *name;
	void (*test)(void);
	const struct criterion_test_extra_data *data;
};

struct criterion_suite {
	const char *name;
	const struct criterion_test_extra_data *data;
};

void criterion_internal_test_setup(void);
void criterion_internal_test_teardown(void);
void criterion_abort_test(void) __attribute__((noreturn));
void criterion_skip_test(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* What the last comparison has compared. */
extern long long cross_left, cross_right;
bool cross_note(bool result, long long left, long long right);

/* Reports a failure. */
void cross_failed(const char *file, size_t line, const char *condition,
		  const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#define CROSS_ITEM(kind, type, id, value) \
	static type *id##_at              \
		__attribute__((section(#kind), used, no_reorder)) = value

#define Test(suite, name_, ...)                                      \
	static void suite##_##name_##_body(void);                    \
	static void suite##_##name_##_run(void)                      \
	{                                                            \
		criterion_internal_test_setup();                     \
		suite##_##name_##_body();                            \
		criterion_internal_test_teardown();                  \
	}                                                            \
	static struct criterion_test suite##_##name_ = {             \
		#suite, #name_, suite##_##name_##_run,               \
		&(struct criterion_test_extra_data){ .sentinel = 0,  \
						     ##__VA_ARGS__ } \
	};                                                           \
	CROSS_ITEM(cr_tst, struct criterion_test, suite##_##name_,   \
		   &suite##_##name_);                                \
	static void suite##_##name_##_body(void)

#define TestSuite(suite, ...)                                                \
	static struct criterion_suite suite##_suite = {                      \
		#suite, &(struct criterion_test_extra_data){ .sentinel = 0,  \
							     ##__VA_ARGS__ } \
	};                                                                   \
	CROSS_ITEM(cr_sts, struct criterion_suite, suite##_suite,            \
		   &suite##_suite)

#define CROSS_CHECK(or_else, text, condition, ...)             \
	do {                                                   \
		if (!(condition)) {                            \
			cross_failed(__FILE__, __LINE__, text, \
				     " " __VA_ARGS__);         \
			or_else;                               \
		}                                              \
	} while (0)

#define CROSS_ABORT	  criterion_abort_test()
#define CROSS_GO_ON	  (void)0

#define cr_assert(...)	  CROSS_CHECK(CROSS_ABORT, #__VA_ARGS__, __VA_ARGS__)
#define cr_expect(...)	  CROSS_CHECK(CROSS_GO_ON, #__VA_ARGS__, __VA_ARGS__)
#define cr_skip(...)	  criterion_skip_test("" __VA_ARGS__)
#define cr_skip_test(...) criterion_skip_test("" __VA_ARGS__)
#define cr_fatal(...)	  cr_assert(0, __VA_ARGS__)

/* ---- conditions ----------------------------------------------------------- */

typedef int cross_int;
typedef unsigned int cross_uint;
typedef long cross_long;
typedef unsigned long cross_ulong;
typedef size_t cross_sz;
typedef uintptr_t cross_ptr;
typedef char cross_chr;
typedef double cross_dbl;
typedef uint8_t cross_u8;
typedef uint16_t cross_u16;
typedef uint32_t cross_u32;
typedef uint64_t cross_u64;
typedef int64_t cross_i64;

#define CROSS_COMPARE(type, a, op, b)                          \
	({                                                     \
		const cross_##type left_ = (cross_##type)(a);  \
		const cross_##type right_ = (cross_##type)(b); \
		cross_note(left_ op right_, (long long)left_,  \
			   (long long)right_);                 \
	})
#define CROSS_EQ(type, a, b) CROSS_EQ_##type(a, b)
#define CROSS_EQ_str(a, b)   (!strcmp(a, b))
#define CROSS_EQ_int(a, b)   CROSS_COMPARE(int, a, ==, b)
#define CROSS_EQ_uint(a, b)  CROSS_COMPARE(uint, a, ==, b)
#define CROSS_EQ_long(a, b)  CROSS_COMPARE(long, a, ==, b)
#define CROSS_EQ_ulong(a, b) CROSS_COMPARE(ulong, a, ==, b)
#define CROSS_EQ_sz(a, b)    CROSS_COMPARE(sz, a, ==, b)
#define CROSS_EQ_ptr(a, b)   CROSS_COMPARE(ptr, a, ==, b)
#define CROSS_EQ_chr(a, b)   CROSS_COMPARE(chr, a, ==, b)
#define CROSS_EQ_u8(a, b)    CROSS_COMPARE(u8, a, ==, b)
#define CROSS_EQ_u16(a, b)   CROSS_COMPARE(u16, a, ==, b)
#define CROSS_EQ_u32(a, b)   CROSS_COMPARE(u32, a, ==, b)
#define CROSS_EQ_u64(a, b)   CROSS_COMPARE(u64, a, ==, b)
#define CROSS_EQ_i64(a, b)   CROSS_COMPARE(i64, a, ==, b)

#define eq(type, a, b)	     CROSS_EQ(type, a, b)
#define ne(type, a, b)	     (!CROSS_EQ(type, a, b))
#define lt(type, a, b)	     CROSS_COMPARE(type, a, <, b)
#define le(type, a, b)	     CROSS_COMPARE(type, a, <=, b)
#define gt(type, a, b)	     CROSS_COMPARE(type, a, >, b)
#define ge(type, a, b)	     CROSS_COMPARE(type, a, >=, b)
#define zero(type, a)	     CROSS_EQ(type, a, 0)
#define not(condition) (!(condition))
#define all(a, b) ((a) && (b))

/* ---- the older names ------------------------------------------------------ */

#define CROSS_OP(or_else, a, op, b, ...) \
	CROSS_CHECK(or_else, #a " " #op " " #b, (a)op(b), ##__VA_ARGS__)

#define cr_assert_eq(a, b, ...)	    CROSS_OP(CROSS_ABORT, a, ==, b, ##__VA_ARGS__)
#define cr_assert_neq(a, b, ...)    CROSS_OP(CROSS_ABORT, a, !=, b, ##__VA_ARGS__)
#define cr_assert_lt(a, b, ...)	    CROSS_OP(CROSS_ABORT, a, <, b, ##__VA_ARGS__)
#define cr_assert_gt(a, b, ...)	    CROSS_OP(CROSS_ABORT, a, >, b, ##__VA_ARGS__)
#define cr_assert_geq(a, b, ...)    CROSS_OP(CROSS_ABORT, a, >=, b, ##__VA_ARGS__)
#define cr_expect_eq(a, b, ...)	    CROSS_OP(CROSS_GO_ON, a, ==, b, ##__VA_ARGS__)
#define cr_expect_lt(a, b, ...)	    CROSS_OP(CROSS_GO_ON, a, <, b, ##__VA_ARGS__)
#define cr_expect_leq(a, b, ...)    CROSS_OP(CROSS_GO_ON, a, <=, b, ##__VA_ARGS__)
#define cr_assert_null(a, ...)	    cr_assert(!(a), ##__VA_ARGS__)
#define cr_assert_not_null(a, ...)  cr_assert((a) != NULL, ##__VA_ARGS__)
#define cr_expect_null(a, ...)	    cr_expect(!(a), ##__VA_ARGS__)
#define cr_expect_not_null(a, ...)  cr_expect((a) != NULL, ##__VA_ARGS__)
#define cr_assert_not(a, ...)	    cr_assert(!(a), ##__VA_ARGS__)
#define cr_expect_not(a, ...)	    cr_expect(!(a), ##__VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) cr_assert(!strcmp(a, b), ##__VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) cr_expect(!strcmp(a, b), ##__VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...) \
	cr_assert(!memcmp(a, b, n), ##__VA_ARGS__)

#endif /* CROSS_CRITERION_H */
