/* SPDX-License-Identifier: GPL-2.0 */
/*
 * context.h - run a function in an interrupt, or run a case on a certain CPU.
 */
#ifndef GOMEM_TEST_CONTEXT_H
#define GOMEM_TEST_CONTEXT_H

#include <kunit/test.h>
#include <linux/prandom.h>

void run_in_hardirq(void (*fn)(void *arg), void *arg);
void run_in_softirq(void (*fn)(void *arg), void *arg);
void skip_on_rt(struct kunit *test);
void move_to(struct kunit *test, int cpu);
void stay_here(struct kunit *test);
void read_before_grace(struct kunit *test) __acquires(RCU);
bool grace_begins(unsigned long gp);
void move_elsewhere(struct kunit *test, struct rnd_state *rnd);

#endif /* GOMEM_TEST_CONTEXT_H */
