#!/usr/bin/env python3
"""Tries to break `kpu-dse run`: kills, faults, cuts of the power, signals; resumes; compares.

    durability.py TOOL PROGRAMS quick|slow [--seed N] [--jobs N] [--only KIND]
    durability.py TOOL PROGRAMS trial KIND CASE ARGUMENT...

The second form repeats a trial; that is what a failure prints. See README.md."""
import argparse
import collections
import concurrent.futures
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import abuse
import cuts
import kills
import merges
from bench import Bench, Failure, Reference, run
from cases import CASES

REFERENCES = {}
TRACES = {}
PARTS = {}


def reference_of(bench, case):
    if case.name not in REFERENCES:
        REFERENCES[case.name] = Reference(bench, case)
    return REFERENCES[case.name]


def find_references(bench, jobs):
    """Of all cases, before the processes part."""
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        found = pool.map(Reference, [bench] * len(CASES), CASES.values())
        REFERENCES.update(zip(CASES, found))


def trace_of(bench, case, seed, mode):
    key = case.name, seed, mode
    kept = os.environ.get("KPU_DURABILITY_TRACE")
    if key not in TRACES and kept:
        with open(kept, "rb") as file:
            TRACES[key] = pickle.load(file)
    if key not in TRACES:
        TRACES[key] = cuts.Trace(bench, case, reference_of(bench, case), seed, mode)
    return TRACES[key]


def cut(bench, reference, case, trace_seed, mode, number, seed, folder):
    trace = trace_of(bench, case, trace_seed, mode)
    try:
        return cuts.trial_cut(bench, reference, case, trace, number, seed, folder)
    except Failure as failure:
        raise Failure(f"{failure}\n  KPU_DURABILITY_TRACE={keep_trace(trace, case)}") from failure


def merge_parts(bench, reference, case, number, kind, folder):
    return merges.trial_merge(bench, reference, case, parts_of(bench, case), number, kind, folder)


def parts_of(bench, case):
    if case.name not in PARTS:
        PARTS[case.name] = merges.Parts(bench, case)
    return PARTS[case.name]


def blind(bench, reference, case, part, folder):
    return cuts.trial_blind(bench, reference, case, trace_of(bench, case, 1, "new"), part, folder)


def keep_trace(trace, case):
    """No run is traced twice in the same way, so a failure needs its own."""
    path = os.path.join(tempfile.gettempdir(), f"kpu-durability-{case.name}-{os.getppid()}.trace")
    with open(path, "wb") as file:
        pickle.dump(trace, file)
    return path


def in_name_space(bench, reference, case, kib, folder):
    """trial_tmpfs in a process that may mount."""
    del reference, folder
    for how in (["unshare", "-m"], ["unshare", "-r", "-m"]):
        if subprocess.run([*how, "true"], capture_output=True).returncode == 0:
            done = subprocess.run([*how, *command_of(bench, ("tmpfs-here", case.name, kib))],
                                  capture_output=True, text=True, timeout=300)
            if done.returncode:
                raise Failure(done.stdout.strip()[-600:] + done.stderr.strip()[-600:])
            return collections.Counter({"full file systems, filled and then given room": 1})
    return collections.Counter({"full file systems: skipped, no right to mount": 1})


# Kind of trial -> what does it. Arguments: numbers or words, as they come from the command line.
KINDS = {
    "kill": kills.trial_kill,
    "fault": kills.trial_fault,
    "faults": kills.trial_two_faults,
    "again": kills.trial_again,
    "merge": merge_parts,
    "cut": cut,
    "blind": blind,
    "signal": abuse.trial_signal,
    "signals": abuse.trial_two_signals,
    "stop": abuse.trial_stop,
    "threads": abuse.trial_many_threads,
    "limit": abuse.trial_limit,
    "tmpfs": in_name_space,
    "tmpfs-here": abuse.trial_tmpfs,
    "vanish": abuse.trial_vanish,
    "read-only": abuse.trial_read_only,
    "readers": abuse.trial_readers,
    "holder": abuse.trial_holder,
    "pace": abuse.trial_pace,
    "old": abuse.trial_old_output,
}


def do(bench, trial):
    """Its tally, and what went wrong, or None."""
    kind, name, *arguments = trial
    case = CASES[name]
    try:
        reference = reference_of(bench, case)
        with bench.folder(case) as folder:
            return KINDS[kind](bench, reference, case, *arguments, folder), None
    except Failure as failure:
        return kills.new_tally(), str(failure)
    except Exception:  # ours, but it must not pass for success
        return kills.new_tally(), traceback.format_exc()


def command_of(bench, trial):
    return [sys.executable, os.path.abspath(__file__), bench.tool, bench.programs, "trial",
            *(str(word) for word in trial)]


# ---- What is tried -------------------------------------------------------------------------------


def abuses(cases, count):
    for name in cases:
        for seed in range(count):
            yield ("signal", name, int(signal.SIGINT), seed)
            yield ("signal", name, int(signal.SIGTERM), seed)
            yield ("signals", name, seed)
            yield ("old", name, seed)
            yield ("stop", name, seed)
            yield ("threads", name, seed)
        yield ("again", name)
        yield ("read-only", name)
        for kib in (4, 64, 200, 350, 430)[:5 if count > 1 else 3]:
            yield ("tmpfs", name, kib)
            yield ("limit", name, 1024 * kib)
        for what in ("partial", "journals", "moved", "folder"):
            yield ("vanish", name, what)


UNFLUSHED = (r"journal-\d$", r"partial$", r"/out$")


def resumed_calls(bench, case, killed_in):
    """Of a run that goes on where another one was killed."""
    with bench.folder(case) as folder:
        kills.kill_in(bench, case, folder, killed_in)
        return run(bench, folder, case).calls


def faults(bench, name, seed, points=kills.points_of):
    """Of a run; and of how it goes on, where that begins."""
    calls = reference_of(bench, CASES[name]).calls
    for number, kind in points(calls, seed):
        yield ("fault", name, 0, number, kind)
    killed_in = len(calls) * 2 // 3
    for number, kind in points(resumed_calls(bench, CASES[name], killed_in)[:60], seed):
        yield ("fault", name, killed_in, number, kind)


def lost_flushes(bench, name):
    """A journal cannot be flushed, nor is there room for anything else."""
    for call in reference_of(bench, CASES[name]).calls:
        if call.operation == "sync" and ".journal" in call.path:
            for kind in ("ENOSPC:stays", "EIO:stays"):
                yield ("fault", name, 0, call.number, kind)


def merge_faults(bench, name, seed):
    for number, kind in kills.points_of(parts_of(bench, CASES[name]).calls, seed):
        yield ("merge", name, number, kind)


def power_cuts(bench, name, seed, mode, count):
    """So many, or a few more, at points evenly spread over a run."""
    points = trace_of(bench, CASES[name], seed, mode).points()
    step = max(1, len(points) // count)
    for number in points[seed % step::step]:
        yield ("cut", name, seed, mode, number, seed)


def quick(bench, seed):
    names = [name for name in CASES if name != "long"]
    for n in range(50):
        yield ("kill", names[n % len(names)], seed + n)
    yield from faults(bench, "short", seed)
    yield from lost_flushes(bench, "short")
    for mode in ("new", "resumed", "forced"):
        yield from power_cuts(bench, "short", seed, mode, 15)
    yield from list(merge_faults(bench, "short", seed))[seed % 3::3]
    for part in UNFLUSHED:
        yield ("blind", "slow", part)
    yield from abuses(("slow",), 1)
    yield ("readers", "long", seed)
    yield ("holder", "slow", seed)
    yield ("pace", "long", 8)


def slow(bench, seed):
    names = [name for name in CASES if name != "long"]
    for n in range(750):  # a kill or more each
        yield ("kill", names[n % len(names)], seed + n)
    yield from faults(bench, "short", seed, kills.all_points_of)
    yield from lost_flushes(bench, "slow")
    for name in names[1:]:
        points = list(faults(bench, name, seed))
        yield from points[::max(1, len(points) // 20)]
        for n in range(5):
            yield ("faults", name, seed + n)
    for name in names:
        for mode in ("new", "resumed"):
            yield from power_cuts(bench, name, seed, mode, 10 if name != "short" else 300)
    for name in ("short", "many", "front", "exact"):
        yield from list(merge_faults(bench, name, seed))[seed % 2::2]
    for name in ("short", "front", "slow"):
        yield from power_cuts(bench, name, seed, "forced", 40)
    yield from abuses(("slow", "front", "exact", "nsga2"), 3)
    for n in range(5):
        yield ("readers", "long", seed + n)
        yield ("holder", "long", seed + n)
    yield ("pace", "long", 5)
    yield ("pace", "long", 1)


SUITES = {"quick": quick, "slow": slow}

# What a suite must have done: trials that miss their point prove nothing.
LEAST = {"quick": {"killed at a random instant": 50, "power cuts after a commit": 20, "signals": 1,
                   "second runs refused": 1},
         "slow": {"killed at a random instant": 1000, "power cuts after a commit": 300,
                  "signals": 10, "second runs refused": 10}}
for least in LEAST.values():
    least.update((f"fault {kind}", 1) for kind in
                 ("ENOSPC", "EDQUOT", "EIO", "EROFS", "EINTR", "ENOLCK", "short", "kill-before",
                  "kill-half", "kill-after", "ENOSPC:stays", "EIO:stays", "EROFS:stays"))


# ---- The whole -----------------------------------------------------------------------------------


def merge(total, tally):
    for what, count in tally.items():
        total[what] = max(total[what], count) if "est " in what else total[what] + count


def try_all(bench, trials, jobs):
    total, failures = kills.new_tally(), []
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        running = {pool.submit(do, bench, trial): trial for trial in trials}
        for future in concurrent.futures.as_completed(running):
            tally, wrong = future.result()
            merge(total, tally)
            total[f"trials: {running[future][0]}"] += 1
            if wrong:
                failures.append((running[future], wrong))
                tell(bench, running[future], wrong)
    return total, failures


def tell(bench, trial, wrong):
    print(f"FAILED {' '.join(str(word) for word in trial)}\n  {wrong}\n  again: "
          f"{' '.join(command_of(bench, trial))}", flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("tool")
    parser.add_argument("programs", help="folder of libkpu_fault.so, kpu-content, kpu-dse-counted")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1 + len(os.sched_getaffinity(0)))
    parser.add_argument("--only", help="this kind of trial alone")
    parser.add_argument("--every", type=int, default=1, help="so-manieth trial of a kind")
    parser.add_argument("suite", choices=[*SUITES, "trial"])
    parser.add_argument("trial", nargs="*")
    return parser.parse_args()


def print_total(total, failures, seconds):
    for what in sorted(total, key=lambda text: (text.startswith("trials"), text.strip())):
        print(f"{total[what]:8}  {what}")
    print(f"{len(failures)} of {sum(n for w, n in total.items() if w.startswith('trials'))} trials "
          f"failed; {seconds:.0f} s")


def every(step, trials):
    """Each so-manieth trial of a kind."""
    seen = collections.Counter()
    for trial in trials:
        if seen[trial[0]] % step == 0:
            yield trial
        seen[trial[0]] += 1


def missed(total, given):
    """What the suite was to do, and did not; where a part of it was asked for, nobody knows."""
    if given.only or given.every > 1:
        return []
    return [f"only {total[what]} of at least {count}: {what}"
            for what, count in LEAST[given.suite].items() if total[what] < count]


def main():
    given = arguments()
    bench = Bench(os.path.abspath(given.tool), os.path.abspath(given.programs))
    began = time.monotonic()
    if given.suite == "trial":
        words = [int(word) if word.lstrip("-").isdigit() else word for word in given.trial]
        tally, wrong = do(bench, words)
        print_total(tally, [], time.monotonic() - began)
        if wrong:
            tell(bench, words, wrong)
        return 1 if wrong else 0
    find_references(bench, given.jobs)
    trials = [trial for trial in every(given.every, SUITES[given.suite](bench, given.seed))
              if given.only in (None, trial[0])]
    total, failures = try_all(bench, trials, given.jobs)
    print_total(total, failures, time.monotonic() - began)
    missing = missed(total, given)
    for text in missing:
        print(text)
    return 1 if failures or missing else 0


if __name__ == "__main__":
    sys.exit(main())
