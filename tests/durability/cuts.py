"""Trials with cuts of the power: runs are traced, and the last one is cut off at any operation."""
import collections
import copy
import random
import re

from bench import Failure, Remains, content_of, digest, rows_of, run
from kills import Life, kill_in
from power_cut import Disk, read_trace


class Trace:
    """What runs did to a folder, operation by operation. The last one is to be cut; it is the first
    ("new"), goes on where another one was killed ("resumed"), or replaces the finished file of
    another one ("forced"). What the killed one had not flushed, nobody else has."""

    def __init__(self, bench, case, reference, seed, mode):
        draw = random.Random(digest(f"trace {case.name} {seed} {mode}"))
        self.mode, self.old = mode, None
        with bench.folder(case) as folder:
            path = folder.path / "trace"
            env = {"KPU_FAULT_TRACE": str(path)}
            if mode == "resumed":
                calls = len(reference.calls)
                kill_in(bench, case, folder, draw.randint(calls // 4, calls * 9 // 10), env)
            elif mode == "forced":
                run(bench, folder, case, extra=("--seed", "99"), env=env)
                self.old = content_of(bench, folder.output)
            self.first = len(read_trace(path)) if path.exists() else 0
            outcome = run(bench, folder, case, env=env,
                          extra=("--force" if mode == "forced" else "--resume",))
            if outcome.code != 0:
                raise Failure(f"cannot be traced: {outcome}")
            self.operations, self.place = read_trace(path), folder.place
            self.check(folder)

    def check(self, folder):
        """That nothing was done to the folder but what was traced."""
        found = {path.name: path.read_bytes() for path in folder.place.iterdir()}
        traced = self.replay(len(self.operations)).contents()
        if found != traced:
            names = sorted(name for name in {**found, **traced}
                           if found.get(name) != traced.get(name))
            raise Failure(f"something is not in the trace of {names}")

    def points(self):
        return range(self.first + 1, len(self.operations) + 1)

    def replay(self, number):
        """The disk after so many operations."""
        disk = Disk(self.place)
        for operation in self.operations[:number]:
            disk.do(operation)
        return disk

    def last_promise(self, number):
        """The last flush before operation `number` that followed a commit of the run that made it;
        0: none."""
        for first, end in ((self.first, number), (0, self.first)):
            flushes = [n for n in range(first, end) if self.operations[n].name == "sync"]
            if any(".journal" in self.operations[n].path for n in flushes):
                return flushes[-1] + 1
        return 0


def committed_rows(bench, trace, number, folder):
    """Rows that the disk has promised before operation `number`: what a kill would leave then.
    None: nothing was committed, or the file is finished."""
    last = trace.last_promise(number)
    if last == 0:
        return None
    trace.replay(last).stop(folder.place)
    rows = rows_of(bench, folder.partial) if folder.partial.exists() else None
    folder.empty()
    return rows


def trial_cut(bench, reference, case, trace, number, seed, folder):
    """The power goes after operation `number`; then the run is resumed."""
    draw = random.Random(digest(f"cut {case.name} {number} {seed}"))
    life = Life(bench, case, reference, folder)
    expected = committed_rows(bench, trace, number, folder)
    trace.replay(number).cut(draw, folder.place)
    life.tally["power cuts"] += 1
    stands = trace.old and check_old(bench, reference, trace, folder)
    if expected is not None and (stands or not folder.output.exists()):
        life.tally["power cuts after a commit"] += 1
        remains = Remains(bench, reference, folder, True, life.tally, after_cut=True)
        life.must_have(remains, expected)
    if stands:
        extra = ("--force",) if expected is None else ("--resume", "--force")
        return life.finish(extra=extra)
    return life.finish()


def check_old(bench, reference, trace, folder):
    """Whether the file that is to be replaced is still there, instead of the one that does."""
    if not folder.output.exists():
        raise Failure(f"--force, and the old file is gone: {folder.listing()}")
    stands = content_of(bench, folder.output) == trace.old
    if not stands and content_of(bench, folder.output) != reference.content:
        raise Failure("--force: neither the old file nor the new one")
    return stands


def without_flushes(trace, part):
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
    blind, tries, found = without_flushes(trace, part), 24, 0
    for n in range(1, tries):
        number = len(trace.operations) * n // tries
        expected = committed_rows(bench, trace, number, folder)
        blind.replay(number).cut(random.Random(n), folder.place)
        rows = folder.partial.exists() and rows_of(bench, folder.partial) or 0
        found += expected is not None and not folder.output.exists() and rows < expected
        folder.empty()
    if not found:
        raise Failure(f"a run that never flushes {part} passes")
    return collections.Counter({"runs that flush too little, found out": 1})
