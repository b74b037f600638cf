#!/usr/bin/env python3
"""Whether the harness itself does what it says: test_self.py FAULT_LIBRARY"""
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

from bench import read_log
from power_cut import Disk, File, read_trace

FAULT = ""

# What the library is preloaded into: makes a file, flushes it, and gives it another name. A second
# descriptor is the same file.
PROGRAM = """
import fcntl, os, sys
folder = sys.argv[1]
fd = os.open(folder + "/run.new", os.O_RDWR | os.O_CREAT, 0o666)
def write(data, at):
    while data:
        n = os.pwrite(fd, data, at)
        data, at = data[n:], at + n
write(b"a" * 1000, 0)
os.fdatasync(fd)
fd = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 0)
write(b"b" * 1000, 500)
os.ftruncate(fd, 1200)
os.rename(folder + "/run.new", folder + "/run.h5")
os.close(fd)
held = os.open(folder, os.O_RDONLY)
os.fsync(held)
os.close(held)
"""
CALLS = ["create", "write", "sync", "write", "truncate", "rename", "close", "open", "sync", "close"]


class Program:
    def __init__(self, fault=None, **more):
        self.place = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.place.name) / "out"
        self.folder.mkdir()
        self.log, self.trace = self.folder.parent / "log", self.folder.parent / "trace"
        env = {**os.environ, "LD_PRELOAD": FAULT, "KPU_FAULT_PREFIX": str(self.folder / "run."),
               "KPU_FAULT_LOG": str(self.log), "KPU_FAULT_TRACE": str(self.trace),
               "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0", **more}
        if fault is not None:
            env["KPU_FAULT"] = fault
        done = subprocess.run([sys.executable, "-c", PROGRAM, str(self.folder)], env=env,
                              capture_output=True, text=True)
        self.code, self.err, self.calls = done.returncode, done.stderr, read_log(self.log)

    def content(self, name):
        path = self.folder / name
        return path.read_bytes() if path.exists() else None


class Faults(unittest.TestCase):
    def test_nothing_happens(self):
        program = Program()
        self.assertEqual(program.code, 0, program.err)
        self.assertEqual([call.operation for call in program.calls], CALLS)
        self.assertEqual(program.content("run.h5"), b"a" * 500 + b"b" * 700)

    def test_every_call_fails(self):
        for call in Program().calls:
            for kind in call.kinds:
                if not kind.startswith("kill") and kind not in ("short", "EINTR"):
                    program = Program(f"{call.number}:{kind}")
                    self.assertNotEqual(program.code, 0, f"{call.operation} {kind}")
                    self.assertIn("Errno", program.err)
                    self.assertEqual([other.number for other in program.calls if other.is_hit],
                                     [call.number])

    def test_short_write_goes_on(self):
        program = Program("2:short")
        self.assertEqual(program.code, 0, program.err)
        self.assertEqual(program.calls[1].result, 500)
        self.assertEqual(program.content("run.h5"), b"a" * 500 + b"b" * 700)

    def test_kills(self):
        for when, left in (("before", b""), ("half", b"a" * 500), ("after", b"a" * 1000)):
            program = Program(f"2:kill-{when}")
            self.assertEqual(program.code, -9)
            self.assertEqual(program.content("run.new"), left, when)

    def test_full_disk_stays_full(self):
        program = Program("2:ENOSPC:stays")
        self.assertIn("No space left", program.err)
        self.assertEqual([call.result for call in program.calls[1:3]], [500, -1])

    def test_fault_waits_for_a_call_that_can_fail_so(self):
        program = Program("8:EROFS")  # open for reading, then flush
        self.assertEqual([call.operation for call in program.calls if call.is_hit], ["sync"])

    def test_unknown_fault_is_refused(self):
        self.assertEqual(Program("2:EWHAT").code, 99)


class Cuts(unittest.TestCase):
    def left(self, operations, folder, draws=120):
        """All contents that cuts after so many operations leave, by name."""
        found = {}
        for seed in range(draws):
            disk = Disk(folder)
            for operation in operations:
                disk.do(operation)
            with tempfile.TemporaryDirectory() as place:
                disk.cut(random.Random(seed), place)
                for name in ("run.new", "run.h5"):
                    path = pathlib.Path(place) / name
                    found.setdefault(name, set()).add(path.read_bytes() if path.exists() else None)
        return found

    def test_trace(self):
        program = Program()
        operations = read_trace(program.trace)
        self.assertEqual([operation.name for operation in operations], CALLS)
        before_sync = self.left(operations[:2], program.folder)["run.new"]
        self.assertLessEqual({None, b"", b"a" * 1000}, before_sync)
        self.assertTrue(any(content and b"\0" in content for content in before_sync), "no tear")
        after_sync = self.left(operations[:3], program.folder)["run.new"]
        self.assertEqual(after_sync, {None, b"a" * 1000})  # its name may be missing
        names = self.left(operations[:6], program.folder)
        self.assertIn(None, names["run.h5"])
        self.assertEqual(self.left(operations, program.folder)["run.new"], {None})
        self.assertNotIn(None, self.left(operations, program.folder)["run.h5"])

    def test_what_was_flushed_is_there(self):
        draw = random.Random(1)
        for _ in range(200):
            file = File(draw.randbytes(5000))
            file.sync()
            at = draw.randrange(8000)
            file.since.append(("write", at, draw.randbytes(draw.randrange(1, 3000))))
            left = file.after_cut(draw, 512)
            sound = at // 512 * 512
            self.assertEqual(left[:min(sound, 5000)], file.durable[:sound])
            self.assertGreaterEqual(len(left), 5000)


if __name__ == "__main__":
    FAULT = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1, warnings="ignore")
