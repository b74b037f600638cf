#!/usr/bin/env python3
"""How files survive, by the mechanism that writes them:

    mechanisms.py kpu-mechanisms libkpu_fault.so [--kills N] [--points N] [--cuts N]

Each mechanism writes the same rows, and is asked to make them safe now and then. It is killed at
random instants, and before, in and after calls that write; such calls fail; and the power is cut
(power_cut.py). Then h5py opens the file; for SWMR also after h5clear, for our journal also through
our own reader. Prints a table in Markdown, of all numbers of columns together."""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import h5py
import numpy

from bench import read_log
from power_cut import Disk, read_trace

MECHANISMS = {"none": "HDF5, nothing flushed", "flush": "HDF5, H5Fflush",
              "flush-fsync": "HDF5, H5Fflush and fsync", "swmr": "HDF5 SWMR, H5Fflush",
              "swmr-fsync": "HDF5 SWMR, H5Fflush and fsync", "journal": "kpu_store, journal"}
ROWS, EVERY = 1536, 64


def make_folder():
    """On a disk in memory if there is one."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return pathlib.Path(tempfile.mkdtemp(prefix="kpu-mechanisms-", dir=base))


class Writer:
    """A program, its file, and what it promised."""

    def __init__(self, given, mechanism, columns, env=None):
        self.folder = make_folder()
        self.place = self.folder / "out"
        self.place.mkdir()
        self.path, self.mechanism, self.given = self.place / "run.h5", mechanism, given
        self.process = subprocess.Popen(
            [given.program, "write", mechanism, str(self.path), str(columns), str(ROWS),
             str(EVERY)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "LD_PRELOAD": given.fault,
                 "KPU_FAULT_PREFIX": str(self.place / "run."),
                 "KPU_FAULT_LOG": str(self.folder / "log"),
                 "KPU_FAULT_TRACE": str(self.folder / "trace"), **(env or {})})

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        shutil.rmtree(self.folder, ignore_errors=True)

    def end(self):
        """Rows that were said to be safe."""
        self.process.wait()
        promises = self.place / "run.h5.promises"
        said = promises.read_text().split() if promises.exists() else []
        return int(said[-1]) if said else 0


def name_of(file, column):
    if "metrics" not in file:
        return f"c{column}"
    return f"{'metrics' if column else 'candidates'}/c{column}"


def h5py_reads(path, columns):
    """(rows, wrong values); None if it cannot be read."""
    try:
        with h5py.File(path, "r") as file:
            values = [file[name_of(file, c)][:] for c in range(columns)]
    except (OSError, KeyError, RuntimeError):
        return None
    rows = min(len(column) for column in values)
    wrong = sum(int(numpy.count_nonzero(
        column[:rows] != 1000003 * numpy.arange(rows) + 7 * c + 1))
        for c, column in enumerate(values))
    return rows, wrong


def ours_reads(given, path):
    done = subprocess.run([given.program, "read", str(path)], capture_output=True, text=True)
    return tuple(int(word) for word in done.stdout.split()) if done.returncode == 0 else None


def judge(given, mechanism, columns, place, promised, tally):
    """Counts what is left in a folder, of rows that were promised."""
    path = place / "run.h5"
    if not path.exists() and (place / "run.h5.partial").exists():
        path = place / "run.h5.partial"
    plain = h5py_reads(path, columns) if path.exists() else None
    repaired = plain
    if mechanism == "journal" and path.exists():
        repaired = ours_reads(given, path)
    elif plain is None and path.exists():
        subprocess.run(["h5clear", "-s", "-i", str(path)], capture_output=True)
        repaired = h5py_reads(path, columns)
    tally["trials"] += 1
    tally["promises"] += promised > 0
    tally["opens plainly"] += plain is not None and promised > 0
    tally["opens"] += repaired is not None and promised > 0
    rows, wrong = repaired or (0, 0)
    tally["rows promised"] += promised
    tally["rows lost"] += max(0, promised - rows)
    tally["with loss"] += rows < promised
    tally["wrong"] += (wrong > 0) or bool(plain and plain[1] > 0)


def trial(given, mechanism, columns, what):
    """what: seconds until a kill, a fault, or ("cut", seed)."""
    tally = collections.Counter()
    if isinstance(what, tuple):
        cut_power(given, mechanism, columns, what[1], tally)
        return tally
    env = {"KPU_FAULT": what} if isinstance(what, str) else {}
    with Writer(given, mechanism, columns, env) as writer:
        if not isinstance(what, str):
            time.sleep(what)
            writer.process.send_signal(signal.SIGKILL)
        promised = writer.end()
        judge(given, mechanism, columns, writer.place, promised, tally)
    return tally


TRACES = {}


def trace_of(given, mechanism, columns):
    """Operations, the rows that were promised before each, and where."""
    if (mechanism, columns) not in TRACES:
        with Writer(given, mechanism, columns) as writer:
            writer.end()
            TRACES[mechanism, columns] = (read_trace(writer.folder / "trace"), str(writer.place))
    return TRACES[mechanism, columns]


def promises_of(operations):
    """Rows promised when an operation begins, and at the end: the file of promises is traced."""
    promised, found = 0, []
    for operation in operations:
        found.append(promised)
        if operation.name == "write" and operation.path.endswith(".promises"):
            promised = int(operation.data)
    return [*found, promised]


def cut_power(given, mechanism, columns, seed, tally):
    draw = random.Random(f"{mechanism} {columns} {seed}")
    operations, place = trace_of(given, mechanism, columns)
    number = draw.randint(1, len(operations))
    folder = make_folder()
    try:
        disk = Disk(place)
        for operation in operations[:number]:
            disk.do(operation)
        disk.cut(draw, folder)
        judge(given, mechanism, columns, folder, promises_of(operations)[number], tally)
    finally:
        shutil.rmtree(folder)


def trials_of(given, mechanism, columns):
    """Kind -> what to try; measured in an undisturbed run."""
    began = time.monotonic()
    with Writer(given, mechanism, columns) as writer:
        writer.end()
        if writer.process.returncode:
            raise SystemExit(f"{mechanism} does not work")
        seconds = time.monotonic() - began
        calls = read_log(writer.folder / "log")
    draw = random.Random(f"{mechanism} {columns}")
    changing = [call.number for call in calls
                if call.operation not in ("open", "read", "close", "flock") and
                not call.path.endswith(".promises")]
    step = max(1, len(changing) // given.points)
    return {"SIGKILL at random": [seconds * draw.random() for _ in range(given.kills)],
            "killed in a call": [f"{number}:kill-{when}" for number in changing[::step]
                                 for when in ("before", "half", "after")],
            "a call fails": [f"{number}:{kind}" for number in changing[::step]
                             for kind in ("ENOSPC", "ENOSPC:stays", "EIO", "EIO:stays", "EINTR",
                                          "short")],
            "power cut": [("cut", n) for n in range(given.cuts)]}


def table_line(mechanism, kind, tally):
    promises = tally["promises"]
    lost = 100 * tally["rows lost"] / max(1, tally["rows promised"])
    return (f"| {MECHANISMS[mechanism]} | {kind} | {promises} | {tally['opens plainly']} | "
            f"{tally['opens']} | {lost:.0f} % | {tally['wrong']} |")


def try_mechanism(given, mechanism):
    """Kind -> its tally, over all numbers of columns."""
    found = collections.defaultdict(collections.Counter)
    for columns in (int(word) for word in given.columns.split(",")):
        trace_of(given, mechanism, columns)  # before the processes part
        for kind, trials in trials_of(given, mechanism, columns).items():
            with concurrent.futures.ProcessPoolExecutor(2) as pool:
                for tally in pool.map(trial, *zip(*((given, mechanism, columns, what)
                                                    for what in trials)), chunksize=4):
                    found[kind].update(tally)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("program")
    parser.add_argument("fault")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--points", type=int, default=10, help="calls to kill in, or fail")
    parser.add_argument("--cuts", type=int, default=30)
    parser.add_argument("--columns", default="20,150")
    parser.add_argument("--only", help="this mechanism")
    given = parser.parse_args()
    given.program, given.fault = (os.path.abspath(p) for p in (given.program, given.fault))
    print("| mechanism | what happens | files with rows promised | open as they are | open after "
          "repair | promised rows lost | files with wrong values |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for mechanism in [given.only] if given.only else MECHANISMS:
        for kind, tally in try_mechanism(given, mechanism).items():
            print(table_line(mechanism, kind, tally), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
