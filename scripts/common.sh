# SPDX-License-Identifier: Apache-2.0
# Shared by the scripts beside it: where things are, and how a preset is configured.
# Sourced, not run; moves to the root of the tree, so that callers may stand anywhere.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# configure <preset> <tests: ON, or KEEP for what the build tree has> - instant where nothing changed: from
# then on ninja itself runs cmake again when a CMake file or the list of sources changes.
configure() {
  local preset=$1 tests=$2 dir=build/$1
  if [[ -e $dir/build.ninja ]]; then
    [[ $tests == KEEP ]] && return
    grep -q '^STENTOR_TESTS:BOOL=ON' "$dir/CMakeCache.txt" && return
  fi
  [[ $tests == KEEP ]] && tests=OFF
  mkdir -p "$dir"
  local bench=ON
  case $preset in asan | tsan) bench=OFF ;; esac # nobody measures there
  if ! cmake --preset "$preset" -DSTENTOR_TESTS="$tests" -DSTENTOR_BENCH=$bench >"$dir/configure.log" 2>&1; then
    cat "$dir/configure.log" >&2
    die "cmake could not configure the preset '$preset'"
  fi
}

# build <preset> [targets] - quiet unless it fails: a first build has hundreds of lines nobody reads.
build() {
  local dir=build/$1
  shift
  if [[ -t 2 ]]; then
    ninja -C "$dir" "$@" >&2
  else
    ninja -C "$dir" "$@" >"$dir/build.log" 2>&1 || {
      tail -n 80 "$dir/build.log" >&2
      die "the build failed, all of it is in $dir/build.log"
    }
  fi
}

# node_packages - npm packages of the tests that are written for node; again only when their lock file changed.
node_packages() {
  local dir=tests/system/node verb=install lock stamp
  [[ -e $dir/package.json ]] || return 0
  lock=$dir/package-lock.json
  [[ -e $lock ]] || lock=$dir/package.json
  stamp=$dir/node_modules/.installed
  cmp -s "$lock" "$stamp" && return
  [[ $lock == *package-lock.json ]] && verb=ci
  npm --prefix "$dir" "$verb" --no-audit --no-fund --loglevel=error >&2
  mkdir -p "${stamp%/*}"
  cp "$lock" "$stamp"
}

# quick_checks - what can be judged from the text alone, in a second; each check tests itself first.
quick_checks() {
  local check
  for check in scripts/check_*.py; do
    "$check" --self-test
    "$check"
  done
}
