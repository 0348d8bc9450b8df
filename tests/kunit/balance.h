/* SPDX-License-Identifier: GPL-2.0 */
/*
 * balance.h - what a case must leave as it was: live objects, the heap's invariants,
 * and the counters of misuse, but for the misuse it is about.
 */
#ifndef GOMEM_TEST_BALANCE_H
#define GOMEM_TEST_BALANCE_H

#include <kunit/test.h>
#include <linux/string.h>
#include <linux/types.h>

#include "report.h"

struct balance {
	s64 live;
	u64 misuses[GOMEM_NR_MISUSES];
};

s64 live_objects(void);
bool shares_block(const void *p);

void balance_save(struct balance *b);
void balance_expect_misuses(struct kunit *test, struct balance *b, unsigned int what,
			    unsigned int n);
void balance_expect(struct kunit *test, struct balance *b);

/* The module's page source fails between these two; others should not need it. */
void no_pages_begin(void);
void no_pages_end(void);

/* Or has none any more once it has handed out so many gomem pages. */
void some_pages_begin(unsigned long pages);
void some_pages_end(void);

/* Or has none but for those who may use the kernel's reserves; how many gomem pages they had. */
void reserves_begin(void);
unsigned long reserves_end(void);

/* Of an address, so that memory that overlaps another shows. */
static inline u8 pattern_of(const void *p)
{
	return (unsigned long)p >> 3 ^ (unsigned long)p >> 11 ^ 0x5a;
}

static inline void fill(void *p, size_t size)
{
	memset(p, pattern_of(p), size);
}

static inline bool is_filled(const void *p, size_t size)
{
	return !memchr_inv(p, pattern_of(p), size);
}

static inline bool is_zero(const void *p, size_t size)
{
	return !memchr_inv(p, 0, size);
}

#endif /* GOMEM_TEST_BALANCE_H */
