# SPDX-License-Identifier: GPL-2.0
"""bench_plot.py - plot results of scripts/bench as SVG, with the standard library only."""
import os
from xml.sax.saxutils import escape

from bench_scenarios import NEWEST

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP_EDGE, BOTTOM = 70, 160, 40, 50
COLOURS = {"gomem": "#00add8", "kmalloc": "#c0392b", "kmem_cache": "#7f8c8d",
           "alloc_pages_exact": "#8e44ad", "none": "#bbbbbb"}


def bytes_label(size):
    """Format a size: 4096 is 4K."""
    size = int(size)
    for unit, letter in ((1 << 20, "M"), (1 << 10, "K")):
        if size >= unit and size % unit == 0:
            return f"{size // unit}{letter}"
    return str(size)


def nice_step(top):
    """Return a round step for an axis, so that about five steps reach the top."""
    step = 1.0
    while step * 6 < top:
        step *= 10
    for part in (0.1, 0.2, 0.5, 1):
        if step * part * 6 >= top:
            return step * part
    return step


class Plot:
    """A plot of values by category, as lines or bars; None is a gap."""

    def __init__(self, title, unit, categories):
        self.title, self.unit, self.categories = title, unit, categories
        self.series = []

    def add(self, name, values):
        """Add a series, unless it is empty."""
        if any(value is not None for value in values):
            self.series.append((name, values))

    def x(self, i):
        """Return the x coordinate of the middle of a category."""
        return LEFT + (i + 0.5) * (WIDTH - LEFT - RIGHT) / len(self.categories)

    def y(self, value, top):
        """Return the y coordinate of a value."""
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP_EDGE - BOTTOM)

    def frame(self, top, step):
        """Draw title, grid and labels."""
        yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
        yield f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">{escape(self.title)}</text>'
        value = 0.0
        while value <= top * 1.0001:
            y = self.y(value, top)
            yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>'
            yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
            value += step
        every = max(1, (len(self.categories) + 13) // 14)
        for i, label in enumerate(self.categories):
            if i % every == 0:
                yield (f'<text x="{self.x(i):.1f}" y="{HEIGHT - BOTTOM + 16}" '
                       f'text-anchor="middle">{escape(label)}</text>')
        yield f'<text x="{LEFT}" y="{HEIGHT - 12}" fill="#555555">{escape(self.unit)}</text>'

    def legend(self):
        """Draw the names of the series beside the plot."""
        for i, (name, _) in enumerate(self.series):
            y = TOP_EDGE + 10 + 20 * i
            yield (f'<rect x="{WIDTH - RIGHT + 14}" y="{y}" width="12" height="12" '
                   f'fill="{COLOURS.get(name, "#27ae60")}"/>')
            yield f'<text x="{WIDTH - RIGHT + 32}" y="{y + 10}">{escape(name)}</text>'

    def lines(self, top):
        """Draw each series as a line."""
        for name, values in self.series:
            points = " ".join(f"{self.x(i):.1f},{self.y(v, top):.1f}"
                              for i, v in enumerate(values) if v is not None)
            colour = COLOURS.get(name, "#27ae60")
            yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
            if len(values) <= 16:
                for point in points.split():
                    x, y = point.split(",")
                    yield f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'

    def bars(self, top):
        """Draw each category as a group of bars."""
        group = (WIDTH - LEFT - RIGHT) / len(self.categories) * 0.8
        width = group / max(len(self.series), 1)
        for s, (name, values) in enumerate(self.series):
            for i, value in enumerate(values):
                if value is None:
                    continue
                x = self.x(i) - group / 2 + s * width
                y = self.y(value, top)
                yield (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width * 0.92:.1f}" '
                       f'height="{HEIGHT - BOTTOM - y:.1f}" fill="{COLOURS.get(name, "#27ae60")}">'
                       f'<title>{escape(name)}: {value:g}</title></rect>')

    def write(self, path, bars):
        """Write the file; return False if there is nothing to draw."""
        values = [v for _, series in self.series for v in series if v is not None]
        if not values or max(values) <= 0:
            return False
        step = nice_step(max(values))
        top = step * -(-max(values) // step)
        body = [*self.frame(top, step), *self.legend(), *(self.bars(top) if bars else
                                                           self.lines(top))]
        with open(path, "w", encoding="utf-8") as file:
            file.write('<?xml version="1.0" encoding="UTF-8"?>\n'
                       '<!-- SPDX-License-Identifier: GPL-2.0 -->\n'
                       f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
                       f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" '
                       'font-size="12">\n')
            file.writelines(line + "\n" for line in body)
            file.write("</svg>\n")
        return True


# File name, mode, kernel, scenario, largest size, caption. The mode implies the
# unit.
COSTS = [
    ("pair.svg", "icount", NEWEST, "pair", 8192, "pair"),
    ("pair-off.svg", "icount", NEWEST + ":off", "pair", 8192, "pair, mitigations and clearing off"),
    ("pair-6.12-off.svg", "icount", "stock-6.12:off", "pair", 8192,
     "pair, mitigations and clearing off, 6.12"),
    ("pair-6.1-off.svg", "icount", "stock:off", "pair", 8192,
     "pair, mitigations and clearing off, 6.1"),
    ("batch64.svg", "icount", NEWEST, "batch64", 8192, "batch64"),
    ("refill.svg", "icount", NEWEST + ":off", "refill", 8192, "refill, off"),
    ("churn.svg", "icount", NEWEST, "churn", 8192, "churn"),
    ("fill.svg", "icount", NEWEST, "fill", 8192, "fill"),
    ("pair-native.svg", "native", "uml", "pair", 8192, "pair, real time"),
    ("pair-native-off.svg", "native", "uml:off", "pair", 8192, "pair, real time, no clearing"),
    ("batch64-native.svg", "native", "uml:off", "batch64", 8192, "batch64, real time, no clearing"),
    ("churn-native.svg", "native", "uml:off", "churn", 8192, "churn, real time, no clearing"),
    ("cold-alloc.svg", "native", "uml:off", "cold_alloc", 8192, "cold_alloc, real time"),
]


def cost_plot(report, mode, kernel, scenario, most, caption):
    """Plot the cost by size."""
    unit = {"icount": "instructions", "native": "ns"}[mode]
    sizes = sorted({int(r.size) for r in report.rows if r.scenario == scenario and
                    r.mode == mode and r.kernel == kernel and int(r.size) <= most})
    if not sizes:
        return None
    what = "an allocation" if scenario == "cold_alloc" else "an allocation and a free"
    plot = Plot(f"{caption} ({kernel.split(':')[0]}): {unit} of {what}", "bytes of an object",
                [bytes_label(s) for s in sizes])
    for name in ("gomem", "kmalloc", "kmem_cache"):
        plot.add(name, [report.get(kernel, mode, 1, scenario, str(s), name, unit) for s in sizes])
    return plot


def thread_plot(report, kernel, scenario, size):
    """Plot the rate by the number of CPUs."""
    counts = sorted({r.cpus for r in report.rows if r.scenario == scenario and
                     r.kernel == kernel and r.mode == "smp"})
    if not counts:
        return None
    plot = Plot(f"{scenario}, {size} bytes, {kernel}: million operations a second", "CPUs",
                [str(c) for c in counts])
    for name in ("gomem", "kmalloc", "kmem_cache"):
        values = [report.get(kernel, "smp", c, scenario, str(size), name, "ops_per_s")
                  for c in counts]
        plot.add(name, [v and v / 1e6 for v in values])
    return plot


def held_plot(report, kernel, prefix, metric, title):
    """Plot the bytes held, by trace or by order."""
    names = list(dict.fromkeys(r.scenario for r in report.rows if r.kernel == kernel and
                               r.scenario.startswith(prefix + ":") and r.metric == metric))
    if not names:
        return None
    plot = Plot(title, "", [n.split(":", 1)[1] for n in names])
    for who in ("gomem", "kmalloc"):
        values = []
        for name in names:
            match = [r.value for r in report.rows if r.kernel == kernel and r.scenario == name and
                     r.allocator == who and r.metric == metric]
            values.append(match[0] / (1 << 20 if metric.startswith("held") else 1)
                          if match else None)
        plot.add(who, values)
    return plot


def write_plots(report, directory):
    """Draw all plots for which there are results. Set the names, captions and
    modes in the report.
    """
    report.plots = []

    def keep(name, plot, bars, mode):
        if plot and plot.write(os.path.join(directory, name), bars):
            report.plots.append((name, plot.title, mode))

    for name, mode, kernel, scenario, most, caption in COSTS:
        keep(name, cost_plot(report, mode, kernel, scenario, most, caption), False, mode)
    for scenario in ("scale", "remote"):
        keep(f"{scenario}.svg", thread_plot(report, NEWEST + ":off", scenario, 64), True, "smp")
    keep("replay.svg", held_plot(report, NEWEST, "replay", "held_avg",
                                 f"replay, {NEWEST}: MiB held on average"), True, "memory")
    keep("footprint.svg", held_plot(report, NEWEST, "footprint", "later",
                                    f"footprint, {NEWEST}: bytes held for each live byte, "
                                    "1 s after half was freed"),
         True, "memory")
