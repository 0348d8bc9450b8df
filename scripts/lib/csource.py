# SPDX-License-Identifier: GPL-2.0
"""csource.py - read C sources in the kernel's style without a compiler.

It finds functions, their parameters, the struct types of variables and members,
calls, and the conditions around a statement. It does not run the preprocessor:
both branches of an #if count. A function begins in the first column, and ends
with a brace there.
"""

import bisect
import functools
import re

NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
HEAD = re.compile(r"^(?!(?:else|do|if|for|while|switch|return|typedef)\b)[A-Za-z_][^;{}#=]*?"
                  r"\b(\w+)\s*\(([^;{}=]*)\)[^;{}=()]*\{", re.M)
MACRO = re.compile(r"^#define[ \t]+(\w+)\(([^)\n]*)\)((?:[^\n]*\\\n)*[^\n]*)", re.M)
END = re.compile(r"^\}", re.M)
DECLARED = re.compile(r"\b(?:struct|union)\s+([\w.]+)\s*((?:\*\s*|\b(?:const|__rcu|__percpu|__iomem)\b\s*)*)"
                      r"(\w+)\s*(\[[^\]]*\]\s*)?(?:__\w+\([^()]*\)\s*)?"
                      r"(?=[=;,):])((?:[^;(){}]|\([^()]*\))*;)?")
ALSO = re.compile(r",\s*(\**)\s*(\w+)\s*(\[[^\]]*\]\s*)?(?=[=,;])")
GLOBAL = re.compile(r"^(?:static\s+|const\s+)*(?:struct|union)\s+\w+\s*\**\s*\w+[^\n(){]*[;=]", re.M)
STRUCT = re.compile(r"^(?:struct|union)\s+(\w+)\s*\{\n(.*?)^\}", re.M | re.S)
INNER = re.compile(r"\b(?:struct|union)(?:\s+\w+)?\s*\{([^{}]*)\}[^;{}]*?(\w*)\s*((?:\[[^\]]*\]\s*)?;)")
FIRST = re.compile(r"\s*struct\s+\w+\s+(\w+)\s*;")
INCLUDE = re.compile(r'^#\s*include\s+[<"]([^>"]+)[>"]', re.M)
CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
CHAIN = re.compile(r"^[&*(\s]*([A-Za-z_]\w*)((?:\s*(?:->|\.)\s*\w+|\[[^\]]*\])*)\)*$")
WORDS = {"if", "for", "while", "switch", "return", "sizeof", "typeof", "defined", "case"}


def clean(text):
    """Remove comments and strings; keep the number of lines."""
    def blank(match):
        word = match.group()
        return '""' if word[0] in "\"'" else " " + "\n" * word.count("\n")
    return NOISE.sub(blank, text)


def closing(text, start):
    """Return the position after the parenthesis that closes the one at start."""
    depth = 0
    for match in re.compile(r"[()]").finditer(text, start):
        depth += 1 if match.group() == "(" else -1
        if not depth:
            return match.end()
    return len(text)


def arguments(text):
    """Return the arguments in a list without its parentheses."""
    found, depth, begin = [], 0, 0
    for match in re.finditer(r"[(){}\[\],]", text):
        char = match.group()
        if char in "({[":
            depth += 1
        elif char in ")}]":
            depth -= 1
        elif not depth:
            found.append(text[begin:match.start()].strip())
            begin = match.end()
    return found + [text[begin:].strip()]


def declared(text):
    """Return the struct types of declared names, with a * for each level of pointer beyond one."""
    types = {}
    for struct, stars, name, array, more in DECLARED.findall(text):
        for star, other, size in [(stars, name, array)] + ALSO.findall(more):
            depth = star.count("*") + bool(size)
            types.setdefault(other, struct + "*" * (depth - 1))
    return types


def members(text):
    """Return, for each defined struct or union, the struct types of its members by name.

    The type of a member that is a struct without a name is called OUTER.MEMBER.
    """
    found = {}
    for name, body in STRUCT.findall(text):
        while match := INNER.search(body):
            inner, member, end = match.groups()
            # The members of an inner struct without a name are members of the outer struct.
            new = f"struct {name}.{member} {member}{end}" if member else inner
            if member:
                found[f"{name}.{member}"] = declared(inner)
            body = body[:match.start()] + new + body[match.end():]
        found[name] = declared(body)
    return found


def firsts(text):
    """Return the name of the first member of each defined struct, if the member is a struct."""
    return {name: first[1] for name, body in STRUCT.findall(text) if (first := FIRST.match(body))}


def initialized(text, position):
    """Return the struct type whose initializer contains a position, and the members that lead
    there.
    """
    depth, path = 0, []
    for match in reversed(list(re.finditer(r"[{};]", text[:position]))):
        if match.group() == ";" and not depth:
            break
        depth += {"}": 1, "{": -1}.get(match.group(), 0)
        if depth >= 0:
            continue
        depth, head = 0, text[:match.start()]
        if found := re.search(r"\.(\w+)\s*=\s*$", head):
            path.insert(0, found[1])
        elif found := (re.search(r"\(\s*(?:struct|union)\s+(\w+)\s*(?:\[\w*\]\s*)?\)\s*$", head) or
                       re.search(r"\b(?:struct|union)\s+(\w+)\s+\w+\s*(?:\[\w*\]\s*)?=\s*$", head)):
            return found[1], path
        elif not re.search(r"[{,=]\s*$", head):
            break
    return "", []


def last_word(parameter):
    """Return the name of a parameter; "" if it is a function or has none."""
    match = re.search(r"(\w+)\s*(?:\[[^\]]*\])?$", parameter)
    return match[1] if match and not "(" in parameter else ""


class Function:
    """A function, or a macro with arguments."""

    def __init__(self, file, name, params, body, start):
        self.file, self.name, self.body, self.start = file, name, body, start
        self.params = [last_word(text) for text in arguments(params)]
        self.head = params

    @functools.cached_property
    def types(self):
        """Return the struct types of parameters and variables, including those of the file."""
        return {**self.file.types, **declared(self.body), **declared(self.head + ")")}

    @functools.cached_property
    def calls(self):
        """Return (name, arguments, position in the body) of each call."""
        found = []
        for match in CALL.finditer(self.body):
            if match[1] not in WORDS:
                end = closing(self.body, match.end() - 1)
                found.append((match[1], arguments(self.body[match.end():end - 1]), match.start()))
        return found

    def line(self, position):
        """Return the number of the line at a position in the body."""
        return self.file.line(self.start + position)

    def conditions(self, position):
        """Return the conditions of the if()s, and of their elses, that lead to a position."""
        text, found, depth = self.body[:position], [], 0
        tail = re.search(r"[^;{}]*$", text)
        found += if_before(text, tail.start(), tail.group())
        for match in reversed(list(re.finditer(r"[{}]", text))):
            depth += 1 if match.group() == "}" else -1
            if depth < 0:
                depth = 0
                head = re.search(r"[^;{}]*$", text[:match.start()])
                found += if_before(text, head.start(), head.group())
        return found


def if_before(text, start, head):
    """Return the conditions in the text before a statement or block."""
    match = re.search(r"\bif\s*\(", head)
    if match:
        return [head[match.end():closing(head, match.end() - 1) - 1]]
    if re.match(r"[\s})]*else\b", head):
        last = list(re.finditer(r"\bif\s*\(", text[:start]))[-1:]
        return [text[m.end():closing(text, m.end() - 1) - 1] for m in last]
    return []


class File:
    """A source file."""

    def __init__(self, path, name):
        self.path, self.name = path, name
        self.text = clean(path.read_text(encoding="utf-8", errors="replace"))
        self.ends = [m.start() for m in re.finditer("\n", self.text)]

    def line(self, position):
        """Return the number of the line at a position."""
        return bisect.bisect_left(self.ends, position) + 1

    @functools.cached_property
    def functions(self):
        """Return the functions by name. If several have one name, the longest one gets it."""
        found, position = {}, 0
        while match := HEAD.search(self.text, position):
            end = END.search(self.text, match.end())
            position = end.start() if end else len(self.text)
            new = Function(self, match[1], match[2], self.text[match.end():position], match.end())
            old = found.get(new.name)
            if old and len(old.body) > len(new.body):
                old, new = new, old
            found[match[1]] = new
            if old:
                found[f"{old.name}:{old.line(0)}"] = old
        return found

    @functools.cached_property
    def macros(self):
        """Return the macros with arguments, by name."""
        return {m[1]: Function(self, m[1], m[2], m[3].replace("\\\n", " \n"), m.start(3))
                for m in MACRO.finditer(self.text)}

    @functools.cached_property
    def types(self):
        """Return the struct types of variables outside of functions, by name."""
        return declared("\n".join(GLOBAL.findall(self.text)))

    @property
    def includes(self):
        """Return the headers that the file includes."""
        # Read the file again: strings are blank in the clean text.
        return INCLUDE.findall(self.path.read_text(encoding="utf-8", errors="replace"))
