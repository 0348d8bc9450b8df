// SPDX-License-Identifier: GPL-2.0
/*
 * text_begin.c - mark the start of gomem's code in the kernel: see text.h.
 */
#include <linux/compiler.h>

#include "base/text.h"

void gomem_text_begin(void)
{
}

void __gomem_unlikely gomem_unlikely_begin(void)
{
}
