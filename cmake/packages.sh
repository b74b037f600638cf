# shellcheck shell=sh disable=SC2034,SC2154
# Debian packages: which are needed, which are missing, how to get them. Sourced by quickstart.sh
# and test.sh; the caller sets `log` to a file for apt's chatter.

# a|b: either will do, a is installed.
packages_build="gcc libc6-dev cmake ninja-build pkg-config|pkgconf libhdf5-dev libinih-dev
libjansson-dev libopenblas-dev libxxhash-dev zlib1g-dev libcunit1-dev python3"
packages_pictures="python3-numpy python3-h5py python3-pandas python3-matplotlib"
packages_tsan="clang libomp-dev libclang-rt-dev" # the runtimes of its sanitizers and of libFuzzer
packages_mpi="libopenmpi-dev openmpi-bin"
packages_slurm="slurmctld slurmd slurm-client munge"

is_installed() # package
{
  dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# Prints the packages of the list that are not installed.
missing_packages() # package...
{
  for wanted in "$@"; do
    found=no
    for choice in $(echo "$wanted" | tr '|' ' '); do
      if is_installed "$choice"; then found=yes; fi
    done
    [ $found = yes ] || printf '%s ' "${wanted%%|*}"
  done
}

# As root: without questions, and without those that are only recommended.
install_packages() # package...
{
  DEBIAN_FRONTEND=noninteractive
  export DEBIAN_FRONTEND
  sh -c 'apt-get -q update && apt-get -q -y install --no-install-recommends "$@"' apt "$@"
}

# What only some tests need, which are skipped without: installed if we are root and it can be had.
offer_packages() # what-for package...
{
  what_for=$1
  shift
  command -v dpkg-query >/dev/null || return 0
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  # shellcheck disable=SC2086 # a list of names
  if [ "$(id -u)" -eq 0 ] && install_packages $missing >>"$log" 2>&1 </dev/null; then
    echo "Installed: $missing"
  else
    echo "Not installed, so some tests of $what_for will be skipped: $missing"
  fi
}

# Installs what is missing if we are root, and otherwise says how to. Touches no network when
# nothing is missing.
need_packages() # package...
{
  if ! command -v dpkg-query >/dev/null; then
    echo "Not a Debian system: cannot check for the packages that are needed; trying without." >&2
    return 0
  fi
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    {
      echo "These packages are missing:"
      for package in $missing; do echo "  $package"; done
      echo "Install them, then run this again:"
      echo "  sudo apt-get update && sudo apt-get install --no-install-recommends $missing"
    } >&2
    exit 2
  fi
  echo "Installing: $missing"
  # shellcheck disable=SC2086 # a list of names
  logged "apt-get" install_packages $missing
}

# Runs a command with its output in $log, which is shown if it fails.
logged() # what command...
{
  what=$1
  shift
  if ! "$@" >>"$log" 2>&1 </dev/null; then
    tail -n 40 "$log" >&2
    echo "$what failed; the whole log is in $log" >&2
    exit 1
  fi
}
