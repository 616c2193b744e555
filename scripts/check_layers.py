#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks who includes whom: the table below is the architecture, and the build breaks where it is not true.

usage: scripts/check_layers.py [--root DIR] [--self-test]
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

# CAF's vocabulary: values, no actors.
CAF_WORDS = ["caf/atom.hpp", "caf/error.hpp", "caf/expected.hpp", "caf/fwd.hpp", "caf/make_message.hpp",
             "caf/message.hpp", "caf/meta/", "caf/none.hpp"]
POSIX = ["sys/", "netinet/", "arpa/", "linux/", "unistd.h", "fcntl.h", "netdb.h", "poll.h", "signal.h", "pthread.h",
         "sched.h", "malloc.h", "ifaddrs.h", "emmintrin.h", "immintrin.h"]
DOMAIN = CAF_WORDS + ["msgpack.hpp", "msgpack/", "xxhash.h"]
NET = DOMAIN + POSIX + ["boost/", "openssl/", "simdjson.h", "nlohmann/"]

# CAF as a library of actors; its network part is the mesh's alone.
CAF = ["caf/"]
# What every room of actors/ stands on.
BASE = ["actors/core", "actors/config", "actors/telemetry"]
BELOW = ["net", "net/http", "net/codec", "net/websocket", "storage", "cluster"]

# Folder -> (own folders it may include beside itself, third-party prefixes it may include). The longest matching
# folder counts: a room of actors/ or net/ has a law of its own. Listed from the top of the house to its ground.
LAYERS = {
    "tests": (["actors", "actors/session", "actors/api", "actors/directory", "actors/delivery", "actors/membership",
               "actors/mesh", *BASE, "net/client", *BELOW], None),
    # Composition: the node, its loops, its listeners.
    "actors": (["actors/session", "actors/api", "actors/directory", "actors/delivery", "actors/membership",
                "actors/mesh", *BASE, *BELOW], NET + CAF),
    "actors/session": (["actors/delivery", *BASE, *BELOW], NET + CAF),
    "actors/api": (["actors/delivery", "actors/directory", "actors/mesh", *BASE, *BELOW], NET + CAF),
    "actors/directory": (["actors/delivery", "actors/membership", *BASE, *BELOW], NET + CAF),
    "actors/delivery": ([*BASE, *BELOW], NET + CAF),
    "actors/membership": ([*BASE, *BELOW], NET + CAF),
    "actors/mesh": ([*BASE, *BELOW], NET + CAF),
    "actors/core": (["actors/config", "actors/telemetry", *BELOW], NET + CAF),
    "actors/config": (["actors/telemetry", *BELOW], NET + ["CLI/", "toml++/"]),
    "actors/telemetry": (BELOW, NET + ["fmt/", "prometheus/"]),
    "net/client": (["net", "net/http", "net/codec", "net/websocket", "cluster"], NET + ["CLI/"]),
    "net/websocket": (["net", "net/http", "net/codec", "cluster"], NET),
    "net/http": (["net", "net/codec", "cluster"], NET),
    "net": (["net/codec", "cluster"], NET),
    "net/codec": (["cluster"], NET),
    "storage": (["cluster"], DOMAIN + POSIX + ["hiredis/"]),
    "cluster": ([], DOMAIN),
}
# Includes that break the table and are known: (file, folder it includes). The list only shrinks: one that is no
# longer needed fails the check, too.
EXCEPTIONS = []
# Only one source file may include these: whoever wants to replace the library finds all of it there.
ONE_FILE = {"hiredis/": "storage"}
# The domain is pure: time and randomness arrive as arguments, threads and streams do not exist.
IMPURE_HEADERS = {"thread", "mutex", "shared_mutex", "condition_variable", "future", "iostream", "fstream"}
IMPURE_CODE = re.compile(r"_clock::now\s*\(|\brandom_device\b|\bstd::rand\b|\bgetenv\s*\(")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
SUFFIXES = {".cpp", ".hpp", ".h", ".ipp"}


def folder_of(path):
    """The layer of a path relative to the root, or None."""
    matches = [f for f in LAYERS if path == f or path.startswith(f + "/")]
    return max(matches, key=len) if matches else None


def is_standard(header):
    return "." not in header and "/" not in header


def check_file(root, path, exceptions):
    """The complaints about one source file; `path` is relative to the root. Counts in `exceptions` those it used."""
    folder = folder_of(path)
    own, third_party = LAYERS[folder]
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        quote, header = match.groups()
        where = f"{path}:{line}"
        if quote == '"':
            if not (root / header).is_file():
                yield f'{where}: "{header}" is not a path from the root'
            elif folder_of(header) != folder and folder_of(header) not in own:
                used = (path, folder_of(header))
                if used in exceptions:
                    exceptions[used] += 1
                else:
                    yield f'{where}: {folder}/ must not include "{header}" (own folders allowed: {", ".join(own) or "none"})'
        elif is_standard(header):
            if folder == "cluster" and header in IMPURE_HEADERS:
                yield f"{where}: cluster/ is pure and must not include <{header}>"
        elif third_party is not None and not any(header.startswith(p) for p in third_party):
            yield f"{where}: {folder}/ must not include <{header}>"
    if folder == "cluster":
        code = COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
        for match in IMPURE_CODE.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            yield f"{path}:{line}: cluster/ is pure: time and randomness arrive as arguments ({match.group().strip()})"


def check_tree(root, exceptions=()):
    """All complaints about a tree; `exceptions` as EXCEPTIONS."""
    complaints, users = [], {prefix: [] for prefix in ONE_FILE}
    used = dict.fromkeys(exceptions, 0)
    for top in sorted({f.split("/")[0] for f in LAYERS}):
        for file in sorted((root / top).rglob("*")):
            path = file.relative_to(root).as_posix()
            if file.suffix not in SUFFIXES or "node_modules" in file.parts or not file.is_file():
                continue
            complaints += check_file(root, path, used)
            headers = [h for _, h in INCLUDE.findall(file.read_text(encoding="utf-8", errors="replace"))]
            for prefix, only in ONE_FILE.items():
                if any(h.startswith(prefix) for h in headers) and folder_of(path) == only:
                    users[prefix].append(path)
    for prefix, paths in users.items():
        if len(paths) > 1:
            complaints.append(f"{', '.join(paths)}: only one source file may include <{prefix}…>")
        complaints += [f"{p}: <{prefix}…> belongs into a source file, not a header" for p in paths if p.endswith(".hpp")]
    complaints += [f"{path} no longer includes {folder}/: take it out of EXCEPTIONS" for (path, folder), n in used.items() if n == 0]
    return complaints


def two_way_pairs(layers):
    """Pairs of folders that may include each other: a table with one describes no house."""
    return [(a, b) for a in layers for b in layers if a < b and b in layers[a][0] and a in layers[b][0]]


def self_test():
    """Made-up trees, each with the complaint it must bring (None: no complaint)."""
    base = {"cluster/a.hpp": "", "net/n.hpp": "", "storage/s.hpp": "", "actors/x.hpp": "", "net/client/c.hpp": ""}
    cases = [
        ("what is allowed", {"cluster/b.cpp": '#include "cluster/a.hpp"\n#include <map>\n#include <caf/error.hpp>\n',
                             "net/m.cpp": '#include "cluster/a.hpp"\n#include <boost/beast.hpp>\n#include <sys/epoll.h>\n',
                             "storage/r.cpp": '#include "storage/s.hpp"\n#include <hiredis/hiredis.h>\n',
                             "actors/y.cpp": '#include "net/n.hpp"\n#include "storage/s.hpp"\n#include <caf/all.hpp>\n',
                             "tests/t.cpp": '#include "net/client/c.hpp"\n#include <gtest/gtest.h>\n'}, None),
        ("cluster looks up", {"cluster/b.cpp": '#include "net/n.hpp"\n'}, "cluster/b.cpp:1: cluster/ must not include"),
        ("cluster uses actors of CAF", {"cluster/b.cpp": "\n#include <caf/all.hpp>\n"}, "cluster/b.cpp:2:"),
        ("cluster uses a socket", {"cluster/b.cpp": "#include <sys/socket.h>\n"}, "must not include <sys/socket.h>"),
        ("cluster uses a thread", {"cluster/b.cpp": "#include <thread>\n"}, "is pure and must not include <thread>"),
        ("cluster reads a clock", {"cluster/b.cpp": "auto t = std::chrono::steady_clock::now();\n"}, "arrive as arguments"),
        ("a comment is no code", {"cluster/b.cpp": "// steady_clock::now() is not called here\n"}, None),
        ("net includes storage", {"net/m.cpp": '#include "storage/s.hpp"\n'}, 'net/ must not include "storage/s.hpp"'),
        ("storage includes net", {"storage/r.cpp": '  #  include "net/n.hpp"\n'}, 'storage/ must not include "net/n.hpp"'),
        ("storage includes actors", {"storage/r.cpp": '#include "actors/x.hpp"\n'}, "storage/ must not include"),
        ("net uses Redis", {"net/m.cpp": "#include <hiredis/hiredis.h>\n"}, "net/ must not include <hiredis/hiredis.h>"),
        ("net uses the log", {"net/m.cpp": "#include <fmt/format.h>\n"}, "net/ must not include <fmt"),
        ("net includes its client", {"net/m.cpp": '#include "net/client/c.hpp"\n'}, "net/ must not include"),
        ("two files use Redis", {"storage/r.cpp": "#include <hiredis/hiredis.h>\n",
                                 "storage/q.cpp": "#include <hiredis/hiredis.h>\n"}, "only one source file"),
        ("a header uses Redis", {"storage/r.hpp": "#include <hiredis/hiredis.h>\n"}, "not a header"),
        ("actors use Redis", {"actors/y.cpp": "#include <hiredis/hiredis.h>\n"}, "actors/ must not include <hiredis"),
        ("a room of its own law", {"actors/session/s.cpp": '#include "actors/delivery/d.hpp"\n#include "net/codec/c.hpp"\n',
                                   "actors/delivery/d.hpp": "", "net/codec/c.hpp": ""}, None),
        ("a room looks up", {"actors/delivery/d.cpp": '#include "actors/session/s.hpp"\n', "actors/session/s.hpp": ""},
         'actors/delivery/ must not include "actors/session/s.hpp"'),
        ("a room includes composition", {"actors/session/s.cpp": '#include "actors/x.hpp"\n'},
         'actors/session/ must not include "actors/x.hpp"'),
        ("codec includes a socket", {"net/codec/c.cpp": '#include "net/n.hpp"\n'}, 'net/codec/ must not include "net/n.hpp"'),
        ("a relative path", {"net/m.cpp": '#include "n.hpp"\n'}, "is not a path from the root"),
        ("code includes tests", {"tests/t.hpp": "", "actors/y.cpp": '#include "tests/t.hpp"\n'}, "actors/ must not include"),
    ]
    failed = 0
    if two_way_pairs(LAYERS) or two_way_pairs({"a": (["b"], []), "b": (["a"], [])}) != [("a", "b")]:
        failed += 1
        print(f"self-test: folders that include each other: {two_way_pairs(LAYERS)}", file=sys.stderr)
    for name, files, expected in cases:
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory)
            for path, text in {**base, **files}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            complaints = check_tree(root)
        good = not complaints if expected is None else len(complaints) >= 1 and any(expected in c for c in complaints)
        if not good:
            failed += 1
            print(f"self-test '{name}': expected {expected!r}, got {complaints}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "net").mkdir()
        (root / "storage").mkdir()
        (root / "storage/s.hpp").write_text("")
        (root / "net/m.cpp").write_text('#include "storage/s.hpp"\n')
        known, stale = ("net/m.cpp", "storage"), ("net/m.cpp", "actors")
        if check_tree(root, [known]) or not any("EXCEPTIONS" in c for c in check_tree(root, [known, stale])):
            failed += 1
            print("self-test: an exception is not held as it should be", file=sys.stderr)
    print(f"check_layers: self-test, {len(cases) - failed} of {len(cases)} trees judged rightly")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description="Checks who includes whom.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true", help="judge made-up trees instead")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    complaints = check_tree(arguments.root, EXCEPTIONS)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print("check_layers: " + (f"{len(complaints)} includes cross a layer" if complaints else "all includes keep to their layer"))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
