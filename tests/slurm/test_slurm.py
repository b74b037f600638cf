#!/usr/bin/env python3
"""The job scripts of docs/clusters.md on a Slurm of one node: an array of parts and their merge,
ranks by mpirun and by srun, tasks that are told to stop or preempted and go on. Each gives the file
of a single run, dataset by dataset. Exit code 77: no Slurm can be started here; it says why."""

import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "same_bytes"))
import compare_results  # noqa: E402
import slurm_node  # noqa: E402

SCRIPTS = os.path.join(SOURCE, "docs", "slurm")
PAGE = os.path.join(SOURCE, "docs", "clusters.md")
SKIPPED = 77
LIMIT_S = 240
GONE_S = 2
STOP_S = 0.4  # from its first file on: a task is on its way

# Seconds of processor time; the long one so many that a task can be stopped on its way.
SWEEPS = {"short": "16..64 +16", "long": "16..64 +2"}
SWEEP = """\
[sweep]
name = cluster
machines = {source}/configs/default.ini
[workload]
gemms = square:{size}x{size}x{size}, odd:67x130x201 x3
[machine_axes]
dma.gb_per_s = 70/3, 100
[space]
TM = {tiles}
TN = 16..64 x2
TK = 16, 32
dataflow = os, ws, is
swap = 0, 1
d3 = 1, 2/1/3
d2 = 1..3
d1 = 1, 2
control = iddo, eddo
"""


class Failure(Exception):
    pass


class Cluster:
    """A node, a folder on it, and jobs of ours."""

    def __init__(self, node, program, folder):
        self.node, self.program, self.folder = node, program, folder
        self.hurried = set()
        self.environment = dict(node.environment)
        self.environment["PATH"] = os.pathsep.join([os.path.dirname(program),
                                                    self.environment["PATH"]])
        self.environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")

    def path(self, name):
        return os.path.join(self.folder, name)

    def call(self, *command):
        done = subprocess.run(command, env=self.environment, cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=LIMIT_S, check=False)
        if done.returncode != 0:
            raise Failure("exit code %d of %s:\n%s" % (done.returncode, " ".join(command),
                                                       done.stdout))
        return done.stdout

    def submit(self, script, *arguments, options=()):
        """The number of the job."""
        return self.call("sbatch", "--parsable", *options, os.path.join(SCRIPTS, script),
                         *arguments).strip()

    def signal(self, job, name, *options):
        """To its steps, or to its shell (--batch); Slurm may be too busy for that."""
        for _ in range(10):
            done = subprocess.run(["scancel", "--signal=" + name, *options, job],
                                  env=self.environment, stdin=subprocess.DEVNULL, timeout=LIMIT_S,
                                  check=False)
            if done.returncode == 0:
                return
            time.sleep(0.1)
        raise Failure("scancel cannot signal %s" % job)

    def queue(self, job):
        """State and reason of each task of it that is not done."""
        return [line.split() for line in self.node.call(
            "squeue", "-h", "-r", "-j", job, "-o", "%i %T %r").splitlines()
                if line.startswith(job)]

    def hurry(self, job):
        """Slurm lets two minutes pass before what was queued again starts, as a credential of the
        same second would be taken for the one that was revoked."""
        for task, state, reason in self.queue(job):
            if state == "PENDING" and reason == "BeginTime" and task not in self.hurried:
                self.node.call("scontrol", "update", "JobId=" + task, "StartTime=now+4seconds")
                self.hurried.add(task)

    def wait(self, job):
        """Until it is not in the queue any more, for a while: between its end and its return a
        task that is queued again is not there."""
        end = time.monotonic() + LIMIT_S
        gone_since = None
        while gone_since is None or time.monotonic() < gone_since + GONE_S:
            gone_since = None if self.queue(job) else gone_since or time.monotonic()
            self.hurry(job)
            if time.monotonic() > end:
                raise Failure("job %s is still there:\n%s\n%s" % (job, self.queue(job),
                                                                  self.logs()))
            time.sleep(0.2)

    def logs(self):
        text = ""
        for path in sorted(glob.glob(self.path("*.log"))):
            with open(path, encoding="utf-8", errors="replace") as file:
                text += "%s:\n%s\n" % (os.path.basename(path), file.read())
        return text

    def wait_for_file(self, name, task_job):
        """That a run has begun to write."""
        end = time.monotonic() + LIMIT_S
        while not os.path.exists(self.path(name)):
            if time.monotonic() > end or not self.queue(task_job):
                raise Failure("%s did not come into being\n%s" % (name, self.logs()))
            time.sleep(0.02)

    def expect_state(self, job, pattern):
        state = self.call("scontrol", "show", "job", job)
        if not re.search(pattern, state):
            raise Failure("no %s:\n%s\n%s" % (pattern, state, self.logs()))

    def expect_same(self, name, sweep):
        if not os.path.exists(self.path(name)):
            raise Failure("there is no %s\n%s" % (name, self.logs()))
        difference = compare_results.compare(self.path(sweep + ".h5"), self.path(name))
        if difference:
            raise Failure("A is a single run, B %s: %s" % (name, difference))

    def expect_logged(self, pattern, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as file:
            text = file.read()
        if not re.search(pattern, text):
            raise Failure("%s has nothing like \"%s\":\n%s" % (name, pattern, text))


# ---- What is tried ---------------------------------------------------------------------------

ONE_CORE = ("--cpus-per-task=1",)


def array_and_merge(cluster):
    """Five parts, and a merge that waits for them."""
    array = cluster.submit("parts.sbatch", "short.ini", "array.h5",
                           options=("--array=1-5", *ONE_CORE))
    merge = cluster.submit("merge.sbatch", "array.h5", options=("--dependency=afterok:" + array,))
    cluster.wait(merge)
    cluster.expect_same("array.h5", "short")


def told_to_stop(cluster):
    """Task 2 is told to stop, as if its time were up; it asks to be queued again, and the merge waits
    for it. Task 3 is preempted: Slurm tells it to stop, and queues it again."""
    array = cluster.submit("parts.sbatch", "long.ini", "again.h5",
                           options=("--array=1-3", *ONE_CORE))
    merge = cluster.submit("merge.sbatch", "again.h5", options=("--dependency=afterok:" + array,))
    for task in range(1, 4):
        cluster.wait_for_file("again.shard-%d-of-3.h5.partial" % task, array)
    time.sleep(STOP_S)
    cluster.signal(array + "_2", "TERM")
    cluster.call("scontrol", "requeue", array + "_3")
    cluster.wait(array)
    cluster.wait(merge)
    cluster.expect_logged("interrupted; [0-9,]+ rows are kept", "kpu-parts-%s-2.log" % array)
    cluster.expect_logged("REQUEUE", "kpu-parts-%s-3.log" % array)
    cluster.expect_same("again.h5", "long")


def a_part_is_missing(cluster):
    """Tasks 1 and 2 are cancelled: the merge says what is missing. They are submitted again alone, go
    on, and are merged."""
    array = cluster.submit("parts.sbatch", "long.ini", "part.h5",
                           options=("--array=1-3", *ONE_CORE))
    for task in (1, 2):
        cluster.wait_for_file("part.shard-%d-of-3.h5.partial" % task, array)
    time.sleep(STOP_S)
    cluster.call("scancel", array + "_1", array + "_2")
    cluster.wait(array)
    for task in (1, 2):
        if os.path.exists(cluster.path("part.shard-%d-of-3.h5" % task)):
            raise Failure("task %d was done before it was cancelled" % task)
    merge = cluster.submit("merge.sbatch", "part.h5")
    cluster.wait(merge)
    cluster.expect_logged("of 3 parts these are missing: 1-2;", "kpu-merge-%s.log" % merge)
    some = cluster.submit("parts.sbatch", "long.ini", "part.h5", "3",
                          options=("--array=1,2", *ONE_CORE))
    merge = cluster.submit("merge.sbatch", "part.h5", options=("--dependency=afterok:" + some,))
    cluster.wait(merge)
    cluster.expect_same("part.h5", "long")


def by_mpirun(cluster):
    job = cluster.submit("mpirun.sbatch", "short.ini", "mpirun.h5",
                         options=("--ntasks=3", *ONE_CORE))
    cluster.wait(job)
    cluster.expect_same("mpirun.h5", "short")


def by_srun(cluster):
    job = cluster.submit("srun.sbatch", "short.ini", "srun.h5", options=("--ntasks=3", *ONE_CORE))
    cluster.wait(job)
    cluster.expect_same("srun.h5", "short")


def ranks_preempted(cluster):
    job = cluster.submit("srun.sbatch", "long.ini", "preempted.h5",
                         options=("--ntasks=2", *ONE_CORE))
    cluster.wait_for_file("preempted.h5.partial", job)
    time.sleep(STOP_S)
    cluster.call("scontrol", "requeue", job)
    cluster.wait(job)
    cluster.expect_logged("REQUEUE", "kpu-ranks-%s.log" % job)
    cluster.expect_same("preempted.h5", "long")


def ranks_told_to_stop(cluster):
    """As if the time were up: the job queues itself again."""
    job = cluster.submit("srun.sbatch", "long.ini", "told.h5",
                         options=("--ntasks=2", *ONE_CORE))
    cluster.wait_for_file("told.h5.partial", job)
    time.sleep(STOP_S)
    cluster.signal(job, "TERM")
    cluster.wait(job)
    cluster.expect_logged("interrupted; [0-9,]+ rows are kept", "kpu-ranks-%s.log" % job)
    cluster.expect_same("told.h5", "long")


def mpirun_told_to_stop(cluster):
    """The same. mpirun takes a second to tell the ranks, and shows nothing of what they say then."""
    job = cluster.submit("mpirun.sbatch", "long.ini", "told-mpirun.h5",
                         options=("--ntasks=2", *ONE_CORE))
    cluster.wait_for_file("told-mpirun.h5.partial", job)
    cluster.signal(job, "TERM", "--batch")
    cluster.wait(job)
    cluster.expect_state(job, "Restarts=[1-9]")
    cluster.expect_same("told-mpirun.h5", "long")


def mpirun_fails(cluster):
    """The job has failed, though mpirun says that all is well."""
    job = cluster.submit("mpirun.sbatch", "nothing.ini", "fails.h5",
                         options=("--ntasks=2", *ONE_CORE))
    cluster.wait(job)
    cluster.expect_state(job, "JobState=FAILED")


def has_mpi(cluster):
    if "libmpi" not in cluster.call("ldd", cluster.program):
        return "kpu-dse was built without MPI"
    return None


def has_mpirun(cluster):
    return has_mpi(cluster) or (None if slurm_node.shutil.which("mpirun") else "no mpirun")


def has_pmix(cluster):
    if "pmix" not in cluster.node.call("srun", "--mpi=list"):
        return "this Slurm has no PMIx"
    return has_mpi(cluster)


TRIALS = [
    ("array, then merge", array_and_merge, None),
    ("stopped, preempted", told_to_stop, None),
    ("parts that are missing", a_part_is_missing, None),
    ("mpirun in a job", by_mpirun, has_mpirun),
    ("mpirun told to stop", mpirun_told_to_stop, has_mpirun),
    ("mpirun fails", mpirun_fails, has_mpirun),
    ("srun starts ranks", by_srun, has_pmix),
    ("ranks preempted", ranks_preempted, has_pmix),
    ("ranks told to stop", ranks_told_to_stop, has_pmix),
]


def page_has_scripts():
    """The page shows the very scripts that are tried here."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    wrong = 0
    for path in sorted(glob.glob(os.path.join(SCRIPTS, "*.sbatch"))):
        with open(path, encoding="utf-8") as file:
            script = file.read()
        if script not in page:
            print("docs/clusters.md does not show docs/slurm/%s as it is" % os.path.basename(path))
            wrong += 1
    return wrong


def run_alone(cluster, sweep, tiles, size):
    """SWEEP.ini, and its results by one process, SWEEP.h5."""
    with open(cluster.path(sweep + ".ini"), "w", encoding="utf-8") as file:
        file.write(SWEEP.format(source=SOURCE, size=size, tiles=tiles))
    began = time.monotonic()
    cluster.call("kpu-dse", "run", sweep + ".ini", "-q", "-o", sweep + ".h5")
    print("single run, %s: %.1f s" % (sweep, time.monotonic() - began), flush=True)


def run_trials(cluster):
    wrong = 0
    for title, trial, obstacle in TRIALS:
        reason = obstacle(cluster) if obstacle else None
        if reason:
            print("%s: skipped: %s" % (title, reason), flush=True)
            continue
        began = time.monotonic()
        try:
            trial(cluster)
            print("%s: the same file, %.1f s" % (title, time.monotonic() - began), flush=True)
        except (Failure, OSError, subprocess.TimeoutExpired) as problem:
            wrong += 1
            print("%s: FAILED: %s" % (title, problem), flush=True)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", help="kpu-dse")
    parser.add_argument("--page", action="store_true", help="only compare the page with the scripts")
    parser.add_argument("--size", type=int, default=512, help="of the larger GEMM (512)")
    arguments = parser.parse_args()
    if arguments.page:
        return 1 if page_has_scripts() else 0
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        try:
            with slurm_node.SlurmNode(os.path.join(folder, "node")) as node:
                cluster = Cluster(node, os.path.abspath(arguments.program), folder)
                for sweep, tiles in SWEEPS.items():
                    run_alone(cluster, sweep, tiles, arguments.size)
                return 1 if run_trials(cluster) else 0
        except slurm_node.CannotStart as reason:
            print("Skipped: %s" % reason)
            return SKIPPED


if __name__ == "__main__":
    sys.exit(main())
