# SPDX-License-Identifier: GPL-2.0
"""bench_scenarios.py - the scenarios of scripts/bench, their sizes, and the performance goals.

Each scenario says in one line what it shows, and in one what it does not.
"""
import os
import random
import re
import subprocess
from typing import NamedTuple

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# The newest kernel of a stable Debian. The goals are for this kernel.
NEWEST = subprocess.run([os.path.join(TOP, "scripts/vm"), "newest"], stdout=subprocess.PIPE,
                        text=True, check=True).stdout.strip()

KIB = 1024
MIB = 1024 * KIB


def class_sizes():
    """Return the object sizes of all size classes, from the generated table."""
    with open(os.path.join(TOP, "gomem/base/sizeclass_tables.h"), encoding="ascii") as file:
        text = file.read()
    table = re.search(r"gomem_class_to_size\[[^]]*\] = \{([^}]*)\}", text)
    sizes = [int(word) for word in re.findall(r"\d+", table.group(1))]
    return [size for size in dict.fromkeys(sizes) if 0 < size <= 32 * KIB]


class Scenario(NamedTuple):
    """A scenario: its modes and sizes; how it is run (a method of Machine); the
    least and the largest size of a sweep.
    """
    name: str
    modes: tuple
    sizes: tuple
    shows: str
    hides: str
    how: str = "module"
    sweep: tuple = ()


# The largest object, GOMEM_MAX_SIZE.
MOST = 4 * MIB

# The number of random sizes in a sweep, and the number of sizes in a sample of a sweep.
RANDOM_SIZES = 20
SAMPLE = 4


def swept_sizes(least, most, seed):
    """Return the sizes of a sweep: each size class and each power of two with its
    neighbours, and random sizes, on average equally many from each power of two.
    """
    edges = [*class_sizes(), *(1 << i for i in range(MOST.bit_length()))]
    sizes = {edge + step for edge in edges for step in (-1, 0, 1)}
    rnd = random.Random(f"{seed} {least} {most}")
    sizes.update(int(least * (most / least) ** rnd.random()) for _ in range(RANDOM_SIZES))
    return sorted(size for size in sizes if least <= size <= most)


class Sweep(NamedTuple):
    """Which sizes are measured beside those that a scenario always has: those
    of its sweep ("full"), some of them ("sample"), or none ("none"). With @only,
    a scenario that has a sweep is measured with these sizes and no others.
    """
    how: str = "none"
    seed: int = 0
    only: tuple = ()

    def sizes(self, scenario):
        """Return all sizes of a scenario."""
        if scenario.sweep and self.only:
            least, most = scenario.sweep
            return [size for size in sorted({*self.only}) if least <= size <= most]
        more = []
        if scenario.sweep and self.how != "none":
            more = swept_sizes(*scenario.sweep, self.seed)
        if self.how == "sample":
            rnd = random.Random(f"{self.seed} {scenario.name}")
            more = rnd.sample(more, min(SAMPLE, len(more)))
        return sorted({*scenario.sizes, *more})


BOTH = ("icount", "native")
SMALL = (1, 8 * KIB)
FEW = (8, 16, 64, 112, 256, 512, 1024, 2048, 4096, 8192)
FILLED = (8, 64, 256, 1024, 4096, 8192)

SCENARIOS = [
    Scenario("pair", BOTH, tuple(class_sizes()),
             "the hit path: one object is allocated and freed again and again",
             "It does not show refills, cold caches or other CPUs",
             sweep=SMALL),
    Scenario("const_pair", BOTH, (16, 64, 100, 256, 1024, 4096, 8192),
             "the same as pair, for a size that the compiler knows",
             "kmem_cache always knows the size. Like pair, it does not show refills, cold caches "
             "or other CPUs"),
    Scenario("zalloc", BOTH, (16, 64, 256, 1024, 4096, 8192, 32768),
             "the same as pair, with an object that is cleared, whatever the kernel's settings are",
             "It does not show that the caller's first access is faster, since the cleared object "
             "is in the processor's cache",
             sweep=SMALL),
    Scenario("batch64", BOTH, FEW,
             "64 allocations, then 64 frees, which overflows the CPU's cache of free objects if "
             "objects have a few KiB",
             "It does not show fragmentation: all objects of a round are freed together",
             sweep=SMALL),
    Scenario("refill", BOTH, FEW,
             "the average cost of 4096 allocations and then 4096 frees, refills and flushes of "
             "the CPU's cache of free objects included",
             "It does not show the worst case of one refill",
             sweep=SMALL),
    Scenario("fill", BOTH, FILLED,
             "10 000 allocations, then 10 000 frees, in which spans are made and freed, too",
             "It does not show reuse: an empty heap is filled, and all objects are freed in the "
             "order of their allocation",
             sweep=SMALL),
    Scenario("fill_alloc", ("icount",), FILLED,
             "only the allocations of fill",
             "Like fill, it does not show reuse"),
    Scenario("fill_free", ("icount",), FILLED,
             "only the frees of fill",
             "Like fill, it does not show reuse"),
    Scenario("bulk4", BOTH, (16, 64, 256, 1024, 4096),
             "calls with 4 objects each, compared with the bulk calls of kmem_cache. The column "
             "gomem_cache is one of gomem's typed caches",
             "There is no column for kmalloc, which has no bulk allocation",
             sweep=SMALL),
    Scenario("bulk16", BOTH, (16, 64, 256, 1024, 4096),
             "the same as bulk4 with 16 objects",
             "There is no column for kmalloc, which has no bulk allocation",
             sweep=SMALL),
    Scenario("bulk64", BOTH, (16, 64, 256, 1024, 4096),
             "the same as bulk4 with 64 objects",
             "There is no column for kmalloc, which has no bulk allocation",
             sweep=SMALL),
    Scenario("bulk256", BOTH, (16, 64, 256, 1024, 4096),
             "the same as bulk4 with 256 objects",
             "There is no column for kmalloc, which has no bulk allocation",
             sweep=SMALL),
    Scenario("churn", BOTH, (64, 100, 256, 1024, 4096),
             "the replacement of objects while 20 000 are live: each step frees 1 to 2048 "
             "objects, drawn at random, and allocates as many new ones",
             "It does not show objects of different age: each object is as likely to be freed as "
             "any other",
             sweep=SMALL),
    Scenario("mixed", BOTH, (1,),
             "the replacement of objects while 10 000 of all sizes are live: each step replaces "
             "one, drawn at random, by an object of another size",
             "It does not show bursts. The mix of sizes is roughly that of a busy kernel"),
    Scenario("realloc_grow", BOTH, (256, 4096, 65536),
             "a buffer that grows from 16 bytes by a quarter at a time, copies included",
             "It does not show a buffer that cannot grow in place, because the pages after it are "
             "in use: nothing else is allocated in the meantime",
             sweep=(16, MOST)),
    Scenario("large", BOTH, tuple((16 * KIB) << i for i in range(9)),
             "objects of 16 KiB to 4 MiB, allocated and freed in turn, compared with the page "
             "allocator",
             "It does not show a fragmented machine, where the kernel has no free blocks of these "
             "sizes",
             sweep=(8 * KIB + 1, MOST)),
    Scenario("irq", BOTH, (16, 112, 1024, 8192),
             "the hit path in a hard interrupt, with GFP_ATOMIC",
             "It does not show the cost of the interrupt itself",
             sweep=SMALL),
    Scenario("tiny", BOTH, tuple(range(1, 16)),
             "pointer-free objects of less than 16 bytes, allocated and freed in turn",
             "It does not show the memory that shared blocks save: see tiny_held"),
    Scenario("tiny_held", BOTH, tuple(range(1, 16)),
             "the bytes taken from the kernel for each of 200 000 tiny objects",
             "It does not show how much memory is still held after half of the objects were freed"),
    Scenario("cold_alloc", ("native",), (16, 112, 1024),
             "one allocation after other code filled the processor's caches",
             "It does not show misses of the cache that processors share: that cache stays warm"),
    Scenario("cold_free", ("native",), (16, 112, 1024),
             "one free after other code filled the processor's caches",
             "It does not show misses of the cache that processors share: that cache stays warm"),
    Scenario("remote_cost", ("icount2", "smp"), (64, 256, 1024),
             "the cost of allocating 1024 objects on one CPU and then freeing them on another CPU",
             "Where instructions are counted, it does not show contention for locks, since the "
             "CPUs take turns there"),
    Scenario("scale", ("icount2", "smp"), (64, 1024),
             "the speed of 1, 2 and 4 CPUs, each of which allocates and frees 64 objects of its "
             "own, again and again",
             "It does not show cache misses. Emulated CPUs share the host's CPUs: the empty loop "
             "shows how much work they can do"),
    Scenario("remote", ("icount2", "smp"), (64, 1024),
             "the speed at which one CPU allocates objects while another CPU frees them, for 1 "
             "pair of CPUs and for 2 pairs",
             "It does not show cache misses. The time includes passing the pointers from one CPU "
             "to the other"),
    Scenario("lines", ("icount",), (16, 64, 112, 256, 1024, 4096),
             "the number of cache lines that one allocation and one free touch on the hit path",
             "It does not show which of these lines are in the cache. Lines of the stack are "
             "counted, too",
             "lines"),
    Scenario("find", ("icount",), (),
             "the cost of a search for free pages in heaps of 64 MiB to 16 GiB",
             "It does not show cache misses, since it counts instructions. The pages of these "
             "heaps are only addresses, without memory", "find"),
    Scenario("latency", ("icount",), (),
             "two times while operations run on heaps of 256 MiB, of 4 GiB, and of 64 GiB: the "
             "longest time with interrupts off, and the longest time that a ready task of highest "
             "priority waits for the CPU. The pages of the last heap are only addresses, without "
             "memory. The kernel's own work in this time is included. The row \"nothing\" is the "
             "kernel alone during a sleep of one second",
             "It does not show cache misses, nor waits for locks that other CPUs hold", "latency"),
    Scenario("footprint", ("memory",), (),
             "the bytes held for each live byte: with 200 MB live, right after half of it was "
             "freed in the order that the row names, a second later, and after a write to the "
             "file scavenge. Sizes are those of a kernel, up to 1 MiB; in rows with log, equally "
             "many from each power of two up to 128 KiB; in rows with uniform, evenly distributed "
             "up to 64 KiB",
             "It does not show speed", "footprint"),
    Scenario("replay", ("memory",), (),
             "the bytes held while a recorded trace is replayed, caches and metadata included",
             "It does not show what goes back to the kernel while the machine is idle: the pauses "
             "between the recorded operations are left out",
             "replay"),
]

MODES = {
    "icount": "instructions, on an emulated machine of one CPU",
    "icount2": "instructions, and operations in 10^9 instructions, on two CPUs that take turns",
    "native": "nanoseconds of the host's processor, under User-Mode Linux",
    "smp": "operations per second, on an emulated machine of four CPUs",
    "memory": "bytes held, on an emulated machine of four CPUs",
}

# The metric of a cost, by mode.
METRICS = {"icount": "instructions", "icount2": "instructions", "native": "ns", "smp": "ns"}

# The kernels that are measured by default, the newest first, and the settings
# that they are booted with, the usual ones first.
ALL = (NEWEST, "stock-6.12", "stock")
# The kernels for two CPUs that take turns. Linux 6.1 is not among them: while its
# first CPU starts the second one, the first CPU polls without a pause. A QEMU that
# counts instructions then never runs the second CPU.
TWO_CPUS = (NEWEST, "stock-6.12")
KERNELS = {"icount": ALL, "icount2": TWO_CPUS, "native": ("uml",), "smp": (NEWEST,), "memory": ALL}
OFF = "mitigations=off init_on_alloc=0"
SETTINGS = {"icount": ("", OFF), "icount2": ("", OFF), "native": ("", OFF), "smp": (OFF,),
            "memory": ("",)}

# Kernels of other architectures have names that begin so. Their instructions are
# counted if --kernel names them.
ELSEWHERE = ("arm64-", "riscv64-")

# Scenarios that are also measured with a gomem that has the checks of UBSAN in all
# files, on kernels that have UBSAN. Usually gomem/Kbuild leaves them out of some.
UBSAN = ("pair", "const_pair", "batch64", "bulk64", "churn", "fill", "tiny")
UBSAN_KERNELS = (NEWEST,)


class Goal(NamedTuple):
    """A limit for the ratio of gomem's value to another allocator's."""
    scenario: str
    mode: str
    metric: str
    other: str
    limit: float
    sizes: tuple = (0, 1 << 62)
    off: bool | None = None     # True: only with ":off"; False: only without
    at_least: bool = False


def _hit_goals():
    for name in ("pair", "const_pair", "batch64"):
        yield Goal(name, "icount", "instructions", "kmalloc", 0.4, (1, 8192), True)
        yield Goal(name, "icount", "instructions", "kmalloc", 0.45, (1, 128), False)
        yield Goal(name, "icount", "instructions", "kmalloc", 0.75, (129, 8192), False)
        yield Goal(name, "native", "ns", "kmalloc", 0.45, (1, 8192))
    yield Goal("pair", "icount", "instructions", "kmem_cache", 0.45, (1, 8192), True)
    yield Goal("pair", "native", "ns", "kmem_cache", 0.45, (1, 8192))


def _other_goals():
    for mode, metric in (("icount", "instructions"), ("native", "ns")):
        for n in (4, 16, 64, 256):
            yield Goal(f"bulk{n}", mode, metric, "kmem_cache", 0.5)
        yield Goal("churn", mode, metric, "kmalloc", 0.5)
        yield Goal("fill", mode, metric, "kmalloc", 0.75)
        yield Goal("tiny", mode, metric, "kmalloc", 0.6)
        yield Goal("large", mode, metric, "kmalloc", 0.4, (8 * KIB + 1, MOST))
        yield Goal("large", mode, metric, "alloc_pages_exact", 0.4, (64 * KIB, MOST))
        yield Goal("realloc_grow", mode, metric, "kmalloc", 0.8)
    yield Goal("remote_cost", "icount2", "instructions", "kmalloc", 0.5)
    yield Goal("remote", "icount2", "ops_per_s", "kmalloc", 2.2, at_least=True)
    yield Goal("remote", "smp", "ops_per_s", "kmalloc", 2.2, at_least=True)
    yield Goal("scale", "smp", "per_cpu", "1 CPU", 0.95, at_least=True)
    for metric in ("held_avg", "held_peak"):
        yield Goal("replay", "memory", metric, "kmalloc", 0.8)
    yield Goal("find", "icount", "ratio", "64 MiB", 1.2)
    # 100 microseconds and a millisecond, at one instruction per nanosecond.
    yield Goal("latency", "icount", "irqs_off", "instructions", 100e3)
    yield Goal("latency", "icount", "wait", "instructions", 1e6)
    yield Goal("footprint", "memory", "full", "live", 1.15)
    for order in ("other-log", "random-log", "other-uniform", "other"):
        for metric in ("half", "later"):
            yield Goal(f"footprint:{order}", "memory", metric, "live", 1.35)


GOALS = [*_hit_goals(), *_other_goals()]


def by_name(name):
    """Return the scenario of a name, which may continue after a colon: replay:TRACE."""
    for scenario in SCENARIOS:
        if scenario.name == name.split(":")[0]:
            return scenario
    return None
