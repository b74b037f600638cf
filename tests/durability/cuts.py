"""Trials with cuts of the power: a run is traced, and cut off at any operation."""
import collections
import copy
import os
import random
import re
import signal

from bench import Failure, Process, Remains, ask_tool, digest
from kills import LOST, Life
from power_cut import Disk, read_trace


class Trace:
    """A run, from a folder as it was to what it did there; `killed`: it goes on after a kill."""

    def __init__(self, bench, case, reference, seed, resumed):
        draw = random.Random(digest(f"trace {case.name} {seed} {resumed}"))
        with bench.folder() as folder:
            if resumed:
                self.kill_first(bench, case, reference, folder, draw)
            self.start = {path.name: path.read_bytes() for path in folder.output.parent.iterdir()}
            path = folder.path / "trace"
            outcome = Process(bench, folder, case, env={"KPU_FAULT_TRACE": str(path)}).end()
            if outcome.code != 0:
                raise Failure(f"cannot be traced: {outcome}")
            self.operations, self.folder = read_trace(path), str(folder.output.parent)

    @staticmethod
    def kill_first(bench, case, reference, folder, draw):
        process = Process(bench, folder, case)
        if process.wait(reference.seconds * (0.3 + 0.6 * draw.random())) is None:
            process.signal(signal.SIGKILL)
            process.end()

    def points(self):
        return range(1, len(self.operations) + 1)

    def replay(self, folder, number):
        """The disk after so many operations."""
        for name, content in self.start.items():
            (folder / name).write_bytes(content)
        disk = Disk(folder)
        for path in list(folder.iterdir()):
            path.unlink()
        disk.names = {os.path.join(self.folder, os.path.basename(path)): file
                      for path, file in disk.names.items()}
        disk.durable_names, disk.folder = dict(disk.names), self.folder
        for operation in self.operations[:number]:
            disk.do(operation)
        return disk


def committed_rows(bench, trace, number, folder):
    """Rows at the last promise of the disk before operation `number`: what a kill would leave right
    after it. None: nothing was committed, or the file is finished."""
    last = max((n for n, operation in enumerate(trace.operations[:number], 1)
                if operation.name == "sync"), default=0)
    if not any(operation.name == "sync" and ".journal" in operation.path
               for operation in trace.operations[:last]) and not trace.start:
        return None
    trace.replay(folder.output.parent, last).stop(folder.output.parent)
    rows = ask_tool(bench, folder.partial)[0] if folder.partial.exists() else None
    for path in folder.output.parent.iterdir():
        path.unlink()
    return rows


def trial_cut(bench, reference, case, trace, number, seed, folder):
    """The power goes after operation `number`; then the run is resumed."""
    draw = random.Random(digest(f"cut {case.name} {number} {seed}"))
    life = Life(bench, case, reference, folder)
    expected = committed_rows(bench, trace, number, folder)
    trace.replay(folder.output.parent, number).cut(draw, folder.output.parent)
    life.tally["power cuts"] += 1
    if expected is not None and not folder.output.exists():
        remains = Remains(bench, case, reference, folder, True, life.tally,
                          after_cut=True)
        if remains.rows < expected:
            life.tally[LOST] += expected - remains.rows
            raise Failure(f"{expected} rows were committed, {remains.rows} are left")
        life.known = remains.known
    return life.finish()


def without_syncs(trace, part):
    """The same, had the program not flushed the files whose names end so."""
    blind = copy.copy(trace)
    blind.operations = [copy.copy(operation) for operation in trace.operations]
    for operation in blind.operations:
        if operation.name == "sync" and re.search(part, operation.path):
            operation.name = "nothing"
    return blind


def trial_blind(bench, reference, case, trace, part, folder):
    """The harness on itself: a program that forgets a kind of fsync must be found out, by a few
    cuts somewhere in its run."""
    blind, tries, found = without_syncs(trace, part), 24, 0
    for n in range(1, tries):
        number = len(trace.operations) * n // tries
        expected = committed_rows(bench, trace, number, folder)
        blind.replay(folder.output.parent, number).cut(random.Random(n), folder.output.parent)
        rows = folder.partial.exists() and ask_tool(bench, folder.partial)[0] or 0
        found += expected is not None and not folder.output.exists() and rows < expected
        for path in folder.output.parent.iterdir():
            path.unlink()
    if not found:
        raise Failure(f"a run that never flushes {part} passes")
    return collections.Counter({"runs that flush too little, found out": 1})
