"""Usage: slow_candidate.py BUILD CONFIGS: results that wait behind a candidate that takes long
survive a kill, and are not evaluated again.

BUILD has kpu-dse-counted and libkpu_fault.so, whose clock makes the run commit a hundred times
while the long one is under way."""
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import time

BUILD, CONFIGS = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
# One of the better part of a second, 40 of a few milliseconds.
SWEEP = f"""[sweep]
name = slow
machines = {CONFIGS}/default.ini
objectives = cycles
[workload]
gemms = large:12288x12288x12288, small:1024x1024x1024
[space]
TM = 16..64 +16
TN = 64
TK = 64..128 +16
dataflow = os, ws
[constraints]
one = M < 10000 or (TM == 16 and TK == 64 and dataflow == os)
"""
ALL, THREADS = 41, 2
SEARCHES = {"exhaustive": ALL, "random --budget 41": 2, "exhaustive --store front": ALL}


class Run:
    def __init__(self, folder, options):
        self.counter = folder / "count"
        self.command = [BUILD / "kpu-dse-counted", "run", "slow.ini", "-o", "slow.h5", "-q",
                        "-j", str(THREADS), "--no-fast-forward", "--search", *options.split()]
        self.folder = folder
        self.env = {**os.environ, "LD_PRELOAD": str(BUILD / "libkpu_fault.so"),
                    "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0",
                    "KPU_FAULT_PREFIX": str(folder / "slow."), "KPU_FAULT_SPEED": "200",
                    "KPU_COUNT_FILE": str(self.counter)}
        (folder / "slow.ini").write_text(SWEEP)

    def begin(self, *more):
        return subprocess.Popen([*self.command, *more], cwd=self.folder, env=self.env)

    def count(self):
        try:
            return struct.unpack("q", self.counter.read_bytes())[0]
        except (FileNotFoundError, struct.error):
            return 0

    def wait_until_still(self, process, least):
        """Until `least` began, and no other for a while: all that can be done is done."""
        deadline, before, since = time.monotonic() + 60, -1, time.monotonic()
        while process.poll() is None and time.monotonic() < deadline:
            if self.count() != before:
                before, since = self.count(), time.monotonic()
            if before >= least and time.monotonic() - since > 0.4:
                return True
            time.sleep(0.01)
        return False


def trial(options, least):
    with tempfile.TemporaryDirectory() as name:
        run = Run(pathlib.Path(name), options)
        process = run.begin()
        waited = run.wait_until_still(process, least)
        process.kill()
        process.wait()
        begun = run.count()
        code = run.begin("--resume").wait()
        again = run.count() - ALL
        print(f"{options}: {begun} had begun, {again} again, exit {code}")
        return waited and code == 0 and again <= THREADS  # what was under way


def main():
    good = [trial(*case) for case in SEARCHES.items()]
    return 0 if all(good) else 1


sys.exit(main())
