"""Trials with signals, other processes, and disks that fill up or vanish."""
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

from bench import RUN_LIMIT, Failure, Process, digest, patience, run
from kills import Life, kill_after, new_tally

INTERRUPTED = 130


def instant(reference, draw):
    return reference.seconds * (0.1 + 0.9 * draw.random())


def timed_end(process, seconds):
    """How a run ended that was to end within so many seconds."""
    allowed, began = patience(seconds), time.monotonic()
    outcome = process.end()
    took = time.monotonic() - began
    if took > max(allowed, patience(seconds)):
        raise Failure(f"after a signal it took {took:.2f} s to end: {outcome}")
    return outcome, took


def trial_signal(bench, reference, case, number, seed, folder):
    """SIGINT or SIGTERM: the end within a second, exit 130, and it can be resumed."""
    draw = random.Random(digest(f"signal {case.name} {number} {seed}"))
    life, span, outcome = Life(bench, case, reference, folder), reference.seconds, None
    took = 0
    while outcome is None or outcome.code != INTERRUPTED:
        process = life.begin(speed=draw.choice((1, case.speed)))
        outcome = process.wait(span * draw.random())
        if outcome is None:
            process.signal(number)
            outcome, took = timed_end(process, 1.0)
        if outcome.code == 0:  # it was too quick: again
            folder.empty()
            life, span = Life(bench, case, reference, folder), 0.7 * span
        elif outcome.code == -number:
            life.tally["signals before the run was ready for them"] += 1
            life.note(outcome)
        elif outcome.code != INTERRUPTED or "--resume" not in outcome.err:
            raise Failure(f"signal {number}: {outcome}")
    life.tally["signals"] += 1
    life.tally["slowest answer to a signal, ms"] = int(1000 * took)
    life.note(outcome)
    return life.finish()


def trial_two_signals(bench, reference, case, seed, folder):
    """The second one ends the run at once (what comes within 0.2 s of the run's clock is none)."""
    draw = random.Random(digest(f"two {case.name} {seed}"))
    life = Life(bench, case, reference, folder)
    process = life.begin()
    wait_for_commit(process, folder)
    outcome = process.wait(instant(reference, draw))
    if outcome is None:
        for pause in (0.002 * draw.random(), 0):
            process.signal(signal.SIGINT)
            time.sleep(pause)
        outcome, _ = timed_end(process, 0.5)
    if outcome.code not in (0, INTERRUPTED):
        raise Failure(f"two signals: {outcome}")
    life.tally["pairs of signals"] += 1
    life.look_after(outcome)
    return life.finish()


def trial_stop(bench, reference, case, seed, folder):
    """SIGSTOP and SIGCONT; meanwhile nobody else may write there."""
    draw = random.Random(digest(f"stop {case.name} {seed}"))
    life = Life(bench, case, reference, folder)
    process = life.begin()
    wait_for_commit(process, folder)
    outcome = None
    for pause in (0.15, 0.02, 0.15):
        outcome = outcome or process.wait(0.3 * instant(reference, draw))
        if outcome is None:
            process.signal(signal.SIGSTOP)
            check_refused(bench, folder, case, life.tally)
            time.sleep(pause)
            process.signal(signal.SIGCONT)
    outcome = outcome or process.end()
    if outcome.code != 0:
        raise Failure(f"stopped and continued: {outcome}")
    life.tally["runs stopped and continued"] += 1
    reference.check_finished(bench, folder)
    return life.tally


def check_refused(bench, folder, case, tally):
    """A second run on an output that is being written."""
    if not folder.partial.exists():
        return
    for extra in (("--resume",), ("--force",), ()):
        other = subprocess.run([bench.tool, "run", "sweep.ini", "-o", str(folder.asked), "--quiet",
                                *case.options, *extra], capture_output=True, text=True,
                               cwd=folder.path, timeout=RUN_LIMIT)
        if other.returncode != 2 or "error:" not in other.stderr:
            raise Failure(f"a second run {extra} on the same output: exit {other.returncode}: "
                          f"{other.stderr}")
        tally["second runs refused"] += 1


def trial_many_threads(bench, reference, case, seed, folder):
    """64 threads on two cores, killed and resumed."""
    draw = random.Random(digest(f"threads {case.name} {seed}"))
    life = Life(bench, case, reference, folder)
    process = life.begin(threads=64, before=lambda: os.sched_setaffinity(0, cores()))
    life.look_after(kill_after(process, instant(reference, draw)))
    life.tally["runs of 64 threads on 2 cores"] += 1
    return life.finish(threads=64)


def cores():
    return sorted(os.sched_getaffinity(0))[:2]


# ---- Disks that fill up, or go away --------------------------------------------------------------


def trial_limit(bench, reference, case, bytes_allowed, folder):
    """A limit on the size of files; then there is none."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_allowed, resource.RLIM_INFINITY))

    life = Life(bench, case, reference, folder)
    outcome = life.begin(before=limit, env={"KPU_FAULT_LOG": ""}).end()  # it would grow, too
    if outcome.code not in (0, 1, 2) or (outcome.code and "error:" not in outcome.err):
        raise Failure(f"files of at most {bytes_allowed} bytes: {outcome}")
    life.tally["limits on the size of files"] += 1
    life.look_after(outcome)
    return life.finish()


def trial_tmpfs(bench, reference, case, kib, folder):
    """A file system that is full; then it has room. Needs the right to mount: another process has
    it in a name space of its own, and takes itself through this function."""
    place = folder.place
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "none", str(place)],
                      capture_output=True).returncode:
        tally = new_tally()
        tally["full file systems: no right to mount"] += 1
        return tally
    try:
        life = Life(bench, case, reference, folder)
        outcome = life.begin().end()
        if outcome.code:
            expect_full(outcome)
            life.note(outcome)
        else:
            life.count(outcome)
        life.tally["full file systems"] += outcome.code != 0
        subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)
        return life.finish()
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def expect_full(outcome):
    if outcome.code not in (1, 2) or "No space left" not in outcome.err:
        raise Failure(f"full file system: {outcome}")


def trial_vanish(bench, reference, case, what, folder):
    """The partial file, its journals, or the folder are removed, or the folder moved, while a run
    writes. It may notice, or finish as if nothing were."""
    life = Life(bench, case, reference, folder)
    process = life.begin()
    wait_for_commit(process, folder)
    place = folder.place
    try:
        vanish(what, folder, place)
    except OSError:
        pass  # it was gone
    outcome = process.end()
    life.tally[f"outputs gone while running: {what}"] += 1
    if outcome.code not in (0, 1) or (outcome.code and "error:" not in outcome.err):
        raise Failure(f"{what} gone: {outcome}")
    if what == "moved" and not place.exists():
        (folder.path / "away").rename(place)
    place.mkdir(exist_ok=True)
    if outcome.code == 0 and what != "moved":
        reference.check_finished(bench, folder)
    life.known = 0
    last = life.begin().end()
    if last.code == 2 and what == "journals" and "--force" in last.err:
        last = life.begin(extra=("--force",)).end()  # without them nobody knows what is right
    if last.code != 0:
        raise Failure(f"{what} gone, then resumed: {last}")
    reference.check_finished(bench, folder)
    return life.tally


def wait_for_commit(process, folder):
    """Or for its end."""
    while not has_commit(folder) and process.process.poll() is None:
        time.sleep(0.002)


def has_commit(folder):
    """A journal is more than its first page."""
    journals = list(folder.place.glob("*.journal*"))
    try:
        return any(path.stat().st_size > 5000 for path in journals)
    except FileNotFoundError:
        return False


def vanish(what, folder, place):
    if what == "partial":
        folder.partial.unlink()
    elif what == "journals":
        for path in place.glob("*.journal*"):
            path.unlink()
    elif what == "moved":
        place.rename(folder.path / "away")
    else:
        shutil.rmtree(place)


def trial_read_only(bench, reference, case, folder):
    """A folder in which nothing may be written; then it may."""
    life = Life(bench, case, reference, folder)
    if os.geteuid() == 0:
        return new_tally()  # nothing is forbidden to root: EROFS stands for it
    folder.place.chmod(0o555)
    outcome = life.begin().end()
    folder.place.chmod(0o755)
    if outcome.code not in (1, 2) or "error:" not in outcome.err:
        raise Failure(f"folder that may not be written: {outcome}")
    life.tally["folders made read-only"] += 1
    return life.finish()


# ---- Readers -------------------------------------------------------------------------------------


READER = """
import os, sys, h5py
path, end = sys.argv[1:]
opened = missing = torn = 0
last = -1
while not os.path.exists(end):
    try:
        with h5py.File(path, "r") as file:
            rows = {len(file[g][name][:]) for g in ("candidates", "metrics") for name in file[g]}
    except FileNotFoundError:
        missing += 1
        continue
    except (OSError, KeyError) as error:
        torn += 1
        print("torn:", str(error)[:200], file=sys.stderr)
        continue
    if len(rows) != 1 or min(rows) < last:
        sys.exit(f"rows {sorted(rows)} after {last}")
    last = rows.pop()
    opened += 1
print(opened, missing, torn, last)
"""


WATCHER = """
import os, subprocess, sys
tool, output, end = sys.argv[1:]
said = 0
while not os.path.exists(end):
    if os.path.exists(output) or os.path.exists(output + ".partial"):
        done = subprocess.run([tool, "watch", output, "--once"], capture_output=True, text=True)
        if done.returncode < 0 or done.returncode not in (0, 2) or done.returncode and \
                "no such file" not in done.stderr and "committed nothing" not in done.stderr:
            sys.exit(f"exit {done.returncode}: {done.stderr}")
        said += done.returncode == 0
print(said)
"""


def trial_readers(bench, reference, case, seed, folder):
    """Two readers look at the file all the time, which is killed once and resumed."""
    draw = random.Random(digest(f"readers {case.name} {seed}"))
    life = Life(bench, case, reference, folder)
    end = folder.path / "end"
    readers = [subprocess.Popen([sys.executable, "-c", *words, str(end)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
               for words in ((READER, str(folder.partial)),
                             (WATCHER, bench.tool, str(folder.output)))]
    try:
        time.sleep(0.3)  # until they are there
        life.look_after(kill_after(life.begin(), instant(reference, draw)))
        life.finish()
    finally:
        end.write_text("")
        said = [reader.communicate(timeout=RUN_LIMIT) for reader in readers]
    for name, reader, (_, complaint) in zip(("h5py", "watch"), readers, said):
        if reader.returncode:
            raise Failure(f"reader with {name}: {complaint[-500:]}")
    opened, _, torn, _ = (int(word) for word in said[0][0].split())
    life.tally["times that h5py read the file while it was written"] += opened
    life.tally["times that it was refused"] += torn
    life.tally["times that watch read it"] += int(said[1][0])
    return life.tally


HOLDER = """
import os, sys, time, h5py
path, end = sys.argv[1:]
def read(file):
    return [file[g][name][:].tobytes() for g in ("candidates", "metrics") for name in file[g]]
file = None
while file is None:
    try:
        file = h5py.File(path, "r")
    except OSError:
        time.sleep(0.002)
before = read(file)
while not os.path.exists(end):
    time.sleep(0.01)
    for dataset in list(file["candidates"].values())[:3]:
        dataset.id.refresh()
if read(file) != before:
    sys.exit("what was read differs")
print(len(before[0]) // 8)
"""


def trial_holder(bench, reference, case, seed, folder):
    """Somebody keeps the unfinished file open all the time, over a kill, to the end: he sees what
    he saw at first, and the run gets its way."""
    draw = random.Random(digest(f"holder {case.name} {seed}"))
    life = Life(bench, case, reference, folder)
    end = folder.path / "end"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder.partial), str(end)],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        life.look_after(kill_after(life.begin(), instant(reference, draw)))
        life.finish()
    finally:
        end.write_text("")
        try:
            _, complaint = holder.communicate(timeout=5)
        except subprocess.TimeoutExpired:  # never got hold of it: the run was too quick
            holder.kill()
            _, complaint = holder.communicate()
    if holder.returncode not in (0, -signal.SIGKILL):
        raise Failure(f"who keeps the file open: {complaint[-300:]}")
    life.tally["files kept open by h5py to the end"] += holder.returncode == 0
    return life.tally


# ---- Clocks --------------------------------------------------------------------------------------


def trial_pace(bench, reference, case, speed, folder):
    """No more than 5 seconds between two commits, by the clock of the run."""
    life, allowed = Life(bench, case, reference, folder), patience(5.0)
    outcome = life.begin(speed=speed).end()
    if outcome.code:
        raise Failure(str(outcome))
    times = [call.at for call in outcome.calls
             if call.operation == "sync" and ".journal" in call.path]
    if not times:
        raise Failure("no commit at all")
    longest = max(b - a for a, b in zip([outcome.calls[0].at, *times], times))
    life.tally["commits timed"] += len(times)
    life.tally["longest time between commits, ms of the run"] = int(1000 * longest)
    if longest > max(allowed, patience(5.0)):
        raise Failure(f"{longest:.1f} s between two commits")
    reference.check_finished(bench, folder)
    return life.tally


def trial_old_output(bench, reference, case, seed, folder):
    """--force: while the run is under way, and after a kill, the old file stands."""
    draw = random.Random(digest(f"old {case.name} {seed}"))
    other = run(bench, folder, case, extra=("--seed", "99"))
    if other.code:
        raise Failure(f"--seed 99: {other}")
    old = folder.output.read_bytes()
    outcome = kill_after(Process(bench, folder, case, extra=("--force",)), instant(reference, draw))
    if outcome.code and folder.output.read_bytes() != old:
        reference.check_finished(bench, folder)  # killed after the rename
    elif outcome.code:
        refused = run(bench, folder, case, extra=("--resume", "--seed", "98"))
        if refused.code != 2 or folder.output.read_bytes() != old:
            raise Failure(f"--resume with another seed: {refused}")
    outcome = run(bench, folder, case, extra=("--force",))
    if outcome.code:
        raise Failure(f"--force: {outcome}")
    reference.check_finished(bench, folder)
    tally = new_tally()
    tally["old files kept until the end"] += 1
    return tally
