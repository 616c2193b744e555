#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refuses idioms that a reader stops at, in what users see: the documents, the string literals of the sources (log, errors,
help) and the help texts of the scripts. Says for each what to write instead. Code spans in documents are left out.

usage: scripts/check_words.py [--root DIR] [--self-test]
"""

import argparse
import re
import sys
from pathlib import Path

DOCUMENTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/**/*.md"]
SOURCES = ["cluster", "storage", "net", "actors"]

COUNTED = (r"(?:one(?: (?!of |in |for |with |\w*[^s]s )\w+)?|two|bytes|messages|connections|devices|frames|calls|commands|events|binds|lookups|keys|lines?|objects?|"
           r"packages?|process|actors|requests?|arrays?|entry|entries|verdicts?|events?|CPU|us|ns|ms|B|KB|MB|KiB|MiB|GiB|"
           r"(?<![.\d,])\d+(?:,\d{3})*)")
ONE_OF = (r"(?:device|node|loop|pair|message|second|line|connection|sender|core|machine|partition|row|account|socket|bind|"
          r"connect|round|frame|lane|link|router|turn|batch|record|process|incarnation|slot|pipeline|type|unit|noun)")
# (pattern, what to write instead). A blank stands for any white space, so that a phrase may go over a line's end.
IDIOMS = [
    (r"mend(?:s|ed|ing)?", "fix, repair; in a log `hint=`"),
    (r"for ever", "forever"),
    # "messages a device may send" is a relative clause, so a verb behind it acquits.
    (COUNTED + r" an? " + ONE_OF + r"\b(?! (?:may|can|must|could|will|\w+s)\b)", "… per …"),
    (r"each (?:second|minute|hour|\d[\d,.]* ?(?:us|ms|s|min|h))", "every …"),
    (r"any more(?! (?:than|of|\w+s)\b)", "no longer"),
    (r"cannot be had", "is unavailable"),
    (r"leaves? word|left word|leaving word", "leaves a notice"),
    (r"asked for", "requested"),
    (r"believed|disbelieved", "authenticated"),
    (r"doubtful|in doubt", "recovering"),
    (r"strangers?", "an unauthenticated peer"),
    (r"roads?", "path, route"),
    (r"doors?", "listener"),
    (r"anew", "again"),
    (r"meanwhile", "in the meantime"),
    (r"beside", "next to"),
    (r"go(?:es)? on", "continues"),
    (r"(?:is|are|was|were) back", "has returned"),
    (r"(?:is|are) away|away for (?:all|everyone)", "unreachable"),
]
WORDS = [(re.compile(r"(?<![\w-])(?:" + pattern.replace(" ", r"\s+") + r")(?![\w-])", re.IGNORECASE), instead)
         for pattern, instead in IDIOMS]

CODE_SPAN = re.compile(r"`[^`\n]+`")
LITERALS = re.compile(r'(?P<comment>//[^\n]*|/\*.*?\*/)|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:[^"\\\n]|\\.)*"|'
                      r"(?<!\w)'(?:[^'\\\n]|\\.)+'", re.DOTALL)
INCLUDE = re.compile(r"#include[^\n]*")
HELP = re.compile(r"<<-?\s*'?TEXT'?\n(.*?)\n\s*TEXT\n|\"\"\"(.*?)\"\"\"|help=\"([^\"]*)\"|\b(?:usage|help) = `(.*?)`", re.DOTALL)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def of_document(text):
    return CODE_SPAN.sub(lambda m: "x" * len(m.group()), text)


def of_source(text):
    """The text with everything but its string literals blanked; adjacent literals read as one."""
    text = INCLUDE.sub(lambda m: blank(m.group()), text)
    kept, end = [], 0
    for match in LITERALS.finditer(text):
        kept.append(blank(text[end:match.start()]) if text[end:match.start()].isspace() else
                    re.sub(r"[^\n]", "\0", text[end:match.start()]))
        literal = match.group()
        kept.append(blank(literal) if match.group("comment") else
                    "\0" * len(literal) if literal.startswith("'") else
                    literal.replace('\\"', "  ").replace("\\n", "\0 ").replace('"', " "))
        end = match.end()
    return "".join(kept) + blank(text[end:])


def of_script(text):
    kept, end = [], 0
    for match in HELP.finditer(text):
        kept += [re.sub(r"[^\n]", "\0", text[end:match.start()]), match.group()]
        end = match.end()
    return "".join(kept) + blank(text[end:])


def complaints_about(text):
    """(line, phrase, what to write instead) of each idiom, in order."""
    found = [(match.start(), " ".join(match.group().split()), instead)
             for word, instead in WORDS for match in word.finditer(text)]
    return [(text.count("\n", 0, at) + 1, phrase, instead) for at, phrase, instead in sorted(found)]


def files_of(root):
    """(file, what to make of its text before it is judged)."""
    for pattern in DOCUMENTS:
        yield from ((file, of_document) for file in sorted(root.glob(pattern)))
    for folder in SOURCES:
        yield from ((file, of_source) for file in sorted((root / folder).rglob("*")) if file.suffix in {".cpp", ".hpp"})
    for folder in ["scripts", "tests/chaos"]:
        for file in sorted((root / folder).glob("*")):
            if file.is_file() and file != Path(__file__).resolve() and (file.suffix in {"", ".py"} or file.name == "chaos.mjs"):
                yield file, of_script


def self_test():
    refused = [(of_document, "not formatted, mend with x"), (of_document, "kept for\never"), (of_document, "One a device."),
               (of_document, "8 MiB a pair"), (of_document, "bytes a device"), (of_document, "5,000 messages a second"),
               (of_document, "renews it each second"), (of_document, "repeated each 250 ms"), (of_document, "does not hold any more."),
               (of_document, "memory that cannot be had"), (of_document, "it leaves word"), (of_document, "us a message"),
               (of_document, "```sh\n# mended\n```"), (of_source, 'f("mended");'), (of_source, 'f("kept for "\n  "ever");'),
               (of_source, 'auto t = R"(one a node)";'), (of_source, "f('\"'); g(\"anew\");"),
               (of_source, 'log::warn("a", "b", {{"mend", "x"}});'), (of_script, "cat <<'TEXT'\none key a line\nTEXT\n"),
               (of_script, 'add("--x", help="meanwhile")'), (of_script, '"""for ever"""'), (of_document, "`a` beside `b`")]
    allowed = [(of_document, "amend, recommend, forever, one per device"), (of_document, "messages a device may send"),
               (of_document, "the key `mend` is now `hint`"), (of_document, "each of them"), (of_document, "any more than one"),
               (of_document, "frames a node sends"), (of_document, "besides, a roadmap, indoors"),
               (of_source, "// one a device, for ever\nf(1);"), (of_source, '/* mend */ f("a");'),
               (of_source, '#include "actors/mend.hpp"'), (of_source, 'f("one", "a device");'), (of_source, 'mend("hint");'),
               (of_source, 'f("for", x, "ever");'), (of_script, "mend() { echo; } # for ever\n"), (of_document, "a second time")]
    wrong = [text for make, text in refused if not complaints_about(make(text))]
    wrong += [text for make, text in allowed if complaints_about(make(text))]
    lines = complaints_about(of_source('f("a");\n\ng("one "\n  "a node");'))
    if [line for line, *_ in lines] != [3]:
        wrong.append(f"the wrong line: {lines}")
    for text in wrong:
        print(f"self-test: judged wrongly: {text!r}", file=sys.stderr)
    count = len(refused) + len(allowed) + 1
    print(f"check_words: self-test, {count - len(wrong)} of {count} judged rightly")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description="Refuses idioms that a reader stops at, in what users see.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true", help="judge made-up texts instead")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    count = 0
    for file, prepare in files_of(arguments.root):
        for line, phrase, instead in complaints_about(prepare(file.read_text(encoding="utf-8", errors="replace"))):
            count += 1
            print(f"{file.relative_to(arguments.root)}:{line}: \"{phrase}\": write {instead}", file=sys.stderr)
    print("check_words: " + (f"{count} phrases to replace" if count else "no phrase to replace"))
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
