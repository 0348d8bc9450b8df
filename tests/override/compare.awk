# SPDX-License-Identifier: GPL-2.0
#
# compare.awk - print the table of compare.sh. Its lines of input are
#
#	gomem SLAB PAGES LIVE HELD	before gomem was loaded, after that, and
#					at the end
#	note BUILD ROUND STATE SLAB PAGES LIVE HELD	STATE is before, used or left
#	status BUILD STATUS		of the command
#
# with numbers of KiB, except that LIVE and HELD are bytes. PAGES are free, so what
# is taken is their decrease.

$1 == "gomem" {
	own_pages[++owns] = $3
	own_held[owns] = $5 / 1024
}

$1 == "note" {
	for (i = 5; i <= NF; i++)
		value[$2, $3, $4, i - 4] = i < 7 ? $i : $i / 1024
	if ($4 == "left" && $3 > rounds)
		rounds = $3
}

$1 == "status" {
	statuses[$2] = statuses[$2] " " $3
}

# Set low, middle (the median) and high to the increase since STATE "before".
function summarize(build, state, column, n, r, i, d, sorted) {
	n = 0
	for (r = 1; (build, r, state, column) in value; r++) {
		d = value[build, r, state, column] - value[build, r, "before", column]
		if (column == 2)
			d = -d
		for (i = ++n; i > 1 && sorted[i - 1] > d; i--)
			sorted[i] = sorted[i - 1]
		sorted[i] = d
	}
	low = sorted[1]
	high = sorted[n]
	middle = (sorted[int((n + 1) / 2)] + sorted[int(n / 2) + 1]) / 2
}

function cell(form) {
	return sprintf(form " (" form " to " form ")", middle, low, high)
}

function larger(a, b) {
	return a > b ? a : b
}

# Return by how much the rounds of a build differ at most. Look at both states: of
# few rounds, those in one state may agree by chance.
function spread(build, column, used) {
	summarize(build, "used", column)
	used = high - low
	summarize(build, "left", column)
	return larger(used, high - low)
}

# The numbers of the kernel vary. So their difference may be noise, if it is at most
# what the rounds of both builds differ by, or a page. Those of gomem are exact.
function row(name, state, column, form, kernel, text, difference, mark, limit) {
	summarize("kernel", state, column)
	kernel = middle
	text = cell(form)
	summarize("gomem", state, column)
	difference = middle - kernel
	limit = larger(spread("kernel", column) + spread("gomem", column), 4)
	mark = ""
	if (column <= 2 && difference <= limit && -difference <= limit) {
		mark = "  noise"
		noise = 1
	}
	summarize("gomem", state, column)
	printf "%-22s %24s %24s %10s%s\n", name, text, cell(form), sprintf(form, difference), mark
}

function rows(state) {
	row("slab memory", state, 1, "%d")
	row("all memory", state, 2, "%d")
	row("gomem's live objects", state, 3, "%.1f")
	row("gomem's memory", state, 4, "%d")
}

function heading(text) {
	printf "%-22s %24s %24s %10s\n", text, "kernel's allocator", "on gomem", "difference"
}

END {
	printf "KiB more than before loading: median of %d round%s (lowest to highest)\n\n", \
		rounds, (rounds == 1 ? "" : "s")
	heading("modules loaded")
	rows("used")
	print ""
	heading("modules unloaded")
	rows("left")
	print ""
	if (statuses["kernel"] != "")
		printf "%-22s %24s %24s\n\n", "COMMAND's exit status", statuses["kernel"], statuses["gomem"]
	if (noise)
		print "noise: the rounds of both builds, added up, differ by as much, or it is a page"
	if (rounds == 1)
		print "One round does not show by how much rounds differ."
	printf "gomem itself is in no row. Loading it took %d KiB, of which it holds %d KiB as pages\n" \
		"and tables. At the end it holds %d KiB.\n", \
		own_pages[1] - own_pages[2], own_held[2], own_held[3]
}
