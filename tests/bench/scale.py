#!/usr/bin/env python3
"""What a row costs on its way into one results file: bytes in the file and in messages, processor
time of the thread that writes, of rank 0 that receives and writes, and of a merge. The rows are
those of sweep.ini of tests/same_bytes with more tile sizes; docs/clusters.md reckons with them."""

import argparse
import glob
import os
import re
import resource
import shutil
import subprocess
import tempfile
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SWEEP = [os.path.join(SOURCE, "tests", "same_bytes", "sweep.ini"), "--set", "space.TM=8..64 +8",
         "--set", "space.TN=8..64 +8", "--set", "workload.gemms=flat:1x512x384, odd:67x130x201"]
TICK = os.sysconf("SC_CLK_TCK")
AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def thread_seconds(pid):
    """Processor time of the first thread of a process, or None: it is gone."""
    try:
        with open("/proc/%d/task/%d/stat" % (pid, pid), encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK
    except OSError:
        return None


def rank_0(program):
    """The process that mpirun started as rank 0, or None: it is not there yet."""
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as file:
                is_first = b"OMPI_COMM_WORLD_RANK=0" in file.read().split(b"\0")
            pid = int(path.split("/")[2])
            if is_first and os.path.realpath("/proc/%d/exe" % pid) == program:
                return pid
        except OSError:
            continue
    return None


def watch(command, find):
    """(what it printed, seconds, processor seconds of the thread that leads)."""
    began, leading = time.monotonic(), 0.0
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, **AS_ROOT})
    pid = None
    while process.poll() is None and time.monotonic() < began + 300:
        pid = pid or find(process)
        leading = max(leading, thread_seconds(pid) or 0.0) if pid else 0.0
        try:
            process.wait(0.01)
        except subprocess.TimeoutExpired:
            pass
    told = process.communicate()[0]
    if process.returncode != 0:
        raise SystemExit("%s failed:\n%s" % (" ".join(command), told))
    return told, time.monotonic() - began, leading


def run(program, output, *more, launcher=()):
    find = (lambda _: rank_0(program)) if launcher else (lambda process: process.pid)
    return watch([*launcher, program, "run", *SWEEP, "-o", output, *more], find)


def number(pattern, text):
    return int(re.search(pattern, text).group(1).replace(",", ""))


def merge_cost(program, folder, rows, parts):
    for part in range(1, parts + 1):
        run(program, os.path.join(folder, "cut.h5"), "-q", "--shard", "%d/%d" % (part, parts))
    cut = glob.glob(os.path.join(folder, "cut.shard-*.h5"))
    for what, option in (("merge", []), ("view", ["--virtual"])):
        began = time.monotonic()
        output = os.path.join(folder, what + ".h5")
        process = subprocess.Popen([program, "merge", "-q", *option, output, *cut])
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            raise SystemExit("merge failed")
        spent = usage.ru_utime + usage.ru_stime
        print("%-5s of %d parts       %8.2f us of processor time a row, %.2f s, %.0f MiB, "
              "%.1f bytes a row" % (what, parts, 1e6 * spent / rows, time.monotonic() - began,
                                                       usage.ru_maxrss / 1024, os.path.getsize(output) / rows))


def rank_cost(program, folder, rows, ranks, *more):
    launcher = ("mpirun", "--enable-recovery", "--oversubscribe", "--bind-to", "none",
                "-n", str(ranks))
    output = os.path.join(folder, "ranks-%d%s.h5" % (ranks, "".join(more)))
    told, _, leading = run(program, output, "-j", "1", *more, launcher=launcher)
    messages = number(r"([\d,]+) messages", told)
    size = number(r"messages and ([\d,]+) bytes", told)
    print("rank 0 of %d %-14s %6.2f us of processor time a row; %d messages of %.0f bytes, "
          "%.1f bytes a row" % (ranks, " ".join(more), 1e6 * leading / rows, messages,
                                size / messages, size / rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="kpu-dse")
    parser.add_argument("--smoke", action="store_true",
                        help="at its least, so that it goes on working; what it prints says nothing")
    arguments = parser.parse_args()
    program = os.path.realpath(arguments.program)
    if arguments.smoke:
        SWEEP.extend(["--set", "space.TM=16", "--set", "space.TN=16"])
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        whole = os.path.join(folder, "whole.h5")
        told, seconds, leading = run(program, whole, "-j", "1")
        rows = number(r"([\d,]+) candidates of", told)
        print("rows                   %8d" % rows)
        print("file                   %8.1f bytes a row" % (os.path.getsize(whole) / rows))
        print("evaluating, one thread %8.2f us a row" % (1e6 * seconds / rows))
        print("leading, one process   %8.2f us of processor time a row" % (1e6 * leading / rows))
        merge_cost(program, folder, rows, 8)
        linked = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True)
        if shutil.which("mpirun") and "libmpi" in linked.stdout:
            rank_cost(program, folder, rows, 3)
            rank_cost(program, folder, rows, 9)
            rank_cost(program, folder, rows, 3, "--store", "front")


if __name__ == "__main__":
    main()
