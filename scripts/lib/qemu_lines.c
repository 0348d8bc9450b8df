// SPDX-License-Identifier: GPL-2.0
/*
 * qemu_lines.c - a QEMU plugin that counts the cache lines touched between
 * marks.
 *
 *	-plugin libqemu_lines.so,out=FILE
 *
 * A mark is the instruction "xchg %rbx, %rbx", which no other code uses. The
 * first mark turns counting on; until then the machine runs at full speed. Each
 * further mark begins or ends a window, in turn. At the end of each window, a
 * line is written:
 *
 *	INSTRUCTIONS CODE-LINES DATA-LINES WRITTEN-LINES
 *
 * The numbers are right only in machines with one CPU.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "qemu_plugin.h"

#define EXPORT		__attribute__((visibility("default")))
#define LINE_SHIFT	6
#define MAX_LINES	4096

EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

/* A set of cache lines, small enough for a linear search */
struct lines {
	unsigned long line[MAX_LINES];
	unsigned int n;
};

static struct lines code, data, written;
static unsigned long instructions;
static bool counting, inside;
static unsigned long plugin;
static FILE *out;

static void add(struct lines *set, unsigned long addr)
{
	unsigned int i;

	addr >>= LINE_SHIFT;
	for (i = 0; i < set->n; i++)
		if (set->line[i] == addr)
			return;
	if (set->n < MAX_LINES)
		set->line[set->n++] = addr;
}

static void executed(unsigned int vcpu, void *addr)
{
	if (!inside)
		return;
	instructions++;
	add(&code, (unsigned long)addr);
}

static void accessed(unsigned int vcpu, unsigned int info, unsigned long addr,
		     void *unused)
{
	if (!inside)
		return;
	add(&data, addr);
	if (qemu_plugin_mem_is_store(info))
		add(&written, addr);
}

static void begin(unsigned long id);

static void marked(unsigned int vcpu, void *unused)
{
	if (!counting) {
		counting = true;
		qemu_plugin_reset(plugin, begin);
		return;
	}
	inside = !inside;
	if (!inside) {
		fprintf(out, "%lu %u %u %u\n", instructions, code.n, data.n,
			written.n);
		fflush(out);
	}
	instructions = 0;
	code.n = 0;
	data.n = 0;
	written.n = 0;
}

static bool is_mark(const struct qemu_plugin_insn *insn)
{
	static const unsigned char mark[] = { 0x48, 0x87, 0xdb };

	return qemu_plugin_insn_size(insn) == sizeof(mark) &&
	       !memcmp(qemu_plugin_insn_data(insn), mark, sizeof(mark));
}

static void *address_of(const struct qemu_plugin_insn *insn)
{
	return (void *)qemu_plugin_insn_vaddr(insn);
}

static void on_execution(struct qemu_plugin_insn *insn, insn_cb cb, void *data)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn, cb, QEMU_PLUGIN_CB_NO_REGS,
					       data);
}

static void on_access(struct qemu_plugin_insn *insn, mem_cb cb)
{
	qemu_plugin_register_vcpu_mem_cb(insn, cb, QEMU_PLUGIN_CB_NO_REGS,
					 QEMU_PLUGIN_MEM_RW, NULL);
}

static void translated(unsigned long id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn;

	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		if (is_mark(insn)) {
			on_execution(insn, marked, NULL);
		} else if (counting) {
			on_execution(insn, executed, address_of(insn));
			on_access(insn, accessed);
		}
	}
}

static void begin(unsigned long id)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
}

EXPORT int qemu_plugin_install(unsigned long id, const struct qemu_info *info,
			       int argc, char **argv)
{
	plugin = id;
	if (argc == 1 && !strncmp(argv[0], "out=", 4))
		out = fopen(argv[0] + 4, "w");
	if (!out)
		return -1;
	begin(id);
	return 0;
}
