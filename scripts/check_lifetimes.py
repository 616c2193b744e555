#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refuses a range-for over what a temporary owns: `for (x : *f())` and `for (x : f()->y())` free it before the first turn
(C++20 keeps only the outermost temporary alive).

usage: scripts/check_lifetimes.py [--root DIR] [--self-test]
"""

import argparse
import re
import sys
from pathlib import Path

FOLDERS = ["cluster", "storage", "net", "actors", "tests"]
SUFFIXES = {".cpp", ".hpp"}
NO_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:[^"\\\n]|\\.)*"'
                     r"|(?<!\w)'(?:[^'\\\n]|\\.)+'", re.DOTALL)
FOR = re.compile(r"\bfor\s*\(")
PAIRS = {")": "(", "]": "[", "}": "{", ">": "<"}
# A name with what leads to it: `a.b->c`, `a::b`; `*` and `(` in front of it have been read.
NAME = re.compile(r"[\s(]*(?:::)?\w+(?:\s*(?:::|\.|->)\s*\w+)*\s*")


def range_of(text, start):
    """The range expression of the range-for whose parenthesis opens at `start`, or None for another loop."""
    depth, colon = 0, None
    for i in range(start, len(text)):
        c = text[i]
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth == 0:
                return None if colon is None else text[colon + 1:i].strip()
        elif c == ";" and depth == 1:
            colon = None  # what came before was an init statement, or a condition with a colon
        elif c == ":" and depth == 1 and colon is None and text[i - 1] != ":" and text[i + 1:i + 2] != ":":
            colon = i
    return None


def closing(text, start):
    """Where the bracket that opens at `start` closes, or the end."""
    opener = text[start]
    closer = next(c for c, o in PAIRS.items() if o == opener)
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == opener) - (text[i] == closer and text[i - 1:i + 1] != "->")
        if depth == 0:
            return i
    return len(text)


def without_bodies(text):
    """The expression without what stands in braces: a lambda's body has lifetimes of its own."""
    while (start := text.find("{")) >= 0:
        text = text[:start] + " " + text[closing(text, start) + 1:]
    return text


def is_call(text, start):
    """Whether a call's result is what stands at `start`: a name, template arguments or indexes, then `(`."""
    name = NAME.match(text, start)
    i = name.end() if name else len(text)
    while i < len(text) and text[i] in "<[":
        i = closing(text, i) + 1
        if again := re.compile(r"\s*(?:(?:::|\.|->)\s*\w+\s*)*").match(text, i):
            i = again.end()
    return text[i:i + 1] == "("


def is_refused(expression):
    text = without_bodies(expression)
    for match in re.finditer(r"\*", text):
        before = text[:match.start()].rstrip()[-1:]
        if (not before or before in "(,?:=&*") and is_call(text, match.end()):
            return True
    for match in re.finditer(r"\)\s*->", text):
        depth, i = 0, match.start()
        while i >= 0 and (depth := depth + (text[i] == ")") - (text[i] == "(")) > 0:
            i -= 1
        if re.search(r"[\w\])>]\s*$", text[:max(i, 0)]) or is_call(text, i + 1):
            return True
    return False


def complaints_about(text):
    """(line, range expression) of each loop that is refused."""
    code = NO_CODE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    for match in FOR.finditer(code):
        expression = range_of(code, match.end() - 1)
        if expression and is_refused(expression):
            yield code.count("\n", 0, match.start()) + 1, " ".join(expression.split())


def self_test():
    refused = ["for (auto &x : *f()) {}", "for (auto &x : slots()->nodes()) {}", "for (auto &[a, b] : a.b(c(1))->d) {}",
               "for (int i = 0; auto &x : *view.slots()) {}", "for (const auto &x :\n  me->slots()->nodes())\n  go();",
               "for (auto &x : (*f()).rows) {}", "for (auto &x : *(f())) {}", "for (auto &x : (f())->rows) {}",
               "for (auto &x : *f<T>()) {}", "for (auto &x : *std::make_shared<a::list>(1)) {}",
               "for (auto &x : *xs[0].f()) {}", "for (auto &x : *xs[i(0)]->f()) {}", "for (auto &x : f(g(h(1)))->rows) {}",
               "for (auto &x : std::as_const(*f())) {}", "for (auto &x : f().get()->rows) {}",
               "auto q = '\"'; for (auto &x : *f()) g(\"\");", "auto n = 1'000; for (auto &x : *f()) g('a');"]
    allowed = ["for (auto &x : xs) {}", "auto all = slots();\nfor (auto &x : all->nodes()) {}", "for (auto &x : f()) {}",
               "for (auto &x : *found) {}", "for (auto &x : (*found).rows) {}", "for (auto &x : (*i)->rows) {}",
               "for (auto i = f()->begin(); i != end; ++i) {}", "for (i = a ? b : c; i < n; f(i)->next()) {}",
               "// for (auto &x : *f())", 'for (auto x : {"//", "a"})\n  f(x)->g();',
               'auto t = R"(for (auto &x : *f()))";', "for (auto &x : x.at(0).rows) {}",
               "for (std::string_view x : std::exchange(a, {})) {}", "for (auto x : numbers(a * f(b))) {}",
               "for (auto &x : filter(xs, [](auto &y) { return y.f()->ok; })) {}"]
    wrong = [x for x in refused if not list(complaints_about(x))] + [x for x in allowed if list(complaints_about(x))]
    for text in wrong:
        print(f"self-test: judged wrongly: {text!r}", file=sys.stderr)
    print(f"check_lifetimes: self-test, {len(refused) + len(allowed) - len(wrong)} of {len(refused) + len(allowed)} judged rightly")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description="Refuses a range-for over what a temporary owns.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true", help="judge made-up loops instead")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    count = 0
    for folder in FOLDERS:
        for file in sorted((arguments.root / folder).rglob("*")):
            if file.suffix not in SUFFIXES or "node_modules" in file.parts:
                continue
            for line, expression in complaints_about(file.read_text(encoding="utf-8", errors="replace")):
                count += 1
                print(f"{file.relative_to(arguments.root)}:{line}: `{expression}` is freed before the loop begins: "
                      "keep what the call returns in a variable", file=sys.stderr)
    print("check_lifetimes: " + (f"{count} loops over a temporary" if count else "no loop over a temporary"))
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
