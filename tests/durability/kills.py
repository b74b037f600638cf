"""Trials in which the run dies by SIGKILL, or a call fails."""
import collections
import itertools
import os
import random
import re
import signal
import subprocess

from bench import RUN_LIMIT, Failure, Process, Remains, committed, digest, run

LOST, AGAIN = "rows lost", "rows evaluated again though committed"


def new_tally():
    return collections.Counter({LOST: 0, AGAIN: 0})


class Life:
    """Runs of one output, one after another, and what the last one left."""

    def __init__(self, bench, case, reference, folder):
        self.bench, self.case, self.reference, self.folder = bench, case, reference, folder
        self.tally, self.had_commit = new_tally(), False
        self.known, self.evaluated = 0, 0

    def begin(self, **how):
        return Process(self.bench, self.folder, self.case, **how)

    def note(self, outcome):
        """Looks at what is there after a run that did not end well."""
        self.count(outcome)
        self.had_commit |= committed(outcome.calls)
        remains = Remains(self.bench, self.reference, self.folder, self.had_commit, self.tally)
        if self.folder.output.exists() and not self.folder.partial.exists():
            return  # died after the last step that matters
        self.must_have(remains, self.known)

    def must_have(self, remains, known):
        """What was known once is not forgotten."""
        if remains.known < known:
            self.tally[LOST] += known - remains.known
            raise Failure(f"{known - remains.known} rows lost: {known} were committed, "
                          f"{remains.known} are left")
        self.known = remains.known

    def look_after(self, outcome):
        """The same of a run that may have ended well."""
        if outcome.code:
            self.note(outcome)
        else:
            self.count(outcome)

    def count(self, outcome):
        """A run must not evaluate what was known when it began."""
        if outcome.evaluated is None:
            return
        again = outcome.evaluated + self.known - self.reference.evaluated
        if again > 0 and self.known > 0:
            self.tally[AGAIN] += again
            raise Failure(f"{again} candidates evaluated again: {self.known} were known, "
                          f"{outcome.evaluated} evaluated, of {self.reference.evaluated}")
        self.evaluated += outcome.evaluated

    def ask_tool(self):
        """Whoever wants to know what is left, asks this."""
        if self.known == 0 or not self.folder.partial.exists():
            return
        done = subprocess.run([self.bench.tool, "info", str(self.folder.partial)],
                              capture_output=True, text=True, timeout=RUN_LIMIT)
        if done.returncode or not re.search(r"^candidates\s+[\d,]+", done.stdout, re.M):
            raise Failure(f"committed, but info says: {done.stderr or done.stdout}")

    def finish(self, **how):
        """Resumes without any disturbance; the end has to be what it always is."""
        outcome = self.begin(**how).end()
        if outcome.code != 0:
            raise Failure(f"cannot be resumed: {outcome}")
        self.count(outcome)
        self.reference.check_finished(self.bench, self.folder)
        if self.reference.evaluated:
            extra = self.evaluated - self.reference.evaluated
            self.tally["candidates evaluated again, not yet committed"] += max(extra, 0)
        return self.tally


def trial_kill(bench, reference, case, seed, folder):
    """SIGKILL at random instants, one to four times."""
    draw = random.Random(digest(f"kill {case.name} {seed}"))
    life, killed, span = Life(bench, case, reference, folder), 0, 1.1 * reference.seconds
    env = {"KPU_FAULT_JUMP": "5"} if draw.random() < 0.2 else {}
    threads = draw.choice((1, 2, 2, 3, 8))
    while killed == 0 or (killed < 4 and draw.random() < 0.4):
        outcome = kill_after(life.begin(env=env, threads=threads), span * draw.random())
        life.look_after(outcome)
        if outcome.code:
            killed += 1
            life.ask_tool()
            continue
        reference.check_finished(bench, folder)
        if killed:
            break
        folder.empty()  # it was too quick: again
        life, span = Life(bench, case, reference, folder), 0.7 * span
    life.tally["killed at a random instant"] += killed
    return life.finish(threads=threads)


def kill_after(process, seconds):
    outcome = process.wait(seconds)
    if outcome is None:
        process.signal(signal.SIGKILL)
        outcome = process.end()
    if outcome.code not in (0, -signal.SIGKILL):
        raise Failure(f"ended by itself: {outcome}")
    return outcome


def trial_fault(bench, reference, case, killed_in, number, kind, folder):
    """A fault in the n-th call, or from there on, of a run, or (killed_in: a call) of one that goes
    on where another one was killed; then all is well again."""
    life = Life(bench, case, reference, folder)
    if killed_in:
        life.note(kill_in(bench, case, folder, killed_in))
    outcome = life.begin(env={"KPU_FAULT": f"{number}:{kind}"}).end()
    hit = next((call for call in outcome.calls if call.is_hit), None)
    life.tally[f"fault {kind}" if hit or outcome.code == -signal.SIGKILL else "none was left"] += 1
    judge_fault(outcome, kind, hit, life.tally)
    life.look_after(outcome)
    return life.finish()


def kill_in(bench, case, folder, number, env=None):
    """Kills a run when it has done its n-th call."""
    return run(bench, folder, case, env={"KPU_FAULT": f"{number}:kill-after", **(env or {})})


def judge_fault(outcome, kind, hit, tally):
    """A run may end as it should, with a complaint, or by our SIGKILL; in no other way."""
    if outcome.code == -signal.SIGKILL and kind.startswith("kill"):
        return
    if outcome.code == 0:
        tally["  of which the run overcame"] += bool(hit)
        return
    if outcome.code not in (1, 2) or "error:" not in outcome.err:
        raise Failure(f"no clear error: {outcome}")
    if kind in ("EINTR", "short"):
        tally[f"  {kind} ended the run in {hit.operation}"] += 1
        goes_through_zlib = "cert" in hit.path  # which does not try again
        if hit.operation in ("write", "read") and not goes_through_zlib:
            raise Failure(f"{kind} in a {hit.operation} ended the run: {outcome}")


def trial_two_faults(bench, reference, case, seed, folder):
    """Faults in one run after another, at random points, until one ends."""
    draw = random.Random(digest(f"faults {case.name} {seed}"))
    life = Life(bench, case, reference, folder)
    calls = reference.calls
    for _ in range(draw.randint(2, 5)):
        number = draw.randint(1, len(calls))
        kind = draw.choice(calls[number - 1].kinds)
        stays = ":stays" if kind[0] == "E" and kind != "EINTR" and draw.random() < 0.5 else ""
        outcome = life.begin(env={"KPU_FAULT": f"{number}:{kind}{stays}"}).end()
        life.tally["faults one after another"] += 1
        if outcome.code == 0:
            life.count(outcome)
            break
        if outcome.code not in (1, 2, -signal.SIGKILL):
            raise Failure(f"after {number}:{kind}{stays}: {outcome}")
        life.note(outcome)
    return life.finish()


LASTING = ("ENOSPC", "EIO", "EROFS", "ENOLCK")


def stretches(calls):
    """Calls in a row that do the same to the same file, as column after column is written."""
    def what(call):
        return call.path, "use" if call.operation in ("read", "write") else call.operation
    for _, stretch in itertools.groupby(calls, what):
        yield list(stretch)


def points_of(calls, seed):
    """(call, kind) of points all over a run: of a stretch the first, the last, and some between;
    kinds of fault in turn."""
    for call, kinds in with_kinds(chosen_calls(calls, seed), seed):
        yield call.number, kinds[0]


def all_points_of(calls, seed):
    """All calls, those that are chosen above with all kinds of fault."""
    chosen = {call.number for call in chosen_calls(calls, seed)}
    for call, kinds in with_kinds(calls, seed):
        yield from ((call.number, kind)
                    for kind in (kinds if call.number in chosen else kinds[:1]))


def chosen_calls(calls, seed):
    for stretch in stretches(calls):
        yield from [*stretch[:1], *stretch[1 + seed % 8:-1:8], *stretch[1:][-1:]]


def with_kinds(calls, seed):
    """And the kinds of fault that are possible, another one first each time."""
    turns = collections.Counter()
    for call in calls:
        kinds = call.kinds + [f"{kind}:stays" for kind in call.kinds if kind in LASTING]
        what = f"{call.operation} {os.path.basename(call.path)}"
        turn = (digest(f"{what} {seed}") + turns[what]) % len(kinds)
        turns[what] += 1
        yield call, kinds[turn:] + kinds[:turn]


def trial_again(bench, reference, case, folder):
    """A run that has ended is not run again, and not touched."""
    run(bench, folder, case)
    before = folder.output.stat()
    outcome = run(bench, folder, case, quiet=False)
    after = folder.output.stat()
    if outcome.code != 0 or outcome.evaluated:
        raise Failure(f"a finished run, --resume: {outcome}, {outcome.evaluated} evaluated")
    if (before.st_mtime_ns, before.st_ino) != (after.st_mtime_ns, after.st_ino):
        raise Failure("a finished file was touched")
    refused = run(bench, folder, case, extra=())
    if refused.code != 2 or folder.output.stat().st_mtime_ns != before.st_mtime_ns:
        raise Failure(f"a finished file is there, neither --resume nor --force: {refused}")
    reference.check_finished(bench, folder)
    tally = new_tally()
    tally["finished files left alone"] += 1
    return tally
