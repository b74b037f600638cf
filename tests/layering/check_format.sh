#!/bin/sh
# usage: check_format.sh ROOT
# Every C file is laid out as .clang-format says. Skipped (77) without clang-format, and with another
# version than the one whose judgement we follow: they differ in details.
set -eu
cd "$1"
wanted=14
if ! command -v clang-format >/dev/null; then
  echo "skipped: no clang-format"
  exit 77
fi
case $(clang-format --version) in
*"version $wanted."*) ;;
*)
  echo "skipped: not clang-format $wanted"
  exit 77
  ;;
esac
find include src tests -name '*.[ch]' -print | xargs clang-format --dry-run --Werror
