#!/usr/bin/env python3
"""Random sweeps, run whole and cut into parts: the parts merged are the file of the single run, dataset
by dataset and bit for bit, whatever the search, the number of parts and [sweep] store; a view over
them has the same rows; what is missing is said.

usage: test_merge.py KPU_DSE SOURCE_DIR [--cases N] [--seed S] [--only CASE] [--verbose]
"""
import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy

sys.dont_write_bytecode = True
TIMEOUT_S = 120
FRONTS_ONLY = ("exact",)
DRAWS = ("random", "low-discrepancy")


def some(rng, values, least=1):
    return ", ".join(str(v) for v in sorted(rng.sample(values, rng.randint(least, len(values)))))


def draw_sweep(rng, source, search):
    """A sweep of some hundred points as text."""
    machines = rng.sample(["edge-ai.ini", "minimal.ini"], rng.randint(1, 2))
    gemms = [f"g{n}:{rng.choice([32, 48, 64])}x{rng.choice([32, 96])}x{rng.choice([32, 64])}"
             for n in range(rng.randint(1, 4))]
    lines = ["[sweep]", "name = drawn", f"seed = {rng.randint(0, 1000)}",
             "machines = " + ", ".join(str(source / "configs" / name) for name in machines),
             "objectives = " + rng.choice(["cycles, energy_pj", "cycles", "energy_pj, cycles"])]
    if search == "exhaustive" and rng.random() < 0.4:
        lines.append(f"sample = {rng.randint(1, 200)}")
    choices = ["all", "front"]
    if search not in FRONTS_ONLY:
        choices += [f"top {rng.randint(1, 20)}", f"sample {rng.randint(1, 100)}"]
    store = rng.choice(choices)
    lines += [f"store = {store}", "[search]", f"method = {search}"]
    if search in DRAWS:
        lines.append(f"budget = {rng.randint(1, 250)}")
    lines += ["[workload]", "gemms = " + ", ".join(gemms), "element_types = int8", "[space]",
              "TM = " + some(rng, [8, 16, 24, 32]), "TN = " + some(rng, [8, 16, 32]),
              "TK = " + some(rng, [16, 32, 64]), "dataflow = " + some(rng, ["os", "ws", "is"]),
              "d3 = " + some(rng, [1, 2])]
    if rng.random() < 0.5:
        lines += ["[constraints]", "small = " + rng.choice(["TM * TN <= 512", "TM <= TN",
                                                            "TK < 64 or TM == 8", "TN > 8"])]
    return "\n".join(lines) + "\n", store


class Case:
    """One sweep, in a folder of its own."""

    def __init__(self, program, source, folder, number, seed):
        self.rng = random.Random(f"{seed}/{number}")
        self.program, self.folder = program, folder
        # all searches, each with every choice sooner or later
        self.search = ("exhaustive", "random", "exact", "low-discrepancy")[number % 4]
        self.text, self.store = draw_sweep(self.rng, source, self.search)
        (folder / "drawn.ini").write_text(self.text)

    def call(self, *arguments, code=0):
        done = subprocess.run([self.program, *map(str, arguments)], cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
        if done.returncode != code:
            raise AssertionError(f"kpu-dse {' '.join(map(str, arguments))}: exit code "
                                 f"{done.returncode}, expected {code}\n{done.stdout}")
        return done.stdout

    def run(self):
        count = self.rng.choice([1, 2, 2, 3, 3, 4, 5, 7])
        done = subprocess.run([self.program, "run", "drawn.ini", "-q", "-o", "s.h5", "-j", "2"],
                              cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, text=True, check=False)
        if "no candidate is left" in done.stdout:
            return f"{self.search}: nothing is left"
        if done.returncode:
            raise AssertionError(done.stdout)
        for n in range(1, count + 1):
            self.call("run", "drawn.ini", "-q", "-o", "s.h5", "-j", "2", "--shard", f"{n}/{count}")
        parts = [f"s.shard-{n}-of-{count}.h5" for n in range(1, count + 1)]
        self.rng.shuffle(parts)
        self.merge_all(parts)
        if self.store == "all" or self.search in FRONTS_ONLY:
            self.view_all(parts)
        if count > 1:
            self.leave_out(parts)
        self.tamper(parts)
        return f"{self.search}, store {self.store}, {count} parts, {rows_of(self.folder / 's.h5')} rows"

    def merge_all(self, parts):
        self.call("merge", "-q", "m.h5", *parts)
        difference = COMPARE(self.folder / "s.h5", self.folder / "m.h5")
        assert difference is None, f"merged: {difference}"
        self.call("merge", "-q", "m.h5", *parts, code=2)
        self.call("merge", "-q", "--force", "m.h5", *parts)

    def view_all(self, parts):
        self.call("merge", "-q", "--virtual", "v.h5", *parts)
        difference = COMPARE(self.folder / "s.h5", self.folder / "v.h5", with_storage=False)
        assert difference is None, f"view: {difference}"
        moved = self.folder / "moved"
        moved.mkdir()
        for name in ["v.h5", *parts]:
            (self.folder / name).rename(moved / name)
        whole, view = (self.call("pareto", name) for name in ("s.h5", "moved/v.h5"))
        assert whole.replace("s.h5", "") == view.replace("moved/v.h5", ""), "fronts of the view"
        for name in parts:
            (moved / name).rename(self.folder / name)
        if rows_of(self.folder / "s.h5") > 0:
            self.call("pareto", "moved/v.h5", code=2)

    def leave_out(self, parts):
        """Without one part, what is there: the same rows in the same order, but for those."""
        gone, rest = parts[0], parts[1:]
        said = self.call("merge", "-q", "less.h5", *rest, code=2)
        assert f"missing: {gone.split('-')[1]};" in said, said
        self.call("merge", "-q", "less.h5", *rest, rest[0], code=2)
        self.call("merge", "-q", "less.h5", "--allow-missing", *rest)
        with h5py.File(self.folder / "less.h5") as less, h5py.File(self.folder / "s.h5") as whole:
            assert less.attrs["complete"] == 0
            assert less.attrs["shards_missing"].decode() == gone.split("-")[1]
            if self.store != "all":
                return
            with h5py.File(self.folder / gone) as part:
                own = ~numpy.isin(whole["candidates/id"][:], part["candidates/id"][:])
            for group in ("candidates", "metrics"):
                for name in whole[group]:
                    a, b = whole[group][name][:][own], less[group][name][:]
                    assert a.tobytes() == b.tobytes(), f"{group}/{name} without {gone}"


    def tamper(self, parts):
        """An id that stands twice, rows that are exchanged, one that no space has."""
        victim = next((name for name in parts if rows_of(self.folder / name) > 1), None)
        if victim is None:
            return
        with h5py.File(self.folder / victim) as file:
            ids = file["candidates/id"][:]
        wrong = [numpy.concatenate((ids[:1], ids[:1], ids[2:])),
                 numpy.concatenate((ids[:-1], [-1])), numpy.concatenate((ids[:-1], [1 << 61]))]
        if self.search not in DRAWS:
            wrong.append(ids[::-1])
        for values in wrong:
            with h5py.File(self.folder / victim, "r+") as file:
                file["candidates/id"][:] = values
            said = self.call("merge", "-q", "x.h5", *parts, code=2)
            assert f"{victim}: error: row " in said, said
            assert not (self.folder / "x.h5").exists()
            assert not list(self.folder.glob("x.h5*")), "left behind"
        with h5py.File(self.folder / victim, "r+") as file:
            file["candidates/id"][:] = ids
        self.call("merge", "-q", "x.h5", *parts)


def rows_of(path):
    with h5py.File(path) as file:
        return int(file.attrs["rows"])


def load_compare(source):
    sys.path.insert(0, str(source / "tests" / "same_bytes"))
    from compare_results import compare
    return compare


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("source", type=Path)
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", type=int)
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    global COMPARE
    COMPARE = load_compare(arguments.source)
    numbers = range(arguments.cases) if arguments.only is None else [arguments.only]
    for number in numbers:
        with tempfile.TemporaryDirectory(prefix="kpu-merge-") as name:
            case = Case(arguments.program.resolve(), arguments.source.resolve(), Path(name), number,
                        arguments.seed)
            try:
                what = case.run()
            except AssertionError as error:
                sys.exit(f"case {number} (--seed {arguments.seed} --only {number}), "
                         f"{case.search}:\n{case.text}{error}")
            if arguments.verbose:
                print(number, what)
    print(f"{len(numbers)} sweeps: merged, each the same as the single run")


if __name__ == "__main__":
    main()
