# SPDX-License-Identifier: GPL-2.0
"""bench_machines.py - the machines of scripts/bench: what they are booted with,
and what their output means.

A machine is one boot. It turns the output of a guest script into rows of the
results.
"""
import glob
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from typing import NamedTuple

from bench_scenarios import ELSEWHERE, METRICS, OFF, TOP, Sweep, by_name

VM = os.path.join(TOP, "scripts/vm")
GUEST = os.path.join(TOP, "scripts/guest")

# For each mode: the number of rounds, the repetitions in a round, and a factor for
# the length of a repetition. Repetitions are longer where the clock is coarse: the
# clock of User-Mode Linux has steps of 256 ns.
#
# For instructions the minimum counts, and for rates of emulated CPUs the maximum:
# the other numbers include other work. For a real processor the median of a round
# counts.
TIMING = {"icount": (3, 3, 1), "icount2": (3, 3, 1), "native": (1, 4, 5), "smp": (3, 4, 1)}

# A real processor has half the speed while its sibling in the same core is
# busy, possibly for minutes. So machines with different settings are booted in
# turn, and the boot with the lowest median counts.
BOOTS = {"native": 4}

# How many numbers a result line has at least.
VALUES = {"cost": 3, "rate": 2, "held": 1}

# The directories in tests/ whose modules are loaded.
TESTS = ("bench", "modules")

# Arguments of the guest scripts. LATENCY: amounts of live memory, in a machine
# of 6 GiB. FOOTPRINT: the amount, then orders and mixes.
LATENCY = ("256M", "4G")

FOOTPRINT = ("200M", "other-log", "random-log", "other-uniform", "other", "fifo")


def build_name(kernel, ubsan):
    """Return the name of the directories in which a kernel's modules are built and kept."""
    return kernel + ("-ubsan" if ubsan else "")


def modules_of(kernel, ubsan):
    """Return the directory in which prepare() puts the modules of a kernel."""
    return os.path.join(TOP, "build/bench/ko", build_name(kernel, ubsan))


def prepare(kernel, ubsan=False):
    """Build the modules for a kernel; return the output of make if it failed."""
    build = os.path.join(TOP, "build", build_name(kernel, ubsan))
    make = subprocess.run(["make", "--no-print-directory", "-C", TOP, f"KERNEL={kernel}",
                           f"BUILD={build}", f"GOMEM_UBSAN={'y' if ubsan else ''}",
                           "TESTS=" + " ".join(TESTS), "modules"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if make.returncode:
        return make.stdout
    strip = subprocess.run([VM, "strip", kernel], stdout=subprocess.PIPE, text=True,
                           check=False).stdout.strip()
    if not strip:
        return f"scripts/vm strip {kernel} failed"
    modules = modules_of(kernel, ubsan)
    shutil.rmtree(modules, ignore_errors=True)
    os.makedirs(modules)
    for directory in ("gomem", *(f"tests/{name}" for name in TESTS)):
        for module in glob.glob(os.path.join(build, directory, "*.ko")):
            subprocess.run([strip, "--strip-debug", "-o",
                            os.path.join(modules, os.path.basename(module)), module],
                           check=True)
    return ""


class Row(NamedTuple):
    """One number. The kernel is NAME, or NAME:off without mitigations and
    clearing. ":ubsan" follows if gomem's hot files have the checks of UBSAN.
    """
    kernel: str
    mode: str
    cpus: int
    scenario: str
    size: str
    allocator: str
    metric: str
    value: float


class Machine:
    """One boot: its kernel and settings, and what to run in it."""

    start = time.monotonic()
    say_lock = threading.Lock()

    def __init__(self, mode, kernel, settings, names, traces=(), ubsan=False, sweep=Sweep()):
        self.mode = mode
        self.kernel = kernel
        self.settings = settings
        self.names = names
        self.ubsan = ubsan
        self.sweep = sweep
        self.traces = list(traces)
        self.rows = []
        self.info = {}
        self.troubles = []
        self.child = None
        self.heard = False
        self.found = {}

    @property
    def name(self):
        """Return the name of the kernel in the results."""
        return (self.kernel + (":off" if self.settings == OFF else "") +
                (":ubsan" if self.ubsan else ""))

    def say(self, text):
        """Print a line of progress."""
        with Machine.say_lock:
            print(f"[{time.monotonic() - Machine.start:4.0f} s] {self.mode} {self.name}: {text}",
                  file=sys.stderr, flush=True)

    def trouble(self, text):
        """Note that something was not measured, and why."""
        self.troubles.append(f"{self.mode} {self.name}: {text}")
        self.say(f"NOT MEASURED: {text}")

    def add(self, scenario, size, allocator, metric, value, cpus=None):
        """Add a row."""
        if cpus is None:
            cpus = 4 if self.mode == "memory" else 1
        self.rows.append(Row(self.name, self.mode, cpus, scenario, str(size), allocator, metric,
                             round(float(value), 3)))

    # --- Running -------------------------------------------------------------

    def run(self):
        """Run all scenarios; failures are added to the troubles."""
        how = {"module": self.run_module, "lines": self.run_lines, "find": self.run_find,
               "latency": self.run_latency, "footprint": self.run_footprint,
               "replay": self.run_replay}
        for kind in dict.fromkeys(by_name(name).how for name in self.names):
            how[kind]([name for name in self.names if by_name(name).how == kind])

    def stop(self):
        """End the process that was started."""
        if self.child and self.child.poll() is None:
            self.child.terminate()

    def vm(self, options, files, command, handle):
        """Boot, and pass each line that the command prints to handle(). Return
        False if the machine or the command failed.
        """
        append = self.settings
        if self.mode in ("icount", "icount2") and not self.kernel.startswith(ELSEWHERE):
            # Without the CPU feature erms, the kernel clears memory by words. With it,
            # the instruction that clears bytes would count once for each byte (see
            # benchmarks.rst).
            append += " clearcpuid=erms"
        args = [VM, "run", f"--kernel={self.kernel}", f"--append={append}", "--no-kmemleak",
                "--measure", "--no-modules", f"--add={modules_of(self.kernel, self.ubsan)}:/root", *options,
                *(f"--add={file}" for file in files), "--", *command]
        return self.watch_again(args, handle)

    def watch_again(self, args, handle):
        """Run a program that boots a machine; try again if it printed nothing.

        If QEMU's CPUs are threads, QEMU has a race with kernels that change
        their own code, as they often do while they boot. And if the host is too
        busy, a kernel may find no timer that works.
        """
        for _ in range(3):
            self.heard = False
            if self.watch(args, handle):
                return True
            if self.heard:
                return False
            self.say("the machine died before it did anything; booting again")
        return False

    def watch(self, args, handle):
        """Run a program; show its standard error if it fails."""
        done = False
        with tempfile.TemporaryFile("w+") as errors:
            with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=errors, text=True,
                                  errors="replace") as self.child:
                for line in self.child.stdout:
                    self.heard = True
                    words = line.split()
                    if words == ["done"]:
                        done = True
                    elif words:
                        handle(words)
            if self.child.returncode == 0 and done:
                return True
            errors.seek(0)
            sys.stderr.write(errors.read())
            return False

    # --- gomem_bench.ko ------------------------------------------------------

    def run_module(self, names):
        """Run the scenarios that gomem_bench.ko has."""
        plan = [(name, size) for name in names for size in self.sweep.sizes(by_name(name))]
        options = {"icount": ["--accel=icount"], "native": [],
                   "icount2": ["--accel=icount", "--cpus=2"],
                   "smp": ["--accel=tcg", "--cpus=4"]}[self.mode]
        current = [None, None]

        def handle(words):
            if words[0] == "run":
                if words[1] != current[0]:
                    self.say(f"{words[1]}: {by_name(words[1]).shows}")
                current[:] = words[1:3]
            elif words[0] == "info":
                self.info.setdefault(words[1], " ".join(words[2:]))
            elif words[0] == "failed":
                self.trouble(f"{words[1]} with {words[2]} bytes failed")
            elif words[0] in VALUES and len(words) >= 2 + VALUES[words[0]]:
                self.result(current[0], current[1], words)
            else:
                # For example a line of a shell that crashed, or a line that was cut short.
                self.trouble(f"the machine printed: {' '.join(words)}")

        with tempfile.TemporaryDirectory(prefix="gomem-bench.") as tmp:
            with open(f"{tmp}/plan", "w", encoding="ascii") as file:
                file.writelines(f"{name} {size}\n" for name, size in plan)
            if not self.vm([*options, "--memory=1G", "--timeout=1800"],
                           [f"{tmp}/plan", f"{GUEST}/bench.sh"],
                           ["sh", "bench.sh", *map(str, TIMING[self.mode])], handle):
                self.trouble("the machine failed; what it said is above")

    def result(self, scenario, size, words):
        """Keep the numbers of a result line, from one of the rounds."""
        kind, allocator, values = words[0], words[1], [float(word) for word in words[2:]]
        cpus = 1
        if kind == "rate":
            cpus = int(values.pop(0))
        elif self.mode in ("icount2", "smp"):
            cpus = 2
        self.found.setdefault((kind, scenario, size, allocator, cpus), []).append(values)

    def sum_up(self):
        """Compute the rows from the numbers of all rounds and boots, and add them."""
        for (kind, scenario, size, allocator, cpus), rounds in self.found.items():
            where = (scenario, size, allocator)
            if kind == "held":
                self.add(*where, "held_bytes", statistics.median(r[0] for r in rounds))
                continue
            if kind == "rate":
                windows = [value for values in rounds for value in values]
                value, other = max(windows), statistics.median(windows)
                self.add(*where, "ops_per_s", value, cpus)
                self.add(*where, "ops_per_s_median", other, cpus)
            elif self.mode == "native":
                value = min(median for _, median, _ in rounds)
                other = statistics.median(median for _, median, _ in rounds)
                self.add(*where, "ns", value, cpus)
            else:
                value = min(least for least, _, _ in rounds)
                other = max(median for _, median, _ in rounds)
                self.add(*where, METRICS[self.mode], value, cpus)
            if value and other:
                self.add(*where, "spread_percent", abs(other - value) / min(value, other) * 100,
                         cpus)

    # --- gomem_bench.ko, watched by the emulator -----------------------------

    def run_lines(self, _names):
        """Count cache lines with a QEMU plugin, which prints a line for each operation between
        two marks in the code of gomem_bench.ko (see qemu_lines.c).
        """
        sizes = by_name("lines").sizes
        ways = [(who, op) for who in ("none", "gomem", "kmalloc", "kmem_cache")
                for op in ("alloc", "free")]
        metrics = ("instructions", "code_lines", "data_lines", "written_lines")
        self.say(f"lines: {by_name('lines').shows}")
        with tempfile.TemporaryDirectory(prefix="gomem-bench.") as tmp:
            plugin = f"{tmp}/qemu_lines.so"
            gcc = subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-o",
                                  plugin, os.path.join(TOP, "scripts/lib/qemu_lines.c")],
                                 stderr=subprocess.PIPE, text=True, check=False)
            if gcc.returncode:
                self.trouble(f"lines: the plugin cannot be compiled: {gcc.stderr.strip()}")
                return
            with open(f"{tmp}/plan", "w", encoding="ascii") as file:
                file.writelines(f"lines {size}\n" for size in sizes)
            if not self.vm(["--accel=icount", "--memory=512M", "--timeout=1800", "--qemu=-plugin",
                            f"--qemu={plugin},out={tmp}/windows"],
                           [f"{tmp}/plan", f"{GUEST}/bench.sh"], ["sh", "bench.sh", "1", "1", "1"],
                           lambda words: None):
                self.trouble("lines: the machine failed; what it said is above")
                return
            with open(f"{tmp}/windows", encoding="ascii") as file:
                windows = [[int(word) for word in line.split()] for line in file]
        rounds = len(windows) // len(ways) // len(sizes)
        if not rounds or len(windows) != rounds * len(ways) * len(sizes):
            self.trouble(f"lines: {len(windows)} windows are not what was asked for")
            return
        # Take the minimum of the rounds: a round may begin with a refill.
        for i, size in enumerate(sizes):
            mine = windows[i * rounds * len(ways):(i + 1) * rounds * len(ways)]
            for k, (who, op) in enumerate(ways):
                for metric, values in zip(metrics, zip(*mine[k::len(ways)])):
                    self.add("lines", size, who, f"{op}_{metric}", min(values))

    # --- gomem_find.ko -------------------------------------------------------

    def run_find(self, _names):
        """Search for free pages: a line has the cost at five heap sizes."""
        line = re.compile(r"(find|pair|group) +(\w+) +n +(\d+): +(.*) ratio ([0-9.]+)")
        sizes = ("64M", "256M", "1G", "4G", "16G")
        self.say(f"find: {by_name('find').shows}")

        def handle(words):
            match = line.match(" ".join(words))
            if not match:
                return
            what, fill, length = match.group(1, 2, 3)
            for size, value in zip(sizes, match.group(4).split()):
                self.add(f"find:{what}:{fill}:{length}", size, "gomem", "instructions", value)
            self.add(f"find:{what}:{fill}:{length}", "16G", "gomem", "ratio", match.group(5))

        if not self.vm(["--accel=icount", "--memory=512M", "--timeout=1800"],
                       [f"{GUEST}/find.sh"], ["sh", "find.sh"], handle):
            self.trouble("find: the machine failed; what it said is above")

    # --- gomem_latency.ko ----------------------------------------------------

    def run_latency(self, _names):
        """Run operations on heaps, watched by a timer and a waiting task."""
        self.say(f"latency: {by_name('latency').shows}")

        def handle(words):
            if words[0] != "latency":
                return
            allocator, operation, amount, irqs_off, wait = words[1:6]
            self.add(f"latency:{operation}", amount, allocator, "irqs_off", irqs_off)
            self.add(f"latency:{operation}", amount, allocator, "wait", wait)

        if not self.vm(["--accel=icount", "--memory=6G", "--timeout=1800"],
                       [f"{GUEST}/latency.sh"], ["sh", "latency.sh", *LATENCY], handle):
            self.trouble("latency: the machine failed; what it said is above")

    # --- gomem_fill.ko -------------------------------------------------------

    def run_footprint(self, _names):
        """Fill memory, and free half of it."""
        def handle(words):
            if words[0] != "footprint":
                return
            allocator, order, step, live, held = words[1:6]
            if step == "full":
                self.say(f"footprint:{order}: {allocator}")
            name = f"footprint:{order}"
            self.add(name, FOOTPRINT[0], allocator, f"{step}_live", live)
            self.add(name, FOOTPRINT[0], allocator, f"{step}_held", held)
            self.add(name, FOOTPRINT[0], allocator, step, int(held) / int(live))

        # Use CPUs that are threads of the host. CPUs that take turns answer each
        # other only after 100 ms, so grace periods take as long.
        if not self.vm(["--accel=tcg", "--cpus=4", "--memory=1G", "--timeout=1800"],
                       [f"{GUEST}/footprint.sh"], ["sh", "footprint.sh", *FOOTPRINT], handle):
            self.trouble("footprint: the machine failed; what it said is above")

    # --- scripts/replay ------------------------------------------------------

    def run_replay(self, _names):
        """Replay recorded traces, with scripts/replay."""
        def handle(words):
            if words[0] != "row":
                return
            trace, allocator = words[1:3]
            value = dict(word.split("=") for word in words[3:])
            base = int(value["base"])
            name = f"replay:{trace}"
            for metric, number in (("held_avg", int(value["gone_avg"]) + base),
                                   ("held_peak", int(value["gone_peak"]) + base),
                                   ("live_avg", int(value["live_avg"])),
                                   ("live_peak", int(value["live_peak"]))):
                self.add(name, "trace", allocator, metric, number)

        self.say(f"replay: {by_name('replay').shows}")
        with tempfile.NamedTemporaryFile("r", prefix="gomem-bench.") as raw:
            script = os.path.join(TOP, "scripts/replay")
            args = ["sh", "-c", '"$@" >/dev/null && echo done', "-", script,
                    f"--kernel={self.kernel}", f"--raw={raw.name}", "--params=", *self.traces]
            if not self.watch_again(args, lambda words: None):
                self.trouble("replay: the machine failed; what it said is above")
            for line in raw:
                handle(line.split())
