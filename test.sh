#!/bin/sh
# Builds and runs the tests: sanitizers first, then the suite on an optimised build, whose summary
# ends the output.
set -eu
cd "$(dirname "$0")"
. cmake/packages.sh

usage()
{
  cat <<'END'
usage: ./test.sh [--quick | --long] [--no-sanitizers]
  --quick          only the tests labelled quick, on the optimised build
  --long           all tests, also those that take minutes each (1,000 kills, fuzzers)
  --no-sanitizers  leave out the AddressSanitizer, UBSan and ThreadSanitizer builds
END
}

sanitizers=yes
labels='-LE long'
for option; do
  case "$option" in
  --quick) labels='-L quick' sanitizers=no ;;
  --long) labels= ;;
  --no-sanitizers) sanitizers=no ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
  esac
done

mkdir -p build-ci
log=$PWD/build-ci/test.log
: >"$log"
jobs=$(nproc)

# shellcheck disable=SC2086 # lists of names
{
  need_packages $packages_build $packages_pictures
  if [ $sanitizers = yes ]; then need_packages $packages_tsan; fi
  offer_packages "ranks" $packages_mpi
  # A cluster's daemons are nothing to put on somebody's machine unasked.
  if [ -n "${CI:-}" ]; then offer_packages "Slurm" $packages_slurm; fi
}

build() # preset
{
  echo "== $1: building (log: build-ci/test.log)"
  logged "Configuring $1" cmake --preset "$1"
  logged "Building $1" cmake --build --preset "$1"
}

# ThreadSanitizer wants its shadow memory where some kernels put libraries; without address
# randomisation they do not collide.
unrandomised=
if setarch "$(uname -m)" -R true 2>/dev/null; then unrandomised="setarch $(uname -m) -R"; fi

check() # preset ctest-option...
{
  preset=$1
  shift
  $unrandomised ctest --preset "$preset" --parallel "$jobs" --no-label-summary --timeout 600 \
    "$@" </dev/null
}

if [ $sanitizers = yes ]; then
  build asan
  check asan -L quick
  build tsan
  check tsan -L threads
fi
build ci
# shellcheck disable=SC2086 # empty or an option with its value
check ci $labels
