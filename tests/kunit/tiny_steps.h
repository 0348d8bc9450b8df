/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tiny_steps.h - steps with objects that share a block.
 */
#ifndef GOMEM_TEST_TINY_STEPS_H
#define GOMEM_TEST_TINY_STEPS_H

#include <kunit/test.h>

#include "fixture.h"
#include "api/tiny.h"

#define MAX_OBJECTS	4096

struct tiny_fixture {
	struct fixture base;
	struct gomem_tiny_stats before;
	char *obj[MAX_OBJECTS];
	u8 size[MAX_OBJECTS];
};

unsigned int tiny_off_of(const void *p);
unsigned long tiny_block_of(const void *p);
u8 tiny_byte_of(const char *p);
void tiny_expect(struct kunit *test, void *p, unsigned int size);
char *tiny_get(struct kunit *test, unsigned int size);
void tiny_expect_kept(struct kunit *test, const char *p, unsigned int size);
void tiny_put(struct kunit *test, char *p, unsigned int size);
void tiny_begin_block(void);
void tiny_end_block(void);
void tiny_expect_all_back(struct kunit *test);
void tiny_free_one(void *p);
void tiny_free_all(void *arg);
void tiny_make_all(struct kunit *test);
void tiny_refuse(struct kunit *test, void *p, unsigned int what);
int tiny_init(struct kunit *test);
void tiny_exit(struct kunit *test);

#endif /* GOMEM_TEST_TINY_STEPS_H */
