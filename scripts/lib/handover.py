# SPDX-License-Identifier: GPL-2.0
"""handover.py [OPTION]... SOURCE PATH... - list memory that modules allocate
and other code frees.

SOURCE is the kernel's source, PATH a module: a file of it, a directory or a
built .ko. This does the work of scripts/handover, once the sources are there.

  --symbols=FILE  Module.symvers of the kernel: tells where each function is
  --override=FILE gomem_override.h: calls of functions that it replaces are no
                  findings

The module's allocations are followed to members of structs and to arguments of
functions. The kernel's source is searched for three cases:

  members    the module puts an allocation into a member, and the kernel frees
             this member
  arguments  the module passes an allocation to a function that frees it, or
             keeps it in a member that is freed; followed through DEPTH calls
  objects    the module allocates structs of a type, and uses functions of a file
             that frees structs of this type which the freeing function did not
             allocate itself
"""

import argparse
import collections
import functools
import pathlib
import re
import subprocess
import sys

import csource
import handover_files

DEPTH = 3
TOP = ["arch/x86", "block", "certs", "crypto", "drivers", "fs", "init", "io_uring", "ipc", "kernel",
       "lib", "mm", "net", "security", "sound", "virt"]

ALLOC = (r"(?:k[mzc]alloc|kv[mzc]alloc|k(?:v|vre|re)alloc|kmalloc_array|kmemdup|kvmemdup|kstrn?dup|"
         r"kmem_cache_z?alloc|bitmap_z?alloc)(?!_nolock|_bulk)\w*")
FREE = (r"(?:kfree|kvfree|kfree_rcu|kvfree_rcu|kfree_sensitive|kvfree_sensitive|kfree_const|"
        r"kzfree|bitmap_free|kmem_cache_free|kfree_rcu_mightsleep|kvfree_rcu_mightsleep)")
FREES = re.compile(FREE + r"$")
# Functions that free memory. Those that resize count, too: they free the old memory.
ENDS = re.compile(rf"(?:{FREE}|k(?:v|)realloc(?:_array)?)$")
FREED = re.compile(rb"(?:free|realloc)\w*\s*\(([^;\n]*)")
MEMBER = re.compile(rb"(?:->|\.)(\w+)\W*(?:,|\)|$)")
EXPORT = re.compile(rb"^EXPORT_SYMBOL\w*\(\s*(\w+)", re.M)
ASSIGNED = re.compile(r"(?<![=!<>])=\s*(?:\([^()]*\*\s*\)\s*)?(?:no_free_ptr\s*\(\s*)?"
                      r"(\w+)\b\s*(\(|[;,)}])")
LEFT = re.compile(r"[\w*>.\-\[\]()&]+\s*$")
PART = re.compile(r"\.\s*\w+\)*$")
DESIGNATED = re.compile(r"\((\w+)\)((?:\.\w+)+)$")
DECLARES = re.compile(r"[\w*][ \t]+\**\w+\s*$")
SET_RCU = re.compile(r"\brcu_assign_pointer\s*\(([^,;]*),\s*(\w+)\s*(\(|\))")
CONSTANT = re.compile(r"\b(?!NULL\b)[A-Z][A-Z0-9_]{3,}\b")
OUTER = re.compile(r"&?(.*?)(?:(?:->|\.)\w+)?(?:\.\w+)*$", re.S)
CACHE_MADE = ("kmem_cache_create", "KMEM_CACHE")
CACHE_SET = re.compile(r"([\w.>\-]+(?:\.|->)\w+)\s*=\s*(\w+)\s*[;(]")
CACHE_KEPT = re.compile(r"\b(\w+)\s*=\s*(?:kmem_cache_create|KMEM_CACHE)")
CAST = re.compile(r"^\((?:const\s+)?(?:struct\s+\w+|void|u8|char)\s*\*\)\s*")
CALLBACK = re.compile(r"(?:\.|->)(\w+)\s*=\s*&?(\w+)\s*[,;}\n]")
RANKS = ["certain", "likely", "look at", "note"]

KMALLOC_OUT = "gomem_kernel_kmalloc(), or GOMEM_OVERRIDE_OFF for the file"
CACHE_OUT = "gomem_kernel_cache(), or GOMEM_OVERRIDE_OFF for the file"
CACHE_TAKEN = "look at", "objects freed by", CACHE_OUT
CACHE_UNUSED = ("note", "used, and its objects freed, by",
                "nothing to do, unless the module passes objects on")

Free = collections.namedtuple("Free", "function position struct member what cache")
Allocation = collections.namedtuple("Allocation", "function position left how origin")
Found = collections.namedtuple("Found", "rank file line what place how out")


def freed(function, types, names=ENDS):
    """Yield a Free for each free in a function. If that frees a variable, Free.member is ""."""
    for name, args, position in function.calls:
        if names.match(name) and args:
            cache = args[0] if name == "kmem_cache_free" else ""
            what = args[-1] if cache else args[0]
            yield Free(function, position, *types.of(function, what), what, cache)


class Types:
    """Struct types of expressions, with the headers of a source tree."""

    def __init__(self, root, parent=None):
        self.root, self.seen = root, set(parent.seen if parent else ())
        self.structs = collections.ChainMap({}, *([parent.structs] if parent else []))
        self.macros = collections.ChainMap({}, *([parent.macros] if parent else []))
        self.firsts = collections.ChainMap({}, *([parent.firsts] if parent else []))

    def read(self, names, depth=2):
        """Read the structs of headers, and of those that they include."""
        for name in names:
            path = self.root / "include" / name
            if name in self.seen or not path.is_file():
                continue
            self.seen.add(name)
            self.take(file := csource.File(path, "include/" + name))
            if depth:
                self.read(file.includes, depth - 1)

    def take(self, file):
        """Read the structs, macros and inline functions of a file."""
        self.structs.update(csource.members(file.text))
        self.firsts.update(csource.firsts(file.text))
        if file.name.endswith(".h"):
            self.macros.update(file.functions)
            self.macros.update(file.macros)

    def of(self, function, text):
        """Return (struct, member) of an expression; (struct, "") of a variable."""
        steps = self.steps(function, text)
        return steps[-1] if steps else ("", "")

    def steps(self, function, text):
        """Return the (struct, member) of each step of an expression: of p->a.b, p->a and .b."""
        chain, start = csource.CHAIN.match(text), DESIGNATED.match(text)
        if not chain and not start:
            return []
        struct = start[1] if start else function.types.get(chain[1], "")
        names = re.findall(r"(?:->|\.)\s*(\w+)", start[2] if start else chain[2])
        steps = [] if names else [(struct, "")]
        for name in names:
            steps.append((struct.rstrip("*"), name))
            struct = self.structs.get(steps[-1][0], {}).get(name, "")
        return steps

    def part(self, function, text):
        """Return the (struct, member) of p->a if the text is p->a.b; () if it is not known."""
        steps = self.steps(function, text)
        return steps[-2] if steps[1:] and PART.search(text) and steps[-2][0] else ()

    def first(self, function, text):
        """Return the type of *p if the text is &p->m, and m is the first member; else ""."""
        struct, member = self.of(function, text[1:]) if text.startswith("&") else ("", "")
        return struct if member and self.firsts.get(struct) == member else ""

    def target(self, function, text):
        """Return the struct type that an expression points to, with a * for one more pointer."""
        struct, member = self.of(function, text)
        if member:
            struct = self.structs.get(struct, {}).get(member, "")
        through = text.startswith("*") + text.endswith("]")
        return struct[:-through] if through and struct.endswith("*" * through) else struct


class Kernel:
    """What the kernel's source tells: where functions are, and what is freed where."""

    def __init__(self, root, symbols):
        self.root, self.files, self.types, self.own = root, {}, Types(root), set()
        self.exports, self.freed_members, self.place = {}, collections.defaultdict(set), {}
        lines = symbols.read_text().splitlines() if symbols else []
        self.homes = dict(line.split()[1:3] for line in lines)
        for top in TOP:
            for path in sorted((root / top).rglob("*.c")):
                self.index(path)

    def index(self, path):
        """Note what a file exports and frees."""
        name = str(path.relative_to(self.root))
        if handover_files.NO_CODE.search(name):
            return
        text = path.read_bytes()
        for symbol in EXPORT.findall(text):
            self.exports.setdefault(symbol.decode(), name)
            self.place.setdefault(name, symbol.decode())
        for args in FREED.findall(text):
            if member := MEMBER.search(args):
                self.freed_members[member[1].decode()].add(name)

    def file(self, name):
        """Return the file of a name."""
        if name not in self.files:
            self.files[name] = csource.File(self.root / name, name)
            self.types.take(self.files[name])
            self.types.read(self.files[name].includes, 1)
        return self.files[name]

    def function(self, name, near=None, types=None):
        """Return what a call in a file means: a function of the file, an exported one, a macro."""
        if near and name in near.functions:
            return near.functions[name]
        if name in self.exports and self.exports[name] not in self.own:
            return self.file(self.exports[name]).functions.get(name)
        return (types or self.types).macros.get(name)

    def home(self, name):
        """Return the place of a file's code: "vmlinux", a module's path, or "" if unknown."""
        symbol = self.place.get(name)
        if symbol in self.homes:
            return self.homes[symbol]
        stem, folder = pathlib.Path(name).stem, (self.root / name).parent
        makefile = next((folder / n for n in ("Kbuild", "Makefile") if (folder / n).exists()), None)
        rules = makefile.read_text(errors="replace").replace("\\\n", " ") if makefile else ""
        built = re.search(rf"^obj-y\s*[:+]?=[^\n]*(?<![\w-]){re.escape(stem)}\.o\b", rules, re.M)
        return "vmlinux" if built else ""

    @functools.lru_cache(None)
    def frees(self, file):
        """Return all frees in a file."""
        return [free for f in self.file(file).functions.values() for free in freed(f, self.types)]

    def frees_of(self, struct, member, used):
        """Yield each Free of a member: in one of the functions @used, or along with its struct."""
        for name in sorted(self.freed_members[member] - self.own):
            text = (self.root / name).read_text(errors="replace")
            defined = re.search(rf"\b(?:struct|union) {struct.split('.')[0]}\b", text)
            for free in self.frees(name) if defined else []:
                if (free.struct, free.member) != (struct, member):
                    continue
                # Many structs contain one of this type. So count the free only if the module
                # calls functions of that file.
                part = "." not in struct and PART.search(free.what)
                if free.function in used or self.ends(free) and not (
                        part and all(f.file.name != name for f in used)):
                    yield free

    def ends(self, free):
        """Does the function, or one that it calls, free the struct of this member, or the
        one that contains it?
        """
        base, functions = OUTER.match(free.what)[1], free.function.file.functions
        if not base.isidentifier() or made(free.function, base):
            return False
        for name, args, _ in free.function.calls:
            if base not in args:
                continue
            number, other = args.index(base), functions.get(name)
            if FREES.match(name) or other and any(f.what in other.params[number:number + 1]
                                                  for f in freed(other, self.types)):
                return True
        return False

    def reach(self, names, depth=2):
        """Return the functions of these names, and those that they call in their own files."""
        found, new = set(), {f for n in names if (f := self.function(n))}
        while new and depth:
            found |= new
            new = {f.file.functions[n] for f in new for n, _, _ in f.calls if n in f.file.functions}
            new -= found
            depth -= 1
        return found


class Module:
    """What the sources of a module allocate, call and free."""

    def __init__(self, paths, headers, root, types):
        self.types = Types(root, types)
        self.files = [csource.File(p, shown(p, root)) for p in paths]
        for header in headers:
            self.types.take(csource.File(header, shown(header, root)))
        for file in self.files:
            self.types.read(file.includes)
            self.types.take(file)
        self.all = [f for file in self.files for f in file.functions.values()]
        self.functions = {f.name: f for f in reversed(self.all)}
        self.text = "\n".join(file.text for file in self.files)
        self.allocators, self.outputs, self.returned, self.unknown = {}, {}, {}, []
        self.calls = {name for f in self.all for name, _, _ in f.calls}
        self.find_helpers()
        self.members, self.variables, self.structs = {}, {}, {}
        for function in self.all:
            self.find_allocations(function)
        self.caches = set(CACHE_KEPT.findall(self.text))
        self.callbacks = dict((f, m) for m, f in CALLBACK.findall(self.text))
        own = [free for f in self.all for free in freed(f, self.types, FREES)]
        self.freed = {(free.struct, free.member) for free in own if free.struct}
        self.freed_variables = {(id(f.function), f.what) for f in own if not f.member}

    def allocated(self, function):
        """Yield each Allocation in a function, with the variables that it is put into."""
        local = {}
        for pattern in (ASSIGNED, SET_RCU):
            for match in pattern.finditer(function.body):
                *left, right, then = match.groups()
                left = left[0].strip() if left else left_of(function.body, match.start())
                if left.startswith("."):
                    struct, path = csource.initialized(function.body, match.start())
                    left = f"({struct})" + "".join("." + name for name in path) + left
                if then != "(" and right in local:
                    local[left] = local[right]._replace(position=match.start(), left=left)
                elif then == "(" and (re.fullmatch(ALLOC, right) or right in self.allocators):
                    how = self.allocators.get(right, right)
                    local[left] = Allocation(function, match.start(), left, how,
                                             (function.file.name, function.start + match.start()))
                else:
                    continue
                if left:
                    yield local[left]

    def find_helpers(self):
        """Find functions, also inline ones, that return an allocation or put it into *argument."""
        inline = [f for name, f in self.types.macros.items()
                  if name in self.calls and not re.fullmatch(ALLOC, name)]
        for _ in range(2):
            for function in [*self.all, *inline]:
                for found in self.allocated(function):
                    if re.search(rf"\breturn\s+{re.escape(found.left)}\s*;", function.body):
                        self.allocators[function.name] = found.how
                        self.returned[function.name] = found
                    if found.left[0] == "*" and found.left[1:] in function.params:
                        number = function.params.index(found.left[1:])
                        self.outputs[function.name, number] = found.how
                returned = re.search(rf"\breturn\s+({ALLOC})\s*\(", function.body)
                if returned:
                    self.allocators[function.name] = returned[1]

    def find_allocations(self, function):
        """Fill members, variables and structs."""
        for found in self.allocated(function):
            self.note(found)
        for name, args, position in function.calls:
            for number, text in enumerate(args):
                if (name, number) in self.outputs and text.startswith("&"):
                    self.note(Allocation(function, position, text[1:], self.outputs[name, number],
                                         (function.file.name, function.start + position, text)))
                if found := self.variables.get((id(function), text)):
                    self.pass_on(found, name, number)

    def pass_on(self, found, name, number):
        """Note the members in which a function of the module or a header puts
        an argument.
        """
        callee = self.functions.get(name) or self.types.macros.get(name)
        if callee and number < len(callee.params) and callee.params[number]:
            for left in re.findall(rf"([\w>.\-]+)\s*=\s*{callee.params[number]}\s*;", callee.body):
                struct, member = self.types.of(callee, left)
                if struct and member:
                    self.members.setdefault((struct, member), found)

    def note(self, found):
        """Note an allocation in a member or variable."""
        struct, member = self.types.of(found.function, found.left)
        if member and struct:
            self.members.setdefault((struct, member), found)
        elif member:
            self.unknown.append(found)
        else:
            self.variables.setdefault((id(found.function), found.left.lstrip("*")), found)
        if target := self.types.target(found.function, found.left):
            self.structs.setdefault(target, []).append(found)

    def source(self, function, text):
        """Return the allocations that an argument may be, and 1 if only the type tells, else 0."""
        text = CAST.sub("", text)
        if (id(function), text) in self.variables:
            return [self.variables[id(function), text]], 0
        struct, member = self.types.of(function, text)
        if (struct, member) in self.members:
            return [self.members[struct, member]], 0
        target = self.types.first(function, text) if text.startswith("&") else \
            self.types.target(function, text)
        return self.structs.get(target, []), 1


def left_of(text, position):
    """Return the left side of the assignment at a position, without a declaration's type."""
    found = LEFT.findall(text, max(0, position - 120), position)
    if found and DECLARES.search(text, max(0, position - 120), position):
        return found[0].strip().lstrip("*")
    return found[0].strip() if found else ""


def shown(path, root):
    """Return a path as it is printed."""
    try:
        return str(path.resolve().relative_to(root.resolve()))
    except ValueError:
        return str(path)


class Search:
    """Compares a module with the kernel."""

    def __init__(self, kernel, module, stand_ins):
        self.kernel, self.module, self.stand_ins = kernel, module, stand_ins
        self.found = {}
        used = (module.calls | set(module.callbacks)) - set(module.functions) - stand_ins
        # The module also calls the exported functions that macros and inline functions call.
        macros = [module.types.macros[name] for name in used & set(module.types.macros)]
        used |= {name for macro in macros for name, _, _ in macro.calls} - stand_ins
        self.used = {name for name in used if not re.fullmatch(ALLOC + "|" + FREE, name)}
        self.reached = kernel.reach(self.used & set(kernel.exports))

    def excluded(self, function, position, text):
        """Do the conditions of a statement exclude this module's case?"""
        for condition in function.conditions(position):
            constants = CONSTANT.findall(condition)
            if constants and "&" in condition and not any(c in text for c in constants):
                return True
            for name in re.findall(r"->\w+->(\w+)\b(?!\s*[.(\-])", condition):
                if re.search(rf"\.{name}\s*=", self.module.text):
                    return True
        return False

    def add(self, rank, allocation, free, how):
        """Note a hand-over; keep the surest one for each allocation."""
        if self.excluded(free.function, free.position, self.module.text):
            return
        home = self.kernel.home(free.function.file.name)
        flags = any(CONSTANT.search(c) for c in free.function.conditions(free.position))
        rank = min(max(rank, flags, not home), RANKS.index("look at"))
        at, what = allocation.function, f"{allocation.left} = {allocation.how}()"
        out = CACHE_OUT if allocation.how.startswith("kmem_cache") else KMALLOC_OUT
        new = Found(rank, at.file.name, at.line(allocation.position), what, place_of(free, home), how, out)
        self.found[allocation.origin] = min(new, self.found.get(allocation.origin, new))

    def members(self):
        """Check members that the module sets and the kernel frees."""
        for (struct, member), where in self.module.members.items():
            for free in self.kernel.frees_of(struct, member, self.reached):
                if self.elsewhere(where, free):
                    continue
                rank = (not self.kernel.ends(free)) + ((struct, member) in self.module.freed)
                self.add(rank, where, free, f"freed as {member} of a struct {struct} by")

    def elsewhere(self, where, free):
        """Are the module's and the kernel's struct with the member parts of different structs?"""
        ours = self.module.types.part(where.function, where.left)
        theirs = self.kernel.types.part(free.function, free.what)
        return bool(ours and theirs and ours != theirs)

    def arguments(self):
        """Check arguments that the kernel frees or keeps."""
        for function in self.module.all:
            for name, args, _ in function.calls:
                callee = self.kernel.function(name, types=self.module.types)
                for number, text in enumerate(args) if callee and name in self.used else []:
                    found, rank = self.module.source(function, text)
                    for allocation in found:
                        self.argument(function, callee, number, text, allocation, rank)

    def argument(self, function, callee, number, text, where, rank):
        """Check an argument that is an allocation of the module."""
        own = (id(function), text) in self.module.freed_variables
        for free in self.parameter(callee, number, DEPTH, function):
            self.add(rank + own, where, free, f"freed as argument of {callee.name}() by")
        struct = self.module.types.target(function, text)
        outer = self.module.types.first(function, text) if text.startswith("&") else struct
        if not outer or re.search("calloc|array|objs", where.how):
            return
        own = own or (outer, "") in self.module.freed
        for target in self.targets(callee):
            for free in self.kernel.frees(target.file.name):
                if struct and free.struct == struct and not free.member and arrives(free):
                    self.add(rank + own, where, free, f"freed after {callee.name}() by")

    def targets(self, callee):
        """Return the function, or the exported functions that a macro or inline function calls."""
        if callee.file.name.endswith(".c"):
            return [callee]
        return [t for c, _, _ in callee.calls if c in self.used and (t := self.kernel.function(c))
                and t.file.name.endswith(".c")]

    def parameter(self, function, number, depth, caller):
        """Yield each Free of a parameter."""
        name = function.params[number] if number < len(function.params) and depth else ""
        if not name:
            return
        # Ignore frees in a header: this code is compiled into the module, and calls gomem.
        inside = function.file.name.endswith(".h")
        yield from (f for f in freed(function, self.kernel.types) if f.what == name and not inside)
        for match in re.finditer(rf"([\w>.\-]+)\s*=\s*{name}\s*;", function.body):
            if not inside and not self.excluded(function, match.start(), caller.body):
                yield from self.kept(function, *self.kernel.types.of(function, match[1]))
        for callee, args, _ in function.calls:
            if name in args and callee != function.name and callee not in self.stand_ins and \
                    not ENDS.match(callee):
                if target := self.kernel.function(callee, function.file):
                    yield from self.parameter(target, args.index(name), depth - 1, caller)

    def kept(self, function, struct, member):
        """Yield each Free, in a function's file, of a member that the function set."""
        for free in self.kernel.frees(function.file.name):
            if struct and member and (free.struct, free.member) == (struct, member):
                yield free

    def callbacks(self):
        """Check kernel functions in the module's tables that free what it allocates."""
        for name in set(self.module.callbacks) & self.used & set(self.kernel.exports):
            function, table = self.kernel.function(name), self.module.callbacks[name]
            for free in freed(function, self.kernel.types) if function else []:
                if not free.member and not made(function, free.what):
                    self.struct(free, f"freed as a struct {free.struct} by .{table},")

    def results(self):
        """Check structs that functions in the module's tables return, and users free."""
        for name in set(self.module.returned) & set(self.module.callbacks):
            allocation, table = self.module.returned[name], self.module.callbacks[name]
            struct = self.module.types.target(allocation.function, allocation.left)
            for target in sorted({f.file.name for f in self.reached}) if struct else []:
                for free in self.kernel.frees(target):
                    if free.struct == struct and free.what in free.function.params:
                        self.struct(free, f"freed as result of .{table}() by")

    def struct(self, free, how):
        """Add the module's allocations of structs of the freed type."""
        for allocation in self.module.structs.get(free.struct, []):
            self.add(1 + ((free.struct, "") in self.module.freed), allocation, free, how)

    def caches(self):
        """Check caches that the module puts into a member, or passes to a function, and
        whose objects the kernel frees.
        """
        for function in self.module.all:
            for match in CACHE_SET.finditer(function.body):
                left, right = match.groups()
                if right in self.module.caches or right.startswith(CACHE_MADE):
                    self.cache(function, match)

            for name, args, position in function.calls:
                callee = self.kernel.function(name) if name in self.used else None
                for number, text in enumerate(args) if callee else []:
                    if re.split(r"\W+", text)[-1] in self.module.caches:
                        self.passed_cache(function, position, text, callee, number)

    def cache(self, function, match):
        """Add a cache in a member: its objects may be handed over."""
        left, right = match.groups()
        key = self.module.types.of(function, left)
        for name in sorted(self.kernel.freed_members[key[1]] - self.kernel.own):
            for free in self.kernel.frees(name):
                if free.cache and self.kernel.types.of(free.function, free.cache) == key:
                    self.add_cache(function, match.start(), free, left, right)

    def passed_cache(self, function, position, text, callee, number):
        """Add a cache whose objects a function of the kernel frees, or that it keeps for that."""
        name = callee.params[number] if number < len(callee.params) else ""
        kept = [self.kernel.types.of(callee, left) for left in
                re.findall(rf"([\w>.\-]+)\s*=\s*{name}\s*;", callee.body)] if name else []
        for free in self.kernel.frees(callee.file.name) if name else []:
            if free.cache and (free.function is callee and free.cache == name or
                               self.kernel.types.of(free.function, free.cache) in kept):
                self.add_cache(function, position, free, text)

    def add_cache(self, function, position, free, *names):
        """Add a cache whose objects are freed; @names are its names in the module."""
        either = "|".join(sorted(map(re.escape, set(names))))
        taken = re.search(rf"\bkmem_cache_z?alloc\w*\s*\(\s*({either})\s*,", self.module.text)
        rank, how, out = CACHE_TAKEN if taken else CACHE_UNUSED
        place = place_of(free, self.kernel.home(free.function.file.name))
        self.found[function.file.name, names[0]] = Found(
            RANKS.index(rank), function.file.name, function.line(position), f"cache {names[0]}",
            place, how, out)

    def run(self):
        """Return all findings, the surest first."""
        self.members()
        self.arguments()
        self.callbacks()
        self.results()
        self.caches()
        return sorted(self.found.values())


def place_of(free, home):
    """Return the place where the kernel frees, as text."""
    where = home if home == "vmlinux" else f"module {home}" if home else "built in or not: unknown"
    function = free.function
    return f"{function.file.name}:{function.line(free.position)} {function.name}() [{where}]"


def arrives(free):
    """Is the freed object the container of the function's argument, as in a release()?"""
    name = re.escape(free.what)
    return bool(re.search(rf"\b{name}\s*=\s*(?:to_\w+|container_of)\s*\(", free.function.body))


def made(function, name):
    """Does the function allocate this variable itself?"""
    made_by = rf"\b{re.escape(name)}\s*=\s*[^;]*(?:alloc|dup|create)\w*\s*\("
    return bool(re.search(made_by, function.body))


def imported(path):
    """Return the symbols that a built module imports."""
    out = subprocess.run(["nm", "-u", path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in out.splitlines()}


def look_at_built(path, kernel, stand_ins):
    """Print the functions that a built module calls and that free an argument;
    return how many.
    """
    empty = Module([], [], kernel.root, kernel.types)
    search, found = Search(kernel, empty, stand_ins), 0
    for name in sorted(imported(path) & set(kernel.exports) - stand_ins):
        callee = kernel.function(name)
        if not callee or re.fullmatch(ALLOC + "|" + FREE, name):
            continue
        for number, parameter in enumerate(callee.params):
            for free in search.parameter(callee, number, DEPTH, callee):
                print(f"look at: {path}: calls {name}(): {parameter} is freed by "
                      f"{place_of(free, kernel.home(free.function.file.name))}")
                found += 1
                break
    return found


def look_at_source(sources, kernel, stand_ins, count):
    """Print the hand-overs in a module's files; count them, and what was searched."""
    kernel.own = {shown(p, kernel.root) for p in sources[0]}
    module = Module(*sources, kernel.root, kernel.types)
    for found in Search(kernel, module, stand_ins).run():
        print(f"{RANKS[found.rank]}: {found.file}:{found.line}: {found.what}: "
              f"{found.how} {found.place}: {found.out}")
        count[RANKS[found.rank]] += 1
    for left in module.unknown:
        at = f"{left.function.file.name}:{left.function.line(left.position)}"
        print(f"skipped: {at}: {left.left} = {left.how}(): the type of the struct is not known")
    count["skipped"] += len(module.unknown)
    count["allocations"] += len(module.members) + len(module.variables) + len(module.unknown)
    count["lines"] += sum(len(file.ends) for file in module.files)


def parse_options():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--symbols", type=pathlib.Path)
    parser.add_argument("--override", type=pathlib.Path)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("path", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    for path in options.path:
        if not path.exists() or path.is_dir() and not handover_files.of(path)[0]:
            parser.error(f"there is no source in {path}")
    return options


def main():
    """Read the sources and print the findings."""
    options, count = parse_options(), collections.Counter()
    header = options.override.read_text() if options.override else ""
    stand_ins = set(re.findall(r"redefine_extname (\w+)", header))
    kernel = Kernel(options.source, options.symbols)
    for path in options.path:
        if path.suffix == ".ko":
            count["look at"] += look_at_built(path, kernel, stand_ins)
    # Several files of one module may have been named: read the module once.
    modules = dict(handover_files.of(path) for path in options.path if path.suffix != ".ko")
    for sources in modules.items():
        look_at_source(sources, kernel, stand_ins, count)
    found = sum(count[rank] for rank in RANKS[:3])
    print(f"hand-overs: {count['certain']} certain, {count['likely']} likely, "
          f"{count['look at']} to look at, {count['note']} notes; in {count['lines']} lines with "
          f"{count['allocations']} allocations, of which {count['skipped']} skipped")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
