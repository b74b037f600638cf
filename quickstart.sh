#!/bin/sh
# From a bare Debian machine to the Pareto-optimal tilings of BERT-base on a small KPU: installs
# what is missing (as root), builds, sweeps, draws. Run it again as often as you like.
set -eu
cd "$(dirname "$0")"
. cmake/packages.sh

usage()
{
  echo "usage: ./quickstart.sh        build kpu-dse, sweep BERT-base on edge-ai, draw pictures"
}
case "${1-}" in
"") ;;
-h | --help) usage; exit 0 ;;
*) usage >&2; exit 2 ;;
esac

mkdir -p build results
log=$PWD/build/quickstart.log
: >"$log"

# shellcheck disable=SC2086 # lists of names
need_packages $packages_build $packages_pictures

echo "Building kpu-dse (log: build/quickstart.log)"
logged "The configuration" cmake --preset release
logged "The build" cmake --build build --target kpu-dse

echo "Sweeping sweeps/bert-edge.ini"
results=results/bert-edge.h5
build/src/tools/kpu-dse run sweeps/bert-edge.ini -o $results --force

python=/usr/bin/python3
[ -x $python ] || python=python3
logged "Drawing" $python analysis/plot_all.py $results --output results
echo "Pictures in $(echo results/bert-edge*.png)"
