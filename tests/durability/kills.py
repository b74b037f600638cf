"""Trials in which the run dies by SIGKILL, or a call fails."""
import collections
import random
import signal

from bench import Failure, Process, Remains, committed, digest, run

LOST, AGAIN = "rows lost", "rows evaluated again though committed"


def new_tally():
    return collections.Counter({LOST: 0, AGAIN: 0})


class Life:
    """Runs of one output, one after another, and what the last one left."""

    def __init__(self, bench, case, reference, folder):
        self.bench, self.case, self.reference, self.folder = bench, case, reference, folder
        self.tally, self.rows, self.had_commit = new_tally(), 0, False
        self.known, self.evaluated = 0, 0

    def begin(self, **how):
        return Process(self.bench, self.folder, self.case, **how)

    def note(self, outcome):
        """Looks at what is there after a run that did not end well."""
        self.count(outcome)
        self.had_commit |= committed(outcome.calls)
        remains = Remains(self.bench, self.case, self.reference, self.folder, self.had_commit,
                          self.tally)
        if self.folder.output.exists() and not self.folder.partial.exists():
            return  # died after the last step that matters
        if remains.rows < self.rows:
            self.tally[LOST] += self.rows - remains.rows
            raise Failure(f"{self.rows - remains.rows} rows lost: {self.rows} were committed, "
                          f"{remains.rows} are left")
        self.rows, self.known = remains.rows, remains.known

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


def expect_kill_or_end(outcome):
    if outcome.code not in (0, -signal.SIGKILL):
        raise Failure(f"ended by itself: {outcome}")


def trial_kill(bench, reference, case, seed, folder):
    """SIGKILL at random instants, one to four times."""
    draw = random.Random(digest(f"kill {case.name} {seed}"))
    life = Life(bench, case, reference, folder)
    env = {"KPU_FAULT_JUMP": "5"} if draw.random() < 0.2 else {}
    threads = draw.choice((1, 2, 2, 3, 8))
    while True:
        process = life.begin(env=env, threads=threads)
        left = 1.1 * reference.seconds * draw.random()
        outcome = process.wait(left)
        if outcome is None:
            process.signal(signal.SIGKILL)
            outcome = process.end()
        expect_kill_or_end(outcome)
        life.tally["killed at a random instant" if outcome.code else "ended before the kill"] += 1
        life.look_after(outcome)
        if outcome.code == 0 or life.tally["killed at a random instant"] >= 4 or draw.random() < .5:
            break
    return life.finish(threads=threads)


def trial_fault(bench, reference, case, number, kind, folder):
    """One fault in the n-th call, or from there on; then all is well again."""
    life = Life(bench, case, reference, folder)
    outcome = life.begin(env={"KPU_FAULT": f"{number}:{kind}"}).end()
    reached = [call for call in outcome.calls if call[0] >= number]
    killed = outcome.code == -signal.SIGKILL
    if not reached and not killed:
        life.tally["point not reached"] += 1
    else:
        life.tally[f"fault {kind}"] += 1
    judge_fault(outcome, kind, killed, reached, life.tally)
    life.look_after(outcome)
    return life.finish()


def judge_fault(outcome, kind, killed, reached, tally):
    """A run may end as it should, with a complaint, or by our SIGKILL; in no other way."""
    if killed:
        if not kind.startswith("kill"):
            raise Failure(f"killed by {kind}")
        return
    if outcome.code == 0:
        tally["  of which the run overcame"] += 1 if reached else 0
        return
    if outcome.code not in (1, 2) or "error:" not in outcome.err:
        raise Failure(f"no clear error: {outcome}")
    if kind in ("EINTR", "short"):
        tally[f"  {kind} ended the run in {reached[0][1] if reached else '?'}"] += 1
        if reached and reached[0][1] in ("write", "read"):
            raise Failure(f"{kind} in a {reached[0][1]} ended the run: {outcome}")


def trial_two_faults(bench, reference, case, seed, folder):
    """Faults in one run after another, at random points, until one ends."""
    draw = random.Random(digest(f"faults {case.name} {seed}"))
    life = Life(bench, case, reference, folder)
    calls = reference.calls
    for _ in range(draw.randint(2, 5)):
        number = draw.randint(1, len(calls))
        kind = draw.choice(calls[number - 1][6])
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


def points_of(reference, seed, all_kinds):
    """(call, kind) of every point of a run: one kind each, in turn, or all."""
    for number, operation, *_, kinds in reference.calls:
        stays = [f"{kind}:stays" for kind in kinds if kind in ("ENOSPC", "EIO", "EROFS", "ENOLCK")]
        usable = kinds + stays
        if all_kinds:
            yield from ((number, kind) for kind in usable)
        else:
            yield number, usable[digest(f"{operation} {number} {seed}") % len(usable)]


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
