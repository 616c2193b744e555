#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that every package the build requires is used in production code, and installed by scripts/install-deps.

A package that is required and not used makes everybody install it for nothing, and looks like a foundation that is
none. CMakeLists.txt, scripts/install-deps and the table below must name the same packages.

usage: scripts/check_packages.py [--root DIR] [--self-test]
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

# As CMake names it -> (the Debian package, how its headers begin).
PACKAGES = {
    "OpenSSL": ("libssl-dev", "openssl/"),
    "hiredis": ("libhiredis-dev", "hiredis/"),
    "CAF": ("libcaf-dev", "caf/"),
    "Boost": ("libboost-dev", "boost/"),
    "simdjson": ("libsimdjson-dev", "simdjson.h"),
    "nlohmann_json": ("nlohmann-json3-dev", "nlohmann/"),
    "fmt": ("libfmt-dev", "fmt/"),
    "prometheus-cpp": ("prometheus-cpp-dev", "prometheus/"),
    "CLI11": ("libcli11-dev", "CLI/"),
    "tomlplusplus": ("libtomlplusplus-dev", "toml++/"),
    "xxhash.h": ("libxxhash-dev", "xxhash.h"),
    "msgpack.hpp": ("libmsgpack-cxx-dev", "msgpack"),
}
PLATFORM = {"Threads"}  # of the compiler, no package
PRODUCTION = ["cluster", "storage", "net", "actors"]
SUFFIXES = {".cpp", ".hpp"}
SYSTEM = re.compile(r"(sys|netinet|arpa|linux|net)/|[a-z_]+\.h$")  # of the C library

REQUIRED = re.compile(r"^\s*find_(?:package\(\s*([\w+-]+)|path\(\s*\w+\s+([\w.]+))", re.MULTILINE)
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*<([^>]+)>", re.MULTILINE)


def required_by_cmake(text):
    return {a or b for a, b in REQUIRED.findall(re.sub(r"#.*", "", text))} - PLATFORM


def installed(text):
    """The packages of `packages=(...)`, without what only tests need."""
    block = re.search(r"^packages=\((.*?)\)", text, re.MULTILINE | re.DOTALL)
    return {word.split(":")[0] for word in block.group(1).split()} if block else set()


def includes(root):
    """Header -> a source file that includes it, for every <header> of production code."""
    found = {}
    for top in PRODUCTION:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in SUFFIXES:
                for header in INCLUDE.findall(path.read_text(encoding="utf-8", errors="replace")):
                    found.setdefault(header, path.relative_to(root).as_posix())
    return found


def check_tree(root):
    cmake = required_by_cmake((root / "CMakeLists.txt").read_text(encoding="utf-8"))
    debian = installed((root / "scripts/install-deps").read_text(encoding="utf-8"))
    headers = includes(root)
    for name in sorted(cmake - PACKAGES.keys()):
        yield f"CMakeLists.txt: requires {name}, which scripts/check_packages.py does not know: add it to PACKAGES"
    for name, (package, prefix) in PACKAGES.items():
        users = [where for header, where in headers.items() if header.startswith(prefix)]
        if name in cmake and not users:
            yield f"CMakeLists.txt: requires {name}, but no production code includes <{prefix}...>: remove it, or use it"
        if name not in cmake and users:
            yield f"{users[0]}: includes <{prefix}...>, but CMakeLists.txt does not require {name}"
        if name in cmake and package not in debian:
            yield f"scripts/install-deps: {package} is missing, CMakeLists.txt requires {name}"
        if name not in cmake and package in debian:
            yield f"scripts/install-deps: installs {package}, but CMakeLists.txt does not require {name}"
    known = tuple(prefix for _, prefix in PACKAGES.values())
    for header, where in headers.items():
        is_standard = "." not in header and "/" not in header
        if not is_standard and not SYSTEM.match(header) and not header.startswith(known):
            yield f"{where}: <{header}> is of no package in scripts/check_packages.py"


def self_test():
    """Each case: what is changed in a tree that is right, and a part of the complaint; None for no complaint."""
    right = {
        "CMakeLists.txt": "find_package(Threads REQUIRED)\nfind_package(fmt REQUIRED) # text\nfind_path(X xxhash.h REQUIRED)\n",
        "scripts/install-deps": "packages=(\n  cmake:cmake libfmt-dev libxxhash-dev\n)\ntest_packages=(libgtest-dev)\n",
        "net/a.cpp": "#include <fmt/format.h>\n#include <vector>\n#include <sys/socket.h>\n#include <unistd.h>\n",
        "cluster/b.hpp": "#include <xxhash.h>\n",
        "tests/t.cpp": "#include <gtest/gtest.h>\n",
    }
    cases = [
        ("a right tree", {}, None),
        ("a package nobody includes", {"net/a.cpp": "#include <vector>\n"}, "requires fmt, but no production"),
        ("used in tests only", {"net/a.cpp": "", "tests/t.cpp": "#include <fmt/format.h>\n"}, "requires fmt, but no"),
        ("a header by find_path", {"cluster/b.hpp": ""}, "requires xxhash.h, but no production"),
        ("not required", {"CMakeLists.txt": "find_path(X xxhash.h REQUIRED)\n"}, "does not require fmt"),
        ("required in a comment", {"CMakeLists.txt": "# find_package(fmt)\nfind_path(X xxhash.h REQUIRED)\n"}, "does not require fmt"),
        ("not installed", {"scripts/install-deps": "packages=(libxxhash-dev)\n"}, "libfmt-dev is missing"),
        ("installed for tests only", {"scripts/install-deps": "packages=(libxxhash-dev)\ntest_packages=(libfmt-dev)\n"}, "libfmt-dev is missing"),
        ("installed for nothing", {"scripts/install-deps": "packages=(libfmt-dev libxxhash-dev libcaf-dev)\n"}, "installs libcaf-dev"),
        ("an unknown package", {"CMakeLists.txt": right["CMakeLists.txt"] + "find_package(leveldb)\n"}, "requires leveldb, which"),
        ("an unknown header", {"net/c.hpp": "#include <leveldb/db.h>\n"}, "<leveldb/db.h> is of no package"),
    ]
    failed = 0
    for name, change, expected in cases:
        with tempfile.TemporaryDirectory() as temp:
            root = Path(temp)
            for top in PRODUCTION:
                (root / top).mkdir()
            for path, text in {**right, **change}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            complaints = list(check_tree(root))
        good = not complaints if expected is None else any(expected in x for x in complaints)
        if not good:
            failed += 1
            print(f"check_packages: self-test '{name}': expected {expected!r}, got {complaints}", file=sys.stderr)
    print(f"check_packages: self-test, {len(cases) - failed} of {len(cases)} trees judged rightly")
    return failed == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true", help="judge trees with known faults")
    options = parser.parse_args()
    if options.self_test:
        return 0 if self_test() else 1
    complaints = list(check_tree(options.root))
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if not complaints:
        print("check_packages: every required package is used")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
