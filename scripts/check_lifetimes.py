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
NO_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:[^"\\\n]|\\.)*"', re.DOTALL)
FOR = re.compile(r"\bfor\s*\(")
# A call's result that is dereferenced where it stands.
DEREFERENCED_CALL = re.compile(r"^\*\s*[\w:.>\-]+\s*\(|[\w\]>]\s*\([^()]*(?:\([^()]*\)[^()]*)*\)\s*->")


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
        elif c == ":" and depth == 1 and colon is None and text[i - 1] != ":" and text[i + 1:i + 2] != ":":
            colon = i
    return None


def complaints_about(text):
    """(line, range expression) of each loop that is refused."""
    code = NO_CODE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    for match in FOR.finditer(code):
        expression = range_of(code, match.end() - 1)
        if expression and DEREFERENCED_CALL.search(expression):
            yield code.count("\n", 0, match.start()) + 1, " ".join(expression.split())


def self_test():
    refused = ["for (auto &x : *f()) {}", "for (auto &x : slots()->nodes()) {}", "for (auto &[a, b] : a.b(c(1))->d) {}",
               "for (int i = 0; auto &x : *view.slots()) {}", "for (const auto &x :\n  me->slots()->nodes())\n  go();"]
    allowed = ["for (auto &x : xs) {}", "auto all = slots();\nfor (auto &x : all->nodes()) {}", "for (auto &x : f()) {}",
               "for (auto &x : *found) {}", "for (auto i = f()->begin(); i != end; ++i) {}", "// for (auto &x : *f())", 'for (auto x : {"//", "a"})\n  f(x)->g();', 'auto t = R"(for (auto &x : *f()))";',
               "for (auto &x : x.at(0).rows) {}", "for (std::string_view x : std::exchange(a, {})) {}"]
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
