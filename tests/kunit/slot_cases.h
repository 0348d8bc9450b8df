/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slot_cases.h - the object sizes that each case on slots runs with.
 */
#ifndef GOMEM_TEST_SLOT_CASES_H
#define GOMEM_TEST_SLOT_CASES_H

#include <linux/string.h>

#include "slots.h"

static const struct slot_case slot_cases[] = {
	{ "8 bytes",	8,	64,	254 },
	{ "32 bytes",	32,	16,	254 },
	{ "64 bytes",	64,	8,	254 },
	{ "160 bytes",	160,	3,	254 },
	{ "1 KiB",	1024,	1,	254 },
	{ "2 KiB",	2048,	0,	254 },
	{ "8 KiB",	8192,	0,	128 },
	{ "9472 bytes",	9472,	0,	110 },
	{ "32 KiB",	32768,	0,	32 },
};

KUNIT_ARRAY_PARAM_DESC(slot, slot_cases, name);

#endif /* GOMEM_TEST_SLOT_CASES_H */
