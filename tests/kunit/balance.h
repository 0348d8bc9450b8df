/* SPDX-License-Identifier: GPL-2.0 */
/*
 * balance.h - what a case on the module's heap must leave as it was: the number
 * of live objects, the invariants of the heap, and the counters of misuse. A
 * case that causes misuse on purpose checks it with balance_expect_misuses().
 * The check at the end of the case then expects no further misuse.
 */
#ifndef GOMEM_TEST_BALANCE_H
#define GOMEM_TEST_BALANCE_H

#include <kunit/test.h>
#include <linux/types.h>

#include "map/report.h"

struct balance {
	s64 live;
	u64 misuses[GOMEM_NR_MISUSES];
};

s64 live_objects(void);
struct gomem_span *span_at(const void *p);
bool shares_block(const void *p);
bool is_noscan(const void *p);

void balance_save(struct balance *b);
void balance_forget_misuses(struct balance *b);
void balance_expect_misuses(struct kunit *test, struct balance *b,
			    unsigned int what, unsigned int n);
void balance_expect(struct kunit *test, struct balance *b);

/* Between these two calls the page source of the module fails. */
void no_pages_begin(void);
void no_pages_end(void);

/* Let the page source hand out @pages gomem pages, and then fail. */
void some_pages_begin(unsigned long pages);
void some_pages_end(void);

/*
 * Let the page source have memory only for callers that may use the reserves of
 * the kernel. The second function returns how many gomem pages these callers
 * took.
 */
void reserves_begin(void);
unsigned long reserves_end(void);

#endif /* GOMEM_TEST_BALANCE_H */
