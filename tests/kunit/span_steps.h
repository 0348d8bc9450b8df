/* SPDX-License-Identifier: GPL-2.0 */
/*
 * span_steps.h - helpers for tests of a span, and an oracle that knows the
 * state of each cell.
 */
#ifndef GOMEM_TEST_SPAN_STEPS_H
#define GOMEM_TEST_SPAN_STEPS_H

#include <kunit/test.h>

#include "fixture.h"
#include "map/span.h"

#define BASE		0x7000000000UL
#define MAX_SLOTS	GOMEM_SPAN_MAX_OBJECTS

enum cell_state { FREE, TAKEN, FREED };

struct span_fixture {
	struct gomem_span *s;
	struct rnd_state rnd;
	/* The oracle */
	u8 state[MAX_SLOTS];
	unsigned int cursor;	/* free cells below it need a sweep */
	unsigned int fresh;	/* cells from here on were never handed out */
	/* Arrays for a case to use */
	void *out[MAX_SLOTS + 1];
	u16 order[MAX_SLOTS];
};

struct gomem_span *span_make_descriptor(struct kunit *test,
					unsigned int nelems);
void span_use(struct kunit *test, struct gomem_span *s);
void span_make(struct kunit *test, unsigned int spc);
void span_expect(struct kunit *test, const char *step);
unsigned int span_take(struct kunit *test, unsigned int want);
void span_take_all(struct kunit *test);
void span_put(struct kunit *test, unsigned int word, unsigned long mask);
void span_sweep(struct kunit *test);
int span_init(struct kunit *test);

#endif /* GOMEM_TEST_SPAN_STEPS_H */
