#!/usr/bin/env python3
"""Ranks under mpirun give the file of one process: every search, 2 to 4 ranks; one of them is
killed, one is stopped for good, all are told to stop and the run is resumed. Whoever cannot begin
leaves the others alone.

usage: test_mpirun.py PROGRAM COMPARE [--all]    exit code 77: there is no mpirun, or no MPI in it
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

SWEEP = """[sweep]
name = t
machines = {machines}/minimal.ini, {machines}/edge-ai.ini
objectives = cycles, dram_bytes
[workload]
gemms = {gemms}
[space]
TM = divisors
TN = divisors
TK = 8, 16
d3 = 1..3
dataflow = os, ws, is
[constraints]
some = TM*TN != 64 or dataflow == ws
"""
SMALL = "a:24x40x16, b:36x18x20"
LARGE = "a:240x480x320, b:512x768x256, c:720x240x360, d:480x480x360"
POLICIES = ("front", "top 7", "sample 60")
SEARCHES = ("exhaustive", "random", "low-discrepancy", "nsga2", "exact")
MARK = "KPU_TEST_MARK"
LIMIT_S = 300


class Bench:
    def __init__(self, program, compare, folder):
        self.program, self.compare, self.folder = program, compare, folder
        self.mark = uuid.uuid4().hex
        self.env = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                        OMPI_MCA_btl_vader_single_copy_mechanism="none", **{MARK: self.mark})
        machines = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../configs")
        for name, gemms in (("small", SMALL), ("large", LARGE)):
            with open(os.path.join(folder, name + ".ini"), "w") as file:
                file.write(SWEEP.format(machines=os.path.normpath(machines), gemms=gemms))

    def arguments(self, sweep, search, output, *more, store="all"):
        choice = ["--search", search]
        if store != "all":
            choice += ["--store", store]
        if search not in ("exhaustive", "exact"):
            choice += ["--budget", "400"]
        return [self.program, "run", sweep + ".ini", "-o", output, *choice, *more]

    def alone(self, sweep, search, store="all"):
        output = "%s-%s-%s-alone.h5" % (sweep, search, store.replace(" ", "-"))
        if not os.path.exists(os.path.join(self.folder, output)):
            subprocess.run(self.arguments(sweep, search, output, "--quiet", store=store),
                           cwd=self.folder, check=True, timeout=LIMIT_S, env=self.env)
        return output

    def start(self, ranks, arguments, *last):
        """last: what one more rank is called with."""
        command = ["mpirun", "--oversubscribe", "--enable-recovery", "-n", str(ranks), *arguments]
        if last:
            command += [":", "-n", "1", *last]
        return subprocess.Popen(command, cwd=self.folder, env=self.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def rank_ids(self):
        """Process ids of the ranks that this test has started, by rank."""
        found = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % name, "rb") as file:
                    values = dict(entry.split(b"=", 1) for entry in file.read().split(b"\0")
                                  if b"=" in entry)
                if (values.get(MARK.encode()) == self.mark.encode()
                        and b"OMPI_COMM_WORLD_RANK" in values):
                    found[int(values[b"OMPI_COMM_WORLD_RANK"])] = int(name)
            except OSError:
                continue
        return found

    def wait_until_it_writes(self, process, output, ranks):
        partial = os.path.join(self.folder, output + ".partial")
        for _ in range(600):
            if process.poll() is not None:
                break
            if os.path.exists(partial) and len(self.rank_ids()) == ranks:
                time.sleep(0.6)  # all have said hello
                return
            time.sleep(0.05)
        raise SystemExit("the run was over too soon, or did not begin:\n%s" % process.communicate()[0])

    def end(self, process, expected=0):
        try:
            said = process.communicate(timeout=LIMIT_S)[0]
        except subprocess.TimeoutExpired:
            for number in self.rank_ids().values():
                os.kill(number, signal.SIGKILL)
            process.kill()
            raise SystemExit("mpirun does not end:\n%s" % process.communicate()[0])
        if process.returncode != expected:
            raise SystemExit("exit code %d, not %d:\n%s" % (process.returncode, expected, said))
        return said

    def expect_same(self, one, other, what):
        status = subprocess.run([sys.executable, self.compare, one, other], cwd=self.folder)
        if status.returncode:
            raise SystemExit("%s: another file than that of one process" % what)
        print("%s: the same file" % what, flush=True)


def compare_counts(bench, everything):
    for n, search in enumerate(SEARCHES):
        for ranks in (2, 3, 4) if everything else (2 + n % 3,):
            output = "%s-%d.h5" % (search, ranks)
            bench.end(bench.start(ranks, bench.arguments("small", search, output)))
            bench.expect_same(bench.alone("small", search), output, "%s, %d ranks" % (search, ranks))


def compare_policies(bench):
    """Which rows are kept does not depend on who evaluated them."""
    for n, search in enumerate(SEARCHES):
        for i, store in enumerate(POLICIES if search != "exact" else ("front",)):
            ranks = 2 + (n + i) % 3
            output = "%s-%s-%d.h5" % (search, store.split()[0], ranks)
            bench.end(bench.start(ranks, bench.arguments("small", search, output, store=store)))
            bench.expect_same(bench.alone("small", search, store), output,
                              "%s, --store %s, %d ranks" % (search, store, ranks))


def kill_one(bench, number, ranks, victim):
    output = "signal-%d-%d.h5" % (number, victim)
    process = bench.start(ranks, bench.arguments("large", "exhaustive", output, "--rank-patience", "1"))
    bench.wait_until_it_writes(process, output, ranks)
    victim_id = bench.rank_ids()[victim]
    os.kill(victim_id, number)
    if number == signal.SIGSTOP:
        time.sleep(4)
        os.kill(victim_id, signal.SIGKILL)  # else mpirun would wait for it
    said = bench.end(process)
    if "lost" not in said:
        raise SystemExit("nobody was lost:\n" + said)
    bench.expect_same(bench.alone("large", "exhaustive"), output,
                      "rank %d of %d gets signal %d" % (victim, ranks, number))


def fail_to_begin(bench):
    """A rank that has no sweep says so and leaves; if none has one, one says so."""
    missing = bench.arguments("missing", "exhaustive", "begin.h5")
    good = bench.arguments("small", "exhaustive", "begin.h5")
    said = bench.end(bench.start(2, good, *missing))
    if said.count("cannot be opened") != 1 or "1 of them was lost" not in said:
        raise SystemExit("one rank has no sweep:\n" + said)
    bench.expect_same(bench.alone("small", "exhaustive"), "begin.h5", "one of 3 ranks has no sweep")
    said = bench.end(bench.start(3, missing))
    if said.count("cannot be opened") != 1:
        raise SystemExit("no rank has a sweep:\n" + said)


def lose_the_first(bench, store):
    """All is lost but the file, and the run is resumed by fewer ranks."""
    output = "first-%s.h5" % store.split()[0]
    arguments = bench.arguments("large", "exhaustive", output, store=store)
    process = bench.start(3, arguments)
    bench.wait_until_it_writes(process, output, 3)
    ids = bench.rank_ids()
    os.kill(ids[0], signal.SIGKILL)
    for rank in (1, 2):  # nobody is there to tell them
        os.kill(ids[rank], signal.SIGTERM)
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        raise SystemExit("ranks that are told to stop do not")
    bench.end(bench.start(2, arguments + ["--resume"]))
    bench.expect_same(bench.alone("large", "exhaustive", store), output,
                      "--store %s, rank 0 is killed, then resumed" % store)


def main():
    program, compare = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    everything = "--all" in sys.argv[3:]
    if not shutil.which("mpirun") or b"libmpi" not in subprocess.run(
            ["ldd", program], stdout=subprocess.PIPE).stdout:
        print("no mpirun, or kpu-dse was built without MPI: skipped")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(program, compare, folder)
        compare_counts(bench, everything)
        fail_to_begin(bench)
        kill_one(bench, signal.SIGKILL, 3, 2)
        if everything:
            kill_one(bench, signal.SIGKILL, 2, 1)
            kill_one(bench, signal.SIGSTOP, 3, 1)
            compare_policies(bench)
            for store in ("all", "front", "sample 60"):
                lose_the_first(bench, store)
    return 0


if __name__ == "__main__":
    sys.exit(main())
