# SPDX-License-Identifier: GPL-2.0
"""stack.py [--limit=BYTES] [--list] BUILD SOURCES - measure gomem's stack
depth.

It measures the depth when gomem asks the kernel for memory. BUILD has the
files *.ci that gcc -fcallgraph-info=su leaves beside the objects: the frame of
each function, return address included, and its calls. SOURCES is the directory
of the sources. Frames are added along the deepest path from each exported
function to an allocating function of the kernel. A function that ends with a
jump to another one has left its frame before; the objects' code shows that. A
call through a member of a struct may reach each function that is put into a
member of this name. A call through any other pointer has to be in CALLBACKS.

Prints the deepest path, and with --list one line for each exported function.
Exit status: 0, or 1 if a path is deeper than the limit or a call is unknown.
"""

import pathlib
import re
import subprocess
import sys

# The kernel's allocating functions, 6.1 to 7.x.
ALLOCATES = re.compile(r"_*(alloc_pages|folio_alloc|get_free_pages|alloc_percpu|devres_alloc|pcpu_alloc"
                       r"|k[vmz]*alloc|k[v]?realloc|kmem_cache_alloc|vmalloc(?!_to_)|alloc_workqueue)"
                       r"[a-z0-9_]*")

# Parameters that are functions: their names in the sources, and the functions
# passed. None of these allocates; "stack", "room" and "distance" only compute.
# The macros of tracepoints call probes, which are not gomem's.
CALLBACKS = {"fn": [], "free_extent": ["put_meta"], "stack": [], "room": [], "distance": [],
             "ctor": [], "kick": [], "count": [], "wanted": [],
             "TRACE_EVENT": [], "DEFINE_EVENT": []}

NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"')
EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"(?: label: "([^"]*)")?')
FRAME = re.compile(r"(\d+) bytes \((\S+)\)")
EXPORT = re.compile(r"^EXPORT_SYMBOL(?:_NS|_GPL|_NS_GPL)\(\s*(\w+)", re.M)
MEMBER = re.compile(r"(?:\.|->)(\w+)\s*=\s*&?(\w+)\s*[,;]")
FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:")
BRANCH = re.compile(r"\t(call|j[a-z]+)\s.*<([^>+]+)>")
FAR_BRANCH = re.compile(r"\t(call|j[a-z]+)\s")
TARGET = re.compile(r"R_\S+\s+([\w.]+)-0x4$")
CALL = re.compile(r"(\w+)\)?\(")


def short(title):
    """Return a function's name without the path of its file."""
    return title.rsplit(":", 1)[-1]


def tail_calls(code):
    """Return the pairs of functions where the first jumps to the second, and never calls it."""
    called, jumped, function, last = set(), set(), "", ""
    for line in code.splitlines():
        begins, far, near = FUNCTION.match(line), TARGET.search(line), BRANCH.search(line)
        if begins:
            function, last = begins[1], ""
        target = far[1] if far and last else near[2] if near else ""
        last = FAR_BRANCH.search(line)[1] if FAR_BRANCH.search(line) else "" if not far else last
        if target and target != function:
            kind = last if far else near[1]
            (called if kind == "call" else jumped).add((function, target))
    return jumped - called


class Graph:
    """Functions, their frames and their calls."""

    def __init__(self, build, sources):
        self.frame, self.calls, self.tails, self.unknown = {}, {}, set(), set()
        self.file = {}
        self.text = {p.name: p.read_text(encoding="utf-8") for p in sources.rglob("*.[ch]")}
        self.exported, self.members, self.pointers = set(), {}, []
        for text in self.text.values():
            self.exported.update(EXPORT.findall(text))
            for member, function in MEMBER.findall(text):
                self.members.setdefault(member, set()).add(function)
        for path in sorted(build.rglob("*.ci")):
            self.read(path)
        by_name = {}
        for title in self.frame:
            by_name.setdefault(short(title).split(".")[0], set()).add(title)
        for caller, at in self.pointers:
            for name in self.targets(caller, at):
                self.calls[caller] |= by_name.get(name, set())

    def read(self, path):
        """Add the functions of a file."""
        code = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", path.with_suffix(".o")],
                              check=True, capture_output=True, text=True).stdout
        self.tails.update((path.stem, *pair) for pair in tail_calls(code))
        for line in path.read_text(encoding="utf-8").splitlines():
            node, edge = NODE.match(line), EDGE.match(line)
            if node:
                frame = FRAME.search(node[2])
                if not frame:
                    continue
                if frame[2] == "dynamic":
                    self.unknown.add(f"{short(node[1])}: its frame has no bound")
                self.frame[node[1]] = int(frame[1])
                self.file[node[1]] = path.stem
                self.calls.setdefault(node[1], set())
            elif edge and edge[2] == "__indirect_call":
                self.pointers.append((edge[1], edge[3]))
            elif edge:
                self.calls.setdefault(edge[1], set()).add(edge[2])

    def below(self, caller, callee):
        """Return the frame that stays on the stack while a function calls another one."""
        tail = (self.file[caller], short(caller), short(callee)) in self.tails
        return 0 if tail else self.frame[caller]

    def targets(self, caller, at):
        """Return the functions that a call through a pointer may reach, by its line."""
        path, line, column = at.rsplit(":", 2)
        name = pathlib.Path(path).name
        lines = self.text.get(name, "").splitlines()
        # The column of a call is that of its first word, or of the call that it
        # is inlined in.
        rest = lines[int(line) - 1][int(column) - 1:] if int(line) <= len(lines) else ""
        for callee in CALL.findall(rest):
            if callee in CALLBACKS:
                return CALLBACKS[callee]
            if callee in self.members:
                return self.members[callee]
        self.unknown.add(f"{short(caller)}: unknown call through a pointer at {name}:{line}")
        return []


def deepest(graph, title, memo, above=()):
    """Return the bytes and functions of the deepest path to an allocating function, or None."""
    if title not in graph.frame:
        return (0, [title]) if ALLOCATES.fullmatch(title) else None
    if title in memo:
        return memo[title]
    if title in above:
        graph.unknown.add(f"{short(title)}: calls itself by way of " +
                          ", ".join(map(short, above[above.index(title):])))
        return None
    paths = []
    for callee in graph.calls[title]:
        path = deepest(graph, callee, memo, above + (title,))
        if path:
            paths.append((path[0] + graph.below(title, callee), [title] + path[1]))
    memo[title] = max(paths, default=None)
    return memo[title]


def show(path, graph):
    """Print a path with its frames, one function a line."""
    for title, callee in zip(path[1], path[1][1:]):
        print(f"  {graph.below(title, callee):5} {short(title)}")
    print(f"        {path[1][-1]}")


def main():
    """Print the results."""
    options = [arg for arg in sys.argv[1:] if arg.startswith("--")]
    build, sources = (pathlib.Path(arg) for arg in sys.argv[1:] if not arg.startswith("--"))
    limit = max([int(o.split("=")[1]) for o in options if o.startswith("--limit=")] + [0])
    graph, memo = Graph(build, sources), {}
    paths = {name: deepest(graph, name, memo) for name in sorted(graph.exported)
             if name in graph.frame}
    paths = {name: path for name, path in paths.items() if path}
    if not paths:
        print("no function of these allocates: are there files *.ci?")
        return 1
    if "--list" in options:
        for name, path in sorted(paths.items(), key=lambda item: item[1]):
            print(f"{path[0]:5} {name}")
    print(f"deepest: {max(paths.values())[0]} bytes")
    show(max(paths.values()), graph)
    too_deep = [name for name in paths if limit and paths[name][0] > limit]
    if too_deep:
        print(f"more than {limit} bytes: {' '.join(too_deep)}")
    for text in sorted(graph.unknown):
        print(text)
    return 1 if too_deep or graph.unknown else 0


if __name__ == "__main__":
    sys.exit(main())
