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

# Folder -> (own folders it may include, third-party prefixes it may include). The longest matching folder counts.
LAYERS = {
    "cluster": (["cluster"], DOMAIN),
    "storage": (["storage", "cluster"], DOMAIN + POSIX + ["hiredis/"]),
    "net": (["net", "cluster"], NET),
    "net/client": (["net/client", "net", "cluster"], NET + ["CLI/"]),
    "actors": (["actors", "net", "storage", "cluster"],
               NET + ["caf/", "CLI/", "toml++/", "spdlog/", "fmt/", "prometheus/"]),
    "tests": (["tests", "actors", "net/client", "net", "storage", "cluster"], None),
}
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


def check_file(root, path):
    """The complaints about one source file; `path` is relative to the root."""
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
            elif folder_of(header) not in own:
                yield f'{where}: {folder}/ must not include "{header}" (own folders allowed: {", ".join(own)})'
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


def check_tree(root):
    """All complaints about a tree."""
    complaints, users = [], {prefix: [] for prefix in ONE_FILE}
    for top in sorted({f.split("/")[0] for f in LAYERS}):
        for file in sorted((root / top).rglob("*")):
            path = file.relative_to(root).as_posix()
            if file.suffix not in SUFFIXES or "node_modules" in file.parts or not file.is_file():
                continue
            complaints += check_file(root, path)
            headers = [h for _, h in INCLUDE.findall(file.read_text(encoding="utf-8", errors="replace"))]
            for prefix, only in ONE_FILE.items():
                if any(h.startswith(prefix) for h in headers) and folder_of(path) == only:
                    users[prefix].append(path)
    for prefix, paths in users.items():
        if len(paths) > 1:
            complaints.append(f"{', '.join(paths)}: only one source file may include <{prefix}…>")
        complaints += [f"{p}: <{prefix}…> belongs into a source file, not a header" for p in paths if p.endswith(".hpp")]
    return complaints


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
        ("net uses the log", {"net/m.cpp": "#include <spdlog/spdlog.h>\n"}, "net/ must not include <spdlog"),
        ("net includes its client", {"net/m.cpp": '#include "net/client/c.hpp"\n'}, "net/ must not include"),
        ("two files use Redis", {"storage/r.cpp": "#include <hiredis/hiredis.h>\n",
                                 "storage/q.cpp": "#include <hiredis/hiredis.h>\n"}, "only one source file"),
        ("a header uses Redis", {"storage/r.hpp": "#include <hiredis/hiredis.h>\n"}, "not a header"),
        ("actors use Redis", {"actors/y.cpp": "#include <hiredis/hiredis.h>\n"}, "actors/ must not include <hiredis"),
        ("a relative path", {"net/m.cpp": '#include "n.hpp"\n'}, "is not a path from the root"),
        ("code includes tests", {"tests/t.hpp": "", "actors/y.cpp": '#include "tests/t.hpp"\n'}, "actors/ must not include"),
    ]
    failed = 0
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
    print(f"check_layers: self-test, {len(cases) - failed} of {len(cases)} trees judged rightly")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description="Checks who includes whom.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true", help="judge made-up trees instead")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    complaints = check_tree(arguments.root)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print("check_layers: " + (f"{len(complaints)} includes cross a layer" if complaints else "all includes keep to their layer"))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
