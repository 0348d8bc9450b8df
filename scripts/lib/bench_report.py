# SPDX-License-Identifier: GPL-2.0
"""bench_report.py - turn the rows of scripts/bench into results.csv, tables,
verdicts on the performance goals, and the results in Documentation.
"""
import csv
import hashlib
import os
import re
import subprocess
import sys

from bench_machines import Row
from bench_plot import write_plots
from bench_scenarios import FEW, GOALS, METRICS, MODES, NEWEST, SCENARIOS, TOP, by_name

ALLOCATORS = ("gomem", "kmalloc", "kmem_cache", "alloc_pages_exact", "gomem_cache", "none")
# Scenarios that Documentation shows for older kernels, too.
ON_ALL_KERNELS = ("pair", "batch64", "bulk64", "churn", "fill", "large")
# The largest accepted spread of the rates of emulated CPUs, in percent. If it is
# larger, the host had too much other load, and the rates are not judged.
MOST_SPREAD = 50
CONFIG = re.compile(r"^(CONFIG_(?:SL[AU]B\w*|PREEMPT\w*|INIT_ON_\w*|MEMCG|HZ|RANDOM_KMALLOC_CACHES"
                    r"|KFENCE_SAMPLE_INTERVAL|CC_OPTIMIZE_FOR_PERFORMANCE|X86_KERNEL_IBT)=.*)$",
                    re.MULTILINE)


def output_of(*args):
    """Return the output of a program, or a dash."""
    try:
        return subprocess.run(args, capture_output=True, text=True, check=True,
                              cwd=TOP).stdout.strip() or "-"
    except (OSError, subprocess.CalledProcessError):
        return "-"


def number(value):
    """Format a number for a table."""
    if value is None:
        return "-"
    if value >= 1e6:
        return f"{value / 1e6:.2f}M"
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def percent_or_times(value):
    """Format a ratio."""
    return "-" if value is None else f"{value:.3f}" if value < 10 else f"{value:.1f}"


class Report:
    """The rows of all machines, and what is derived from them."""

    def __init__(self, machines, files=()):
        self.machines = machines
        self.troubles = [text for machine in machines for text in machine.troubles]
        self.old_header = []
        self.index = {}
        self.verdicts = []
        self.plots = []
        for path in files:
            self.read(path)
        for machine in machines:
            for row in machine.rows:
                self.index[row[:-1]] = row.value
        self.rows = [Row(*key, value) for key, value in self.index.items()]
        self.add_per_cpu()
        self.swept = {}
        for row in self.rows:
            if row.size.isdigit():
                self.swept.setdefault((row.mode, row.kernel, row.scenario), set()).add(
                    int(row.size))

    def read(self, path):
        """Read earlier results."""
        with open(path, encoding="utf-8", newline="") as file:
            lines = file.read().splitlines()
        for line in lines:
            if line.startswith("# ") and line[2:] not in self.old_header:
                self.old_header.append(line[2:])
        for row in csv.DictReader(line for line in lines if not line.startswith("#")):
            key = (row["kernel"], row["mode"], int(row["cpus"]), *list(row.values())[3:7])
            self.index[key] = float(row["value"])

    def add_per_cpu(self):
        """Add the rate per CPU with several CPUs, relative to the rate of one CPU.
        Divide it by the same ratio of the empty loop, so that slowness of the
        machine itself does not count.
        """
        rate = {(r.kernel, r.mode, r.size, r.allocator, r.cpus): r.value for r in self.rows
                if r.scenario == "scale" and r.metric == "ops_per_s"}
        for (kernel, mode, size, allocator, cpus), value in rate.items():
            one, none, none_one = (rate.get((kernel, mode, size, who, n)) for who, n in
                                   ((allocator, 1), ("none", cpus), ("none", 1)))
            if allocator != "none" and one and none and none_one:
                row = Row(kernel, mode, cpus, "scale", size, allocator, "per_cpu",
                          round(value / one / (none / none_one), 3))
                if row[:-1] not in self.index:
                    self.rows.append(row)
                self.index[row[:-1]] = row.value

    def get(self, *key):
        """Return the number of a key, or None. The key is (kernel, mode, cpus, scenario, size,
        allocator, metric).
        """
        return self.index.get(key)

    # --- Goals ---------------------------------------------------------------

    def reference(self, row, goal):
        """Return the number that a goal compares gomem's number with. It is 1 if
        gomem's number is a ratio, or if the goal is an absolute number.
        """
        if goal.metric in ("ratio", "per_cpu", "full", "half", "later", "irqs_off", "wait"):
            return 1
        return self.get(*row[:5], goal.other, goal.metric)

    @staticmethod
    def is_judged(row, goal):
        """Does a goal apply to a row?"""
        if row.allocator != "gomem" or row.metric != goal.metric or row.mode != goal.mode:
            return False
        if row.scenario != goal.scenario and not row.scenario.startswith(goal.scenario + ":"):
            return False
        if goal.off is not None and goal.off != (":off" in row.kernel):
            return False
        if goal.metric == "per_cpu" and row.cpus == 1:
            return False
        return not row.size.isdigit() or goal.sizes[0] <= int(row.size) <= goal.sizes[1]

    def is_unclear(self, row, goal):
        """Are the rates useless, since emulated CPUs waited for processors of the host?"""
        if row.mode != "smp":
            return False
        others = [row] + [row._replace(allocator=a) for a in ("none", goal.other)]
        if goal.metric == "per_cpu":
            others += [r._replace(cpus=1) for r in others]
        return any((self.get(*r[:6], "spread_percent") or 0) > MOST_SPREAD for r in others)

    def judge(self, row):
        """Return the verdicts on a row, as text."""
        texts = []
        for goal in GOALS:
            if not self.is_judged(row, goal):
                continue
            reference = self.reference(row, goal)
            if not reference:
                continue
            ratio = row.value / reference
            met = ratio >= goal.limit if goal.at_least else ratio <= goal.limit
            verdict = "unclear" if self.is_unclear(row, goal) else "met" if met else "MISSED"
            sign = ">=" if goal.at_least else "<="
            self.verdicts.append((goal, row, verdict, ratio))
            texts.append(f"{goal.other} {sign} {goal.limit:.3g}: {verdict}")
        return "  ".join(texts)

    @staticmethod
    def worst(goal, found):
        """Return the verdict on the worst row of a goal, as text."""
        ratio, row = (min if goal.at_least else max)((f[3], f[1]) for f in found)
        where = row.size if row.size.isdigit() else row.scenario.split(":", 1)[-1]
        return f"{percent_or_times(ratio)} at {where}"

    def goal_lines(self):
        """Return the lines that tell how often each goal is met, and the worst result for it."""
        groups = {}
        for found in self.verdicts:
            groups.setdefault((found[0], found[1].kernel), []).append(found)
        width = max([15, *(len(kernel) for _, kernel in groups)])
        lines = [f"{'scenario':23} {'mode':7} {'kernel':{width}} {'against':18} {'goal':8} "
                 f"{'worst':16} result"]
        for (goal, kernel), found in groups.items():
            verdicts = [verdict for _, _, verdict, _ in found]
            goal_text = f"{'>=' if goal.at_least else '<='} {goal.limit:.3g}"
            metric = f" {goal.metric}" if goal.mode == "memory" else ""
            result = verdicts[0] if len(set(verdicts)) == 1 else ", ".join(
                f"{word} at {verdicts.count(word)}" for word in ("met", "MISSED", "unclear")
                if word in verdicts)
            lines.append(f"{goal.scenario:23} {goal.mode:7} {kernel:{width}} "
                         f"{goal.other + metric:18} {goal_text:8} "
                         f"{self.worst(goal, found):16} {result}")
        return lines

    # --- Tables --------------------------------------------------------------

    def cost_table(self, mode, kernel, scenario, sizes, swept=()):
        """Return the table of instructions or times of gomem and other allocators.
        Of the swept sizes, it has only those that miss a goal.
        """
        metric = METRICS[mode] if scenario != "tiny_held" else "held_bytes"
        cpus = 2 if mode in ("icount2", "smp") else 1
        names = [a for a in ALLOCATORS
                 if any(self.get(kernel, mode, cpus, scenario, str(s), a, metric) is not None
                        for s in sizes)]
        if "gomem" not in names:
            return []
        width = {a: max(len(a) + 2, 9) for a in names}
        head = f"{'size':>8}" + "".join(f" {a:>{width[a]}}" for a in names)
        head += "".join(f" {'/' + a:>{width[a]}}" for a in names[1:]) + "  spread"
        lines = [head]
        for size in map(str, sorted({*sizes, *swept})):
            value = {a: self.get(kernel, mode, cpus, scenario, size, a, metric) for a in names}
            if value["gomem"] is None:
                continue
            ratios = [value["gomem"] / value[a] if value[a] else None for a in names[1:]]
            spread = max(self.get(kernel, mode, cpus, scenario, size, a, "spread_percent") or 0
                         for a in names)
            verdict = self.judge(Row(kernel, mode, cpus, scenario, size, "gomem", metric,
                                     value["gomem"]))
            if int(size) not in sizes and "MISSED" not in verdict:
                continue
            lines.append(f"{size:>8}" +
                         "".join(f" {number(value[a]):>{width[a]}}" for a in names) +
                         "".join(f" {percent_or_times(r):>{width[a]}}"
                                 for a, r in zip(names[1:], ratios)) +
                         f" {spread:6.1f}%  {verdict}".rstrip())
        return lines

    def thread_table(self, mode, kernel, scenario, sizes):
        """Return the table of operations per second by the number of CPUs."""
        names = ALLOCATORS[:3]
        lines = [f"{'size':>8} {'CPUs':>4}" + "".join(f" {name:>12}" for name in (*names, "none")) +
                 f" {'/kmalloc':>9} {'spread':>7}" +
                 (" per CPU: gomem, kmalloc" if scenario == "scale" else "")]
        for size in map(str, sizes):
            for cpus in (1, 2, 4):
                value = {a: self.get(kernel, mode, cpus, scenario, size, a, "ops_per_s")
                         for a in (*names, "none")}
                if not value["gomem"] or not value["kmalloc"]:
                    continue
                line = f"{size:>8} {cpus:>4}" + "".join(f" {number(v):>12}" for v in value.values())
                spread = max(self.get(kernel, mode, cpus, scenario, size, a, "spread_percent")
                             or 0 for a in names)
                line += f" {value['gomem'] / value['kmalloc']:9.2f} {spread:6.0f}%"
                per_cpu = [self.get(kernel, mode, cpus, scenario, size, a, "per_cpu")
                           for a in ("gomem", "kmalloc")]
                row = Row(kernel, mode, cpus, scenario, size, "gomem", "ops_per_s", value["gomem"])
                if scenario == "scale":
                    line += f" {percent_or_times(per_cpu[0]):>9} {percent_or_times(per_cpu[1]):>9}"
                    row = row._replace(metric="per_cpu", value=per_cpu[0] or 0)
                lines.append(f"{line}  {self.judge(row)}".rstrip())
        return lines

    def lines_table(self, kernel):
        """Return the table of instructions and cache lines of one operation."""
        lines = [f"{'size':>8} {'allocator':11}" +
                 "".join(f" {op + ':':>6} {'instr':>6} {'code':>5} {'data':>5} {'written':>7}"
                         for op in ("alloc", "free"))]
        for size in map(str, by_name("lines").sizes):
            for who in ALLOCATORS[:3]:
                value = [self.get(kernel, "icount", 1, "lines", size, who, f"{op}_{metric}")
                         for op in ("alloc", "free")
                         for metric in ("instructions", "code_lines", "data_lines",
                                        "written_lines")]
                if None not in value:
                    lines.append(f"{size:>8} {who:11}" +
                                 "".join(f" {'':6} {v[0]:6.0f} {v[1]:5.0f} {v[2]:5.0f} {v[3]:7.0f}"
                                         for v in (value[:4], value[4:])))
        return lines

    def find_table(self, kernel):
        """Return the table of the worst search of each type."""
        lines = [f"{'':6} {'worst at':20} {'64M':>7} {'256M':>7} {'1G':>7} {'4G':>7} {'16G':>7} "
                 f"{'ratio':>6}"]
        for what in ("find", "pair", "group"):
            rows = [r for r in self.rows if r.kernel == kernel and r.metric == "ratio" and
                    r.scenario.startswith(f"find:{what}:")]
            if not rows:
                continue
            row = max(rows, key=lambda r: r.value)
            _, _, fill, length = row.scenario.split(":")
            costs = [self.get(kernel, "icount", 1, row.scenario, size, "gomem", "instructions")
                     for size in ("64M", "256M", "1G", "4G", "16G")]
            lines.append(f"{what:6} {fill + ', ' + length + ' pages':20}" +
                         "".join(f" {number(c):>7}" for c in costs) +
                         f" {row.value:6.2f}  {self.judge(row)}")
        return lines if len(lines) > 1 else []

    def latency_table(self, kernel):
        """Return the table of the longest times of each operation, for both allocators."""
        lines = [f"{'operation':12} {'live':>5} {'irqs off':>9} {'kmalloc':>9} {'wait':>9} "
                 f"{'kmalloc':>9}"]
        for row in self.rows:
            if row.kernel != kernel or row.metric != "irqs_off" or row.allocator == "kmalloc":
                continue
            wait = row._replace(metric="wait", value=self.get(*row[:6], "wait"))
            others = [self.get(*row[:5], "kmalloc", metric) for metric in ("irqs_off", "wait")]
            verdict = "  ".join(filter(None, map(self.judge, (row, wait))))
            lines.append(f"{row.scenario.split(':')[1]:12} {row.size:>5} {number(row.value):>9} "
                         f"{number(others[0]):>9} {number(wait.value):>9} {number(others[1]):>9}"
                         f"  {verdict}".rstrip())
        return lines if len(lines) > 1 else []

    def footprint_table(self, kernel):
        """Return the table of bytes held for each live byte."""
        lines = [f"{'order':14} {'allocator':10} {'MB live':>8} {'full':>6} {'MB live':>8} "
                 f"{'half':>6} {'1 s':>6} {'asked':>6}"]
        for row in self.rows:
            if row.kernel != kernel or row.metric != "full":
                continue
            value = {m: self.get(*row[:6], m) for m in ("full_live", "half_live", "full", "half",
                                                   "later", "asked")}
            verdict = "  ".join(self.judge(row._replace(metric=m, value=value[m]))
                                for m in ("full", "half", "later"))
            lines.append(f"{row.scenario.split(':')[1]:14} {row.allocator:10} "
                         f"{value['full_live'] / 1e6:8.1f} {value['full']:6.2f} "
                         f"{value['half_live'] / 1e6:8.1f} {value['half']:6.2f} "
                         f"{value['later']:6.2f} {value['asked']:6.2f}  {verdict.strip()}".rstrip())
        return lines if len(lines) > 1 else []

    def replay_table(self, kernel):
        """Return the table of KiB held for each trace."""
        lines = [f"{'trace':12} {'allocator':20} {'live avg':>9} {'peak':>9} {'held avg':>9} "
                 f"{'peak':>9} {'/kmalloc':>9} {'peak':>7}"]
        for row in self.rows:
            if row.kernel != kernel or row.metric != "held_avg":
                continue
            peak = row._replace(metric="held_peak", value=self.get(*row[:6], "held_peak"))
            kmalloc = [self.get(*row[:5], "kmalloc", m) for m in ("held_avg", "held_peak")]
            if None in kmalloc:
                continue
            live = [self.get(*row[:6], m) for m in ("live_avg", "live_peak")]
            verdict = " ".join(filter(None, (self.judge(row), self.judge(peak))))
            lines.append(f"{row.scenario.split(':', 1)[1]:12} {row.allocator:20}" +
                         "".join(f" {v / 1024:9.0f}" for v in (*live, row.value, peak.value)) +
                         f" {row.value / kmalloc[0]:9.3f} {peak.value / kmalloc[1]:7.3f}"
                         f"  {verdict}".rstrip())
        return lines if len(lines) > 1 else []

    def table(self, mode, kernel, scenario, few):
        """Return the table of a scenario, on one machine."""
        sizes = scenario.sizes
        if few and len(sizes) > len(FEW):
            sizes = (*FEW, 16384, 32768)
        if few and len(sizes) > 7:
            sizes = tuple(s for s in sizes if s not in (16, 512, 2048, 16384))
        special = {"lines": self.lines_table, "find": self.find_table,
                   "latency": self.latency_table, "footprint": self.footprint_table,
                   "replay": self.replay_table}
        if scenario.how in special:
            return special[scenario.how](kernel)
        if scenario.name in ("scale", "remote"):
            return self.thread_table(mode, kernel, scenario.name, sizes)
        swept = () if few else self.swept.get((mode, kernel, scenario.name), ())
        return self.cost_table(mode, kernel, scenario.name, sizes, swept)

    def tables(self, few=False):
        """Yield (mode, kernel, scenario, lines) for each table, those with the
        kernel's defaults first. With few, older kernels show only some
        scenarios.
        """
        kernels = {}
        for row in self.rows:
            kernels.setdefault(row.mode, {})[row.kernel] = True
        for mode in MODES:
            mine = sorted(kernels.get(mode, ()), key=lambda kernel: kernel.count(":"))
            for scenario in SCENARIOS:
                for kernel in mine if mode in scenario.modes else ():
                    if few and mode == "icount" and kernel.split(":")[0] != NEWEST \
                            and scenario.name not in ON_ALL_KERNELS:
                        continue
                    lines = self.table(mode, kernel, scenario, few)
                    if lines[1:]:
                        yield mode, kernel, scenario, lines

    # --- Facts ---------------------------------------------------------------

    def header(self):
        """Yield the lines for the head of a file: where the results come from."""
        yield from self.old_header
        if self.machines:
            yield from self.new_header()

    def new_header(self):
        """Yield the header lines for what this run measured."""
        with open("/proc/cpuinfo", encoding="ascii") as file:
            cpu = re.search(r"model name\s*: (.*)", file.read())
        dirty = "" if output_of("git", "status", "--porcelain", "-uno") == "-" else " (changed)"
        yield f"commit: {output_of('git', 'rev-parse', 'HEAD')}{dirty}"
        yield (f"host: {cpu.group(1) if cpu else '-'}, {os.cpu_count()} CPUs, "
               f"Linux {os.uname().release}, load {os.getloadavg()[0]:.1f} at the end")
        yield f"tools: {output_of('gcc', '--version').splitlines()[0]}; " \
              f"{output_of('qemu-system-x86_64', '--version').splitlines()[0]}"
        yield "costs: the empty loop is measured in turn with the others, and taken off"
        sweep = self.machines[0].sweep
        if sweep.only:
            yield f"sizes: {', '.join(map(str, sweep.only))}, where the scenario can sweep"
        elif sweep.how != "none":
            yield f"sizes: beside those of the tables those of a sweep, {sweep.how}, seed {sweep.seed}"
        yield "kernels: NAME has the kernel's defaults, NAME:off mitigations=off init_on_alloc=0"
        seen = set()
        for machine in self.machines:
            if (machine.mode, machine.name) in seen or not machine.info:
                continue
            seen.add((machine.mode, machine.name))
            yield from self.machine_lines(machine)

    @staticmethod
    def machine_lines(machine):
        """Yield the header lines that describe a machine."""
        info = dict(machine.info)
        name = f"{machine.mode} {machine.name}"
        yield f"{name}: Linux {info.pop('release', '-')}, {info.get('cpus')} CPUs, " \
              f"{info.pop('clearing', '-')}"
        yield f"{name}: command line {info.pop('cmdline', '-')}"
        state = int(info.pop("mcache_sys", 0)) / (int(info.pop("cpus", 1)) *
                                                 int(info.pop("classes", 1)))
        yield f"{name}: state of a CPU {state:.0f} bytes a span class"
        weak = {k: v for k, v in info.items() if v != "Not affected"}
        if weak:
            yield f"{name}: " + "; ".join(f"{k}: {v}" for k, v in weak.items())
        config = os.path.join(output_of(os.path.join(TOP, "scripts/vm"), "kdir", machine.kernel),
                              ".config")
        if os.path.exists(config):
            with open(config, encoding="utf-8") as file:
                text = file.read()
            digest = hashlib.sha256(text.encode()).hexdigest()[:12]
            yield f"{name}: config {digest} " + " ".join(
                line.replace("CONFIG_", "", 1) for line in CONFIG.findall(text))

    # --- Output --------------------------------------------------------------

    def text(self, few=False):
        """Return all tables as text."""
        self.verdicts = []
        lines, last = [], None
        for mode, kernel, scenario, table in self.tables(few):
            if (mode, scenario.name) != last:
                unit = "bytes an object" if scenario.name == "tiny_held" else MODES[mode]
                lines += ["", f"{scenario.name} ({unit})", f"  measures {scenario.shows}",
                          f"  {scenario.hides}"]
                last = (mode, scenario.name)
            lines += [f"  {kernel}:", *("  " + line for line in table)]
        if self.verdicts:
            lines += ["", "Goals, and at how many sizes each is met",
                      *("  " + line for line in self.goal_lines())]
        if self.troubles:
            lines += ["", "Not measured", *("  " + text for text in self.troubles)]
        return lines

    def write(self, directory):
        """Write results.csv, report.txt and the plots; print the tables."""
        os.makedirs(directory, exist_ok=True)
        header = list(self.header())
        with open(os.path.join(directory, "results.csv"), "w", encoding="utf-8",
                  newline="") as file:
            file.writelines(f"# {line}\n" for line in header)
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(Row._fields)
            writer.writerows(self.rows)
        lines = header + self.text()
        with open(os.path.join(directory, "report.txt"), "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
        print("\n".join(lines))
        write_plots(self, directory)
        print(f"bench: {len(self.rows)} figures in {directory}/results.csv", file=sys.stderr)

    def write_documentation(self):
        """Put tables and plots between the marks of Documentation/benchmarks.rst."""
        path = os.path.join(TOP, "Documentation/benchmarks.rst")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        begin, end = ".. results: begin\n", ".. results: end\n"
        head, rest = text.split(begin)
        tail = rest.split(end)[1]
        body = "\n".join(self.documentation())
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{head}{begin}\n{body}\n\n{end}{tail}")
        os.makedirs(os.path.join(TOP, "Documentation/plots"), exist_ok=True)
        write_plots(self, os.path.join(TOP, "Documentation/plots"))

    def documentation(self):
        """Yield the lines for Documentation, with fewer sizes."""
        # Call text() first: it sets the verdicts for all sizes, which goal_lines() reads.
        self.text()
        goals = self.goal_lines()
        yield from ("Where the results come from", "---------------------------", "", "::", "")
        modes = "|".join(MODES)
        yield from ("    " + line for line in self.header()
                    if not re.match(f"({modes}) ", line))
        for line in self.header():
            if re.match(r"(icount|native) \S+:off: state", line):
                yield "    " + line
        yield from ("", "Goals, and at how many sizes each is met",
                    "----------------------------------------", "", "::", "",
                    *("    " + line for line in goals))
        last_mode = last = None
        for mode, kernel, scenario, table in self.tables(few=True):
            if mode != last_mode:
                title = MODES[mode][0].upper() + MODES[mode][1:]
                yield from ("", title, "-" * len(title))
                for name, caption in self.plots_of(mode):
                    yield from ("", f".. figure:: plots/{name}", f"   :alt: {caption}", "",
                                f"   {caption}")
                last_mode = mode
            if (mode, scenario.name) != last:
                yield from ("", f"``{scenario.name}`` measures {scenario.shows}. {scenario.hides}.",
                            "", "::")
                last = (mode, scenario.name)
            yield from ("", f"    {kernel}", *("    " + line for line in table))

    def plots_of(self, mode):
        """Return the file names and captions of the plots of a mode."""
        return [(name, caption) for name, caption, of in self.plots if of == mode]
