# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# reports.sh - find reports in a kernel log. To be sourced:
#
#	. scripts/lib/reports.sh
#	first_report <console.log	# prints the headline of the first report
#
# A report is what the kernel prints when it finds an error in itself or in a
# module: an oops, a warning, a report of a sanitizer, of lockdep, of RCU or of
# a watchdog. Messages about a lack of memory, a slow machine and errors of user
# programs are no reports. Nor are messages that begin with a module's name,
# such as gomem's messages about misuse by its callers.
#
# Each pattern is an extended regular expression for the beginning of a message,
# after the prefix that the console shows. The patterns come from the strings in
# the kernel's sources, 6.1 to 7.3. tests/rig/classify tests each of them.
# tests/rig/headlines lists the messages of a kernel source that look like
# headlines and match no pattern.
#
# This file works in busybox sh, too: scripts/vm puts it into each machine, as
# /lib/gomem/reports.sh.

# The prefix: <level> with console_msg_format=syslog, the time, and with
# CONFIG_PRINTK_CALLER the caller: T and a task's number, or C and a CPU's
# number.
report_prefix='(<[0-9]+>)?(\[ *[0-9]+\.[0-9]+\])?(\[ *[TC][0-9]+\])? ?'

# WARN(), BUG() and UBSAN print this line first, and the headline after it.
report_mark='-+\[ cut here \]-+'

report_family=
report_patterns=

# family NAME: the patterns that follow belong to NAME.
family()
{
	report_family=$1
}

# report PATTERN: add a pattern to the current family.
report()
{
	report_patterns="$report_patterns$report_family	$1
"
}

# Beginnings that reports of many source files share. "BUG: " covers KASAN,
# KFENCE, KMSAN, bad pages, page faults, spinlocks, workqueues, and sleeping or
# scheduling while atomic, but not KCSAN, which has its own family.
family convention
report 'BUG: ([^K]|K[^C])'
report 'WARNING: '			# WARN(), most of lockdep, suspicious RCU usage
report "$report_mark"

# kernel/locking/lockdep.c, include/linux/debug_locks.h
family lockdep
report '\[ BUG: '			# invalid wait context
report 'INFO: trying to register non-static key'
report 'INFO: lockdep is turned off'	# it was, by an earlier report
report 'DEBUG_LOCKS_WARN_ON\('
report 'CPU [0-9]+ left hardirqs enabled'

# kernel/kcsan/report.c
family kcsan
report 'BUG: KCSAN: .*\['		# only races in which a module takes part

# arch/x86: kernel/traps.c, kernel/dumpstack.c, mm/fault.c, entry/entry_fred.c;
# lib/bug.c, kernel/panic.c, include/linux/maple_tree.h
family oops
report 'kernel BUG at '			# BUG()
report 'Oops: '				# die(), from 6.10 on
report '[^:]*: [0-9a-f]{4} \[#[0-9]+\]'	# die() before: "invalid opcode: 0000 [#1] SMP"
report '(traps: )?PANIC: '		# double fault, exception without a handler
report 'Kernel panic - not syncing: '
report 'Thread overran stack, or stack corrupted'
report 'BUG at [^ ]+:[0-9]+'		# a failed check of a maple tree
# arch/arm64, arch/riscv: kernel/traps.c, mm/fault.c
report 'Unable to handle kernel '
report 'Internal error: '		# arm64's die()
report '(Oops|Kernel BUG)[^:]* \[#[0-9]+\]'	# riscv's: "Oops - illegal instruction [#1]"
report 'Insufficient stack space to handle exception'
report 'SError Interrupt on CPU'

# lib/ubsan.c
family ubsan
report 'UBSAN: '

# kernel/cfi.c
family cfi
report 'CFI failure at '

# lib/string_helpers.c, include/linux/fortify-string.h
family fortify
report '([a-z0-9_]+: )?detected buffer overflow'
report '[a-z0-9_]+: detected field-spanning write'

# mm/usercopy.c
family usercopy
report 'usercopy: Kernel memory (exposure|overwrite) attempt'

# lib/list_debug.c
family list
report 'list_(add|del) (corruption|double add)'

# lib/refcount.c
family refcount
report 'refcount_t: '

# lib/debugobjects.c. All messages except the result of its self-test. When
# ODEBUG runs out of memory it turns itself off, and finds no errors any more.
family odebug
report 'ODEBUG: ([^s]|selftest [^p])'

# mm/slub.c, mm/slab_common.c
family slub
report 'BUG .* \((Not t|T)ainted'	# "BUG kmalloc-64 (Not tainted): Poison overwritten"
report 'SLUB .*: no slab for object'
report 'kmem_cache_destroy .*: Slab cache still has objects'
report 'kmem_cache_create\(.*\) integrity check failed'
report 'Unexpected gfp: '
report '(slab error in |slab: double free|Slab corruption )'	# mm/slab.c, 6.1

# mm/debug.c, mm/page_poison.c, mm/mmap.c, mm/vma.c, mm/vmalloc.c,
# arch/x86/mm/ioremap.c
family page
# "unmovable page" and "migration failure" are no reports: memory that is in use
# stays online.
report 'page dumped because: ([^um]|u[^n]|un[^m]|m[^i])'
report 'pagealloc: (memory corruption|single bit error)'
report '(mmap: )?issue in '		# the tree of a process's mappings
report 'tree is corrupted: '		# of free vmalloc areas
report 'iounmap: bad address'

# mm/kmemleak.c; scripts/guest/init copies its list to the log
family kmemleak
report 'kmemleak: ([0-9]+ new suspected memory leaks|unreferenced object)'

# kernel/rcu: tree_stall.h, tree_exp.h, tasks.h
family rcu
report '(rcu: )?INFO: (rcu_|Stall |Expedited stall )'
report 'rcu: [a-z_]+ kthread (starved for|timer wakeup)'

# kernel/watchdog.c, kernel/watchdog_hld.c (6.1), kernel/hung_task.c,
# kernel/smp.c
family watchdog
report 'watchdog: BUG: '		# soft lockup
report '(NMI )?watchdog: .*Watchdog detected hard LOCKUP'
report 'INFO: task '			# blocked for more than so many seconds
report 'smp: csd: .*non-responsive CSD lock'

# kernel/workqueue.c; lockups of a workqueue are "BUG: "
family workqueue
report 'workqueue: .* is flushing !WQ_MEM_RECLAIM'

# kernel: sched/idle.c, softirq.c, time/timer.c, time/sleep_timeout.c,
# time/tick-sched.c, module/main.c
family context
report 'bad: scheduling from the idle thread'
report 'softirq: (huh, entered|Attempt to kill tasklet)'
report 'schedule_timeout: wrong timeout value'
report '[a-zA-Z0-9_]+: .*init suspiciously returned'
# A softirq was raised where nothing runs it. If only tasklets wait (handler #40),
# that is no report: a CPU that goes offline has parked the thread that runs them.
report 'NOHZ tick-stop error: .*handler #([^4]|4[^0]|40[^!])'

# kernel/irq/spurious.c
family irq
report 'irq [0-9]+: nobody cared'
report 'irq event [0-9]+: bogus return value'

# lib/kobject.c, lib/ref_tracker.c, fs/sysfs/dir.c, fs/debugfs/inode.c,
# fs/super.c, kernel/cred.c (6.1), kernel/resource.c
family object
report '(kobject: )?kobject .*something is seriously wrong'
report '(ref_tracker: )?(leaked reference|reference already released)\.'
report 'sysfs: cannot create duplicate filename'
report 'debugfs: .* already (present|exists)'
report 'VFS: Busy inodes after unmount'
report 'CRED: Invalid '
report 'resource: requested range .* not in root'

# kernel/printk/printk.c
family console
report '\*\* [0-9]+ printk messages dropped'	# a report may be among them

# scripts/guest/init: what it finds after the command
family machine
report 'gomem-vm: error: '

# report_regex: read lines of $report_patterns and print one expression for
# them.
report_regex()
{
	prefix=$report_prefix awk -F '\t' '
		{ all = all (all == "" ? "" : "|") $2 }
		END { print "^" ENVIRON["prefix"] "(" all ")" }'
}

# first_report_at: read a log and print the line number of the first report's
# headline, a colon, and the headline. Print nothing if there is no report.
first_report_at()
{
	tr -d '\000\r' |
		LC_ALL=C grep -n -m 2 -E "$(printf '%s' "$report_patterns" | report_regex)" |
		sed -E -e "/$report_mark\$/{\$!d;}" -e q
}

# first_report: read a log and print the headline of the first report.
first_report()
{
	first_report_at | cut -d : -f 2-
}
